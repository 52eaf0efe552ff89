// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events out of bytes: borrowed from the frame, without allocating.
//!
//! All that the protobuf encoding allows is taken: fields in any order, of which the last one
//! counts; a message in several pieces, which are merged; varints longer than need be; fields and
//! groups that the schema does not know, or knows with another wire type, which are passed over.
//! Refused is what is no protobuf, and what lacks a field that the schema requires: `Dnstap.type`,
//! and `Message.type` where there is a message. Numbers of enumerations are kept whatever they are,
//! and so are the bytes of `Policy.type`, be they UTF-8 or not.
//!
//! Two ways lead through a frame. The short one knows fields in ascending order and in their
//! shortest form, as every server writes them; the long one knows everything, and takes over where
//! the short one ends.

mod input;
mod long;
mod short;
mod unknown;

use thiserror::Error;

use crate::message::{Event, Message};
use crate::schema::{EventType, MessageType};
use crate::wire::event;
use input::Input;

/// Why a frame is no event, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}")]
pub struct DecodeError {
    /// Where in the frame, in bytes: where the field begins that is wrong, or where the frame ends
    /// without one that it must have.
    pub offset: usize,
    /// The error.
    pub reason: Reason,
}

/// The reason why a frame cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// A field or a group extends beyond the end of the frame or of the message that contains it.
    #[error("a field is truncated")]
    Truncated,
    /// A varint of more than 64 bits.
    #[error("a varint is too long")]
    Varint,
    /// A field number of 0, or of more than 29 bits.
    #[error("a field number is out of range")]
    FieldNumber,
    /// A wire type that protobuf does not define.
    #[error("a wire type is unknown")]
    WireType,
    /// The end of a group that did not begin, or not last.
    #[error("a group ends that has not begun")]
    GroupEnd,
    /// More than 100 groups in each other.
    #[error("groups are nested too deeply")]
    GroupDepth,
    /// `Dnstap.type` is missing.
    #[error("the type of the event is missing")]
    EventType,
    /// `Message.type` is missing.
    #[error("the type of the message is missing")]
    MessageType,
}

impl<'a> Event<'a> {
    /// Decodes the payload of a data frame.
    #[inline]
    pub fn decode(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let mut event = Event::new();
        event.decode_into(frame)?;
        Ok(event)
    }

    /// Decodes in place, into an event without fields, for callers that use it immediately.
    #[inline]
    pub fn decode_into(&mut self, frame: &'a [u8]) -> Result<(), DecodeError> {
        decode(frame, self)
    }
}

/// Decodes into an event with nothing set.
fn decode<'a>(frame: &'a [u8], event: &mut Event<'a>) -> Result<(), DecodeError> {
    let mut at = 0;
    at = short::bytes(frame, at, event::identity, &mut event.identity);
    at = short::bytes(frame, at, event::version, &mut event.version);
    at = short::bytes(frame, at, event::extra, &mut event.extra);
    let mut has_message_type = false;
    if let Some((start, end)) = short::extent(frame, at, event::message) {
        // The type is known when it is read.
        let message = event.message.insert(Message::new(MessageType(0)));
        let read = short::message(&frame[start..end], message);
        has_message_type = read > 0;
        if start + read < end {
            let rest = Input::new(&frame[..end], start + read);
            has_message_type = long::message(rest, message, has_message_type)?;
        }
        at = end;
    }
    if has_message_type && frame[at..] == [event::event_type as u8, EventType::MESSAGE.0 as u8] {
        return Ok(());
    }
    long::event(Input::new(frame, at), event, has_message_type)
}
