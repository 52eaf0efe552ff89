// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes that were read and are not used up yet.

use std::io::{self, Read};

/// Bytes that one read asks for, as long as no frame needs more.
pub const READ_SIZE: usize = 256 * 1024;

/// A buffer that is filled at the back and consumed at the front.
#[derive(Debug)]
pub struct ReadAhead {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Default for ReadAhead {
    /// An empty buffer with room for [`READ_SIZE`] bytes.
    fn default() -> Self {
        Self { bytes: vec![0; READ_SIZE], start: 0, end: 0 }
    }
}

impl ReadAhead {
    /// Reads once, into all the room there is; 0 at the end of the input.
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

    /// Returns the bytes that were read and not used up.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Uses up the first `count` bytes.
    pub fn use_up(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end, "used up more than there is");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room to read on in a frame of `size` bytes, of which those that are there are the
    /// front. The buffer grows with the bytes received, to at most twice their number, as the
    /// length of a frame is not trusted.
    pub fn make_room(&mut self, size: usize) {
        let have = self.bytes().len();
        if have == self.bytes.len() {
            self.bytes.resize(size.min(2 * have), 0);
        }
    }

    /// Puts bytes into an empty buffer, which has room for them.
    pub fn put(&mut self, bytes: &[u8]) {
        (self.start, self.end) = (0, bytes.len());
        self.bytes[..bytes.len()].copy_from_slice(bytes);
    }

    /// Room for bytes in all.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}
