// SPDX-License-Identifier: MIT OR Apache-2.0
//! Marks of the sample rate in sampled events.

use dnstap::{Event, sample};
use framestream::frame::LENGTH_SIZE;

/// A marker of sampled events, with buffers for the changed fields.
#[derive(Debug)]
pub struct Stamp {
    rate: u32,
    extra: Vec<u8>,
    frame: Vec<u8>,
}

impl Stamp {
    /// Creates a marker for a sample of one in `rate` events.
    pub fn new(rate: u32) -> Self {
        Self { rate, extra: Vec::new(), frame: Vec::new() }
    }

    /// Returns the marked event and its frame, which is otherwise identical to `frame`. Returns `None` if
    /// the frame exceeds the maximum length.
    pub(crate) fn apply<'a>(
        &'a mut self,
        event: &Event<'a>,
        frame: &[u8],
    ) -> Option<(Event<'a>, &'a [u8])> {
        let Self { rate, extra, frame: out } = self;
        extra.clear();
        sample::resample(event.extra, *rate, extra);
        out.clear();
        out.extend_from_slice(frame);
        sample::set_extra(out, extra);
        let size = u32::try_from(out.len() - LENGTH_SIZE).ok()?;
        out[..LENGTH_SIZE].copy_from_slice(&size.to_be_bytes());
        Some((Event { extra: Some(extra), ..*event }, out))
    }
}
