// SPDX-License-Identifier: MIT OR Apache-2.0
//! The accounts of a writer thread.

use std::fmt::Display;
use std::mem;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::SystemTime;

use super::events::{EventKind, Events};
use crate::fork::{Child, Lock};
use crate::plain_error;

/// Where a writer thread stands with its receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum LinkState {
    /// No connection; the next try is on a timer.
    #[default]
    Disconnected,
    /// Connecting, or in the handshake.
    Connecting,
    /// Between START and STOP.
    Connected,
    /// The stream is about to end with STOP, or the thread has ended.
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

/// Counts of frames by their fate. At every moment `accepted = written + waiting + lost_closing +
/// lost_error`. Those of a forked child start at 0: frames that its parent counted, and those
/// pending at the fork, belong to the parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// Frames that `submit` took.
    pub accepted: u64,
    /// Frames that `submit` gave back because the queue was full.
    pub refused: u64,
    /// Frames handed over to the transport. What a receiver had not read when it died is among
    /// them: no sender can know.
    pub written: u64,
    /// Frames in the queues and in the memory of the writer thread.
    pub waiting: u64,
    /// Frames that were not sent within the close timeout, or came too late to be sent.
    pub lost_closing: u64,
    /// Frames in a write that failed without a word on how far it came: those of a caller's own
    /// write function.
    pub lost_error: u64,
    /// Bytes handed over to the transport, with the frame lengths, without the control frames.
    pub bytes_written: u64,
    /// Streams opened, each with START, by [`Sender::reopen`](super::Sender::reopen) too.
    pub connects: u64,
    /// Tries to open a stream that failed.
    pub connect_failures: u64,
    /// Streams that broke off, without STOP.
    pub disconnects: u64,
    /// Where the thread stands with its receiver.
    pub state: LinkState,
}

/// The same, as the threads keep it. What is accepted and waits follows from the queues.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) refused: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) lost_closing: AtomicU64,
    pub(super) lost_error: AtomicU64,
    pub(super) bytes_written: AtomicU64,
    pub(super) connects: AtomicU64,
    pub(super) connect_failures: AtomicU64,
    pub(super) disconnects: AtomicU64,
    state: AtomicU8,
    last_failure: Lock<Option<Failure>>,
    pub(super) events: Events,
}

/// A failure to open a stream, to keep it or to close it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When it happened.
    pub time: SystemTime,
    /// Where the thread sends to, what it was about to do, and why it could not: one line, without
    /// a full stop.
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

    /// Notes what was to be done with `target`, where that has a name, and why it failed. Returns
    /// the same as text.
    pub(super) fn failed(&self, target: Option<String>, doing: &str, why: impl Display) -> String {
        let target = target.map_or_else(String::new, |target| format!("{target}: "));
        let text = plain_error(format_args!("{target}{doing}: {why}"));
        let failure = Failure { time: SystemTime::now(), text: text.clone() };
        *self.last_failure.lock() = Some(failure);
        text
    }

    pub(super) fn last_failure(&self) -> Option<Failure> {
        self.last_failure.lock().clone()
    }

    /// Sets the state, and reports an event that has changed it.
    pub(super) fn report(&self, state: LinkState, kind: EventKind, text: String) {
        self.set_state(state);
        self.events.push(kind, 0, text);
    }

    /// Resets the counters in a forked child.
    pub(super) fn renew(&self, child: &Child) {
        let Self {
            refused,
            written,
            lost_closing,
            lost_error,
            bytes_written,
            connects,
            connect_failures,
            disconnects,
            state: _,
            last_failure,
            events,
        } = self;
        let counters = [
            refused,
            written,
            lost_closing,
            lost_error,
            bytes_written,
            connects,
            connect_failures,
            disconnects,
        ];
        for counter in counters {
            counter.store(0, Ordering::Relaxed);
        }
        self.set_state(LinkState::Disconnected);
        if let Some(mut last_failure) = last_failure.lock_in(child) {
            // Dropping it would free memory.
            mem::forget(last_failure.take());
        }
        events.renew(child);
    }

    /// The accounts at this moment; `accepted` is asked for last, so that nothing is missing in it
    /// that is counted elsewhere. If all is `over`, nothing waits: it is lost.
    pub(super) fn stats(&self, over: bool, accepted: impl FnOnce() -> u64) -> SenderStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let mut stats = SenderStats {
            refused: get(&self.refused),
            written: get(&self.written),
            lost_closing: get(&self.lost_closing),
            lost_error: get(&self.lost_error),
            bytes_written: get(&self.bytes_written),
            connects: get(&self.connects),
            connect_failures: get(&self.connect_failures),
            disconnects: get(&self.disconnects),
            state: LinkState::from_u8(self.state.load(Ordering::Relaxed)),
            ..SenderStats::default()
        };
        stats.accepted = accepted();
        let gone = stats.written + stats.lost_closing + stats.lost_error;
        let left = stats.accepted.saturating_sub(gone);
        *if over { &mut stats.lost_closing } else { &mut stats.waiting } += left;
        stats
    }
}
