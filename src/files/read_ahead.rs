// SPDX-License-Identifier: MIT OR Apache-2.0
//! A buffer of bytes that were read and not consumed yet.

use std::io::{self, Read};

/// Size of a read, unless a frame needs more.
pub const READ_SIZE: usize = 256 * 1024;

/// A buffer that is filled at its end and consumed from its beginning.
#[derive(Debug)]
pub struct ReadAhead {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for ReadAhead {
    /// Returns an empty buffer with room for [`READ_SIZE`] bytes.
    fn default() -> Self {
        Self { bytes: vec![0; READ_SIZE], start: 0, end: 0 }
    }
}

impl ReadAhead {
    /// Reads once, into all free space. Returns the number of bytes, 0 at the end of the input.
    pub fn fill(&mut self, from: &mut impl Read) -> io::Result<usize> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match from.read(&mut self.bytes[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the unconsumed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Consumes the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "consumed more than was read");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for the rest of a frame of `size` bytes. Since the length of a frame is not
    /// trusted, the buffer grows at most to twice the bytes received.
    pub fn make_room(&mut self, size: usize) {
        let have = self.bytes().len();
        if have == self.bytes.len() {
            self.bytes.resize(size.min(2 * have), 0);
        }
    }

    /// Copies bytes into an empty buffer, which must have room for them.
    pub fn put(&mut self, bytes: &[u8]) {
        (self.start, self.end) = (0, bytes.len());
        self.bytes[..bytes.len()].copy_from_slice(bytes);
    }

    /// Returns the capacity in bytes.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}
