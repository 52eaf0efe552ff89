// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a writer thread is woken while it waits for its peer as well, and how it tells its end.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// A pipe to or from the writer thread, and after a fork the child's pipe to or from its own.
pub(crate) struct Wake {
    sender: PipeWriter,
    receiver: PipeReader,
    child: OnceLock<Box<Wake>>,
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let (receiver, sender) = io::pipe()?;
        for end in [receiver.as_fd(), sender.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self { sender, receiver, child: OnceLock::new() })
    }

    /// The pipe of this process.
    fn current(&self) -> &Self {
        let mut current = self;
        while let Some(child) = current.child.get() {
            current = child;
        }
        current
    }

    /// Parts from the pipe that is shared with the parent.
    pub(crate) fn renew(&self) -> io::Result<()> {
        let child = Box::new(Self::new()?);
        drop(self.current().child.set(child));
        Ok(())
    }

    /// Wakes whoever waits, now or when they next do.
    pub(crate) fn wake(&self) {
        // A full pipe wakes as well as one byte more.
        drop((&self.current().sender).write(&[0]));
    }

    /// What to wait for.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.current().receiver.as_fd()
    }

    /// Takes what woke this thread, so that it can wait again.
    pub(crate) fn take(&self) {
        drop((&self.current().receiver).read(&mut [0; 64]));
    }
}
