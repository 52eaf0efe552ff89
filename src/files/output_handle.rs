// SPDX-License-Identifier: MIT OR Apache-2.0
//! The open file that frames are written to.

use std::fs::{self, File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Bytes that a pipe which polls as writable takes without blocking: `PIPE_BUF` on Linux.
const PIPE_PIECE: usize = 4096;

/// Interval at which a blocked write checks for a request to stop.
const STOP_CHECK: u16 = 100;

/// Maximum time that a reader may block the program once it is to stop.
const PATIENCE_AT_STOP: Duration = Duration::from_secs(1);

/// An open file, pipe or device.
#[derive(Debug)]
pub(crate) struct OutputHandle {
    pub(crate) file: File,
    pub(crate) is_regular: bool,
    /// The position of the next write to a regular file.
    end: u64,
    /// The reader at the other end may let a write wait.
    may_block: bool,
    stop: Arc<AtomicBool>,
}

/// A change of a file by another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// Its last link was removed.
    Deleted,
    /// It was truncated.
    Shrunk {
        from: u64,
        to: u64,
    },
    /// Data was appended.
    Grown,
}

/// A write that failed after some bytes.
#[derive(Debug)]
pub(crate) struct PartialWrite {
    pub(crate) written: usize,
    pub(crate) error: io::Error,
}

impl OutputHandle {
    /// Wraps an open file. Once `stop` is set, a write that its reader blocks fails after a short time.
    pub(crate) fn new(mut file: File, stop: Arc<AtomicBool>) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let (is_regular, may_block) = (metadata.is_file(), may_block(&metadata));
        let end = match is_regular {
            false => 0,
            true if is_appended(&file) => metadata.len(),
            true => file.stream_position()?,
        };
        Ok(Self { file, is_regular, end, may_block, stop })
    }

    /// Returns the change of a regular file by another program since the last write.
    pub(crate) fn change(&self) -> io::Result<Change> {
        if !self.is_regular {
            return Ok(Change::None);
        }
        let metadata = self.file.metadata()?;
        Ok(match metadata.len() {
            _ if metadata.nlink() == 0 => Change::Deleted,
            size if size < self.end => Change::Shrunk { from: self.end, to: size },
            size if size > self.end => Change::Grown,
            _ => Change::None,
        })
    }

    /// Undoes the last write, of `count` bytes, if another program had truncated the file just
    /// before, so that the bytes are in the wrong place. Returns whether that was so.
    pub(crate) fn undo_misplaced(&mut self, count: usize) -> io::Result<bool> {
        if !self.is_regular {
            return Ok(false);
        }
        let end = self.file.stream_position()?;
        if end >= self.end {
            // Another program may have written first; our data is after that.
            self.end = end;
            return Ok(false);
        }
        self.file.set_len(end.saturating_sub(count as u64))?;
        Ok(true)
    }

    /// Sets the position of the next write to `size`, the end of the file.
    pub(crate) fn continue_at(&mut self, size: u64) -> io::Result<()> {
        self.end = self.file.seek(SeekFrom::Start(size))?;
        Ok(())
    }

    /// Returns whether `path` refers to this file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        match (fs::metadata(path), self.file.metadata()) {
            (Ok(there), Ok(ours)) => (there.dev(), there.ino()) == (ours.dev(), ours.ino()),
            _ => false,
        }
    }

    /// Returns whether it is an empty regular file.
    pub(crate) fn is_empty(&self) -> bool {
        self.is_regular && self.file.metadata().is_ok_and(|metadata| metadata.len() == 0)
    }

    /// Writes all of `bytes`.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), PartialWrite> {
        let mut written = 0;
        let mut give_up = None;
        while written < bytes.len() {
            let mut rest = &bytes[written..];
            if self.may_block {
                self.wait(&mut give_up).map_err(|error| PartialWrite { written, error })?;
                rest = &rest[..rest.len().min(PIPE_PIECE)];
            }
            match self.file.write(rest) {
                Ok(0) => {
                    return Err(PartialWrite { written, error: io::ErrorKind::WriteZero.into() });
                }
                Ok(count) => {
                    written += count;
                    self.end += count as u64;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => (),
                    io::ErrorKind::WouldBlock if self.may_block => (),
                    _ => return Err(PartialWrite { written, error }),
                },
            }
        }
        Ok(())
    }

    /// Waits until a write does not block. Fails if the reader still blocks it some time after the
    /// request to stop.
    fn wait(&self, give_up: &mut Option<Instant>) -> io::Result<()> {
        loop {
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLOUT)];
            match poll(&mut fds, PollTimeout::from(STOP_CHECK)) {
                Ok(0) | Err(Errno::EINTR) => (),
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if self.stop.load(Ordering::Relaxed) {
                let until = *give_up.get_or_insert_with(|| Instant::now() + PATIENCE_AT_STOP);
                if Instant::now() >= until {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
    }

    /// Truncates the file to `size` bytes and continues there.
    pub(crate) fn truncate_to(&mut self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        self.continue_at(size)
    }

    /// Removes the last `count` bytes of a regular file.
    pub(crate) fn remove_last(&mut self, count: u64) -> io::Result<()> {
        if self.is_regular && count > 0 {
            let size = self.file.metadata()?.len();
            self.file.set_len(size.saturating_sub(count))?;
            self.file.seek(SeekFrom::Current(-(count as i64)))?;
            self.end = self.end.saturating_sub(count);
        }
        Ok(())
    }
}

/// Returns whether the file is open for appending.
fn is_appended(file: &File) -> bool {
    fcntl(file, FcntlArg::F_GETFL)
        .is_ok_and(|flags| OFlag::from_bits_truncate(flags).contains(OFlag::O_APPEND))
}

fn may_block(metadata: &Metadata) -> bool {
    metadata.file_type().is_fifo() || metadata.file_type().is_socket()
}
