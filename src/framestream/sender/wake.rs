// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wakes a writer thread that polls its peer, and signals its end.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use nix::unistd::{read, write};
#[cfg(not(target_vendor = "apple"))]
use nix::{fcntl::OFlag, unistd::pipe2};

use crate::fork::{Hold, ProcessFd, hold};
#[cfg(target_vendor = "apple")]
use crate::sockets::stream_pair;

/// A pipe to or from the writer thread, with its successor, if any: that of a forked child, or the
/// replacement of a pipe that the host has closed.
#[derive(Debug)]
pub(crate) struct Wake {
    sender: ProcessFd,
    receiver: ProcessFd,
    successor: OnceLock<Box<Wake>>,
}

impl Wake {
    /// Creates a pipe of this process, while forks are blocked.
    pub(crate) fn new(hold: &Hold) -> io::Result<Self> {
        #[cfg(not(target_vendor = "apple"))]
        let (receiver, sender) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // macOS has no pipe2, nor pipes without SIGPIPE.
        #[cfg(target_vendor = "apple")]
        let (receiver, sender) = stream_pair()?;
        let private = |fd| ProcessFd::private(hold, fd);
        let (sender, receiver) = (private(sender), private(receiver));
        Ok(Self { sender, receiver, successor: OnceLock::new() })
    }

    /// Returns the last pipe: that of this process or, in a child without one, that of the parent,
    /// which is closed.
    fn current(&self) -> &Self {
        let mut current = self;
        while let Some(successor) = current.successor.get() {
            current = successor;
        }
        current
    }

    /// Creates a successor.
    pub(crate) fn renew(&self, hold: &Hold) -> io::Result<()> {
        let successor = Box::new(Self::new(hold)?);
        drop(self.current().successor.set(successor));
        Ok(())
    }

    /// Replaces the pipe if the host has closed it. Returns whether a pipe exists.
    pub(crate) fn replace_closed(&self) -> bool {
        self.is_open() || self.renew(&hold()).is_ok()
    }

    /// Wakes the waiting thread, now or at its next wait. Without a pipe, the thread notices by its
    /// timer.
    pub(crate) fn wake(&self) {
        let current = self.current();
        if current.sender.is_open() {
            // If the pipe is full, the thread is woken anyway.
            let _ = write(&current.sender, &[0]);
        }
    }

    /// Returns the descriptor to poll, in a process that has a writer thread.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.current().receiver.as_fd()
    }

    /// Drains the pipe, so that this thread can wait again. Returns whether the pipe exists.
    pub(crate) fn take(&self) -> bool {
        let is_open = self.is_open();
        if is_open {
            let _ = read(self.fd(), &mut [0; 64]);
        }
        is_open
    }

    /// Returns whether both ends are open. Without a sender, the receiver would stay readable.
    pub(crate) fn is_open(&self) -> bool {
        let current = self.current();
        current.sender.is_open() && current.receiver.is_open()
    }

    #[cfg(test)]
    pub(super) fn sender(&self) -> &ProcessFd {
        &self.sender
    }
}
