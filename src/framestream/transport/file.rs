// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and FIFOs.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, BufReader, IoSlice, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use nix::errno::Errno;
use nix::libc::O_NONBLOCK;
use nix::sys::uio::writev;
use nix::unistd::read;
use rustix::fs::{Stat, fstat, stat};

use super::{Transport, WriteFailure, uninterrupted};
use crate::fork::ProcessFd;
use crate::handshake::Direction;

/// Size of the buffer for reading a file.
const READ_AHEAD: usize = 64 * 1024;

fn not_open() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// A sender to a file, which is created or truncated when it is opened. A forked child writes to a
/// file of its own, whose name ends with its process ID, because two streams in one file would
/// overwrite each other. Parent and child both write to a device; only the parent writes to a FIFO.
#[derive(Debug)]
pub struct FileSender {
    path: PathBuf,
    of_child: bool,
    file: Option<ProcessFd>,
    kind: FileKind,
    /// True if forked children close it.
    private: bool,
}

/// The kind of file at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Regular,
    /// A FIFO, whose reader may be slow or absent.
    Fifo,
    Other,
}

impl From<FileType> for FileKind {
    fn from(file_type: FileType) -> Self {
        if file_type.is_file() {
            Self::Regular
        } else if file_type.is_fifo() {
            Self::Fifo
        } else {
            Self::Other
        }
    }
}

impl FileSender {
    /// Creates a sender to `path`, without opening it.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.into(),
            of_child: false,
            file: None,
            kind: FileKind::Other,
            private: false,
        }
    }

    /// Returns the path in this process.
    fn path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        if self.of_child && self.kind_at_path() == FileKind::Regular {
            path.push(format!(".{}", process::id()));
        }
        path.into()
    }

    fn is_open(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.check().is_ok())
    }

    /// Reopens the file after the host has closed it, if it is still at its path.
    fn open_again(&mut self) -> io::Result<()> {
        // Dropped first, or it would close the new one, if that has the same number.
        let lost = self.file.take().and_then(|lost| lost.target());
        let file = OpenOptions::new().append(true).custom_flags(O_NONBLOCK).open(self.path())?;
        let mut file = ProcessFd::shared(file.into());
        if lost.is_none() || lost != file.target() {
            return Err(Errno::EBADF.into());
        }
        if self.private {
            file.make_private();
        }
        self.file = Some(file);
        Ok(())
    }

    /// Returns the kind of file that exists at the path, or will be created there.
    fn kind_at_path(&self) -> FileKind {
        fs::metadata(&self.path).map_or(FileKind::Regular, |found| found.file_type().into())
    }
}

impl Transport for FileSender {
    fn direction(&self) -> Direction {
        Direction::Unidirectional
    }

    fn target(&self) -> Option<String> {
        Some(self.path().display().to_string())
    }

    fn leads_elsewhere(&self) -> bool {
        let open = self.file.as_ref().filter(|file| file.check().is_ok());
        let open = open.and_then(|file| fstat(file).ok());
        let at_path = stat(self.path()).ok();
        let identity = |file: Stat| (file.st_dev, file.st_ino);
        open.is_none() || open.map(identity) != at_path.map(identity)
    }

    fn open(&mut self) -> io::Result<()> {
        if self.of_child && self.kind_at_path() == FileKind::Fifo {
            return Err(io::Error::other("a FIFO carries the stream of one process, the parent's"));
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            // Opening a FIFO without a reader must not block. The flag does not affect files.
            .custom_flags(O_NONBLOCK)
            .open(self.path())?;
        self.kind = file.metadata()?.file_type().into();
        // Opening may take long, so forks are not blocked meanwhile; a child that was forked during
        // it keeps the descriptor.
        let mut file = ProcessFd::shared(file.into());
        if self.private {
            file.make_private();
        }
        self.file = Some(file);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }

    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.kind {
            // The write end of a FIFO becomes readable only when the last reader has gone.
            FileKind::Fifo => Err(io::ErrorKind::BrokenPipe.into()),
            FileKind::Regular | FileKind::Other => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut file = self.file.as_ref().ok_or_else(not_open)?;
        if file.check().is_err() {
            if self.kind != FileKind::Regular {
                return Err(Errno::EBADF.into());
            }
            self.open_again()?;
            file = self.file.as_ref().ok_or_else(not_open)?;
        }
        uninterrupted(|| writev(file, slices))
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().filter(|_| self.kind == FileKind::Fifo).map(AsFd::as_fd)
    }

    /// A regular file is reopened by the next write.
    fn is_lost(&self) -> bool {
        self.kind != FileKind::Regular && self.file.is_some() && !self.is_open()
    }

    fn write_failure(&self) -> WriteFailure {
        match self.kind {
            // A full disk may have room later.
            FileKind::Regular if self.is_open() => WriteFailure::Resumable,
            FileKind::Regular | FileKind::Fifo | FileKind::Other => WriteFailure::NothingWritten,
        }
    }

    fn close_in_children(&mut self) {
        self.private = true;
        if let Some(file) = &mut self.file {
            file.make_private();
        }
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self { of_child: true, ..Self::new(&self.path) })
    }
}

/// A receiver that reads a file from its beginning.
#[derive(Debug)]
pub struct FileReceiver {
    path: PathBuf,
    file: Option<BufReader<InputFile>>,
}

/// A file that is read.
#[derive(Debug)]
struct InputFile(ProcessFd);

impl Read for InputFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.check()?;
        uninterrupted(|| read(&self.0, bytes))
    }
}

impl FileReceiver {
    /// Creates a receiver of `path`, without opening it.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), file: None }
    }
}

impl Transport for FileReceiver {
    fn direction(&self) -> Direction {
        Direction::Unidirectional
    }

    fn open(&mut self) -> io::Result<()> {
        let file = File::open(&self.path)?;
        let file = InputFile(ProcessFd::shared(file.into()));
        self.file = Some(BufReader::with_capacity(READ_AHEAD, file));
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.as_mut().ok_or_else(not_open)?.read(bytes)
    }

    fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(|file| file.get_ref().0.as_fd())
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self::new(&self.path))
    }
}
