// SPDX-License-Identifier: MIT OR Apache-2.0
//! A parser of record data.

use printable::text::TextSink;

use crate::record::Record;
use crate::{BadMessage, BadMessageReason, name};

/// The unparsed rest of the data of a record. At its end, missing fields are read as zero or empty.
pub(crate) struct RecordData<'a> {
    /// The message up to the end of the data.
    wire: &'a [u8],
    at: usize,
    /// True if the data must not end before the next field.
    requires_next: bool,
}

/// The result of printing a field.
pub(crate) type PrintResult = Result<(), BadMessage>;

impl<'a> RecordData<'a> {
    /// Returns the data of `record` in `wire`.
    pub(crate) fn new(wire: &'a [u8], record: &Record) -> Self {
        Self { wire: &wire[..record.end], at: record.start, requires_next: false }
    }

    /// Returns whether no bytes are left.
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.wire.len()
    }

    /// Returns an error at the next field.
    pub(crate) fn error(&self, reason: BadMessageReason) -> BadMessage {
        BadMessage { offset: self.at, reason }
    }

    /// Reads `count` bytes, which must not be missing.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BadMessage> {
        let bytes =
            self.wire[self.at..].get(..count).ok_or(self.error(BadMessageReason::Truncated))?;
        self.at += count;
        Ok(bytes)
    }

    /// Reads `N` bytes, which must not be missing.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], BadMessage> {
        let bytes = self.wire[self.at..].first_chunk();
        let bytes = bytes.ok_or(self.error(BadMessageReason::Truncated))?;
        self.at += N;
        Ok(*bytes)
    }

    /// Reads a field whose length was read before. Like the golang tool, requires an integer after it.
    pub(crate) fn sized(&mut self, length: impl Into<usize>) -> Result<&'a [u8], BadMessage> {
        if self.is_empty() {
            return Ok(&[]);
        }
        self.requires_next = true;
        self.take(length.into())
    }

    /// Reads the remaining bytes.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.wire[self.at..];
        self.at = self.wire.len();
        rest
    }

    /// Reads a big-endian integer of `size` bytes.
    pub(crate) fn integer(&mut self, size: usize) -> Result<u64, BadMessage> {
        if self.is_empty() && !self.requires_next {
            return Ok(0);
        }
        let bytes = self.take(size)?;
        self.requires_next = false;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Reads an 8-bit integer.
    pub(crate) fn u8(&mut self) -> Result<u8, BadMessage> {
        self.integer(1).map(|value| value as u8)
    }

    /// Reads a 16-bit integer.
    pub(crate) fn u16(&mut self) -> Result<u16, BadMessage> {
        self.integer(2).map(|value| value as u16)
    }

    /// Reads a 32-bit integer.
    pub(crate) fn u32(&mut self) -> Result<u32, BadMessage> {
        self.integer(4).map(|value| value as u32)
    }

    /// Reads and prints a name.
    pub(crate) fn name(&mut self, out: &mut impl TextSink) -> PrintResult {
        if !self.is_empty() {
            self.at = name::print(self.wire, self.at, out)?;
        }
        Ok(())
    }

    /// Reads a character string.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], BadMessage> {
        if self.is_empty() {
            return Ok(&[]);
        }
        let length = self.take(1)?[0];
        self.take(length.into())
    }
}
