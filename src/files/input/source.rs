// SPDX-License-Identifier: MIT OR Apache-2.0
//! The bytes of a file, waiting for more where that is wanted.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::FileReader;
use super::follow::SuccessorWatch;
use crate::STANDARD_INPUT;
use crate::destination::FrameConsumer;

/// The encoded STOP frame at the end of a file.
pub(crate) const STOP: &[u8] = b"\0\0\0\0\0\0\0\x04\0\0\0\x03";

/// Size of a read after STOP, including STOP.
const PAGE_SIZE: usize = 4096;

/// Interval between checks for new data in a file, and for a request to stop.
pub(crate) const CHECK: Duration = Duration::from_millis(100);

fn open(path: &Path) -> io::Result<File> {
    if path == Path::new(STANDARD_INPUT) {
        io::stdin().as_fd().try_clone_to_owned().map(File::from)
    } else {
        // Waiting for the writer of a named pipe happens in `read`, which sees a request to stop.
        OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)
    }
}

/// An input file, which is read beyond its current end when it is followed.
pub(crate) struct InputFile<'a> {
    file: File,
    reader: &'a FileReader,
    queue: &'a dyn FrameConsumer,
    /// The end of the data read, if the file may be continued there.
    end: Option<ReadPosition>,
    /// Whether the next bytes follow STOP.
    at_stop: &'a Cell<bool>,
    /// Watches for the successor of this file.
    watch: Option<SuccessorWatch<'a>>,
    /// The last read found nothing.
    at_end: bool,
}

impl<'a> InputFile<'a> {
    /// Opens `path`, to be read for `reader` as long as `queue` takes it, and no longer than `watch`
    /// says. See [`InputFile::at_stop`].
    pub(crate) fn open(
        path: &Path,
        reader: &'a FileReader,
        queue: &'a dyn FrameConsumer,
        at_stop: &'a Cell<bool>,
        watch: Option<SuccessorWatch<'a>>,
    ) -> io::Result<Self> {
        let file = open(path)?;
        let is_regular = file.metadata()?.is_file();
        let end = (reader.follow && is_regular).then(ReadPosition::default);
        let watch = watch.filter(|_| is_regular);
        Ok(Self { file, reader, queue, end, at_stop, watch, at_end: false })
    }

    /// Returns whether the file was truncated or overwritten.
    fn is_truncated(&self) -> io::Result<bool> {
        let Some(end) = self.end.as_ref().filter(|_| self.at_end) else { return Ok(false) };
        // A writer that continues the file removes STOP.
        let (kept, _) = end.last.split_at(end.last.len() - self.removable());
        let mut there = vec![0; kept.len()];
        let from = end.offset - end.last.len() as u64;
        match self.file.read_exact_at(&mut there, from) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(true),
            other => other.map(|()| there != kept),
        }
    }

    /// Returns the number of bytes read that its writer may remove.
    fn removable(&self) -> usize {
        let is_stop = |end: &ReadPosition| self.at_stop.get() && end.last.ends_with(STOP);
        if self.end.as_ref().is_some_and(is_stop) { STOP.len() } else { 0 }
    }

    /// Reads once, after seeking back if STOP was removed.
    fn read_available(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(end) = &mut self.end else { return self.file.read(buffer) };
        if !self.at_stop.get() || !end.last.ends_with(STOP) {
            let count = self.file.read(buffer)?;
            end.add(&buffer[..count]);
            return Ok(count);
        }
        // One read for STOP and the data after it: with two, another file could be read in between.
        let stop_at = end.offset - STOP.len() as u64;
        let mut bytes = [0; PAGE_SIZE];
        let room = bytes.len().min(STOP.len() + buffer.len());
        let count = self.file.read_at(&mut bytes[..room], stop_at)?;
        let rest = match bytes[..count].strip_prefix(STOP) {
            Some(rest) => rest,
            None => {
                self.at_stop.set(false);
                end.offset = stop_at;
                end.last.truncate(end.last.len() - STOP.len());
                let size = count.min(buffer.len());
                &bytes[..size]
            }
        };
        buffer[..rest.len()].copy_from_slice(rest);
        end.add(rest);
        self.file.seek(SeekFrom::Start(end.offset))?;
        Ok(rest.len())
    }
}

/// The position of reading in a file.
#[derive(Debug, Default)]
struct ReadPosition {
    offset: u64,
    /// The last bytes read, at least as many as STOP has.
    last: Vec<u8>,
}

/// Number of bytes compared to detect that a file was overwritten.
const LAST_SIZE: usize = 64;

impl ReadPosition {
    fn add(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.last.extend(&bytes[bytes.len().saturating_sub(LAST_SIZE)..]);
        self.last.drain(..self.last.len().saturating_sub(LAST_SIZE));
    }
}

impl Read for InputFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.reader.is_over(self.queue).is_some() {
                return Ok(0);
            }
            // Reading an empty pipe would delay a request to stop.
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(CHECK.as_millis() as u16)) {
                // A signal handler has set its flag, which the loop checks.
                Ok(0) | Err(Errno::EINTR) => continue,
                other => other?,
            };
            if let Some(watch) = &self.watch {
                if self.is_truncated()? {
                    watch.truncated();
                    return Ok(0);
                }
            }
            let count = match self.read_available(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
                    ) =>
                {
                    continue;
                }
                other => other?,
            };
            self.reader.progress.read.fetch_add(count as u64, Ordering::Relaxed);
            self.at_end = count == 0;
            if count > 0 || !self.reader.follow {
                if let Some(watch) = &mut self.watch {
                    watch.grew();
                }
                return Ok(count);
            }
            let is_complete = self.removable() > 0;
            if let Some(watch) = &mut self.watch {
                if watch.is_left(is_complete) {
                    return Ok(0);
                }
            }
            thread::sleep(CHECK);
        }
    }
}
