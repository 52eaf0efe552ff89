// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes fields with bounds checks, one after the other: for fields that few messages have.

use super::{EncodeError, limit, varint};

/// A buffer and the position of the next field.
pub(crate) struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// Returns the number of bytes written.
    pub(super) fn written(&self) -> usize {
        self.at
    }

    /// Writes raw bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let room = self.out.get_mut(self.at..).and_then(|room| room.get_mut(..bytes.len()));
        room.ok_or(EncodeError::BufferTooSmall)?.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    /// Calls `fill` with the rest of the buffer. It returns the number of bytes that it has
    /// written.
    pub(super) fn fill(
        &mut self,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), EncodeError> {
        self.at += fill(&mut self.out[self.at..])?;
        Ok(())
    }

    pub(super) fn varint(&mut self, value: u64) -> Result<(), EncodeError> {
        let (bytes, length) = varint::any(value);
        self.put(&bytes[..length])
    }

    /// Writes an integer field.
    pub(super) fn integer(&mut self, key: u32, value: u64) -> Result<(), EncodeError> {
        self.varint(key.into())?;
        self.varint(value)
    }

    /// Writes a field of bytes, if it is present. Fails if it exceeds
    /// [`BYTES_MAX`](super::BYTES_MAX).
    pub(super) fn limited(
        &mut self,
        key: u32,
        name: &'static str,
        bytes: Option<&[u8]>,
    ) -> Result<(), EncodeError> {
        limit(name, bytes)?;
        self.bytes(key, bytes)
    }

    /// Writes a field of bytes, if it is present.
    pub(crate) fn bytes(&mut self, key: u32, bytes: Option<&[u8]>) -> Result<(), EncodeError> {
        let Some(bytes) = bytes else { return Ok(()) };
        self.integer(key, bytes.len() as u64)?;
        self.put(bytes)
    }
}

/// Returns the size of a field of bytes, whose key must have one byte.
pub(crate) fn bytes_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(0, |bytes| 1 + varint::length(bytes.len() as u64) + bytes.len())
}
