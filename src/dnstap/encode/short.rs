// SPDX-License-Identifier: MIT OR Apache-2.0
//! The short fields, in an array that has room for all of them.

use super::cursor::Cursor;
use super::{ADDRESS_MAX, EncodeError, Fields, varint};
use crate::wire::{NUMBER_KEYS, message};

#[inline(always)]
pub(super) fn put<const N: usize, const M: usize>(out: &mut [u8; N], at: usize, bytes: [u8; M]) {
    out[at..at + M].copy_from_slice(&bytes);
}

/// Writes a varint into what has room for it, and returns its length.
#[cold]
#[inline(never)]
pub(super) fn put_varint(out: &mut [u8], value: u64) -> usize {
    let (bytes, length) = varint::any(value);
    out[..length].copy_from_slice(&bytes[..length]);
    length
}

/// Writes type, socket family and socket protocol.
#[inline(always)]
pub(super) fn numbers<const N: usize>(
    out: &mut [u8; N],
    at: usize,
    message: &impl Fields,
) -> usize {
    let message_type = message.message_type().0;
    let family = message.socket_family().map(|family| family.0);
    let protocol = message.socket_protocol().map(|protocol| protocol.0);
    if let (Some(family), Some(protocol)) = (family, protocol)
        && message_type | family | protocol < 0x80
    {
        put(out, at, NUMBER_KEYS.to_le_bytes());
        out[at + 1] = message_type as u8;
        out[at + 3] = family as u8;
        out[at + 5] = protocol as u8;
        at + 6
    } else {
        const MOST: usize = 3 * (1 + varint::LENGTH_MAX);
        at + other_numbers(&mut out[at..], message_type, family, protocol).min(MOST)
    }
}

/// The same where a field is absent, or has a number that no schema has given a name yet.
#[cold]
#[inline(never)]
fn other_numbers(
    out: &mut [u8],
    message_type: u32,
    family: Option<u32>,
    protocol: Option<u32>,
) -> usize {
    let mut at = 0;
    for (key, number) in [
        (message::message_type, Some(message_type)),
        (message::socket_family, family),
        (message::socket_protocol, protocol),
    ] {
        if let Some(number) = number {
            out[at] = key as u8;
            at += 1;
            at += put_varint(&mut out[at..], varint::enumeration(number));
        }
    }
    at
}

/// Writes a field that is an address, if there is one.
#[inline(always)]
pub(super) fn address<const N: usize>(
    out: &mut [u8; N],
    at: usize,
    key: u32,
    name: &'static str,
    address: Option<&[u8]>,
) -> Result<usize, EncodeError> {
    let Some(address) = address else { return Ok(at) };
    Ok(if let Ok(address) = <[u8; 4]>::try_from(address) {
        put(out, at, [key as u8, 4]);
        put(out, at + 2, address);
        at + 6
    } else if let Ok(address) = <[u8; 16]>::try_from(address) {
        put(out, at, [key as u8, 16]);
        put(out, at + 2, address);
        at + 18
    } else {
        at + other_address(&mut out[at..], key, name, address)?.min(2 + ADDRESS_MAX)
    })
}

/// The same for what is not an address of IPv4 or IPv6.
#[cold]
#[inline(never)]
fn other_address(
    out: &mut [u8],
    key: u32,
    name: &'static str,
    address: &[u8],
) -> Result<usize, EncodeError> {
    if address.len() > ADDRESS_MAX {
        return Err(EncodeError::TooLong(name));
    }
    let mut cursor = Cursor::new(out);
    cursor.bytes(key, Some(address))?;
    Ok(cursor.written())
}

/// Writes a field that is a port, if there is one.
#[inline(always)]
pub(super) fn port<const N: usize>(
    out: &mut [u8; N],
    at: usize,
    key: u32,
    port: Option<u32>,
) -> usize {
    let Some(port) = port else { return at };
    out[at] = key as u8;
    if port < 0x80 {
        out[at + 1] = port as u8;
        at + 2
    } else if port < 0x4000 {
        put(out, at + 1, varint::two(port));
        at + 3
    } else if port < 0x20_0000 {
        put(out, at + 1, varint::three(port));
        at + 4
    } else {
        at + 1 + put_varint(&mut out[at + 1..], port.into()).min(5)
    }
}

/// Writes a field that is the nanoseconds of a time, if there are any.
#[inline(always)]
pub(super) fn nanoseconds<const N: usize>(
    out: &mut [u8; N],
    at: usize,
    key: u32,
    nanoseconds: Option<u32>,
) -> usize {
    let Some(nanoseconds) = nanoseconds else { return at };
    out[at] = key as u8;
    put(out, at + 1, nanoseconds.to_le_bytes());
    at + 5
}
