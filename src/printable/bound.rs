// SPDX-License-Identifier: MIT OR Apache-2.0
//! Limits on the length of text. With compression pointers and escapes, the text of a DNS message can be
//! hundreds of times as long as the message, which a malicious peer could use to fill memory and disks.

/// Maximum length of the text of a DNS message. Typical messages have a fraction of it.
pub const TEXT_MAX: usize = 1 << 20;

/// Returns the maximum length of the text of a DNS message of `size` bytes. The limit depends on the size
/// because of floods of small messages. The factor suffices for a record of 16 bytes with a name of 255
/// characters.
pub fn text_max(size: usize) -> usize {
    const SMALLEST: usize = 4096;
    const FACTOR: usize = 20;
    TEXT_MAX.min(SMALLEST + FACTOR * size)
}

/// Maximum number of bytes to print of any other field.
pub(crate) const FIELD_MAX: usize = u16::MAX as usize;
