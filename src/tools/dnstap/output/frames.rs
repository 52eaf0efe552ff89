// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame Streams files, with the rotation and the safety of `fstrm_capture`.

use std::time::{Duration, Instant};

use super::{Frame, Output, OutputError};
use crate::capture;
use crate::capture::destination::Destination;
use crate::capture::log::Log;
use crate::capture::output_file::WriteError;
use crate::dnstap::batch;

/// How often commands that run for finished files are looked after.
const REAP: Duration = Duration::from_secs(1);

/// Frames that wait for a write at most, in bytes.
const BUFFER_SIZE: usize = 128 << 10;

/// Frame Streams files, one after the other.
pub struct Frames {
    files: Box<capture::output::Output>,
    log: Log,
    buffer: Vec<u8>,
    waiting: u64,
}

impl Frames {
    /// Writes to `files`.
    pub fn new(files: capture::output::Output, log: Log) -> Self {
        Self { files: Box::new(files), log, buffer: Vec::with_capacity(BUFFER_SIZE), waiting: 0 }
    }

    fn add(&mut self, frame: &[u8]) -> Result<(), OutputError> {
        if !self.files.has_room(self.buffer.len(), frame.len()) {
            self.write()?;
            self.files.rotate(&self.log);
        }
        self.buffer.extend_from_slice(frame);
        self.waiting += 1;
        if self.buffer.len() >= BUFFER_SIZE { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), OutputError> {
        let written = self.files.write(&self.buffer, self.waiting);
        self.buffer.clear();
        self.waiting = 0;
        written.map_err(|error| failed(&error))
    }
}

fn failed(error: &WriteError) -> OutputError {
    match error.error.kind() {
        std::io::ErrorKind::BrokenPipe => OutputError::ReaderGone,
        _ => OutputError::Failed(format!("{error} ({} frames lost)", error.lost)),
    }
}

impl Output for Frames {
    fn take(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        self.add(frame.bytes)
    }

    fn is_looker(&self) -> bool {
        false
    }

    fn take_all(&mut self, frames: &[u8]) -> Option<Result<(), OutputError>> {
        Some(batch::frames(frames).try_for_each(|frame| self.add(frame)))
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        self.write()
    }

    fn due(&self) -> Option<Instant> {
        let rotation = self.files.rotate_at();
        let reaping = self.files.commands_run().then(|| Instant::now() + REAP);
        [rotation, reaping].into_iter().flatten().min()
    }

    fn tick(&mut self) -> Result<(), OutputError> {
        self.files.reap(&self.log);
        if self.files.rotate_at().is_some_and(|rotate_at| rotate_at <= Instant::now()) {
            self.write()?;
            self.files.rotate(&self.log);
        }
        Ok(())
    }

    fn reopen(&mut self) -> Result<(), OutputError> {
        self.write()?;
        self.files.rotate(&self.log);
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &mut dyn FnMut(String)) -> Result<(), OutputError> {
        let written = self.write();
        let Self { files, log, .. } = *self;
        let (commands, complete) = files.close(&log);
        if let Some(mut commands) = commands {
            while commands.reap(&log) {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        written?;
        // What is wrong was told already.
        if complete {
            Ok(())
        } else {
            Err(OutputError::Failed("the output is not complete".into()))
        }
    }
}
