// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole events, with an identity and a version of their own.

use super::cursor::{Cursor, bytes_len};
use super::{EncodeError, Encoder, OVERHEAD, limit, longer_len};
use crate::message::Event;
use crate::wire::event;

impl Event<'_> {
    /// How long a buffer must be for [`Event::encode`], in bytes.
    pub fn max_len(&self) -> Result<usize, EncodeError> {
        limit("identity", self.identity)?;
        limit("version", self.version)?;
        let own = bytes_len(self.identity) + bytes_len(self.version);
        let message = match &self.message {
            Some(message) => longer_len(message, self.extra)?,
            None => {
                limit("extra", self.extra)?;
                bytes_len(self.extra)
            }
        };
        Ok(own + OVERHEAD + message)
    }

    /// Encodes the event into the front of `out`, and returns how many bytes it has: what
    /// [`Encoder::encode`] does, without an [`Origin`](super::Origin).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        limit("identity", self.identity)?;
        limit("version", self.version)?;
        limit("extra", self.extra)?;
        let mut cursor = Cursor::new(out);
        cursor.bytes(event::IDENTITY, self.identity)?;
        cursor.bytes(event::VERSION, self.version)?;
        cursor.bytes(event::EXTRA, self.extra)?;
        if let Some(message) = &self.message {
            cursor.varint(event::MESSAGE.into())?;
            cursor.fill(|rest| Encoder::new().message(message, rest))?;
        }
        cursor.number(event::TYPE, Some(self.event_type.0))?;
        Ok(cursor.written())
    }
}
