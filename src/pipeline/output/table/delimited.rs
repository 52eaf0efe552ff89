// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows as delimited values. Absent values are empty; lists are JSON.

use printable::hidden::is_hidden;
use printable::text::TextSink;

use super::ValuePrinter;
use super::ndjson::{Member, elements};
use crate::columns::Column;
use crate::columns::row::Row;
use crate::columns::value::Value;

/// The delimiter between values, with the rules for values that contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// Values with commas, quotes or line ends are quoted, and quotes are doubled (RFC 4180).
    Comma,
    /// Tabs, line ends and backslashes in values are escaped with a backslash, as ClickHouse and
    /// PostgreSQL read them.
    Tab,
}

impl Delimiter {
    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
        }
    }

    /// Returns the line with the names of the columns.
    pub(super) fn header(self, columns: &[&'static Column]) -> Vec<u8> {
        let names: Vec<_> = columns.iter().map(|column| column.name.as_bytes()).collect();
        let mut line = names.join(&self.byte());
        line.push(b'\n');
        line
    }

    /// Appends the line of a row.
    pub(super) fn print(
        self,
        row: &Row<'_>,
        members: &[Member],
        ValuePrinter { clock, scratch, remarks }: &mut ValuePrinter,
        out: &mut Vec<u8>,
    ) {
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                out.byte(self.byte());
            }
            scratch.clear();
            let value = (member.column.value)(row);
            value.remark(remarks);
            match value {
                Value::List(list) => elements(&list, member, clock, scratch),
                value => value.print(clock, scratch),
            }
            self.value(scratch, out);
        }
        out.byte(b'\n');
    }

    /// Appends a value. Control characters, and those that change the direction of text, become U+FFFD.
    fn value(self, text: &[u8], out: &mut Vec<u8>) {
        if !text.iter().any(|byte| self.is_special(*byte)) {
            return out.bytes(text);
        }
        if self == Self::Comma {
            out.byte(b'"');
        }
        if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            for part in text.split_inclusive(|byte| *byte == self.doubled()) {
                out.bytes(part);
                if part.last() == Some(&self.doubled()) {
                    out.byte(self.doubled());
                }
            }
        } else {
            self.characters(&String::from_utf8_lossy(text), out);
        }
        if self == Self::Comma {
            out.byte(b'"');
        }
    }

    /// Returns the printable character that is doubled in values.
    fn doubled(self) -> u8 {
        match self {
            Self::Comma => b'"',
            Self::Tab => b'\\',
        }
    }

    /// Appends a value with any characters.
    fn characters(self, text: &str, out: &mut Vec<u8>) {
        for character in text.chars() {
            match (self, character) {
                (_, doubled) if doubled == char::from(self.doubled()) => {
                    out.bytes(&[self.doubled(); 2]);
                }
                (Self::Comma, '\n' | '\r' | '\t') => out.byte(character as u8),
                (Self::Tab, '\t') => out.str("\\t"),
                (Self::Tab, '\n') => out.str("\\n"),
                (Self::Tab, '\r') => out.str("\\r"),
                (_, hidden) if is_hidden(hidden) => out.str("\u{fffd}"),
                (_, other) => out.str(other.encode_utf8(&mut [0; 4])),
            }
        }
    }

    fn is_special(self, byte: u8) -> bool {
        let delimits = match self {
            Self::Comma => matches!(byte, b',' | b'"'),
            Self::Tab => byte == b'\\',
        };
        delimits || !(b' '..0x7f).contains(&byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(delimiter: Delimiter, text: &str) -> String {
        let mut out = Vec::new();
        delimiter.value(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_with_delimiters_are_quoted_or_escaped() {
        for (text, comma, tab) in [
            ("", "", ""),
            ("www.example.", "www.example.", "www.example."),
            (r#"a,"b""#, r#""a,""b""""#, r#"a,"b""#),
            ("a\tb\nc\\", "\"a\tb\nc\\\"", r"a\tb\nc\\"),
            (
                "\u{1b}[2J\u{e9}\u{202e}",
                "\"\u{fffd}[2J\u{e9}\u{fffd}\"",
                "\u{fffd}[2J\u{e9}\u{fffd}",
            ),
        ] {
            assert_eq!(value(Delimiter::Comma, text), comma);
            assert_eq!(value(Delimiter::Tab, text), tab);
        }
    }
}
