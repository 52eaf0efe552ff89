// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wakes a thread that polls its peer, or an event loop.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::OnceLock;

use nix::sys::socket::send;
use nix::unistd::read;

use crate::fork::{Hold, ProcessFd};
use crate::sockets::{SEND_FLAGS, stream_pair};

/// A pair of sockets, one of which becomes readable, with its successor, if any: that of a forked
/// child, or the replacement of a pair that the host has closed.
///
/// An eventfd would be one descriptor instead of two, but a poll holds a reference to it, so that
/// the thread would not notice that the host has closed it; and all of them, as well as epoll
/// descriptors and timers, have the same inode, so that those of the host could not be told apart.
/// Pipes would raise SIGPIPE if the host closed one end.
#[derive(Debug)]
pub(crate) struct Wake {
    sender: ProcessFd,
    receiver: ProcessFd,
    successor: OnceLock<Box<Wake>>,
}

impl Wake {
    /// Creates a pair of this process, while forks are blocked.
    pub(crate) fn new(hold: &Hold) -> io::Result<Self> {
        let (receiver, sender) = stream_pair()?;
        let private = |fd| ProcessFd::private(hold, fd);
        let (sender, receiver) = (private(sender), private(receiver));
        Ok(Self { sender, receiver, successor: OnceLock::new() })
    }

    /// Returns the last successor: that of this process or, in a child without one, that of the
    /// parent, which is closed.
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

    /// Wakes the waiting thread, now or at its next wait. If the host has closed the sender, the
    /// thread has already been woken by that.
    pub(crate) fn wake(&self) {
        let sender = &self.current().sender;
        if sender.is_open() {
            // If the socket is full, the thread is already being woken.
            let _ = send(sender.as_raw_fd(), &[0], SEND_FLAGS);
        }
    }

    /// Returns the descriptor to poll, in a process that has a writer thread.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.current().receiver.as_fd()
    }

    /// Reads what [`Wake::wake`] has written, so that this thread can wait again.
    pub(crate) fn take(&self) {
        let receiver = &self.current().receiver;
        if receiver.is_open() {
            let _ = read(receiver, &mut [0; 64]);
        }
    }

    /// Returns whether both are open. Without a sender, the receiver would stay readable.
    pub(crate) fn is_open(&self) -> bool {
        let current = self.current();
        current.sender.is_open() && current.receiver.is_open()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::close;

    use super::*;
    use crate::fork::hold;

    fn is_readable(wake: &Wake) -> bool {
        poll(&mut [PollFd::new(wake.fd(), PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1)
    }

    fn new() -> Wake {
        Wake::new(&hold()).expect("descriptors")
    }

    #[test]
    fn it_is_readable_from_a_wake_to_the_next_take() {
        let wake = new();
        assert!(!is_readable(&wake));
        wake.wake();
        assert!(is_readable(&wake));
        // Also if it is full.
        (0..10_000).for_each(|_| wake.wake());
        while is_readable(&wake) {
            wake.take();
        }
    }

    #[test]
    fn a_pair_of_which_the_host_closes_one_is_replaced() {
        for closes_sender in [true, false] {
            let wake = new();
            let end = if closes_sender { &wake.sender } else { &wake.receiver };
            close(end.as_raw_fd()).expect("open");
            // Not killed by SIGPIPE.
            wake.wake();
            wake.take();
            assert!(!wake.is_open());
            wake.renew(&hold()).expect("descriptors");
            assert!(!is_readable(&wake));
            wake.wake();
            assert!(wake.is_open() && is_readable(&wake));
        }
    }
}
