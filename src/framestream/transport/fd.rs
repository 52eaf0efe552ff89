// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors that the caller opened or accepted.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, UnixAddr, recv, sendmsg};
use nix::unistd::read;
use rustix::fs::{FileType, fstat};

use super::{Interest, Transport, uninterrupted, wait};
use crate::fork::ProcessFd;
use crate::handshake::Direction;
use crate::sockets::{SEND_FLAGS, without_sigpipe};

/// A receiver that reads from a file, a pipe or a connected stream socket, and replies on the
/// socket.
///
/// It does not change the file status flags, which other descriptors may share. On a socket, each
/// call has a flag not to block. On a pipe, a poll before each read avoids blocking, unless another
/// process reads from the same pipe.
#[derive(Debug)]
pub struct FdReceiver {
    fd: Option<ProcessFd>,
    kind: FdKind,
}

/// The kind of file behind a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FdKind {
    /// A regular file or block device, which is always ready.
    Disk,
    Socket,
    /// A pipe, a terminal, another device.
    Other,
}

impl FdReceiver {
    /// Creates a receiver on `fd`. A file is read from its current position.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let kind = match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
            FileType::RegularFile | FileType::BlockDevice => FdKind::Disk,
            FileType::Socket => {
                without_sigpipe(&fd)?;
                FdKind::Socket
            }
            _ => FdKind::Other,
        };
        Ok(Self { fd: Some(ProcessFd::shared(fd)), kind })
    }

    /// Returns whether it is a file, so that reads never wait.
    pub fn is_always_ready(&self) -> bool {
        self.kind == FdKind::Disk
    }

    /// Waits, after `WouldBlock`, until it may be ready. Fails with `TimedOut` at `until`.
    pub fn wait(&self, event: Interest, until: Instant) -> io::Result<()> {
        wait(self, event, until)
    }

    fn open_fd(&self) -> io::Result<&ProcessFd> {
        let fd = self.fd.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        fd.check()?;
        Ok(fd)
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
        let flags = MsgFlags::MSG_DONTWAIT | SEND_FLAGS;
        uninterrupted(|| sendmsg::<UnixAddr>(fd, slices, &[], flags, None))
    }

    fn poll_fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().filter(|_| self.kind != FdKind::Disk).map(AsFd::as_fd)
    }

    /// Returns a receiver that cannot be opened, because the stream belongs to the parent.
    fn for_child(&self) -> Box<dyn Transport> {
        Box::new(Self { fd: None, kind: self.kind })
    }
}
