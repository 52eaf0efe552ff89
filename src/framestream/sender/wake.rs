// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a writer thread is woken while it waits for its peer as well, and how it tells its end.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};

use crate::transport::poll_for;

/// A pipe to or from the writer thread, and after a fork the child's pipe to or from its own.
pub(crate) struct Wake {
    pipe: Arc<Pipe>,
    child: OnceLock<Box<Wake>>,
}

struct Pipe {
    sender: PipeWriter,
    receiver: PipeReader,
}

impl Pipe {
    /// Whether its numbers stand for nothing.
    fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(self.receiver.as_fd(), PollFlags::empty())];
        let polled = poll_for(&mut fds, Duration::ZERO);
        polled.is_ok() && fds[0].revents().is_some_and(|what| what.contains(PollFlags::POLLNVAL))
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        if self.pipe.is_closed() {
            mem::forget(Arc::clone(&self.pipe));
        }
    }
}

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let (receiver, sender) = io::pipe()?;
        for end in [receiver.as_fd(), sender.as_fd()] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self { pipe: Arc::new(Pipe { sender, receiver }), child: OnceLock::new() })
    }

    /// The pipe of this process.
    fn current(&self) -> &Self {
        let mut current = self;
        while let Some(child) = current.child.get() {
            current = child;
        }
        current
    }

    /// Gives each pipe that the host has closed, without leave, a successor. Returns whether all are
    /// there. The old numbers may stand for something else by now, so they are not closed again; and
    /// all are found out before the first of them can be that of a successor.
    pub(crate) fn replace_closed(pipes: &[&Self]) -> bool {
        let closed: Vec<&Self> =
            pipes.iter().copied().filter(|wake| wake.current().pipe.is_closed()).collect();
        for wake in &closed {
            mem::forget(Arc::clone(&wake.current().pipe));
        }
        closed.iter().all(|wake| wake.renew().is_ok())
    }

    /// Parts from the pipe that was there so far, as that is shared with the parent, or closed.
    pub(crate) fn renew(&self) -> io::Result<()> {
        let child = Box::new(Self::new()?);
        drop(self.current().child.set(child));
        Ok(())
    }

    /// Wakes whoever waits, now or when they next do.
    pub(crate) fn wake(&self) {
        // A full pipe wakes as well as one byte more.
        drop((&self.current().pipe.sender).write(&[0]));
    }

    /// What to wait for.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.current().pipe.receiver.as_fd()
    }

    /// Takes what woke this thread, so that it can wait again.
    pub(crate) fn take(&self) {
        drop((&self.current().pipe.receiver).read(&mut [0; 64]));
    }
}
