// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows as JSON objects. Absent values have no member.

use printable::text::TextSink;

use super::ValuePrinter;
use crate::columns::row::Row;
use crate::columns::value::{List, Value};
use crate::columns::{Column, ColumnKind};
use crate::print::json::JsonEscaped;
use crate::print::time::TimePrinter;

/// A column as a member of objects.
pub(super) struct Member {
    key: Key,
    pub(super) column: &'static Column,
    /// The keys of the fields of elements, if the column is a list.
    fields: Vec<Key>,
}

/// The text around a value.
struct Key {
    /// The comma before the member, its name, the colon, and the quote before a string.
    before: String,
    /// True if the value is a string.
    is_quoted: bool,
}

impl Key {
    fn new(name: &str, kind: ColumnKind) -> Self {
        let is_quoted = match kind {
            ColumnKind::Text | ColumnKind::Bytes | ColumnKind::Time => true,
            ColumnKind::Number | ColumnKind::Flag | ColumnKind::Duration | ColumnKind::List(_) => {
                false
            }
        };
        let quote = if is_quoted { "\"" } else { "" };
        Self { before: format!(",\"{name}\":{quote}"), is_quoted }
    }

    /// Appends a member with a value that is not a list.
    fn print(&self, value: &Value<'_>, clock: &mut TimePrinter, out: &mut Vec<u8>) {
        out.str(&self.before);
        match value {
            Value::Text(_)
            | Value::TextOrBytes(_)
            | Value::Owned(_)
            | Value::Name(..)
            | Value::RecordData(..) => value.print(clock, &mut JsonEscaped(out)),
            // Nothing else needs escapes.
            _ => value.print(clock, out),
        }
        if self.is_quoted {
            out.byte(b'"');
        }
    }
}

impl Member {
    pub(super) fn of(columns: &[&'static Column]) -> Vec<Self> {
        let fields = |kind| match kind {
            ColumnKind::List(fields) => fields,
            _ => &[],
        };
        let keys = |kind| fields(kind).iter().map(|(name, kind)| Key::new(name, *kind)).collect();
        let member = |column: &&'static Column| Self {
            key: Key::new(column.name, column.kind),
            column,
            fields: keys(column.kind),
        };
        columns.iter().map(member).collect()
    }
}

/// Appends the object of a row and a newline.
pub(super) fn print(
    row: &Row<'_>,
    members: &[Member],
    ValuePrinter { clock, remarks, .. }: &mut ValuePrinter,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    for member in members {
        let key = &member.key;
        match (member.column.value)(row) {
            Value::Absent => (),
            Value::List(list) => {
                out.str(&key.before);
                elements(&list, member, clock, out);
            }
            value => {
                value.remark(remarks);
                key.print(&value, clock, out);
            }
        }
    }
    open(start, out);
    out.str("}\n");
}

/// Begins an object at `start`, where its first member has a comma.
fn open(start: usize, out: &mut Vec<u8>) {
    match out.get_mut(start) {
        Some(comma) => *comma = b'{',
        None => out.byte(b'{'),
    }
}

/// Appends a list as an array of objects.
pub(super) fn elements(
    list: &List<'_>,
    Member { fields, .. }: &Member,
    clock: &mut TimePrinter,
    out: &mut Vec<u8>,
) {
    out.byte(b'[');
    let first = out.len();
    list.for_each(|values| {
        let start = out.len();
        for (key, value) in fields.iter().zip(values) {
            if !matches!(value, Value::Absent) {
                key.print(value, clock, out);
            }
        }
        open(start, out);
        out.str("},");
        out.len() - start
    });
    if out.len() > first {
        out.pop();
    }
    out.byte(b']');
}
