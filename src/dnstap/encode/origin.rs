// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is the same in all events of one server.

use super::cursor::{Cursor, bytes_len};
use super::{EncodeError, limit};
use crate::wire::event;

/// What stands before the message.
const MESSAGE_KEY: u8 = event::MESSAGE as u8;

/// Origins that are not longer are copied without a call.
pub(super) const NEAR: usize = 64;

/// Identity and version of a server, encoded once: the beginning of every event.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Bytes with the key of the message, which is next in an event without `extra`.
    length: usize,
    /// The first bytes, the key of the message among them.
    near: [u8; NEAR],
    /// All bytes, without the key of the message.
    bytes: Box<[u8]>,
}

impl Origin {
    /// Encodes an identity and a version (`Dnstap.identity`, `Dnstap.version`), each of at most
    /// [`BYTES_MAX`] bytes; `None` leaves a field out.
    pub fn new(identity: Option<&[u8]>, version: Option<&[u8]>) -> Result<Self, EncodeError> {
        limit("identity", identity)?;
        limit("version", version)?;
        let mut bytes = vec![0; bytes_len(identity) + bytes_len(version)].into_boxed_slice();
        let mut cursor = Cursor::new(&mut bytes);
        cursor.bytes(event::IDENTITY, identity)?;
        cursor.bytes(event::VERSION, version)?;
        let mut near = [0; NEAR];
        for (near, byte) in near.iter_mut().zip(bytes.iter().chain(&[MESSAGE_KEY])) {
            *near = *byte;
        }
        Ok(Self { length: bytes.len() + 1, near, bytes })
    }

    /// Bytes that it takes in an event, with the key of the message.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Writes it, `extra`, and the key of the message. Returns how many bytes that took.
    #[inline(always)]
    pub(super) fn write(&self, extra: Option<&[u8]>, out: &mut [u8]) -> Result<usize, EncodeError> {
        let length = self.len();
        if length > NEAR || extra.is_some() {
            return self.write_far(extra, out);
        }
        *out.first_chunk_mut().ok_or(EncodeError::BufferTooSmall)? = self.near;
        Ok(length)
    }

    #[cold]
    #[inline(never)]
    fn write_far(&self, extra: Option<&[u8]>, out: &mut [u8]) -> Result<usize, EncodeError> {
        limit("extra", extra)?;
        let mut cursor = Cursor::new(out);
        cursor.put(&self.bytes)?;
        cursor.bytes(event::EXTRA, extra)?;
        cursor.put(&[MESSAGE_KEY])?;
        Ok(cursor.written())
    }
}
