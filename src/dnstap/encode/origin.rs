// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields that are the same in all events of one server.

use super::cursor::{Cursor, bytes_len};
use super::{EncodeError, Envelope, limit};
use crate::sample_rate::{SEPARATOR, record};
use crate::wire::event;

/// The encoded fields before the message.
const MESSAGE_KEY: u8 = event::message as u8;

/// Origins that are not longer are copied without a call.
pub(super) const NEAR: usize = 64;

/// Identity, version and sample rate of a server, encoded once: the beginning of every event.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Bytes of all of it with the key of the message, which is next in an event without `extra`.
    length: usize,
    /// The first bytes, the key of the message among them.
    near: [u8; NEAR],
    /// The field that is the identity, if there is one.
    identity: Box<[u8]>,
    /// The field that is the version, if there is one.
    version: Box<[u8]>,
    /// The record of the sample rate, with which `extra` begins; empty if the rate is 1.
    sampled: Box<[u8]>,
}

impl Origin {
    /// Encodes an identity and a version (`Dnstap.identity`, `Dnstap.version`), each of at most
    /// [`BYTES_MAX`](super::BYTES_MAX) bytes; `None` leaves a field out. Where one in `sample_rate`
    /// messages is logged, and not every one, each says so in the way of [`sample`](crate::sample).
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
        let mut near = [0; NEAR];
        for (near, byte) in near.iter_mut().zip(&whole) {
            *near = *byte;
        }
        Ok(Self { length: whole.len(), near, identity, version, sampled })
    }

    /// Bytes that it takes in an event, with the key of the message.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Writes it, and the key of the message, if it is short. Returns how many bytes that took.
    #[inline(always)]
    pub(super) fn put_near(&self, out: &mut [u8; NEAR]) -> Option<usize> {
        *out = self.near;
        (self.length <= NEAR).then_some(self.length)
    }

    /// Writes it, or what the envelope has instead, `extra`, and the key of the message. Returns
    /// how many bytes that took.
    #[inline(always)]
    pub(super) fn write(
        &self,
        envelope: Envelope<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let length = self.len();
        if length > NEAR || !envelope.is_empty() {
            return self.write_far(envelope, out);
        }
        *out.first_chunk_mut().ok_or(EncodeError::BufferTooSmall)? = self.near;
        Ok(length)
    }

    #[cold]
    #[inline(never)]
    fn write_far(&self, envelope: Envelope<'_>, out: &mut [u8]) -> Result<usize, EncodeError> {
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
            // The separator takes the byte that the second of two keys would.
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

/// Encodes a field alone.
fn field(key: u32, bytes: Option<&[u8]>) -> Result<Box<[u8]>, EncodeError> {
    let mut encoded = vec![0; bytes_len(bytes)].into_boxed_slice();
    Cursor::new(&mut encoded).bytes(key, bytes)?;
    Ok(encoded)
}
