// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counters of a writer thread.

use std::fmt::Display;
use std::mem;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::SystemTime;

use super::events::{EventKind, Events};
use crate::fork::{Child, Lock};
use crate::plain_error;

/// The state of the stream of a writer thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum LinkState {
    /// There is no stream; the thread will try to open one when its timer expires.
    #[default]
    Disconnected,
    /// The thread is connecting, or in the handshake.
    Connecting,
    /// The stream is open.
    Connected,
    /// The stream is being closed, or the thread has ended.
    Closing,
}

impl LinkState {
    fn from_u8(value: u8) -> Self {
        match value {
            1 => Self::Connecting,
            2 => Self::Connected,
            3 => Self::Closing,
            _ => Self::Disconnected,
        }
    }
}

/// Counters of a writer thread. At every moment `accepted = written + waiting + lost_closing +
/// lost_error`. In a forked child, they start at 0: frames that were accepted before the fork
/// belong to the parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// Frames that were accepted for sending.
    pub accepted: u64,
    /// Frames that were refused because the queue was full.
    pub refused: u64,
    /// Frames that the transport has accepted. They include those that the receiver had not read
    /// when it died, which no sender can count.
    pub written: u64,
    /// Pending frames, which are in the queues or in the memory of the writer thread.
    pub waiting: u64,
    /// Frames that could not be sent before the thread was closed, or were submitted while it was
    /// being closed.
    pub lost_closing: u64,
    /// Frames in a failed call of a caller's own write function, which does not report how many of
    /// them it wrote.
    pub lost_error: u64,
    /// Bytes that the transport has accepted: data frames with their length prefixes, without
    /// control frames.
    pub bytes_written: u64,
    /// Streams that were opened, including those of [`Sender::reopen`](super::Sender::reopen).
    pub connects: u64,
    /// Failed attempts to open a stream.
    pub connect_failures: u64,
    /// Streams that broke.
    pub disconnects: u64,
    /// The state of the stream.
    pub state: LinkState,
}

/// Defines the counters that the threads share. The numbers of accepted and of pending frames
/// follow from the feed.
macro_rules! counters {
    ($($counter:ident),+) => {
        /// The counters of a writer thread, as the threads update them.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $counter: AtomicU64,)+
            state: AtomicU8,
            last_failure: Lock<Option<Failure>>,
            pub(super) events: Events,
        }

        impl Counters {
            fn reset(&self) {
                $(self.$counter.store(0, Ordering::Relaxed);)+
            }

            fn load(&self) -> SenderStats {
                SenderStats {
                    $($counter: self.$counter.load(Ordering::Acquire),)+
                    state: LinkState::from_u8(self.state.load(Ordering::Relaxed)),
                    ..SenderStats::default()
                }
            }
        }
    };
}

counters!(
    refused,
    written,
    lost_closing,
    lost_error,
    bytes_written,
    connects,
    connect_failures,
    disconnects
);

/// A failure to open, keep or close a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it happened.
    pub time: SystemTime,
    /// One line without a full stop: the target, the operation that failed, and the reason.
    pub text: String,
}

/// Adds to a counter.
pub(super) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Release);
}

impl Counters {
    pub(super) fn set_state(&self, state: LinkState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Records that an operation failed, and returns the text of the failure.
    pub(super) fn failed(
        &self,
        target: Option<String>,
        operation: &str,
        reason: impl Display,
    ) -> String {
        let target = target.map_or_else(String::new, |target| format!("{target}: "));
        let text = plain_error(format_args!("{target}{operation}: {reason}"));
        let failure = Failure { time: SystemTime::now(), text: text.clone() };
        *self.last_failure.lock() = Some(failure);
        text
    }

    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.last_failure.lock().clone()
    }

    /// Sets the state, and adds the event that has changed it.
    pub(super) fn report(&self, state: LinkState, kind: EventKind, text: String) {
        self.set_state(state);
        self.events.push(kind, 0, text);
    }

    /// Resets the counters in a forked child.
    pub(super) fn renew(&self, child: &Child) {
        self.reset();
        self.set_state(LinkState::Disconnected);
        if let Some(mut last_failure) = self.last_failure.lock_in(child) {
            // Dropping it would free memory.
            mem::forget(last_failure.take());
        }
        self.events.renew(child);
    }

    /// Loads the counters until those of the stream are the same before and after the others. Frames
    /// that were sent or lost before a stream broke are then counted, if its end is.
    fn load_settled(&self) -> SenderStats {
        let of_stream = |stats: &SenderStats| {
            (stats.connects, stats.connect_failures, stats.disconnects, stats.lost_error)
        };
        let mut before = self.load();
        loop {
            let stats = self.load();
            if of_stream(&stats) == of_stream(&before) {
                return stats;
            }
            before = stats;
        }
    }

    /// Returns the current counters. Calls `accepted` last, so that it includes all frames that are
    /// counted elsewhere. Once sending is `over`, pending frames count as lost.
    pub(super) fn stats(&self, over: bool, accepted: impl FnOnce() -> u64) -> SenderStats {
        let mut stats = self.load_settled();
        stats.accepted = accepted();
        let gone = stats.written + stats.lost_closing + stats.lost_error;
        let left = stats.accepted.saturating_sub(gone);
        *if over { &mut stats.lost_closing } else { &mut stats.waiting } += left;
        stats
    }
}
