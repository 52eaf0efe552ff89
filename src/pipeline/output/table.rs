// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tables of messages as text: NDJSON, CSV and TSV, with one message per line.

mod delimited;
mod ndjson;

use files::content::Content;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::columns::Column;
use crate::columns::row::Row;
use crate::decoded_frame::DecodedFrame;
use crate::print::time::TimePrinter;
use crate::remarks::Remarks;
use delimited::Delimiter;
use ndjson::Member;

/// The syntax of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableSyntax {
    /// JSON objects, one per line.
    Ndjson,
    /// Values separated by commas (RFC 4180), after a line with the names of the columns.
    Csv,
    /// Values separated by tabs, after a line with the names of the columns.
    Tsv,
}

/// The output of a table as text.
pub(crate) struct TableOutput {
    files: FileWriter,
    printer: RowPrinter,
}

impl TableOutput {
    pub(crate) fn new(files: FileWriter, syntax: TableSyntax, columns: &[&'static Column]) -> Self {
        Self { files, printer: RowPrinter::new(syntax, columns) }
    }
}

impl TableSyntax {
    /// Returns the content of files with these columns.
    pub(crate) fn content(self, columns: &[&'static Column]) -> Content {
        let start = match self {
            Self::Ndjson => Vec::new(),
            Self::Csv => Delimiter::Comma.header(columns),
            Self::Tsv => Delimiter::Tab.header(columns),
        };
        Content { start, ..Content::text() }
    }
}

impl FrameOutput for TableOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        self.printer.print(frame, &mut self.files.buffer);
        self.files.end_unit()
    }

    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, report: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.printer.printer.remarks.report(&self.files.name, report);
        self.files.finish()
    }
}

/// A printer of rows as text.
pub struct RowPrinter {
    /// The delimiter; `None` for JSON.
    delimiter: Option<Delimiter>,
    members: Vec<Member>,
    printer: ValuePrinter,
}

/// The state of printers of values.
#[derive(Default)]
struct ValuePrinter {
    clock: TimePrinter,
    /// The text of a value before it is escaped.
    scratch: Vec<u8>,
    remarks: Remarks,
}

impl RowPrinter {
    /// Creates a printer of these columns.
    pub fn new(syntax: TableSyntax, columns: &[&'static Column]) -> Self {
        let delimiter = match syntax {
            TableSyntax::Ndjson => None,
            TableSyntax::Csv => Some(Delimiter::Comma),
            TableSyntax::Tsv => Some(Delimiter::Tab),
        };
        Self { delimiter, members: Member::of(columns), printer: ValuePrinter::default() }
    }

    /// Appends the line of a frame to `out`.
    pub fn print(&mut self, frame: &DecodedFrame<'_>, out: &mut Vec<u8>) {
        let row = Row::new(frame);
        match self.delimiter {
            None => ndjson::print(&row, &self.members, &mut self.printer, out),
            Some(delimiter) => delimiter.print(&row, &self.members, &mut self.printer, out),
        }
    }
}
