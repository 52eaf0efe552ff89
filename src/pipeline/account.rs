// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counts of an output, shared with the metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The reason that frames are missing in an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// They were in a write that failed.
    WriteFailed,
    /// They came while a file could not be written.
    Outage,
    /// They came while the queue of a relay was full.
    QueueFull,
    /// They waited when the time for closing a relay was over.
    Closing,
}

impl LossReason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::WriteFailed, Self::Outage, Self::QueueFull, Self::Closing];

    /// Returns its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::WriteFailed => "write_failed",
            Self::Outage => "outage",
            Self::QueueFull => "queue_full",
            Self::Closing => "closing",
        }
    }
}

/// The counts of one output.
#[derive(Debug, Default)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// It is a relay.
    pub is_relay: bool,
    /// Frames that were written, or handed over to a receiver.
    pub frames: AtomicU64,
    /// It takes frames: a file can be written, a receiver is connected.
    pub connected: AtomicBool,
    /// Writes and connections that failed.
    pub failures: AtomicU64,
    dropped: [AtomicU64; LossReason::ALL.len()],
}

impl Account {
    /// Returns the account of the output `name`.
    pub fn new(name: String, is_relay: bool) -> Self {
        Self { name, is_relay, ..Self::default() }
    }

    /// Frames that it lacks for this reason.
    pub fn dropped(&self, reason: LossReason) -> u64 {
        self.dropped[reason as usize].load(Ordering::Relaxed)
    }

    /// Replaces that number.
    pub fn set_dropped(&self, reason: LossReason, count: u64) {
        self.dropped[reason as usize].store(count, Ordering::Relaxed);
    }

    /// Frames that it lacks.
    pub fn lost(&self) -> u64 {
        LossReason::ALL.iter().map(|reason| self.dropped(*reason)).sum()
    }
}
