// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fast decoder: fields in ascending order, in their shortest form. Any field may be absent;
//! the decoder stops before a field that has another form.

use crate::message::Message;
use crate::schema::{MessageType, SocketFamily, SocketProtocol};
use crate::wire::{NUMBER_KEYS, message};

/// Minimum length of a message for the fast decoder, in bytes: the fields before the query, which
/// are 6 for the numbers, 36 for the addresses, 8 for the ports, 11 for the time. As it is
/// constant, the compiler can prove that no load is out of bounds, and omits the checks.
const HEAD: usize = 61;

/// The same for the fields between zone and response: 11 for the time.
const FOOT: usize = 11;

/// The bits of [`NUMBER_KEYS`], and the top bits of the values.
const NUMBER_MASK: u64 = 0x80ff_80ff_80ff;

/// Decodes fields of `bytes`, a message, into `message`. Returns the number of bytes that were
/// decoded; if there are any, they include the type.
#[inline(always)]
pub(super) fn message<'a>(bytes: &'a [u8], message: &mut Message<'a>) -> usize {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return 0 };
    let numbers = u64::from_le_bytes(load(head, 0));
    if numbers & NUMBER_MASK != NUMBER_KEYS {
        return 0;
    }
    message.message_type = MessageType((numbers >> 8) as u32 & 0x7f);
    message.socket_family = Some(SocketFamily((numbers >> 24) as u32 & 0x7f));
    message.socket_protocol = Some(SocketProtocol((numbers >> 40) as u32 & 0x7f));
    let mut at = 6;
    at = address(head, at, message::query_address, &mut message.query_address);
    at = address(head, at, message::response_address, &mut message.response_address);
    at = port(head, at, message::query_port, &mut message.query_port);
    at = port(head, at, message::response_port, &mut message.response_port);
    let mut query_second = None;
    if let Some(second) = Second::read(head, at, message::query_time_sec) {
        message.query_time_sec = Some(second.value());
        query_second = Some(second);
        at += Second::FIELD;
    }
    at = nanoseconds(head, at, message::query_time_nsec, &mut message.query_time_nsec);
    at = self::bytes(bytes, at, message::query_message, &mut message.query_message);
    at = self::bytes(bytes, at, message::query_zone, &mut message.query_zone);
    let Some(foot) = bytes[at..].first_chunk::<FOOT>() else { return at };
    let mut time = 0;
    if let Some(second) = Second::read(foot, 0, message::response_time_sec) {
        let same = query_second == Some(second);
        let value = if same { message.query_time_sec } else { Some(second.value()) };
        message.response_time_sec = value;
        time += Second::FIELD;
    }
    at += nanoseconds(foot, time, message::response_time_nsec, &mut message.response_time_nsec);
    self::bytes(bytes, at, message::response_message, &mut message.response_message)
}

/// Reads a field of bytes, if it is the one at `at`. Returns the offset of the next field.
#[inline(always)]
pub(super) fn bytes<'a>(
    message: &'a [u8],
    at: usize,
    key: u32,
    bytes: &mut Option<&'a [u8]>,
) -> usize {
    let Some((start, end)) = extent(message, at, key) else { return at };
    *bytes = Some(&message[start..end]);
    end
}

/// Returns where the bytes of a field begin and end, if it is the one at `at` and has fewer than
/// 2^14 bytes.
#[inline(always)]
pub(super) fn extent(message: &[u8], at: usize, key: u32) -> Option<(usize, usize)> {
    let &[found, low, high] = message[at..].first_chunk()?;
    if found != key as u8 {
        return None;
    }
    let (start, length) = if low < 0x80 {
        (at + 2, usize::from(low))
    } else if high < 0x80 {
        (at + 3, usize::from(low & 0x7f) | usize::from(high) << 7)
    } else {
        return None;
    };
    let end = start + length;
    (end <= message.len()).then_some((start, end))
}

#[inline(always)]
fn load<const N: usize, const M: usize>(bytes: &[u8; N], at: usize) -> [u8; M] {
    let mut loaded = [0; M];
    loaded.copy_from_slice(&bytes[at..at + M]);
    loaded
}

/// Reads an address, if it is the field at `at`. Returns the offset of the next field.
#[inline(always)]
fn address<'a, const N: usize>(
    bytes: &'a [u8; N],
    at: usize,
    key: u32,
    address: &mut Option<&'a [u8]>,
) -> usize {
    let key_and_length: [u8; 2] = load(bytes, at);
    if key_and_length == [key as u8, 4] {
        *address = Some(&bytes[at + 2..at + 6]);
        at + 6
    } else if key_and_length == [key as u8, 16] {
        *address = Some(&bytes[at + 2..at + 18]);
        at + 18
    } else {
        at
    }
}

/// Reads a port of up to three bytes, if it is the field at `at`. Returns the offset of the next
/// field.
#[inline(always)]
fn port<const N: usize>(bytes: &[u8; N], at: usize, key: u32, port: &mut Option<u32>) -> usize {
    if bytes[at] != key as u8 {
        return at;
    }
    let found = u32::from_le_bytes(load(bytes, at + 1));
    if found & 0x80 == 0 {
        *port = Some(found & 0x7f);
        at + 2
    } else if found & 0x8000 == 0 {
        *port = Some(found & 0x7f | found >> 1 & 0x3f80);
        at + 3
    } else if found & 0x80_0000 == 0 {
        *port = Some(found & 0x7f | found >> 1 & 0x3f80 | found >> 2 & 0x1f_c000);
        at + 4
    } else {
        at
    }
}

/// The seconds of a time from 1978 to 3058, encoded as a varint of five bytes.
#[derive(Clone, Copy, PartialEq)]
struct Second(u64);

impl Second {
    /// Size of the field in bytes.
    const FIELD: usize = 6;

    #[inline(always)]
    fn read<const N: usize>(bytes: &[u8; N], at: usize, key: u32) -> Option<Self> {
        if bytes[at] != key as u8 {
            return None;
        }
        let found = u64::from_le_bytes(load(bytes, at + 1)) & 0xff_ffff_ffff;
        (found & 0x80_8080_8080 == 0x8080_8080).then_some(Self(found))
    }

    #[inline(always)]
    fn value(self) -> u64 {
        // Joins groups of 7 bits to groups of 14 and then of 28 bits.
        let low = self.0 as u32;
        let low = low & 0x7f_007f | low >> 1 & 0x3f80_3f80;
        let low = low & 0x3fff | low >> 2 & 0xfff_c000;
        u64::from(low) | self.0 >> 32 << 28
    }
}

/// Reads nanoseconds, if they are the field at `at`. Returns the offset of the next field.
#[inline(always)]
fn nanoseconds<const N: usize>(
    bytes: &[u8; N],
    at: usize,
    key: u32,
    nanoseconds: &mut Option<u32>,
) -> usize {
    if bytes[at] != key as u8 {
        return at;
    }
    *nanoseconds = Some(u32::from_le_bytes(load(bytes, at + 1)));
    at + 5
}
