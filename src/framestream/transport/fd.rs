// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors that the caller opened or accepted.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, UnixAddr, recv, sendmsg};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::read;

use super::{Interest, Transport, wait};
use crate::handshake::Direction;

/// Reads a file, a pipe or a connected stream socket, and answers on the socket.
///
/// The file status flags stay as they are: other descriptors may share them. Whether a read would
/// block is asked for before it, which is certain as long as nobody else reads from the same pipe;
/// a socket is told with each call.
#[derive(Debug)]
pub struct FdReceiver {
    fd: Option<OwnedFd>,
    kind: FdKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FdKind {
    /// Always ready.
    Disk,
    Socket,
    /// A pipe, a terminal, another device.
    Other,
}

impl FdReceiver {
    /// A receiver of `fd`, which is open already. A file is read from its current position.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let mode = SFlag::from_bits_truncate(fstat(&fd)?.st_mode) & SFlag::S_IFMT;
        let kind = match mode {
            SFlag::S_IFREG | SFlag::S_IFBLK => FdKind::Disk,
            SFlag::S_IFSOCK => FdKind::Socket,
            _ => FdKind::Other,
        };
        Ok(Self { fd: Some(fd), kind })
    }

    /// Returns whether it is a file, which never makes a reader wait.
    pub fn is_always_ready(&self) -> bool {
        self.kind == FdKind::Disk
    }

    /// Waits, after `WouldBlock`, until it may be ready; `TimedOut` at `until`.
    pub fn wait(&self, what: Interest, until: Instant) -> io::Result<()> {
        wait(self, what, until)
    }

    fn open_fd(&self) -> io::Result<&OwnedFd> {
        self.fd.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Transport for FdReceiver {
    fn direction(&self) -> Direction {
        match self.kind {
            FdKind::Socket => Direction::Bidirectional,
            FdKind::Disk | FdKind::Other => Direction::Unidirectional,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        self.open_fd().map(drop)
    }

    fn close(&mut self) -> io::Result<()> {
        self.fd = None;
        Ok(())
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let fd = self.open_fd()?;
        uninterrupted(|| match self.kind {
            FdKind::Disk => read(fd, bytes),
            FdKind::Socket => recv(fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT),
            FdKind::Other => {
                match poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO)? {
                    0 => Err(Errno::EAGAIN),
                    _ => read(fd, bytes),
                }
            }
        })
    }

    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let fd = self.open_fd()?.as_raw_fd();
        if self.kind != FdKind::Socket {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        uninterrupted(|| sendmsg::<UnixAddr>(fd, slices, &[], flags, None))
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().filter(|_| self.kind != FdKind::Disk).map(AsFd::as_fd)
    }

    /// A receiver that cannot be opened: the stream is the parent's.
    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self { fd: None, kind: self.kind })
    }
}

/// Makes `call`, again after each signal that interrupts it.
fn uninterrupted(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => (),
            other => return Ok(other?),
        }
    }
}
