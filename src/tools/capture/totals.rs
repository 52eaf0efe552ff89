// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was received and what was lost since the start.

use crate::capture::log::Log;

/// Counters of a run.
#[derive(Debug, Default)]
pub struct Totals {
    /// Connections that were accepted.
    pub connections: u64,
    /// Connections that were closed before START.
    pub refused: u64,
    /// Data frames that arrived whole.
    pub frames: u64,
    /// Their bytes, with their lengths.
    pub bytes: u64,
    /// Data frames over the size limit.
    pub over_limit: u64,
    /// Data frames of which the end did not arrive.
    pub cut_off: u64,
    /// Data frames that could not be written.
    pub unwritten: u64,
}

impl Totals {
    /// Prints them.
    pub fn report(&self, log: &Log) {
        let Self { connections, refused, frames, bytes, over_limit, cut_off, unwritten } = self;
        log.line(format_args!(
            "received {frames} frames, {bytes} bytes on {connections} connections \
             ({refused} refused)"
        ));
        log.line(format_args!(
            "lost {} frames ({over_limit} over the size limit, {cut_off} cut off, \
             {unwritten} not written)",
            over_limit + cut_off + unwritten
        ));
    }
}
