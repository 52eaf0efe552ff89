// SPDX-License-Identifier: MIT OR Apache-2.0
//! Buffered values of one column. Any value may be missing. A list has one leaf per field of its elements.

use bytes::Bytes;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedColumnWriter;

use crate::columns::row::Row;
use crate::columns::value::Value;
use crate::columns::{Column, ColumnKind};
use crate::print::time::TimePrinter;
use crate::remarks::Remarks;

/// The buffered values of a column.
#[derive(Debug)]
pub(super) struct ColumnBuffer {
    column: &'static Column,
    pub(super) leaves: Vec<Leaf>,
}

impl ColumnBuffer {
    pub(super) fn new(column: &'static Column) -> Self {
        let leaves = match column.kind {
            ColumnKind::List(fields) => fields.iter().map(|(_, kind)| Leaf::new(*kind)).collect(),
            kind => vec![Leaf::new(kind)],
        };
        Self { column, leaves }
    }

    /// Returns the size of the buffered values in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.leaves.iter().map(Leaf::bytes).sum()
    }

    /// Adds the value of a row.
    pub(super) fn add(&mut self, row: &Row<'_>, clock: &mut TimePrinter, remarks: &mut Remarks) {
        let value = (self.column.value)(row);
        if self.column.kind == ColumnKind::Text {
            value.remark(remarks);
        }
        match value {
            Value::List(list) => {
                let mut repetition = 0;
                let mut size = self.bytes();
                list.for_each(|values| {
                    for (leaf, value) in self.leaves.iter_mut().zip(values) {
                        leaf.repetitions.push(repetition);
                        leaf.add(value, ELEMENT, clock);
                    }
                    repetition = 1;
                    let before = std::mem::replace(&mut size, self.bytes());
                    size - before
                });
                if repetition == 0 {
                    self.add_level(EMPTY_LIST);
                }
            }
            Value::Absent if matches!(self.column.kind, ColumnKind::List(_)) => {
                self.add_level(ABSENT);
            }
            value => self.leaves[0].add(&value, ABSENT, clock),
        }
    }

    /// Adds a list without elements.
    fn add_level(&mut self, level: i16) {
        for leaf in &mut self.leaves {
            leaf.repetitions.push(0);
            leaf.definitions.push(level);
        }
    }
}

/// Definition levels: how much of the path to a value is present.
const ABSENT: i16 = 0;
const EMPTY_LIST: i16 = 1;
const ELEMENT: i16 = 2;

/// The buffered values of a column of the file.
#[derive(Debug)]
pub(super) struct Leaf {
    values: LeafValues,
    definitions: Vec<i16>,
    /// 1 for each element of a list after its first. Empty if the column is not a list.
    repetitions: Vec<i16>,
}

#[derive(Debug)]
enum LeafValues {
    /// The bytes of all values, and the end of each.
    Bytes(Vec<u8>, Vec<usize>),
    Numbers(Vec<i32>),
    Flags(Vec<bool>),
    Times(Vec<i64>),
    Seconds(Vec<f64>),
}

impl Leaf {
    fn new(kind: ColumnKind) -> Self {
        let values = match kind {
            ColumnKind::Number => LeafValues::Numbers(Vec::new()),
            ColumnKind::Flag => LeafValues::Flags(Vec::new()),
            ColumnKind::Time => LeafValues::Times(Vec::new()),
            ColumnKind::Duration => LeafValues::Seconds(Vec::new()),
            // A list in a list does not occur.
            ColumnKind::Text | ColumnKind::Bytes | ColumnKind::List(_) => {
                LeafValues::Bytes(Vec::new(), Vec::new())
            }
        };
        Self { values, definitions: Vec::new(), repetitions: Vec::new() }
    }

    fn bytes(&self) -> usize {
        let values = match &self.values {
            LeafValues::Bytes(bytes, ends) => bytes.len() + size_of_val(&ends[..]),
            LeafValues::Numbers(numbers) => size_of_val(&numbers[..]),
            LeafValues::Flags(flags) => flags.len(),
            LeafValues::Times(times) => size_of_val(&times[..]),
            LeafValues::Seconds(seconds) => size_of_val(&seconds[..]),
        };
        values + size_of_val(&self.definitions[..]) + size_of_val(&self.repetitions[..])
    }

    /// Adds a value. `absent` is the definition level if it is missing.
    fn add(&mut self, value: &Value<'_>, absent: i16, clock: &mut TimePrinter) {
        match (&mut self.values, value) {
            (_, Value::Absent) => return self.definitions.push(absent),
            // The schema marks the number as unsigned.
            (LeafValues::Numbers(numbers), Value::Number(number)) => numbers.push(*number as i32),
            (LeafValues::Flags(flags), Value::Flag(flag)) => flags.push(*flag),
            // `Time` is at most that of the year 2262.
            (LeafValues::Times(times), Value::Time(time)) => times.push(*time as i64),
            (LeafValues::Seconds(seconds), Value::Duration(time)) => {
                seconds.push(*time as f64 / 1e9);
            }
            (LeafValues::Bytes(bytes, ends), value) => {
                match value {
                    Value::Bytes(raw) | Value::TextOrBytes(raw) => bytes.extend_from_slice(raw),
                    text => text.print(clock, bytes),
                }
                ends.push(bytes.len());
            }
            (values, value) => {
                debug_assert!(false, "{value:?} is not for {values:?}");
                return self.definitions.push(absent);
            }
        }
        self.definitions.push(absent + 1);
    }

    /// Writes the values and empties the buffer.
    pub(super) fn write(
        &mut self,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> Result<(), ParquetError> {
        let levels = (&self.definitions[..], &self.repetitions[..]);
        match &mut self.values {
            LeafValues::Bytes(bytes, ends) => {
                let bytes = Bytes::from(std::mem::take(bytes));
                let starts = std::iter::once(&0).chain(&*ends);
                let mut values: Vec<ByteArray> = starts
                    .zip(&*ends)
                    .map(|(start, end)| bytes.slice(*start..*end).into())
                    .collect();
                write::<ByteArrayType>(writer, &mut values, levels)?;
                ends.clear();
            }
            LeafValues::Numbers(numbers) => write::<Int32Type>(writer, numbers, levels)?,
            LeafValues::Flags(flags) => write::<BoolType>(writer, flags, levels)?,
            LeafValues::Times(times) => write::<Int64Type>(writer, times, levels)?,
            LeafValues::Seconds(seconds) => write::<DoubleType>(writer, seconds, levels)?,
        }
        self.definitions.clear();
        self.repetitions.clear();
        Ok(())
    }
}

fn write<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &mut Vec<T::T>,
    (definitions, repetitions): (&[i16], &[i16]),
) -> Result<(), ParquetError> {
    let repetitions = Some(repetitions).filter(|levels| !levels.is_empty());
    writer.typed::<T>().write_batch(values, Some(definitions), repetitions)?;
    values.clear();
    Ok(())
}
