// SPDX-License-Identifier: MIT OR Apache-2.0
//! A frame with its event, as the worker passes it to the outputs.

use dnstap::Event;
use dnstap::decode::DecodeError;
use framestream::frame::LENGTH_SIZE;

/// A frame, as passed to the outputs.
#[derive(Clone, Copy, Debug)]
pub struct DecodedFrame<'a> {
    /// The decoded event, or the decoding error.
    pub event: Result<&'a Event<'a>, &'a DecodeError>,
    /// The bytes of the frame, including the length prefix.
    pub bytes: &'a [u8],
}

impl<'a> DecodedFrame<'a> {
    /// Returns the bytes of the frame without the length prefix.
    pub(crate) fn payload(&self) -> &'a [u8] {
        &self.bytes[LENGTH_SIZE..]
    }
}
