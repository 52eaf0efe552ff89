// SPDX-License-Identifier: MIT OR Apache-2.0
//! Serialization of Parquet files.

use std::fmt::Write as _;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};

use super::column::{Column, ColumnKind};
use super::row::COLUMNS;

/// A writer of one file.
pub(crate) struct ParquetWriter(SerializedFileWriter<Vec<u8>>);

impl ParquetWriter {
    /// Starts a file.
    pub(crate) fn new() -> Result<Self, ParquetError> {
        SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(properties())).map(Self)
    }

    /// Appends a group of rows to `out` and empties the columns.
    pub(crate) fn group(
        &mut self,
        columns: &mut [Column],
        out: &mut Vec<u8>,
    ) -> Result<(), ParquetError> {
        self.write_into(out, |file| {
            let mut group = file.next_row_group()?;
            for column in columns {
                if let Some(mut writer) = group.next_column()? {
                    column.write(&mut writer)?;
                    writer.close()?;
                }
            }
            group.close().map(drop)
        })
    }

    /// Appends the footer of the file to `out`.
    pub(crate) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), ParquetError> {
        self.write_into(out, |file| file.finish().map(drop))
    }

    /// Returns the number of bytes written to the file.
    pub(crate) fn size(&self) -> u64 {
        self.0.bytes_written() as u64
    }

    /// Lets the file write directly to `out`, which avoids a second buffer of the same size.
    fn write_into(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut SerializedFileWriter<Vec<u8>>) -> Result<(), ParquetError>,
    ) -> Result<(), ParquetError> {
        self.0.flush()?;
        // A new file has written its magic number already.
        out.append(self.0.inner_mut());
        std::mem::swap(self.0.inner_mut(), out);
        let written = write(&mut self.0).and_then(|()| Ok(self.0.flush()?));
        std::mem::swap(self.0.inner_mut(), out);
        written
    }
}

fn schema() -> Result<TypePtr, ParquetError> {
    let mut text = String::from("message dnstap {\n");
    for (name, kind) in COLUMNS {
        let (physical, logical) = kind.schema();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "optional {physical} {name}{logical};");
    }
    text.push('}');
    parse_message_type(&text).map(Arc::new)
}

fn properties() -> WriterProperties {
    let compression = Compression::ZSTD(ZstdLevel::default());
    let mut properties = WriterProperties::builder().set_compression(compression);
    for (name, kind) in COLUMNS {
        let path = || ColumnPath::from(*name);
        // Values of these columns are rarely equal.
        if matches!(kind, ColumnKind::Bytes | ColumnKind::Time) {
            properties = properties.set_column_dictionary_enabled(path(), false);
        }
        // These columns are not searched by range.
        if *kind == ColumnKind::Bytes {
            let none = EnabledStatistics::None;
            properties = properties.set_column_statistics_enabled(path(), none);
        }
    }
    properties.build()
}
