// SPDX-License-Identifier: MIT OR Apache-2.0
//! Varints: seven bits per byte, the least significant first; the top bit is set in all bytes but
//! the last.

/// Maximum length of a varint in bytes.
pub(super) const LENGTH_MAX: usize = 10;

/// Encodes a value from 2^7 to 2^14 - 1.
#[inline(always)]
pub(super) const fn two(value: u32) -> [u8; 2] {
    // Adding the upper bits a second time shifts them by one, so that bit 7 is free.
    let [first, second, ..] = (value + (value & !0x7f) + 0x80).to_le_bytes();
    [first, second]
}

/// Encodes a value from 2^14 to 2^21 - 1, followed by a zero byte.
#[inline(always)]
pub(super) const fn three(value: u32) -> [u8; 4] {
    // As in `two`; the second group is shifted by one, the third by two.
    (value + (value & !0x7f) + (value & !0x3fff) * 2 + 0x8080).to_le_bytes()
}

/// Encodes any value. Also returns the length.
pub(super) const fn any(mut value: u64) -> ([u8; LENGTH_MAX], usize) {
    let mut bytes = [0; LENGTH_MAX];
    let mut length = 0;
    while value >= 0x80 {
        bytes[length] = value as u8 | 0x80;
        value >>= 7;
        length += 1;
    }
    bytes[length] = value as u8;
    (bytes, length + 1)
}

/// Returns the length of the varint of `value`.
pub(super) const fn length(value: u64) -> usize {
    any(value).1
}

/// Converts the number of an enumeration to its encoded value: an `int32`, sign-extended to 64
/// bits.
#[inline(always)]
pub(super) const fn enumeration(number: u32) -> u64 {
    number as i32 as i64 as u64
}
