// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys and values, one after the other.

use super::{DecodeError, Reason};

/// What is still to be read of a message.
pub(super) struct Input<'a> {
    /// The frame, up to the end of the message.
    frame: &'a [u8],
    /// Where the next byte is.
    at: usize,
    /// Where the field began that is being read.
    field: usize,
}

impl<'a> Input<'a> {
    /// The message that ends with `frame`, from `at` on.
    pub(super) fn new(frame: &'a [u8], at: usize) -> Self {
        Self { frame, at, field: at }
    }

    /// Where in the frame the next byte is.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// An error in the field that is being read.
    pub(super) fn error(&self, reason: Reason) -> DecodeError {
        DecodeError { offset: self.field, reason }
    }

    /// Reads the key of the next field; `None` at the end.
    pub(super) fn key(&mut self) -> Result<Option<u32>, DecodeError> {
        if self.at == self.frame.len() {
            return Ok(None);
        }
        self.field = self.at;
        match u32::try_from(self.varint()?) {
            // Below are the wire types of field number 0.
            Ok(key) if key >= 8 => Ok(Some(key)),
            _ => Err(self.error(Reason::FieldNumber)),
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
        Err(self.error(Reason::Varint))
    }

    /// Reads a number of 32 bits. Of a longer one the low bits count, as protobuf has it.
    pub(super) fn number(&mut self) -> Result<u32, DecodeError> {
        Ok(self.varint()? as u32)
    }

    /// Reads 4 bytes, the least significant first.
    pub(super) fn fixed32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    /// Reads `N` bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(bytes) = self.frame[self.at..].first_chunk() else {
            return Err(self.error(Reason::Truncated));
        };
        self.at += N;
        Ok(*bytes)
    }

    /// Reads bytes behind their number.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let Input { frame, at, .. } = self.inner()?;
        Ok(&frame[at..])
    }

    /// Reads a message behind its length.
    pub(super) fn inner(&mut self) -> Result<Self, DecodeError> {
        let length = self.varint()?;
        let start = self.at;
        if length > (self.frame.len() - start) as u64 {
            return Err(self.error(Reason::Truncated));
        }
        self.at += length as usize;
        Ok(Self::new(&self.frame[..self.at], start))
    }
}
