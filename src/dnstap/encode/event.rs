// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole events, with an identity and a version of their own.

use super::cursor::Cursor;
use super::field::field_len;
use super::{EncodeError, Encoder, Envelope, OVERHEAD, longer_len};
use crate::message::Event;
use crate::wire::event;

impl Event<'_> {
    /// How long a buffer must be for [`Event::encode`], in bytes.
    pub fn max_len(&self) -> Result<usize, EncodeError> {
        let &Self { identity, version, extra, ref message, event_type: _ } = self;
        let names = Envelope { identity, version, extra }.names_len()?;
        let rest = match message {
            Some(message) => longer_len(message, extra)?,
            None => field_len(event::extra, "extra", &extra)?,
        };
        Ok(names + OVERHEAD + rest)
    }

    /// Encodes the event into the front of `out`, and returns how many bytes it has: what
    /// [`Encoder::encode`] does, without an [`Origin`](super::Origin).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let Self { identity, version, extra, message, event_type } = self;
        let mut cursor = Cursor::new(out);
        cursor.field(event::identity, "identity", identity)?;
        cursor.field(event::version, "version", version)?;
        cursor.field(event::extra, "extra", extra)?;
        if let Some(message) = message {
            cursor.varint(event::message.into())?;
            cursor.fill(|rest| Encoder::new().message(message, rest))?;
        }
        cursor.field(event::event_type, "type", event_type)?;
        Ok(cursor.written())
    }
}
