// SPDX-License-Identifier: MIT OR Apache-2.0
//! Varints: seven bits a byte, the least significant first, the top bit set in all bytes but the
//! last.

/// Longest varint in bytes.
pub(super) const LENGTH_MAX: usize = 10;

/// The two bytes of the varint of a value from 2^7 to 2^14 - 1.
#[inline(always)]
pub(super) const fn two(value: u32) -> [u8; 2] {
    // What is above the low seven bits is added once more: that moves it up by one.
    let [first, second, ..] = (value + (value & !0x7f) + 0x80).to_le_bytes();
    [first, second]
}

/// The three bytes of the varint of a value from 2^14 to 2^21 - 1, and a zero.
#[inline(always)]
pub(super) const fn three(value: u32) -> [u8; 4] {
    // The same, by one place for the second seven bits and by two for the rest.
    (value + (value & !0x7f) + (value & !0x3fff) * 2 + 0x8080).to_le_bytes()
}

/// The varint of any value, and its length.
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

/// How many bytes the varint of `value` has.
pub(super) const fn length(value: u64) -> usize {
    any(value).1
}

/// A number of an enumeration as it is sent: as an `int32`, whose sign fills 64 bits.
#[inline(always)]
pub(super) const fn enumeration(number: u32) -> u64 {
    number as i32 as i64 as u64
}
