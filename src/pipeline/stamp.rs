// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notes in events how many each stands for, where only a sample of them is wanted.

use dnstap::{Event, sample};
use framestream::frame::LENGTH_SIZE;

/// Changes events. What it changes lies in buffers of its own.
#[derive(Debug)]
pub struct Stamp {
    rate: u32,
    extra: Vec<u8>,
    frame: Vec<u8>,
}

impl Stamp {
    /// Notes that one in `rate` is wanted.
    pub fn new(rate: u32) -> Self {
        Self { rate, extra: Vec::new(), frame: Vec::new() }
    }

    /// The event with the note, and its frame, in which all else is as in `frame`. `None` if that is
    /// too long for a frame.
    pub fn apply<'a>(
        &'a mut self,
        event: &Event<'a>,
        frame: &[u8],
    ) -> Option<(Event<'a>, &'a [u8])> {
        let Self { rate, extra, frame: out } = self;
        extra.clear();
        sample::further(event.extra, *rate, extra);
        out.clear();
        out.extend_from_slice(frame);
        sample::set_extra(out, extra);
        let size = u32::try_from(out.len() - LENGTH_SIZE).ok()?;
        out[..LENGTH_SIZE].copy_from_slice(&size.to_be_bytes());
        Some((Event { extra: Some(extra), ..*event }, out))
    }
}
