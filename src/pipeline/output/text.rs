// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of text to files or the standard output.

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::decoded_frame::DecodedFrame;
use crate::print::{EventPrinter, Style};

/// The output of quiet text, YAML or JSON.
pub(crate) struct TextOutput {
    files: FileWriter,
    printer: EventPrinter,
}

impl TextOutput {
    pub(crate) fn new(files: FileWriter, style: Style) -> Self {
        Self { files, printer: EventPrinter::new(style) }
    }
}

impl FrameOutput for TextOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        match frame.event {
            Ok(event) => self.printer.print(event, &mut self.files.buffer),
            Err(error) => {
                self.printer.print_undecodable(frame.payload(), error, &mut self.files.buffer)
            }
        }
        self.files.end_unit()
    }

    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.files.finish()
    }
}
