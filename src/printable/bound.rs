// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounds of the text that one frame can become. Compression pointers and escapes make text of a DNS message that
//! is hundreds of times as long: from a peer that wants that, too much for the reader and for its disk.

use super::text::Text;

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
pub const FIELD_MAX: usize = u16::MAX as usize;

/// Prints the bytes of a field with `print`, as far as [`FIELD_MAX`], and how many more it has.
#[inline]
pub fn field<T: Text>(bytes: &[u8], out: &mut T, print: impl FnOnce(&[u8], &mut T)) {
    match bytes.split_at_checked(FIELD_MAX) {
        None | Some((_, [])) => print(bytes, out),
        Some((front, rest)) => {
            print(front, out);
            cut(rest.len() as u64, "bytes", out);
        }
    }
}

/// Prints the bytes of a field in hexadecimal digits.
pub fn hex(bytes: &[u8], out: &mut impl Text) {
    field(bytes, out, |bytes, out| out.hex(bytes));
}

/// Marks the place where text is cut. The mark is without spaces, which separate columns.
pub fn cut(count: u64, unit: &str, out: &mut impl Text) {
    out.str("...[");
    out.number(count);
    out.byte(b'-');
    out.str(unit);
    out.str("-cut]");
}
