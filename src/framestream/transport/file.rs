// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and FIFOs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

use nix::libc::O_NONBLOCK;

use super::{Transport, WriteFailure};
use crate::handshake::Direction;

/// Bytes that one read of a file fetches ahead.
const READ_AHEAD: usize = 64 * 1024;

fn not_open() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// Writes to a file, which opening creates or truncates. A forked child writes to one of its own,
/// with its process ID behind the name: two streams in one file hide each other.
#[derive(Debug)]
pub struct FileSender {
    path: PathBuf,
    of_child: bool,
    file: Option<File>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Regular,
    /// Has a reader that may be slow, or gone.
    Fifo,
    Other,
}

impl FileSender {
    /// A sender to `path`, still closed.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), of_child: false, file: None, kind: Kind::Other }
    }

    /// The path in this process.
    fn path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        if self.of_child {
            path.push(format!(".{}", process::id()));
        }
        path.into()
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
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        let at_path = fs::metadata(self.path()).ok();
        let identity = |file: fs::Metadata| (file.dev(), file.ino());
        open.is_none() || open.map(identity) != at_path.map(identity)
    }

    fn open(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            // A FIFO without a reader must not hold up the caller. It is nothing to a file.
            .custom_flags(O_NONBLOCK)
            .open(self.path())?;
        let file_type = file.metadata()?.file_type();
        self.kind = if file_type.is_file() {
            Kind::Regular
        } else if file_type.is_fifo() {
            Kind::Fifo
        } else {
            Kind::Other
        };
        self.file = Some(file);
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }

    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.kind {
            // Its end for writing becomes ready to be read in no other case.
            Kind::Fifo => Err(io::ErrorKind::BrokenPipe.into()),
            Kind::Regular | Kind::Other => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or_else(not_open)?;
        loop {
            match file.write_vectored(slices) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                other => return other,
            }
        }
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().filter(|_| self.kind == Kind::Fifo).map(AsFd::as_fd)
    }

    fn write_failure(&self) -> WriteFailure {
        match self.kind {
            // A full disk may have room again.
            Kind::Regular => WriteFailure::Resumable,
            Kind::Fifo | Kind::Other => WriteFailure::NothingWritten,
        }
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self { of_child: true, ..Self::new(&self.path) })
    }
}

/// Reads a file from its beginning.
#[derive(Debug)]
pub struct FileReceiver {
    path: PathBuf,
    file: Option<BufReader<File>>,
}

impl FileReceiver {
    /// A receiver of `path`, still closed.
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
        self.file = Some(BufReader::with_capacity(READ_AHEAD, file));
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let file = self.file.as_mut().ok_or_else(not_open)?;
        loop {
            match file.read(bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                other => return other,
            }
        }
    }

    fn write(&mut self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(|file| file.get_ref().as_fd())
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self::new(&self.path))
    }
}
