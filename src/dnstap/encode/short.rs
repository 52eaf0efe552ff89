// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes short fields to an array that has room for all of them.

use super::cursor::Cursor;
use super::{ADDRESS_MAX, EncodeError, Fields, varint};
use crate::wire::{NUMBER_KEYS, message};

/// Writes bytes at `at`.
#[inline(always)]
pub(super) fn put<const N: usize, const M: usize>(out: &mut [u8; N], at: usize, bytes: [u8; M]) {
    out[at..at + M].copy_from_slice(&bytes);
}

/// Writes a varint, for which there must be room, and returns its length.
#[cold]
#[inline(never)]
pub(super) fn put_varint(out: &mut [u8], value: u64) -> usize {
    let (bytes, length) = varint::any(value);
    out[..length].copy_from_slice(&bytes[..length]);
    length
}

/// Writes the type, socket family and socket protocol. Returns the end of the fields.
#[inline(always)]
pub(super) fn numbers<const N: usize>(
    out: &mut [u8; N],
    at: usize,
    message: &impl Fields,
) -> usize {
    let message_type = message.message_type().0;
    let family = message.socket_family().map(|family| family.0);
    let protocol = message.socket_protocol().map(|protocol| protocol.0);
    match (family, protocol) {
        (Some(family), Some(protocol)) if message_type | family | protocol < 0x80 => {
            put(out, at, NUMBER_KEYS.to_le_bytes());
            out[at + 1] = message_type as u8;
            out[at + 3] = family as u8;
            out[at + 5] = protocol as u8;
            at + 6
        }
        _ => {
            const LENGTH_MAX: usize = 3 * (1 + varint::LENGTH_MAX);
            at + other_numbers(&mut out[at..], message_type, family, protocol).min(LENGTH_MAX)
        }
    }
}

/// Writes the same fields if one is absent, or has a number of more than 7 bits. Returns the number
/// of bytes written.
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

/// Writes an address, if it is present. Returns the end of the field.
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

/// Writes an address that is neither an IPv4 nor an IPv6 address. Returns the size of the field.
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

/// Writes a port, if it is present. Returns the end of the field.
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

/// Writes the nanoseconds of a time, if they are present. Returns the end of the field.
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
