// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame Streams files.

use super::series::Series;
use super::{Frame, Output, OutputError};
use crate::dnstap_tool::batch;

/// Frame Streams files, one after the other.
pub struct Frames {
    files: Series,
}

impl Frames {
    /// Writes to `files`.
    pub fn new(files: Series) -> Self {
        Self { files }
    }

    fn add(&mut self, frame: &[u8]) -> Result<(), OutputError> {
        self.files.buffer.extend_from_slice(frame);
        self.files.end_unit()
    }
}

impl Output for Frames {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        self.add(frame.bytes)
    }

    fn is_looker(&self) -> bool {
        false
    }

    fn take_all(&mut self, frames: &mut batch::Frames<'_>) -> Result<(), OutputError> {
        frames.try_for_each(|frame| self.add(frame))
    }

    fn files(&mut self) -> Option<&mut Series> {
        Some(&mut self.files)
    }

    fn finish(self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        self.files.finish()
    }
}
