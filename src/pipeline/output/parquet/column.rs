// SPDX-License-Identifier: MIT OR Apache-2.0
//! Buffered values of one column. Any value may be missing.

use bytes::Bytes;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;

/// The type of the values in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// UTF-8 text with many equal values.
    Text,
    Bytes,
    /// A 32-bit number.
    Number,
    Flag,
    /// Nanoseconds since 1970.
    Time,
}

impl ColumnKind {
    /// Returns the parts of the column's schema before and after its name.
    pub(crate) fn schema(self) -> (&'static str, &'static str) {
        match self {
            Self::Text => ("BYTE_ARRAY", " (STRING)"),
            Self::Bytes => ("BYTE_ARRAY", ""),
            Self::Number => ("INT32", " (INTEGER(32,false))"),
            Self::Flag => ("BOOLEAN", ""),
            Self::Time => ("INT64", " (TIMESTAMP(NANOS,true))"),
        }
    }
}

/// The buffered values of a column.
#[derive(Debug)]
pub(crate) struct Column {
    values: ColumnValues,
    /// For each row, 1 if there is a value and 0 otherwise.
    levels: Vec<i16>,
}

#[derive(Debug)]
enum ColumnValues {
    /// The bytes of all values, and the end of each.
    Bytes(Vec<u8>, Vec<usize>),
    Numbers(Vec<i32>),
    Flags(Vec<bool>),
    Times(Vec<i64>),
}

impl Column {
    pub(crate) fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Text | ColumnKind::Bytes => ColumnValues::Bytes(Vec::new(), Vec::new()),
            ColumnKind::Number => ColumnValues::Numbers(Vec::new()),
            ColumnKind::Flag => ColumnValues::Flags(Vec::new()),
            ColumnKind::Time => ColumnValues::Times(Vec::new()),
        };
        Self { values, levels: Vec::new() }
    }

    /// Returns the size of the buffered values in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let values = match &self.values {
            ColumnValues::Bytes(bytes, ends) => bytes.len() + size_of_val(&ends[..]),
            ColumnValues::Numbers(numbers) => size_of_val(&numbers[..]),
            ColumnValues::Flags(flags) => flags.len(),
            ColumnValues::Times(times) => size_of_val(&times[..]),
        };
        values + size_of_val(&self.levels[..])
    }

    /// Adds a row without a value.
    pub(crate) fn skip(&mut self) {
        self.levels.push(0);
    }

    pub(crate) fn number(&mut self, number: u32) {
        if let ColumnValues::Numbers(numbers) = &mut self.values {
            // The schema marks the number as unsigned.
            numbers.push(number as i32);
            self.levels.push(1);
        }
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        if let ColumnValues::Flags(flags) = &mut self.values {
            flags.push(flag);
            self.levels.push(1);
        }
    }

    pub(crate) fn time(&mut self, time: i64) {
        if let ColumnValues::Times(times) = &mut self.values {
            times.push(time);
            self.levels.push(1);
        }
    }

    /// Adds the bytes that `print` appends, or a row without a value if it returns `None`.
    pub(crate) fn print(&mut self, print: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        if let ColumnValues::Bytes(bytes, ends) = &mut self.values {
            let start = bytes.len();
            if print(bytes).is_some() {
                ends.push(bytes.len());
                self.levels.push(1);
            } else {
                bytes.truncate(start);
                self.levels.push(0);
            }
        }
    }

    /// Writes the values and empties the column.
    pub(crate) fn write(
        &mut self,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        fn all<T: DataType>(
            writer: &mut SerializedColumnWriter<'_>,
            values: &mut Vec<T::T>,
            levels: &[i16],
        ) -> Result<(), ParquetError> {
            writer.typed::<T>().write_batch(values, Some(levels), None)?;
            values.clear();
            Ok(())
        }
        match &mut self.values {
            ColumnValues::Bytes(bytes, ends) => {
                let bytes = Bytes::from(std::mem::take(bytes));
                let starts = std::iter::once(&0).chain(&*ends);
                let mut values: Vec<ByteArray> = starts
                    .zip(&*ends)
                    .map(|(start, end)| bytes.slice(*start..*end).into())
                    .collect();
                all::<ByteArrayType>(writer, &mut values, &self.levels)?;
                ends.clear();
            }
            ColumnValues::Numbers(numbers) => all::<Int32Type>(writer, numbers, &self.levels)?,
            ColumnValues::Flags(flags) => all::<BoolType>(writer, flags, &self.levels)?,
            ColumnValues::Times(times) => all::<Int64Type>(writer, times, &self.levels)?,
        }
        self.levels.clear();
        Ok(())
    }
}
