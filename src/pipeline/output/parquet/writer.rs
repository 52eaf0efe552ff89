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

use super::column::ColumnBuffer;
use crate::columns::{Column, ColumnKind};

/// A writer of one file.
pub(crate) struct ParquetWriter(SerializedFileWriter<Vec<u8>>);

impl ParquetWriter {
    /// Starts a file.
    pub(crate) fn new(columns: &[&'static Column]) -> Result<Self, ParquetError> {
        let properties = Arc::new(properties(columns));
        SerializedFileWriter::new(Vec::new(), schema(columns)?, properties).map(Self)
    }

    /// Appends a group of rows to `out` and empties the columns.
    pub(crate) fn group(
        &mut self,
        columns: &mut [ColumnBuffer],
        out: &mut Vec<u8>,
    ) -> Result<(), ParquetError> {
        self.write_into(out, |file| {
            let mut group = file.next_row_group()?;
            for leaf in columns.iter_mut().flat_map(|column| &mut column.leaves) {
                if let Some(mut writer) = group.next_column()? {
                    leaf.write(&mut writer)?;
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

fn schema(columns: &[&'static Column]) -> Result<TypePtr, ParquetError> {
    let mut text = String::from("message dnstap {\n");
    for column in columns {
        add_to_schema(column.name, column.kind, &mut text);
    }
    text.push('}');
    parse_message_type(&text).map(Arc::new)
}

fn add_to_schema(name: &str, kind: ColumnKind, text: &mut String) {
    let (physical, logical) = match kind {
        ColumnKind::Text => ("BYTE_ARRAY", " (STRING)"),
        ColumnKind::Bytes => ("BYTE_ARRAY", ""),
        ColumnKind::Number => ("INT32", " (INTEGER(32,false))"),
        ColumnKind::Flag => ("BOOLEAN", ""),
        ColumnKind::Time => ("INT64", " (TIMESTAMP(NANOS,true))"),
        ColumnKind::Duration => ("DOUBLE", ""),
        ColumnKind::List(fields) => {
            let before = "(LIST) { repeated group list { required group element {";
            // Writing to a string cannot fail.
            let _ = writeln!(text, "optional group {name} {before}");
            for (name, kind) in fields {
                add_to_schema(name, *kind, text);
            }
            text.push_str("} } }\n");
            return;
        }
    };
    let _ = writeln!(text, "optional {physical} {name}{logical};");
}

fn properties(columns: &[&'static Column]) -> WriterProperties {
    let compression = Compression::ZSTD(ZstdLevel::default());
    let mut properties = WriterProperties::builder().set_compression(compression);
    for column in columns {
        let path = || ColumnPath::from(column.name);
        // Values of these columns are rarely equal.
        if matches!(column.kind, ColumnKind::Bytes | ColumnKind::Time | ColumnKind::Duration) {
            properties = properties.set_column_dictionary_enabled(path(), false);
        }
        // These columns are not searched by range.
        if column.kind == ColumnKind::Bytes {
            let none = EnabledStatistics::None;
            properties = properties.set_column_statistics_enabled(path(), none);
        }
    }
    properties.build()
}
