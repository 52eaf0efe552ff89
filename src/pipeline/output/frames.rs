// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output to Frame Streams files.

use framestream::frame::DataFrames;

use super::FrameOutput;
use super::error::FrameOutputError;
use super::file_writer::FileWriter;
use crate::decoded_frame::DecodedFrame;

/// The output to Frame Streams files.
pub(crate) struct FramesOutput {
    files: FileWriter,
}

impl FramesOutput {
    pub(crate) fn new(files: FileWriter) -> Self {
        Self { files }
    }

    fn add(&mut self, frame: &[u8]) -> Result<(), FrameOutputError> {
        self.files.buffer.extend_from_slice(frame);
        self.files.end_unit()
    }
}

impl FrameOutput for FramesOutput {
    fn write_frame(&mut self, frame: &DecodedFrame<'_>) -> Result<(), FrameOutputError> {
        self.add(frame.bytes)
    }

    fn needs_events(&self) -> bool {
        false
    }

    fn write_undecoded(&mut self, frames: &mut DataFrames<'_>) -> Result<(), FrameOutputError> {
        frames.try_for_each(|frame| self.add(frame))
    }

    fn files(&mut self) -> Option<&mut FileWriter> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), FrameOutputError> {
        self.files.finish()
    }
}
