// SPDX-License-Identifier: MIT OR Apache-2.0
//! The counters of a sink.

use framestream::sender::{LinkState, Sender};

use super::MESSAGE_TYPES;
use super::registry::Registry;
use super::spans::Rings;

/// Counters of a sink. At every moment `logged = sent + waiting + dropped_full +
/// dropped_too_long + dropped_invalid + dropped_closed`. In a forked child, all of them start at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkStats {
    /// Messages that were logged: those of enabled types, and in the sample.
    pub logged: u64,
    /// Messages that were logged, by type.
    pub logged_by_type: [u64; MESSAGE_TYPES],
    /// Messages that were handed to the operating system. They include those that the receiver had
    /// not read when it died, which no sender can count.
    pub sent: u64,
    /// Pending messages, which are in the rings.
    pub waiting: u64,
    /// Messages that were dropped because the ring was full; and those of dropped queues beyond
    /// [`SinkOptions::freed_queue_bytes`](super::SinkOptions::freed_queue_bytes).
    pub dropped_full: u64,
    /// Messages that were dropped because they were longer than half of the ring.
    pub dropped_too_long: u64,
    /// Messages that were dropped because they were invalid.
    pub dropped_invalid: u64,
    /// Messages that were dropped because they could not be sent before the sink was closed, or
    /// were logged while it was being closed.
    pub dropped_closed: u64,
    /// Messages of enabled types that were left out because they are not in the sample.
    pub sampled_out: u64,
    /// Bytes sent: data frames with their length prefixes, without control frames.
    pub bytes_sent: u64,
    /// Streams that were opened.
    pub connects: u64,
    /// Failed attempts to open a stream.
    pub connect_failures: u64,
    /// Streams that broke.
    pub disconnects: u64,
    /// The state of the stream.
    pub state: LinkState,
}

/// Returns the current counters. Messages are counted as logged before they are counted elsewhere,
/// so those numbers are loaded last; messages that are not counted elsewhere are pending.
pub(super) fn take(registry: &Registry, sender: &Sender<Rings>) -> SinkStats {
    let dropped = registry.dropped();
    let sent = sender.stats();
    let logged_by_type = registry.logged_by_type();
    let logged = logged_by_type.iter().sum();
    let lost = dropped.closed + sent.lost_closing + sent.lost_error;
    let gone = dropped.all() - dropped.closed + sent.written + lost;
    let left = logged - gone;
    let (waiting, late) = if sender.is_over() { (0, left) } else { (left, 0) };
    SinkStats {
        logged,
        logged_by_type,
        sent: sent.written,
        waiting,
        dropped_full: dropped.full,
        dropped_too_long: dropped.too_long,
        dropped_invalid: dropped.invalid,
        dropped_closed: lost + late,
        sampled_out: dropped.sampled_out,
        bytes_sent: sent.bytes_written,
        connects: sent.connects,
        connect_failures: sent.connect_failures,
        disconnects: sent.disconnects,
        state: sent.state,
    }
}
