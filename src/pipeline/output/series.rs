// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files, one after the other: what all outputs to files have in common, with the rotation and the
//! safety of `fstrm_capture`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use files::content::Content;
use files::destination::{Closed, Destination};
use files::output_file::FrameWriteError;
use files::rotating_file::{Files, RotatingFile};
use operator_log::Log;

use super::commands::Patience;
use super::error::FrameOutputError;

/// Interval between checks of the commands that run for finished files.
const REAP: Duration = Duration::from_secs(1);

/// Maximum time that compression may hold data back.
const HOLD_BACK: Duration = Duration::from_secs(1);

/// Bytes that wait for a write at most.
const BUFFER_SIZE: usize = 128 << 10;

/// A series of files, or the standard output.
pub struct FileSeries {
    name: String,
    files: Box<RotatingFile>,
    log: Log,
    /// What is not written yet. Who appends a unit to it calls [`FileSeries::end_unit`].
    pub(crate) buffer: Vec<u8>,
    /// Bytes of whole units in the buffer.
    whole: usize,
    /// The number of these units.
    units: u64,
    state: SeriesState,
    /// Units that came after a write had failed.
    late: u64,
    /// Units that are not in a file.
    lost: Arc<AtomicU64>,
    /// Units were written since the beginning, or since [`FileSeries::revive`].
    has_written: bool,
    flush_at: Option<Instant>,
    /// When to look after the commands that run.
    reap_at: Option<Instant>,
}

/// The state of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SeriesState {
    Writing,
    /// Nobody reads the standard output any more.
    Unread,
    /// A write failed.
    Failed,
}

impl FileSeries {
    /// Opens the first file, but leaves what is there as it is until [`FileSeries::begin`]. A reader that
    /// does not read is given up once `stop` is set.
    pub(crate) fn open(
        files: &Files,
        content: Content,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, FrameOutputError> {
        let log = Log;
        let name = files.name.display().to_string();
        let files = Box::new(RotatingFile::prepare(files, content, stop)?);
        let buffer = Vec::with_capacity(BUFFER_SIZE);
        Ok(Self {
            name,
            files,
            log,
            buffer,
            whole: 0,
            units: 0,
            state: SeriesState::Writing,
            late: 0,
            lost: Arc::default(),
            has_written: false,
            flush_at: None,
            reap_at: None,
        })
    }

    /// Begins the first file.
    pub fn begin(&mut self) -> Result<(), FrameOutputError> {
        Ok(self.files.begin(&self.log)?)
    }

    /// Returns its name in messages: the file, or the pattern of names.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Ends a unit, which the next file has if this one has no room for it. Writes if there is
    /// enough.
    pub(crate) fn end_unit(&mut self) -> Result<(), FrameOutputError> {
        self.end_units(1)
    }

    /// Ends so many units, which are in one file. After a write that failed they are only counted: who
    /// has more that waits need not keep it.
    pub(crate) fn end_units(&mut self, count: u64) -> Result<(), FrameOutputError> {
        if self.state != SeriesState::Writing {
            self.buffer.clear();
            self.late += count;
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

    /// Writes all units.
    pub(crate) fn write(&mut self) -> Result<(), FrameOutputError> {
        if self.state != SeriesState::Writing {
            return Ok(());
        }
        self.write_whole()?;
        if self.files.holds_back() && self.flush_at.is_none() {
            self.flush_at = Some(Instant::now() + HOLD_BACK);
        }
        Ok(())
    }

    fn write_whole(&mut self) -> Result<(), FrameOutputError> {
        let written = self.files.write(&self.buffer[..self.whole], self.units);
        self.has_written |= written.is_ok() && self.whole > 0 && !self.files.holds_back();
        self.buffer.drain(..self.whole);
        (self.whole, self.units) = (0, 0);
        written.map_err(|error| self.failed(error))
    }

    fn failed(&mut self, source: FrameWriteError) -> FrameOutputError {
        if source.is_reader_gone() {
            self.state = SeriesState::Unread;
            return FrameOutputError::ReaderGone;
        }
        self.state = SeriesState::Failed;
        self.lost.fetch_add(source.lost(), Ordering::Relaxed);
        // What was compressed may be there, and may be not.
        let (is_maximum, unit) = (self.files.holds_back(), self.files.unit());
        FrameOutputError::Lost { source, is_maximum, unit }
    }

    /// When [`FileSeries::tick`] is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        [self.split_at(), self.reap_at, self.flush_at].into_iter().flatten().min()
    }

    /// Does what is due by time.
    pub(crate) fn tick(&mut self) -> Result<(), FrameOutputError> {
        let now = Instant::now();
        if self.is_over(now) {
            self.reopen()?;
        }
        self.look_after(now)
    }

    /// Returns whether the time of the file is over.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.split_at().is_some_and(|split_at| split_at <= now)
    }

    /// Does what is due by time, but for the next file.
    pub(crate) fn look_after(&mut self, now: Instant) -> Result<(), FrameOutputError> {
        if self.reap_at.is_some_and(|reap_at| reap_at <= now) {
            self.files.reap(&self.log);
            self.reap_at = self.next_reap();
        }
        if self.flush_at.is_some_and(|flush_at| flush_at <= now) {
            self.flush_at = None;
            self.files.flush().map_err(|error| self.failed(error))?;
            self.has_written = true;
        }
        Ok(())
    }

    /// Makes it write again after a write that failed.
    pub fn revive(&mut self) -> Result<(), FrameOutputError> {
        self.files.revive(&self.log)?;
        self.write_on();
        Ok(())
    }

    /// The same for a file that cannot be read without the lost data: leaves it, and starts
    /// another.
    pub fn leave_broken(&mut self) -> Result<(), FrameOutputError> {
        self.files.leave_broken(&self.log)?;
        self.write_on();
        Ok(())
    }

    fn write_on(&mut self) {
        (self.state, self.has_written) = (SeriesState::Writing, false);
        self.buffer.clear();
        (self.whole, self.units) = (0, 0);
    }

    /// Returns whether units were written since [`FileSeries::revive`].
    pub(crate) fn has_written(&self) -> bool {
        self.has_written
    }

    /// Units that are not in a file, for others to see.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        self.lost.clone()
    }

    /// Returns when the next file is due.
    pub(crate) fn split_at(&self) -> Option<Instant> {
        self.files.rotate_at()
    }

    /// Begins the next file.
    pub(crate) fn reopen(&mut self) -> Result<(), FrameOutputError> {
        self.write()?;
        self.rotate();
        Ok(())
    }

    fn rotate(&mut self) {
        self.files.rotate(&self.log);
        self.reap_at = self.reap_at.or_else(|| self.next_reap());
    }

    fn next_reap(&self) -> Option<Instant> {
        self.files.commands_run().then(|| Instant::now() + REAP)
    }

    /// Returns whether the file has no data yet.
    pub(crate) fn is_new(&self) -> bool {
        self.files.is_new()
    }

    /// Ends the last file, and waits for the commands that still run, unless a signal ends that.
    pub(crate) fn finish(self) -> Result<(), FrameOutputError> {
        self.finish_after(Ok(()))
    }

    /// The same after `written`, which is how the last units were ended. Says what was counted after a
    /// failure too.
    pub(crate) fn finish_after(
        mut self,
        written: Result<(), FrameOutputError>,
    ) -> Result<(), FrameOutputError> {
        let patience = Patience::from_now();
        let written = written.and(self.write());
        let Self { name, files, log, late, lost, state, .. } = self;
        let unit = files.unit();
        let Closed { commands, complete, unwritten, unnamed, .. } = files.close(&log);
        lost.fetch_add(unwritten + unnamed, Ordering::Relaxed);
        if let Some(commands) = commands {
            patience.wait(commands, &log);
        }
        if state == SeriesState::Failed && late > 0 {
            let source = written.err().filter(FrameOutputError::is_news).map(Box::new);
            return Err(FrameOutputError::LostAfter { name, source, count: late, unit });
        }
        written?;
        if complete { Ok(()) } else { Err(FrameOutputError::Reported) }
    }
}
