// SPDX-License-Identifier: MIT OR Apache-2.0
//! The standard streams of the process, through `FILE` of C, so that data that the program itself
//! has written or read stays in order.

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

/// The standard input, for a reader, or the standard output, for a writer. As with fstrm, closing
/// the transport closes the stream for the whole process. Calls block.
pub(crate) struct Stdio {
    role: Role,
    /// True in a forked child, which does not use the stream, since two streams in one would be
    /// mixed up.
    of_child: bool,
    file: *mut FILE,
}

/// The use of a standard stream.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Reading `stdin`.
    Input,
    /// Writing `stdout`.
    Output,
}

// SAFETY: streams of C are locked internally.
unsafe impl Send for Stdio {}

/// True for each role whose stream was closed, and must not be passed to C again.
static CLOSED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];

impl Role {
    fn closed(self) -> &'static AtomicBool {
        &CLOSED[self as usize]
    }
}

impl Stdio {
    /// Creates a transport for the stream, without opening it.
    pub(crate) fn new(role: Role) -> Self {
        Self { role, of_child: false, file: ptr::null_mut() }
    }

    /// Returns the stream. Fails if it was closed, by this transport or another one.
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
        // SAFETY: C sets both before `main`, and does not change them.
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
        // SAFETY: it is an open stream, which this crate closes once and does not use afterwards.
        match closes && unsafe { libc::fclose(file) } != 0 {
            true => Err(io::Error::last_os_error()),
            false => Ok(()),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let file = self.open_file()?;
        // SAFETY: it is an open stream, and the buffer has the given length.
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
            // SAFETY: it is an open stream, and the slice has the given length.
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
