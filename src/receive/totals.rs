// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts of received and lost frames since the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use files::destination::Closed;
use operator_log::{Level, Log};

/// Counts of rejected connections and frames, shared with other threads.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Connections that were closed before START.
    pub connections: AtomicU64,
    /// Data frames over the size limit.
    pub over_limit: AtomicU64,
}

/// The counters of a run.
#[derive(Debug, Default)]
pub(crate) struct ReceiveTotals {
    /// Number of accepted connections.
    pub(crate) connections: u64,
    pub(crate) refusals: Arc<Refusals>,
    /// Number of complete data frames.
    pub(crate) frames: u64,
    /// Their size in bytes, including their lengths.
    pub(crate) bytes: u64,
    /// Number of truncated data frames.
    pub(crate) cut_off: u64,
    /// Number of data frames that could not be written.
    pub(crate) unwritten: u64,
}

impl ReceiveTotals {
    /// Logs the counters, including the losses of the destination.
    pub(crate) fn report(&self, closed: &Closed, log: &Log) {
        let Self { connections, refusals, frames, bytes, cut_off, unwritten } = self;
        let Closed { unsent, unnamed, .. } = closed;
        let unwritten = unwritten + closed.unwritten;
        let refused = refusals.connections.load(Ordering::Relaxed);
        let over_limit = refusals.over_limit.load(Ordering::Relaxed);
        log.info(format_args!(
            "received {frames} frames, {bytes} bytes on {connections} connections \
             ({refused} refused)"
        ));
        let lost = over_limit + cut_off + unwritten + unsent + unnamed;
        let level = if lost > 0 { Level::Warning } else { Level::Info };
        let mut reasons =
            format!("{over_limit} over the size limit, {cut_off} cut off, {unwritten} not written");
        for (count, reason) in
            [(unsent, "not sent"), (unnamed, "in files that did not get their names")]
        {
            if *count > 0 {
                reasons += &format!(", {count} {reason}");
            }
        }
        log.at(level, format_args!("lost {lost} frames ({reasons})"));
    }
}
