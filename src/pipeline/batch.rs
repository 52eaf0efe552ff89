// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data frames of a batch.

use framestream::frame::LENGTH_SIZE;

/// An iterator over the data frames of a batch. Control frames are skipped.
#[derive(Debug)]
pub struct BatchFrames<'a> {
    bytes: &'a [u8],
}

/// Returns the data frames of `bytes`, which contains whole frames only.
pub fn frames(bytes: &[u8]) -> BatchFrames<'_> {
    BatchFrames { bytes }
}

impl<'a> Iterator for BatchFrames<'a> {
    /// A payload with its length prefix.
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let length = be32(self.bytes)?;
            let size = match length {
                0 => 2 * LENGTH_SIZE + be32(self.bytes.get(LENGTH_SIZE..)?)?,
                length => LENGTH_SIZE + length,
            };
            let (frame, rest) = self.bytes.split_at_checked(size)?;
            self.bytes = rest;
            if length > 0 {
                return Some(frame);
            }
        }
    }
}

fn be32(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_are_skipped() {
        let bytes = b"\0\0\0\x02ab\0\0\0\0\0\0\0\x04\0\0\0\x02\0\0\0\x01c";
        let found: Vec<&[u8]> = frames(bytes).collect();
        assert_eq!(found, [&b"\0\0\0\x02ab"[..], b"\0\0\0\x01c"]);
    }
}
