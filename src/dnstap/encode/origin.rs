// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields that are the same in all events of one server.

use super::cursor::{Cursor, bytes_len};
use super::{EncodeError, Envelope, limit};
use crate::sample_rate::{SEPARATOR, record};
use crate::wire::event;

/// The key of the message, which follows the origin.
const MESSAGE_KEY: u8 = event::message as u8;

/// Maximum size of an origin that is copied without a function call, in bytes.
pub(super) const INLINE_ORIGIN: usize = 64;

/// The identity, version and sample rate of a server, encoded once: the beginning of every event.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Total size in bytes, including the key of the message, which comes next in an event without
    /// `extra`.
    length: usize,
    /// The first bytes.
    inline: [u8; INLINE_ORIGIN],
    /// The encoded identity; empty if absent.
    identity: Box<[u8]>,
    /// The encoded version; empty if absent.
    version: Box<[u8]>,
    /// The record of the sample rate, with which `extra` begins; empty if the rate is 1.
    sampled: Box<[u8]>,
    sample_rate: u32,
}

impl Origin {
    /// Encodes an identity and a version (`Dnstap.identity`, `Dnstap.version`), each of at most
    /// [`BYTES_MAX`](super::BYTES_MAX) bytes; `None` omits a field. If only one in `sample_rate`
    /// messages is logged, each event records the rate as described in [`sample`](crate::sample).
    pub fn new(
        identity: Option<&[u8]>,
        version: Option<&[u8]>,
        sample_rate: u32,
    ) -> Result<Self, EncodeError> {
        limit("identity", identity)?;
        limit("version", version)?;
        let identity = field(event::identity, identity)?;
        let version = field(event::version, version)?;
        let sampled = record(sample_rate);
        let extra = Some(&*sampled).filter(|bytes| !bytes.is_empty());
        let mut whole = vec![0; identity.len() + version.len() + bytes_len(extra) + 1];
        let mut cursor = Cursor::new(&mut whole);
        cursor.put(&identity)?;
        cursor.put(&version)?;
        cursor.bytes(event::extra, extra)?;
        cursor.put(&[MESSAGE_KEY])?;
        let mut inline = [0; INLINE_ORIGIN];
        for (place, byte) in inline.iter_mut().zip(&whole) {
            *place = *byte;
        }
        Ok(Self { length: whole.len(), inline, identity, version, sampled, sample_rate })
    }

    /// Returns the sample rate that it records.
    pub(crate) fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Returns its size in an event in bytes, including the key of the message.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Writes it, including the key of the message, and returns its size; `None` if it is too long.
    #[inline(always)]
    pub(super) fn put_inline(&self, out: &mut [u8; INLINE_ORIGIN]) -> Option<usize> {
        *out = self.inline;
        (self.length <= INLINE_ORIGIN).then_some(self.length)
    }

    /// Writes the identity and version, `extra`, and the key of the message. Fields of the envelope
    /// replace those of the origin. Returns the number of bytes written.
    #[inline(always)]
    pub(super) fn write(
        &self,
        envelope: Envelope<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let length = self.len();
        if length > INLINE_ORIGIN || !envelope.is_empty() {
            return self.write_fields(envelope, out);
        }
        *out.first_chunk_mut().ok_or(EncodeError::BufferTooSmall)? = self.inline;
        Ok(length)
    }

    #[cold]
    #[inline(never)]
    fn write_fields(&self, envelope: Envelope<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut cursor = Cursor::new(out);
        match envelope.identity {
            Some(own) => cursor.limited(event::identity, "identity", Some(own))?,
            None => cursor.put(&self.identity)?,
        }
        match envelope.version {
            Some(own) => cursor.limited(event::version, "version", Some(own))?,
            None => cursor.put(&self.version)?,
        }
        limit("extra", envelope.extra)?;
        match envelope.extra {
            // `max_len` has room: the separator takes the byte that it counts for a second key.
            Some(extra) if !self.sampled.is_empty() && !extra.is_empty() => {
                let length = self.sampled.len() + SEPARATOR.len() + extra.len();
                cursor.integer(event::extra, length as u64)?;
                cursor.put(&self.sampled)?;
                cursor.put(SEPARATOR)?;
                cursor.put(extra)?;
            }
            extra => {
                let sampled = Some(&*self.sampled).filter(|bytes| !bytes.is_empty());
                cursor.bytes(event::extra, sampled.or(extra))?;
            }
        }
        cursor.put(&[MESSAGE_KEY])?;
        Ok(cursor.written())
    }
}

/// Encodes a single field.
fn field(key: u32, bytes: Option<&[u8]>) -> Result<Box<[u8]>, EncodeError> {
    let mut encoded = vec![0; bytes_len(bytes)].into_boxed_slice();
    Cursor::new(&mut encoded).bytes(key, bytes)?;
    Ok(encoded)
}
