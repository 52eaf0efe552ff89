// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counters of an output, shared with the metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use strum::{IntoStaticStr, VariantArray};

/// The reason that an output dropped frames, named in snake case in metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum LossReason {
    /// A write failed.
    WriteFailed,
    /// A file could not be written at that time.
    Outage,
    /// The queue of a relay was full.
    QueueFull,
    /// The timeout for closing a relay expired.
    Closing,
}

/// The counters of one output.
#[derive(Debug, Default)]
pub struct Account {
    /// Name of the output.
    pub(crate) name: String,
    /// True if the output is a relay.
    pub(crate) is_relay: bool,
    /// Frames that were written or sent.
    pub(crate) frames: AtomicU64,
    /// True if the file can be written or the receiver is connected.
    pub(crate) connected: AtomicBool,
    /// Failed writes and connections.
    pub(crate) failures: AtomicU64,
    dropped: [AtomicU64; LossReason::VARIANTS.len()],
}

impl Account {
    /// Creates the counters of the output `name`.
    pub fn new(name: String, is_relay: bool) -> Self {
        Self { name, is_relay, ..Self::default() }
    }

    /// Returns the number of frames dropped for `reason`.
    pub(crate) fn dropped(&self, reason: LossReason) -> u64 {
        self.dropped[reason as usize].load(Ordering::Relaxed)
    }

    /// Sets the number of frames dropped for `reason`.
    pub(crate) fn set_dropped(&self, reason: LossReason, count: u64) {
        self.dropped[reason as usize].store(count, Ordering::Relaxed);
    }

    /// Returns the number of all dropped frames.
    pub(crate) fn lost(&self) -> u64 {
        LossReason::VARIANTS.iter().map(|reason| self.dropped(*reason)).sum()
    }
}
