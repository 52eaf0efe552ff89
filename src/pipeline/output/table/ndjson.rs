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
    /// The comma before the member, its name and the colon after it.
    key: String,
    column: &'static Column,
}

impl Member {
    pub(super) fn of(columns: &[&'static Column]) -> Vec<Self> {
        let key = |column: &'static Column| format!(",\"{}\":", column.name);
        columns.iter().map(|column| Self { key: key(column), column }).collect()
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
    for Member { key, column } in members {
        let value = (column.value)(row);
        if matches!(value, Value::Absent) {
            continue;
        }
        value.remark(remarks);
        out.str(key);
        match value {
            Value::List(list) => elements(&list, column.kind, clock, out),
            value => scalar(&value, clock, out),
        }
    }
    match out.get_mut(start) {
        // The first member has no comma before it.
        Some(comma) => *comma = b'{',
        None => out.byte(b'{'),
    }
    out.str("}\n");
}

fn scalar(value: &Value<'_>, clock: &mut TimePrinter, out: &mut Vec<u8>) {
    match value {
        Value::Flag(_) | Value::Number(_) | Value::Duration(_) => value.print(clock, out),
        _ => {
            out.byte(b'"');
            value.print(clock, &mut JsonEscaped(out));
            out.byte(b'"');
        }
    }
}

/// Appends a list as an array of objects.
pub(super) fn elements(
    list: &List<'_>,
    kind: ColumnKind,
    clock: &mut TimePrinter,
    out: &mut Vec<u8>,
) {
    let ColumnKind::List(fields) = kind else { return };
    out.byte(b'[');
    let first = out.len();
    list.for_each(|values| {
        let start = out.len();
        for ((name, _), value) in fields.iter().zip(values) {
            if matches!(value, Value::Absent) {
                continue;
            }
            out.str(if out.len() == start { "{\"" } else { ",\"" });
            out.str(name);
            out.str("\":");
            scalar(value, clock, out);
        }
        out.str("},");
        out.len() - start
    });
    if out.len() > first {
        out.pop();
    }
    out.byte(b']');
}
