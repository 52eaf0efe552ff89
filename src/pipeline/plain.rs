// SPDX-License-Identifier: MIT OR Apache-2.0
//! The output of a capture to a single file of frames, which are copied as they arrive. If it is
//! the standard output, the capture ends when its reader does.

use std::sync::Arc;
use std::time::Instant;

use files::destination::{Closed, Destination};
use files::output_file::FrameWriteError;
use files::rotating_file::RotatingFile;
use mio::Waker;
use operator_log::Log;

use crate::outage::Outages;

/// A file of frames, or the standard output as long as it is read.
pub struct Plain {
    output: Box<RotatingFile>,
    waker: Arc<Waker>,
    /// Nobody reads it any more.
    unread: bool,
    outages: Outages,
    /// Frames of writes that failed.
    lost: u64,
}

impl Plain {
    /// Writes to `output`; wakes `waker` when nobody reads it.
    pub fn new(output: RotatingFile, waker: Arc<Waker>) -> Self {
        let outages = Outages::new(output.name().display().to_string());
        Self { output: Box::new(output), waker, unread: false, outages, lost: 0 }
    }

    /// Retries to write data, if it is time to.
    fn revive(&mut self, now: Instant, log: &Log) {
        if self.outages.retry_at(self.output.rotate_at()).is_none_or(|retry_at| now < retry_at) {
            return;
        }
        match self.output.revive(log) {
            Ok(()) => self.outages.try_again(),
            Err(error) => self.outages.failed(&error.to_string(), ""),
        }
    }

    /// Begins a new file, also if the last write to this one failed.
    fn rotate_now(&mut self, log: &Log) {
        if self.outages.retry_at(None).is_some() && self.output.revive(log).is_ok() {
            self.outages.try_again();
        }
        self.output.rotate(log);
    }
}

impl Destination for Plain {
    fn has_room(&self, before: usize, size: usize) -> bool {
        self.output.has_room(before, size)
    }

    fn write(&mut self, frames: &[u8], count: u64) -> Result<(), FrameWriteError> {
        if self.unread {
            return Ok(());
        }
        self.revive(Instant::now(), &Log);
        if self.outages.retry_at(None).is_some() {
            self.outages.miss(count);
            return Ok(());
        }
        match self.output.write(frames, count) {
            Ok(()) => {
                if count > 0 {
                    self.outages.written();
                }
            }
            Err(error) if error.is_reader_gone() => {
                self.unread = true;
                // Without it the next signal ends the capture.
                let _ = self.waker.wake();
            }
            Err(error) => {
                self.lost += error.lost();
                self.outages.count_failure();
                self.outages.failed(&format!("{error} ({} frames lost)", error.lost()), "");
            }
        }
        Ok(())
    }

    fn rotate_at(&self) -> Option<Instant> {
        self.output.rotate_at()
    }

    fn rotate(&mut self, log: &Log) {
        self.rotate_now(log);
    }

    fn hang_up(&mut self, log: &Log) {
        if self.outages.retry_at(None).is_some() {
            return self.rotate_now(log);
        }
        self.output.hang_up(log);
    }

    fn reap(&mut self, log: &Log) {
        self.output.reap(log);
    }

    fn is_done(&self) -> bool {
        self.unread
    }

    fn close(self: Box<Self>, log: &Log) -> Closed {
        let mut closed = self.output.close(log);
        let lost = self.lost + self.outages.missed();
        closed.unwritten += lost;
        closed.complete &= lost == 0;
        closed
    }
}
