// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text, to the standard output or files.

use super::series::Series;
use super::{Frame, Output, OutputError};
use crate::dnstap_tool::print::{Printer, Style};

/// Quiet text, YAML or JSON.
pub struct Text {
    files: Series,
    printer: Printer,
}

impl Text {
    /// Prints to files in one style.
    pub fn new(files: Series, style: Style) -> Self {
        Self { files, printer: Printer::new(style) }
    }
}

impl Output for Text {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        match frame.event {
            Ok(event) => self.printer.print(event, &mut self.files.buffer),
            Err(error) => self.printer.print_bad(frame.payload(), error, &mut self.files.buffer),
        }
        self.files.end_unit()
    }

    fn files(&mut self) -> Option<&mut Series> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        self.files.finish()
    }
}
