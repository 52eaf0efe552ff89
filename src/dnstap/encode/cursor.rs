// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fields one after the other, without haste: for those that few messages have.

use super::{EncodeError, limit, varint};

/// Where the next field goes.
pub(crate) struct Cursor<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0 }
    }

    /// Bytes written.
    pub(super) fn written(&self) -> usize {
        self.at
    }

    /// Puts bytes as they are.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let room = self.out.get_mut(self.at..).and_then(|room| room.get_mut(..bytes.len()));
        room.ok_or(EncodeError::BufferTooSmall)?.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    /// Lets `fill` write to what is left, and say how many bytes it has used.
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

    /// Puts a field that is an integer.
    pub(super) fn integer(&mut self, key: u32, value: u64) -> Result<(), EncodeError> {
        self.varint(key.into())?;
        self.varint(value)
    }

    /// Puts a field that is bytes of at most [`BYTES_MAX`](super::BYTES_MAX), if there are any.
    pub(super) fn limited(
        &mut self,
        key: u32,
        name: &'static str,
        bytes: Option<&[u8]>,
    ) -> Result<(), EncodeError> {
        limit(name, bytes)?;
        self.bytes(key, bytes)
    }

    /// Puts a field that is bytes, if there are any.
    pub(crate) fn bytes(&mut self, key: u32, bytes: Option<&[u8]>) -> Result<(), EncodeError> {
        let Some(bytes) = bytes else { return Ok(()) };
        self.integer(key, bytes.len() as u64)?;
        self.put(bytes)
    }
}

/// Bytes of a field that is bytes; its key has one byte.
pub(crate) fn bytes_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(0, |bytes| 1 + varint::length(bytes.len() as u64) + bytes.len())
}
