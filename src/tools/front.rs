// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frame at the front of some bytes.

use framestream::frame::{Decoder, Event, FrameError};

/// What the front of some bytes is.
#[derive(Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// A whole frame, and its size with everything around the payload.
    Whole(Event<'a>, usize),
    /// Part of a frame: with this many bytes more of it can be told.
    Needs(usize),
}

/// Takes the first frame of `bytes`, of at most `max_payload` bytes if it is a data frame.
pub fn front(bytes: &[u8], max_payload: usize) -> Result<Front<'_>, FrameError> {
    let mut decoder = Decoder::new(max_payload);
    let mut at = 0;
    loop {
        let end = at + decoder.needs();
        let Some(piece) = bytes.get(at..end) else { return Ok(Front::Needs(end)) };
        at = end;
        if let Some(event) = decoder.advance(piece)? {
            return Ok(Front::Whole(event, at));
        }
    }
}
