// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encodes whole events, with their own identity and version.

use super::cursor::{Cursor, bytes_len};
use super::{EncodeError, Encoder, Envelope, OVERHEAD, limit, longer_len, varint};
use crate::message::Event;
use crate::wire::event;

impl Event<'_> {
    /// Returns the buffer size that [`Event::encode`] requires, in bytes.
    pub fn max_len(&self) -> Result<usize, EncodeError> {
        let &Self { identity, version, extra, ref message, event_type: _ } = self;
        let names = Envelope { identity, version, extra }.names_len()?;
        let rest = match message {
            Some(message) => longer_len(message, extra)?,
            None => {
                limit("extra", extra)?;
                bytes_len(extra)
            }
        };
        Ok(names + OVERHEAD + rest)
    }

    /// Encodes the event at the beginning of `out`, and returns its length, like
    /// [`Encoder::encode`], but without an [`Origin`](super::Origin).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let &Self { identity, version, extra, ref message, event_type } = self;
        let mut cursor = Cursor::new(out);
        cursor.limited(event::identity, "identity", identity)?;
        cursor.limited(event::version, "version", version)?;
        cursor.limited(event::extra, "extra", extra)?;
        if let Some(message) = message {
            cursor.varint(event::message.into())?;
            cursor.fill(|rest| Encoder::new().message(message, rest))?;
        }
        cursor.integer(event::event_type, varint::enumeration(event_type.0))?;
        Ok(cursor.written())
    }
}
