// SPDX-License-Identifier: MIT OR Apache-2.0
//! One Parquet file.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::column::{Column, Kind};
use super::row::COLUMNS;
use crate::capture::output_file::{self, Unread};
use crate::capture::partial_file::Published;
use crate::capture::sink::Sink;
use crate::dnstap::output::OutputError;

/// An open file.
pub struct ParquetFile {
    name: PathBuf,
    /// Where it is until it is complete, if it is a regular file.
    partial: Option<PathBuf>,
    writer: SerializedFileWriter<Sinking>,
    /// Rows so far.
    rows: usize,
}

/// A sink as the writer wants it.
struct Sinking(Sink);

impl Write for Sinking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes).map(|()| bytes.len()).map_err(|cut| cut.error)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ParquetFile {
    /// Opens what `name` stands for.
    pub fn open(name: &Path, stop: Arc<AtomicBool>) -> Result<Self, OutputError> {
        let shown = name.display();
        let opened = output_file::open(name, Unread::Wait, &stop)
            .and_then(|(file, partial)| Ok((Sink::new(file, stop)?, partial)));
        let (sink, partial) = opened.map_err(|error| {
            OutputError::Failed(format!("failed to open output file {shown}: {error}"))
        })?;
        let writer = schema().and_then(|schema| {
            SerializedFileWriter::new(Sinking(sink), schema, Arc::new(properties()))
        });
        let writer = writer.map_err(|error| failed(name, error, 0))?;
        Ok(Self { name: name.into(), partial, writer, rows: 0 })
    }

    /// Whether it is no regular file, and so has no other behind it.
    pub fn is_special(&self) -> bool {
        self.partial.is_none()
    }

    /// Writes the values of all columns, which are empty then: of so many rows.
    pub fn write(&mut self, columns: &mut [Column], rows: usize) -> Result<(), OutputError> {
        self.rows += rows;
        let group = || {
            let mut group = self.writer.next_row_group()?;
            for column in columns {
                if let Some(mut writer) = group.next_column()? {
                    column.write(&mut writer)?;
                    writer.close()?;
                }
            }
            group.close()
        };
        group().map(drop).map_err(|error| failed(&self.name, error, self.rows))
    }

    /// Removes it: without its end nothing in it can be read.
    pub fn abandon(self) {
        // Why it is not complete was told.
        self.partial.map(fs::remove_file);
    }

    /// Completes it, and returns the name that it has then.
    pub fn close(self, published: &mut Published) -> Result<Option<PathBuf>, OutputError> {
        let Self { name, partial, writer, rows } = self;
        if let Err(error) = writer.close() {
            partial.map(fs::remove_file);
            return Err(failed(&name, error, rows));
        }
        let Some(partial) = partial else { return Ok(None) };
        let path = published.publish(&partial, &name);
        path.map(Some).map_err(|error| OutputError::new(&name.display().to_string(), &error))
    }
}

/// What an error means for a file of so many rows.
fn failed(name: &Path, error: ParquetError, rows: usize) -> OutputError {
    let error = match error {
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return OutputError::ReaderGone;
            }
            Ok(error) => error.to_string(),
            Err(error) => error.to_string(),
        },
        error => error.to_string(),
    };
    let name = name.display();
    OutputError::Failed(format!("failed to write {name}: {error} ({rows} rows lost)"))
}

fn schema() -> Result<TypePtr, ParquetError> {
    static SCHEMA: OnceLock<TypePtr> = OnceLock::new();
    if let Some(schema) = SCHEMA.get() {
        return Ok(schema.clone());
    }
    let mut text = String::from("message dnstap {\n");
    for (name, kind) in COLUMNS {
        let (physical, logical) = kind.schema();
        // A string takes all that it is given.
        let _ = writeln!(text, "optional {physical} {name}{logical};");
    }
    text.push('}');
    let schema = Arc::new(parse_message_type(&text)?);
    Ok(SCHEMA.get_or_init(|| schema).clone())
}

fn properties() -> WriterProperties {
    let compression = Compression::ZSTD(ZstdLevel::default());
    let mut properties = WriterProperties::builder().set_compression(compression);
    for (name, kind) in COLUMNS {
        let path = || ColumnPath::from(*name);
        // Of these hardly any two are the same, or are looked for by range.
        if matches!(kind, Kind::Bytes | Kind::Time) {
            properties = properties.set_column_dictionary_enabled(path(), false);
        }
        if *kind == Kind::Bytes {
            let none = EnabledStatistics::None;
            properties = properties.set_column_statistics_enabled(path(), none);
        }
    }
    properties.build()
}
