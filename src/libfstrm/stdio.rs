// SPDX-License-Identifier: MIT OR Apache-2.0
//! The standard streams of the process, as C's `FILE`s: what the program itself printed or read
//! before keeps its place.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use framestream::handshake::Direction;
use framestream::transport::{Transport, WriteFailure};
use libc::FILE;

unsafe extern "C" {
    static stdin: *mut FILE;
    static stdout: *mut FILE;
}

/// The standard input of a reader, the standard output of a writer. As with fstrm, closing the
/// transport closes the stream for the whole process. Calls block as C's do.
pub(crate) struct Stdio {
    role: Role,
    /// A forked child leaves the stream to its parent: two in one hide each other.
    of_child: bool,
    file: *mut FILE,
}

/// What a standard stream is used for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Reading `stdin`.
    Input,
    /// Writing `stdout`.
    Output,
}

// SAFETY: C's streams have a lock of their own.
unsafe impl Send for Stdio {}

/// Whether the stream of each role was closed: C must not be given it again.
static CLOSED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

impl Role {
    fn closed(self) -> &'static AtomicBool {
        &CLOSED[self as usize]
    }
}

impl Stdio {
    /// The stream, still closed.
    pub(crate) fn new(role: Role) -> Self {
        Self { role, of_child: false, file: ptr::null_mut() }
    }

    /// The stream, unless it was closed: here, or for the whole process by another of its role.
    fn open_file(&self) -> io::Result<*mut FILE> {
        match self.file.is_null() || self.role.closed().load(Ordering::Acquire) {
            true => Err(io::ErrorKind::NotConnected.into()),
            false => Ok(self.file),
        }
    }
}

impl Transport for Stdio {
    fn direction(&self) -> Direction {
        Direction::Unidirectional
    }

    fn open(&mut self) -> io::Result<()> {
        if self.of_child {
            return Err(io::ErrorKind::Unsupported.into());
        }
        // SAFETY: C sets the two before `main` and leaves them alone.
        self.file = unsafe {
            match self.role {
                Role::Input => stdin,
                Role::Output => stdout,
            }
        };
        self.open_file().map(drop)
    }

    fn close(&mut self) -> io::Result<()> {
        let file = std::mem::replace(&mut self.file, ptr::null_mut());
        let closes = !file.is_null() && !self.role.closed().swap(true, Ordering::AcqRel);
        // SAFETY: an open stream of C, which this crate closes once and does not use from here on.
        match closes && unsafe { libc::fclose(file) } != 0 {
            true => Err(io::Error::last_os_error()),
            false => Ok(()),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let file = self.open_file()?;
        // SAFETY: an open stream of C, and room for as many bytes as are asked for.
        let count = unsafe { libc::fread(bytes.as_mut_ptr().cast(), 1, bytes.len(), file) };
        // SAFETY: the same stream.
        match count == 0 && unsafe { libc::ferror(file) } != 0 {
            true => Err(io::Error::last_os_error()),
            false => Ok(count),
        }
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let file = self.open_file()?;
        let mut written = 0;
        for slice in slices {
            // SAFETY: an open stream of C, and as many bytes as are named.
            let count = unsafe { libc::fwrite(slice.as_ptr().cast(), 1, slice.len(), file) };
            written += count;
            if count < slice.len() {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(written)
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    fn write_failure(&self) -> WriteFailure {
        WriteFailure::Unknown
    }

    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self { of_child: true, ..Self::new(self.role) })
    }
}
