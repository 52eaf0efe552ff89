// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decoder: events that borrow from the frame, without allocation.
//!
//! Everything that protobuf allows is accepted: fields in any order, of which the last one counts;
//! a message in several pieces, which are merged; varints that are longer than necessary; unknown
//! fields and groups, and fields with another wire type than in the schema, which are skipped.
//! Invalid protobuf is refused, and so is a frame without a required field: `Dnstap.type`, and
//! `Message.type` if there is a message. Unknown numbers of enumerations are kept, and so are bytes
//! of `Policy.type` that are not UTF-8.
//!
//! There are two decoders. The fast one handles fields in ascending order and in their shortest
//! form, as every server writes them. The general one handles everything, and continues where the
//! fast one stops.

mod fast;
mod general;
mod input;
mod unknown;

use thiserror::Error;

use crate::message::{Event, Message};
use crate::schema::{EventType, MessageType};
use crate::wire::event;
use input::Input;

/// The error of a frame that is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{reason} at byte {offset}")]
pub struct DecodeError {
    /// The offset in the frame, in bytes: the beginning of the invalid field, or the end of the
    /// frame if a required field is missing.
    pub offset: usize,
    /// The reason.
    pub reason: DecodeReason,
}

/// The reason why a frame cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeReason {
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
    /// The end of a group that is not the current one.
    #[error("a group ends that has not begun")]
    GroupEnd,
    /// More than 100 nested groups.
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

/// Decodes a frame into an event without fields.
fn decode<'a>(frame: &'a [u8], event: &mut Event<'a>) -> Result<(), DecodeError> {
    let mut at = 0;
    at = fast::bytes(frame, at, event::identity, &mut event.identity);
    at = fast::bytes(frame, at, event::version, &mut event.version);
    at = fast::bytes(frame, at, event::extra, &mut event.extra);
    let mut has_message_type = false;
    if let Some((start, end)) = fast::extent(frame, at, event::message) {
        // The type is set when it is read.
        let message = event.message.insert(Message::new(MessageType(0)));
        let read = fast::message(&frame[start..end], message);
        has_message_type = read > 0;
        if start + read < end {
            let rest = Input::new(&frame[..end], start + read);
            has_message_type = general::message(rest, message, has_message_type)?;
        }
        at = end;
    }
    if has_message_type && frame[at..] == [event::event_type as u8, EventType::MESSAGE.0 as u8] {
        return Ok(());
    }
    general::event(Input::new(frame, at), event, has_message_type)
}
