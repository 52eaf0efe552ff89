// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data of a record, read field by field.

use printable::text::Text;

use crate::record::Record;
use crate::{BadMessage, BadMessageReason, name};

/// The unread rest of the data of a record. A field that is missing at its end reads as zero or
/// empty.
pub(crate) struct Data<'a> {
    /// The message up to the end of the data.
    wire: &'a [u8],
    at: usize,
    /// The data may not end before the next field.
    must_go_on: bool,
}

/// The result of printing a field.
pub(crate) type Done = Result<(), BadMessage>;

impl<'a> Data<'a> {
    /// The data of `record` in `wire`.
    pub(crate) fn new(wire: &'a [u8], record: &Record) -> Self {
        Self { wire: &wire[..record.end], at: record.start, must_go_on: false }
    }

    /// Returns whether no bytes are left.
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.wire.len()
    }

    /// An error at the next field.
    pub(crate) fn bad(&self, reason: BadMessageReason) -> BadMessage {
        BadMessage { offset: self.at, reason }
    }

    /// Takes the next `count` bytes, whether or not something is left.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], BadMessage> {
        let bytes =
            self.wire[self.at..].get(..count).ok_or(self.bad(BadMessageReason::Truncated))?;
        self.at += count;
        Ok(bytes)
    }

    /// Takes a field whose length stood in the field before. Behind it the golang tool does not let
    /// the data end.
    pub(crate) fn sized(&mut self, length: impl Into<usize>) -> Result<&'a [u8], BadMessage> {
        if self.is_empty() {
            return Ok(&[]);
        }
        self.must_go_on = true;
        self.take(length.into())
    }

    /// Takes all that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = &self.wire[self.at..];
        self.at = self.wire.len();
        rest
    }

    /// Takes an integer of `size` bytes, most significant first.
    pub(crate) fn integer(&mut self, size: usize) -> Result<u64, BadMessage> {
        if self.is_empty() && !self.must_go_on {
            return Ok(0);
        }
        let bytes = self.take(size)?;
        self.must_go_on = false;
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// Takes an integer of 8 bits.
    pub(crate) fn u8(&mut self) -> Result<u8, BadMessage> {
        self.integer(1).map(|value| value as u8)
    }

    /// Takes an integer of 16 bits.
    pub(crate) fn u16(&mut self) -> Result<u16, BadMessage> {
        self.integer(2).map(|value| value as u16)
    }

    /// Takes an integer of 32 bits.
    pub(crate) fn u32(&mut self) -> Result<u32, BadMessage> {
        self.integer(4).map(|value| value as u32)
    }

    /// Takes a name.
    pub(crate) fn name(&mut self, out: &mut impl Text) -> Done {
        if !self.is_empty() {
            self.at = name::print(self.wire, self.at, out)?;
        }
        Ok(())
    }

    /// Takes a character string.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], BadMessage> {
        if self.is_empty() {
            return Ok(&[]);
        }
        let length = self.take(1)?[0];
        self.take(length.into())
    }
}
