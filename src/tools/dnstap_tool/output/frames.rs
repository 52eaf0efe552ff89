// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame Streams files.

use super::series::FileSeries;
use super::{Frame, Output, OutputError};
use crate::dnstap_tool::batch;

/// Frame Streams files, one after the other.
pub struct FramesOutput {
    files: FileSeries,
}

impl FramesOutput {
    /// Writes to `files`.
    pub fn new(files: FileSeries) -> Self {
        Self { files }
    }

    fn add(&mut self, frame: &[u8]) -> Result<(), OutputError> {
        self.files.buffer.extend_from_slice(frame);
        self.files.end_unit()
    }
}

impl Output for FramesOutput {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        self.add(frame.bytes)
    }

    fn is_looker(&self) -> bool {
        false
    }

    fn take_all(&mut self, frames: &mut batch::BatchFrames<'_>) -> Result<(), OutputError> {
        frames.try_for_each(|frame| self.add(frame))
    }

    fn files(&mut self) -> Option<&mut FileSeries> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        self.files.finish()
    }
}
