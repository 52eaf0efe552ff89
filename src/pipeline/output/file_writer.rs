// SPDX-License-Identifier: MIT OR Apache-2.0
//! A series of files with rotation and buffering, shared by all outputs to files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use files::content::Content;
use files::destination::{Closed, Destination};
use files::output_file::FrameWriteError;
use files::rotating_file::{FileConfig, RotatingFile};
use operator_log::Log;

use super::commands::CommandWait;
use super::error::FrameOutputError;

/// Interval between checks for exited commands of finished files.
const REAP: Duration = Duration::from_secs(1);

/// Maximum time for which data may stay in the compressor.
const HOLD_BACK: Duration = Duration::from_secs(1);

/// Size of the buffer at which it is written.
const BUFFER_SIZE: usize = 128 << 10;

/// A series of files, or the standard output, written in units such as frames or lines.
pub struct FileWriter {
    /// Name of the file in messages, or the pattern of the names.
    pub(crate) name: String,
    files: Box<RotatingFile>,
    /// Data that is not written yet. Call [`FileWriter::end_unit`] after appending a unit.
    pub(crate) buffer: Vec<u8>,
    /// Size of the complete units in the buffer.
    whole: usize,
    /// Number of complete units in the buffer.
    units: u64,
    state: FileWriterState,
    /// Number of units dropped after a failed write.
    dropped: u64,
    /// Number of all units that were not written.
    pub(crate) lost: Arc<AtomicU64>,
    /// True if units were written since the start or the last [`FileWriter::revive`].
    pub(crate) has_written: bool,
    flush_at: Option<Instant>,
    /// Time of the next check for exited commands.
    reap_at: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileWriterState {
    Writing,
    /// The reader closed the standard output.
    ReaderGone,
    /// A write failed.
    Failed,
}

impl FileWriter {
    /// Opens the first file, but leaves an existing file unchanged until [`FileWriter::begin`]. Once `stop` is
    /// set, writes to a stalled reader are abandoned.
    pub(crate) fn open(
        files: &FileConfig,
        content: Content,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, FrameOutputError> {
        let name = files.name.display().to_string();
        let files = Box::new(RotatingFile::prepare(files, content, stop)?);
        let buffer = Vec::with_capacity(BUFFER_SIZE);
        Ok(Self {
            name,
            files,
            buffer,
            whole: 0,
            units: 0,
            state: FileWriterState::Writing,
            dropped: 0,
            lost: Arc::default(),
            has_written: false,
            flush_at: None,
            reap_at: None,
        })
    }

    /// Starts the first file.
    pub fn begin(&mut self) -> Result<(), FrameOutputError> {
        Ok(self.files.begin(&Log)?)
    }

    /// Ends a unit. Starts a new file if the unit exceeds the size of this one; writes a full buffer.
    pub(crate) fn end_unit(&mut self) -> Result<(), FrameOutputError> {
        self.end_units(1)
    }

    /// Ends `count` units that must be in one file. After a failed write, they are dropped and counted, so
    /// that callers need not keep pending data.
    pub(crate) fn end_units(&mut self, count: u64) -> Result<(), FrameOutputError> {
        if self.state != FileWriterState::Writing {
            self.buffer.clear();
            self.dropped += count;
            self.lost.fetch_add(count, Ordering::Relaxed);
            return Ok(());
        }
        let size = self.buffer.len() - self.whole;
        if !self.files.has_room(self.whole, size) {
            if let Err(error) = self.write_whole() {
                self.end_units(count)?;
                return Err(error);
            }
            self.rotate();
        }
        self.whole = self.buffer.len();
        self.units += count;
        if self.whole >= BUFFER_SIZE { self.write() } else { Ok(()) }
    }

    /// Writes all complete units.
    pub(crate) fn write(&mut self) -> Result<(), FrameOutputError> {
        if self.state != FileWriterState::Writing {
            return Ok(());
        }
        self.write_whole()?;
        if self.files.has_buffered() && self.flush_at.is_none() {
            self.flush_at = Some(Instant::now() + HOLD_BACK);
        }
        Ok(())
    }

    fn write_whole(&mut self) -> Result<(), FrameOutputError> {
        let written = self.files.write(&self.buffer[..self.whole], self.units);
        self.has_written |= written.is_ok() && self.whole > 0 && !self.files.has_buffered();
        self.buffer.drain(..self.whole);
        (self.whole, self.units) = (0, 0);
        written.map_err(|error| self.failed(error))
    }

    fn failed(&mut self, source: FrameWriteError) -> FrameOutputError {
        if source.is_reader_gone() {
            self.state = FileWriterState::ReaderGone;
            return FrameOutputError::ReaderGone;
        }
        self.state = FileWriterState::Failed;
        self.lost.fetch_add(source.lost(), Ordering::Relaxed);
        // Data in the compressor may have been written or not.
        let (is_maximum, unit) = (self.files.has_buffered(), self.files.unit());
        FrameOutputError::Lost { source, is_maximum, unit }
    }

    /// Returns the time at which [`FileWriter::tick`] is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        [self.split_at(), self.reap_at, self.flush_at].into_iter().flatten().min()
    }

    /// Performs periodic work: starts the next file, and the work of [`FileWriter::maintain`].
    pub(crate) fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        if self.is_split_due(now) {
            self.reopen()?;
        }
        self.maintain(now)
    }

    /// Returns whether the next file is due at `now`.
    pub(crate) fn is_split_due(&self, now: Instant) -> bool {
        self.split_at().is_some_and(|split_at| split_at <= now)
    }

    /// Checks for exited commands and flushes the compressor if due.
    pub(crate) fn maintain(&mut self, now: Instant) -> Result<(), FrameOutputError> {
        if self.reap_at.is_some_and(|reap_at| reap_at <= now) {
            self.files.reap(&Log);
            self.reap_at = self.next_reap();
        }
        if self.flush_at.is_some_and(|flush_at| flush_at <= now) {
            self.flush_at = None;
            self.files.flush().map_err(|error| self.failed(error))?;
            self.has_written = true;
        }
        Ok(())
    }

    /// Resumes writing after a failed write.
    pub fn revive(&mut self) -> Result<(), FrameOutputError> {
        self.files.revive(&Log)?;
        self.resume();
        Ok(())
    }

    /// Resumes writing in a new file, because the old one is unreadable without the lost data.
    pub fn leave_broken(&mut self) -> Result<(), FrameOutputError> {
        self.files.leave_broken(&Log)?;
        self.resume();
        Ok(())
    }

    fn resume(&mut self) {
        (self.state, self.has_written) = (FileWriterState::Writing, false);
        self.buffer.clear();
        (self.whole, self.units) = (0, 0);
    }

    /// Returns the time at which the next file is due.
    pub(crate) fn split_at(&self) -> Option<Instant> {
        self.files.rotate_at()
    }

    /// Starts the next file.
    pub(crate) fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.write()?;
        self.rotate();
        Ok(())
    }

    fn rotate(&mut self) {
        self.files.rotate(&Log);
        self.reap_at = self.reap_at.or_else(|| self.next_reap());
    }

    fn next_reap(&self) -> Option<Instant> {
        self.files.commands_run().then(|| Instant::now() + REAP)
    }

    /// Returns whether the file contains no data yet.
    #[cfg(feature = "parquet")]
    pub(crate) fn is_new(&self) -> bool {
        self.files.is_new()
    }

    /// Ends the last file and waits for running commands, unless a signal interrupts the wait.
    pub(crate) fn finish(self) -> Result<(), FrameOutputError> {
        self.finish_after(Ok(()))
    }

    /// Finishes like [`FileWriter::finish`] after the last units were ended with the result `written`. An error
    /// includes the number of units dropped after a failed write.
    pub(crate) fn finish_after(
        mut self,
        written: Result<(), FrameOutputError>,
    ) -> Result<(), FrameOutputError> {
        let wait = CommandWait::start();
        let written = written.and(self.write());
        let Self { name, files, dropped, lost, state, .. } = self;
        let unit = files.unit();
        let Closed { commands, complete, unwritten, unnamed, .. } = files.close(&Log);
        lost.fetch_add(unwritten + unnamed, Ordering::Relaxed);
        if let Some(commands) = commands {
            wait.for_commands(commands, &Log);
        }
        if state == FileWriterState::Failed && dropped > 0 {
            let source = written.err().filter(FrameOutputError::is_unreported).map(Box::new);
            return Err(FrameOutputError::LostAfter { name, source, count: dropped, unit });
        }
        written?;
        if complete { Ok(()) } else { Err(FrameOutputError::Reported) }
    }
}
