// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one file of frames that a capture goes to as it comes. Where that is the standard output, whoever
//! stops reading it has seen enough.

use std::sync::Arc;
use std::time::Instant;

use mio::Waker;

use crate::capture::destination::Destination;
use crate::capture::log::Log;
use crate::capture::output::Output;
use crate::capture::output_file::WriteError;
use crate::capture::post_rotate::PostRotate;

/// A file of frames, or the standard output as long as it is read.
pub struct Plain {
    output: Box<Output>,
    waker: Arc<Waker>,
    /// Nobody reads it any more.
    unread: bool,
}

impl Plain {
    /// Writes to `output`; wakes `waker` when nobody reads it.
    pub fn new(output: Output, waker: Arc<Waker>) -> Self {
        Self { output: Box::new(output), waker, unread: false }
    }
}

impl Destination for Plain {
    fn has_room(&self, before: usize, size: usize) -> bool {
        self.output.has_room(before, size)
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), WriteError> {
        if self.unread {
            return Ok(());
        }
        match self.output.write(frames, count) {
            Err(error) if error.is_reader_gone() => {
                self.unread = true;
                // Without it the next signal ends the capture.
                let _ = self.waker.wake();
                Ok(())
            }
            other => other,
        }
    }

    fn rotate_at(&self) -> Option<Instant> {
        self.output.rotate_at()
    }

    fn rotate(&mut self, log: &Log) {
        self.output.rotate(log);
    }

    fn hang_up(&mut self, log: &Log) {
        self.output.hang_up(log);
    }

    fn reap(&mut self, log: &Log) {
        self.output.reap(log);
    }

    fn is_done(&self) -> bool {
        self.unread
    }

    fn close(self: Box<Self>, log: &Log) -> (Option<PostRotate>, bool) {
        self.output.close(log)
    }
}
