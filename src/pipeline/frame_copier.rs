// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of a capture to a single series of Frame Streams files. Frames are copied unchanged. When
//! the standard output loses its reader, the capture ends.

use std::sync::Arc;
use std::time::Instant;

use files::destination::{Closed, Destination};
use files::output_file::FrameWriteError;
use files::rotating_file::RotatingFile;
use mio::Waker;
use operator_log::Log;

use crate::outage::Outages;

/// A destination that copies frames to files or the standard output.
pub struct FrameCopier {
    output: Box<RotatingFile>,
    waker: Arc<Waker>,
    /// True after the reader of the standard output has closed it.
    reader_gone: bool,
    outages: Outages,
    /// Frames lost in failed writes.
    lost: u64,
}

impl FrameCopier {
    /// Creates a destination that writes to `output` and wakes `waker` when the reader closes it.
    pub fn new(output: RotatingFile, waker: Arc<Waker>) -> Self {
        let outages = Outages::new(output.name().display().to_string());
        Self { output: Box::new(output), waker, reader_gone: false, outages, lost: 0 }
    }

    /// Retries a failed output if the retry is due.
    fn revive(&mut self, now: Instant, log: &Log) {
        if self.outages.retry_at(self.output.rotate_at()).is_none_or(|retry_at| now < retry_at) {
            return;
        }
        match self.output.revive(log) {
            Ok(()) => self.outages.start_trial(),
            Err(error) => self.outages.record_failure(&error.to_string(), ""),
        }
    }
}

impl Destination for FrameCopier {
    fn has_room(&self, before: usize, size: usize) -> bool {
        self.output.has_room(before, size)
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError> {
        if self.reader_gone {
            return Ok(());
        }
        self.revive(Instant::now(), &Log);
        if self.outages.retry_at(None).is_some() {
            self.outages.count_missed(count);
            return Ok(());
        }
        match self.output.write(frames, count) {
            Ok(()) => {
                if count > 0 {
                    self.outages.end();
                }
            }
            Err(error) if error.is_reader_gone() => {
                self.reader_gone = true;
                // If this fails, the next signal ends the capture.
                let _ = self.waker.wake();
            }
            Err(error) => {
                self.lost += error.lost();
                self.outages.failures += 1;
                self.outages.record_failure(&format!("{error} ({} frames lost)", error.lost()), "");
            }
        }
        Ok(())
    }

    fn rotate_at(&self) -> Option<Instant> {
        self.output.rotate_at()
    }

    /// Starts a new file, even if the last write failed.
    fn rotate(&mut self, log: &Log) {
        if self.outages.retry_at(None).is_some() && self.output.revive(log).is_ok() {
            self.outages.start_trial();
        }
        self.output.rotate(log);
    }

    fn hang_up(&mut self, log: &Log) {
        if self.outages.retry_at(None).is_some() {
            return self.rotate(log);
        }
        self.output.hang_up(log);
    }

    fn reap(&mut self, log: &Log) {
        self.output.reap(log);
    }

    fn is_done(&self) -> bool {
        self.reader_gone
    }

    fn close(self: Box<Self>, log: &Log) -> Closed {
        let mut closed = self.output.close(log);
        let lost = self.lost + self.outages.missed;
        closed.unwritten += lost;
        closed.complete &= lost == 0;
        closed
    }
}
