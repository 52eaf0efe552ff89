// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text sinks: a buffer, and one that discards text.

use std::io::Write as _;
use std::net::Ipv6Addr;

use data_encoding::{BASE32HEX_NOPAD, BASE64, Encoding, HEXLOWER, HEXUPPER};

use crate::bound::FIELD_MAX;

/// All numbers of two digits.
static TWO_DIGITS: [[u8; 2]; 100] = {
    let mut numbers = [[0; 2]; 100];
    let mut number = 0;
    while number < numbers.len() {
        numbers[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    numbers
};

/// A sink for text. Printing to [`Discard`] validates a message without formatting it.
pub trait TextSink: Sized {
    /// False if the sink discards text, so that callers may skip formatting it.
    const KEEPS_TEXT: bool = true;

    /// Returns the buffer of the text; `None` if the sink discards it.
    fn buffer(&mut self) -> Option<&mut Vec<u8>>;

    /// Returns the number of bytes appended so far.
    #[inline]
    fn position(&mut self) -> usize {
        self.buffer().map_or(0, |buffer| buffer.len())
    }

    /// Removes all bytes after `position`.
    #[inline]
    fn rewind(&mut self, position: usize) {
        if let Some(buffer) = self.buffer() {
            buffer.truncate(position);
        }
    }

    /// Appends bytes in a text encoding.
    fn encoded(&mut self, encoding: &Encoding, bytes: &[u8]) {
        if let Some(buffer) = self.buffer() {
            let start = buffer.len();
            buffer.resize(start + encoding.encode_len(bytes.len()), 0);
            encoding.encode_mut(bytes, &mut buffer[start..]);
        }
    }

    /// Appends an IPv6 address in the format of RFC 5952.
    fn ipv6(&mut self, address: Ipv6Addr) {
        if let Some(buffer) = self.buffer() {
            // Writing to a vector cannot fail.
            let _ = write!(buffer, "{address}");
        }
    }

    /// Appends printable ASCII that contains no quotation marks or backslashes.
    #[inline]
    fn plain(&mut self, bytes: &[u8]) {
        if let Some(buffer) = self.buffer() {
            buffer.extend_from_slice(bytes);
        }
    }

    /// Appends bytes.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        self.plain(bytes);
    }

    /// Appends one byte.
    #[inline]
    fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Appends a string.
    fn str(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Appends a decimal number.
    fn number(&mut self, number: impl Into<u64>) {
        let mut number = number.into();
        let mut digits = [0; 20];
        let mut at = digits.len();
        while number >= 100 {
            at -= 2;
            digits[at..at + 2].copy_from_slice(&TWO_DIGITS[(number % 100) as usize]);
            number /= 100;
        }
        at -= 2;
        digits[at..at + 2].copy_from_slice(&TWO_DIGITS[number as usize]);
        self.plain(&digits[at + usize::from(number < 10)..]);
    }

    /// Appends a decimal number, padded with zeros to `width` digits, at most 20.
    fn padded(&mut self, number: impl Into<u64>, width: usize) {
        let number = number.into();
        let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        self.plain(&b"00000000000000000000"[..width.saturating_sub(digits)]);
        self.number(number);
    }

    /// Appends a byte as a backslash and three decimal digits.
    fn escaped(&mut self, byte: u8) {
        self.bytes(&[b'\\', b'0' + byte / 100, b'0' + byte / 10 % 10, b'0' + byte % 10]);
    }

    /// Appends an IPv4 address.
    fn ipv4(&mut self, address: [u8; 4]) {
        let mut text = [0; 15];
        let mut length = 0;
        for (index, byte) in address.into_iter().enumerate() {
            if index > 0 {
                text[length] = b'.';
                length += 1;
            }
            if byte >= 100 {
                text[length] = b'0' + byte / 100;
                length += 1;
            }
            if byte >= 10 {
                text[length] = b'0' + byte / 10 % 10;
                length += 1;
            }
            text[length] = b'0' + byte % 10;
            length += 1;
        }
        self.plain(&text[..length]);
    }

    /// Appends an address of 4 or 16 bytes. Other lengths are printed in hexadecimal after `?`.
    fn address(&mut self, bytes: &[u8]) {
        if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
            self.ipv4(bytes);
        } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
            self.ipv6(Ipv6Addr::from(bytes));
        } else if bytes.is_empty() {
            self.str("<nil>");
        } else {
            self.byte(b'?');
            self.field_hex(bytes);
        }
    }

    /// Appends the first `FIELD_MAX` bytes of a field with `print`, and the number of omitted bytes.
    #[inline]
    fn field(&mut self, bytes: &[u8], print: impl FnOnce(&[u8], &mut Self)) {
        match bytes.split_at_checked(FIELD_MAX) {
            None | Some((_, [])) => print(bytes, self),
            Some((front, rest)) => {
                print(front, self);
                self.cut(rest.len() as u64, "bytes");
            }
        }
    }

    /// Appends the bytes of a field in hexadecimal, up to `FIELD_MAX`.
    fn field_hex(&mut self, bytes: &[u8]) {
        self.field(bytes, |bytes, out| out.hex(bytes));
    }

    /// Appends a mark for omitted text. It contains no spaces, because they separate columns.
    fn cut(&mut self, count: u64, unit: &str) {
        self.str("...[");
        self.number(count);
        self.byte(b'-');
        self.str(unit);
        self.str("-cut]");
    }

    /// Appends bytes in lower-case hexadecimal.
    fn hex(&mut self, bytes: &[u8]) {
        self.encoded(&HEXLOWER, bytes);
    }

    /// Appends bytes in upper-case hexadecimal.
    fn upper_hex(&mut self, bytes: &[u8]) {
        self.encoded(&HEXUPPER, bytes);
    }

    /// Appends bytes in base 64 (RFC 4648, section 4).
    fn base64(&mut self, bytes: &[u8]) {
        self.encoded(&BASE64, bytes);
    }

    /// Appends bytes in base 32 with the hexadecimal alphabet (RFC 4648, section 7), without padding.
    fn base32hex(&mut self, bytes: &[u8]) {
        self.encoded(&BASE32HEX_NOPAD, bytes);
    }
}

impl TextSink for Vec<u8> {
    #[inline]
    fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        Some(self)
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.push(byte);
    }
}

/// A sink that discards text.
pub struct Discard;

impl TextSink for Discard {
    const KEEPS_TEXT: bool = false;

    #[inline(always)]
    fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        None
    }

    #[inline(always)]
    fn number(&mut self, _: impl Into<u64>) {}

    #[inline(always)]
    fn padded(&mut self, _: impl Into<u64>, _: usize) {}

    #[inline(always)]
    fn ipv4(&mut self, _: [u8; 4]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_and_addresses() {
        assert_eq!(text(|out| out.number(0u64)), "0");
        assert_eq!(text(|out| out.number(u64::MAX)), u64::MAX.to_string());
        assert_eq!(text(|out| out.padded(0u8, 3)), "000");
        assert_eq!(text(|out| out.padded(1234u16, 3)), "1234");
        assert_eq!(text(|out| out.escaped(255)), "\\255");
        assert_eq!(text(|out| out.address(&[0, 10, 200, 99])), "0.10.200.99");
        let mapped = "::ffff:1.2.3.4".parse::<Ipv6Addr>().unwrap().octets();
        assert_eq!(text(|out| out.address(&mapped)), "::ffff:1.2.3.4");
        let address = "2001:db8:0:0:1::1".parse::<Ipv6Addr>().unwrap().octets();
        assert_eq!(text(|out| out.address(&address)), "2001:db8::1:0:0:1");
        assert_eq!(text(|out| out.address(b"")), "<nil>");
        assert_eq!(text(|out| out.address(b"\x0a\xff")), "?0aff");
    }
}
