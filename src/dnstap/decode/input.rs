// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads keys and values, one after the other.

use super::{DecodeError, DecodeReason};

/// The unread part of a message.
pub(super) struct Input<'a> {
    /// The frame, up to the end of the message.
    frame: &'a [u8],
    /// Offset of the next byte.
    at: usize,
    /// Offset of the current field.
    field: usize,
}

impl<'a> Input<'a> {
    /// Creates the input for the message that begins at `at` and ends with `frame`.
    pub(super) fn new(frame: &'a [u8], at: usize) -> Self {
        Self { frame, at, field: at }
    }

    /// Returns the offset of the next byte in the frame.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns an error in the current field.
    pub(super) fn error(&self, reason: DecodeReason) -> DecodeError {
        DecodeError { offset: self.field, reason }
    }

    /// Reads the key of the next field; `None` at the end.
    pub(super) fn key(&mut self) -> Result<Option<u32>, DecodeError> {
        if self.at == self.frame.len() {
            return Ok(None);
        }
        self.field = self.at;
        match u32::try_from(self.varint()?) {
            // Smaller keys have field number 0.
            Ok(key) if key >= 8 => Ok(Some(key)),
            _ => Err(self.error(DecodeReason::FieldNumber)),
        }
    }

    /// Reads a varint of at most 64 bits.
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.take()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if value >> shift != bits {
                break;
            }
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeReason::Varint))
    }

    /// Reads a number of 32 bits. A longer one is truncated, as protobuf specifies.
    pub(super) fn number(&mut self) -> Result<u32, DecodeError> {
        Ok(self.varint()? as u32)
    }

    /// Reads a little-endian number of 4 bytes.
    pub(super) fn fixed32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    /// Reads `N` bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(bytes) = self.frame[self.at..].first_chunk() else {
            return Err(self.error(DecodeReason::Truncated));
        };
        self.at += N;
        Ok(*bytes)
    }

    /// Reads bytes with a length prefix.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let Input { frame, at, .. } = self.inner()?;
        Ok(&frame[at..])
    }

    /// Reads a message with a length prefix.
    pub(super) fn inner(&mut self) -> Result<Self, DecodeError> {
        let length = self.varint()?;
        let start = self.at;
        if length > (self.frame.len() - start) as u64 {
            return Err(self.error(DecodeReason::Truncated));
        }
        self.at += length as usize;
        Ok(Self::new(&self.frame[..self.at], start))
    }
}
