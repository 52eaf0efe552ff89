// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds of the text that one frame can become. Compression pointers and escapes make text of a DNS message that
//! is hundreds of times as long: from a peer that wants that, too much for the reader and for its disk.

/// Longest text of a DNS message. What servers send has a fraction of it.
pub const TEXT_MAX: usize = 1 << 20;

/// Returns the longest text of a DNS message of `size` bytes. It depends on the size, since many small
/// messages could fill a disk as one large one cannot. A record of 16 bytes whose name has 255 characters
/// stays below the factor.
pub fn text_max(size: usize) -> usize {
    const SMALLEST: usize = 4096;
    const FACTOR: usize = 20;
    TEXT_MAX.min(SMALLEST + FACTOR * size)
}

/// Most bytes of any other field that are printed.
pub(crate) const FIELD_MAX: usize = u16::MAX as usize;
