// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of a writer thread, for its host to log. The host retrieves them, or polls a descriptor:
//! no code of the host runs in the writer thread.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::time::SystemTime;
use std::{io, mem};

use super::wake::Wake;
use crate::fork::{Child, Lock};

/// Maximum number of pending events. Beyond it, the oldest is discarded.
pub const EVENTS_MAX: usize = 64;

/// The kind of a [`SenderEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A stream is open.
    Connected,
    /// A stream could not be opened: the first failure since the last stream.
    ConnectFailed,
    /// The stream broke.
    Disconnected,
    /// A file could not be written to: the first failure since the last write that succeeded.
    WriteFailed,
    /// The first frame was dropped since the start, or since [`EventKind::Recovered`].
    Dropping,
    /// No frame has been dropped for a while, and the peer accepts frames.
    Recovered,
    /// The thread has ended: its stream is closed.
    Closed,
}

/// An event of a writer thread, for its host to log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderEvent {
    /// The kind.
    pub kind: EventKind,
    /// The time of the event.
    pub time: SystemTime,
    /// Frames that were lost: with [`EventKind::Dropping`], so far in this series; with
    /// [`EventKind::Recovered`] and [`EventKind::Closed`], since the last [`EventKind::Recovered`].
    pub count: u64,
    /// Events that were discarded before this one, because more than [`EVENTS_MAX`] were pending.
    pub missed: u64,
    /// One line, without a full stop.
    pub text: String,
}

/// The events that the host has not retrieved yet.
#[derive(Debug, Default)]
pub(super) struct Events(Lock<PendingEvents>);

/// The contents of [`Events`].
#[derive(Debug, Default)]
struct PendingEvents {
    events: VecDeque<SenderEvent>,
    missed: u64,
    /// Readable while there are events. Created when the host first needs it.
    wake: Option<Wake>,
}

impl Events {
    /// Adds an event.
    pub(super) fn push(&self, kind: EventKind, count: u64, text: String) {
        let event = SenderEvent { kind, time: SystemTime::now(), count, missed: 0, text };
        let mut pending = self.0.lock();
        if pending.events.len() == EVENTS_MAX {
            pending.missed += 1;
            pending.events.pop_front();
        }
        pending.events.push_back(event);
        if pending.events.len() == 1 {
            pending.signal();
        }
    }

    /// Removes and returns the oldest event.
    pub(super) fn next(&self) -> Option<SenderEvent> {
        let mut pending = self.0.lock();
        let mut event = pending.events.pop_front()?;
        event.missed = mem::take(&mut pending.missed);
        if pending.events.is_empty() {
            if let Some(wake) = &pending.wake {
                wake.take();
            }
        }
        Some(event)
    }

    /// Returns a descriptor that is readable while there are events, and is closed in forked
    /// children. In a child, or after the host has closed it, returns another one.
    pub(super) fn fd(&self) -> io::Result<RawFd> {
        let mut pending = self.0.lock();
        if let Some(wake) = pending.wake.as_ref().filter(|wake| wake.is_open()) {
            return Ok(wake.fd().as_raw_fd());
        }
        let wake = Wake::new(pending.hold())?;
        let fd = wake.fd().as_raw_fd();
        let closed = pending.wake.replace(wake);
        if !pending.events.is_empty() {
            pending.signal();
        }
        // Descriptors must not be freed while a lock is held.
        drop(pending);
        drop(closed);
        Ok(fd)
    }

    /// Discards all events in a forked child: they are its parent's.
    pub(super) fn renew(&self, child: &Child) {
        if let Some(mut pending) = self.0.lock_in(child) {
            // Dropping them would free memory.
            mem::forget(mem::take(&mut pending.events));
            pending.missed = 0;
        }
    }
}

impl PendingEvents {
    /// Makes the descriptor readable.
    fn signal(&self) {
        if let Some(wake) = &self.wake {
            wake.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::unistd::close;

    use super::*;

    fn push(events: &Events, count: u64) {
        events.push(EventKind::Recovered, count, String::new());
    }

    fn is_readable(events: &Events) -> bool {
        let pending = events.0.lock();
        let wake = pending.wake.as_ref().expect("a descriptor");
        poll(&mut [PollFd::new(wake.fd(), PollFlags::POLLIN)], PollTimeout::ZERO) == Ok(1)
    }

    #[test]
    fn the_oldest_events_are_discarded_and_counted() {
        let events = Events::default();
        assert_eq!(events.next(), None);
        let pushed = EVENTS_MAX as u64 + 3;
        (0..pushed).for_each(|count| push(&events, count));
        for count in 3..pushed {
            let event = events.next().expect("pending");
            assert_eq!((event.count, event.missed), (count, if count == 3 { 3 } else { 0 }));
        }
        assert_eq!(events.next(), None);
    }

    #[test]
    fn the_descriptor_is_readable_while_events_are_pending() {
        let events = Events::default();
        push(&events, 0);
        let fd = events.fd().expect("a descriptor");
        assert!(is_readable(&events));
        push(&events, 1);
        events.next();
        assert!(is_readable(&events));
        events.next();
        assert!(!is_readable(&events));
        (0..200).for_each(|count| push(&events, count));
        assert!(is_readable(&events));
        while events.next().is_some() {}
        assert!(!is_readable(&events));
        assert_eq!(events.fd().expect("the same"), fd);
    }

    #[test]
    fn a_descriptor_that_the_host_closed_is_replaced() {
        let events = Events::default();
        close(events.fd().expect("a descriptor")).expect("open");
        push(&events, 0);
        events.fd().expect("another descriptor");
        assert!(is_readable(&events));
        events.next();
        assert!(!is_readable(&events));
    }
}
