// SPDX-License-Identifier: MIT OR Apache-2.0
//! The encoder: writes events in one pass and in place, without allocation.
//!
//! The encoding is the same as that of protobuf-c: fields in ascending order, integers in their
//! shortest form. [`fast_path`] encodes the messages that servers log most. This module encodes any
//! event, and is fast, too:
//!
//! - Short fields are written to an array whose constant size `HEAD` is enough for all of them. The
//!   compiler can prove that, and omits the bounds checks. A store may write more bytes than its
//!   field has, as the next store overwrites the excess.
//! - The length of the message comes before it. The number of bytes that the length takes is
//!   guessed from the size of the DNS message; if the guess is wrong, which is rare, the message is
//!   moved by a byte.
//! - The varint of the current second is cached.
//! - Rare cases are in functions of their own, to keep the common path short.

pub(crate) mod cursor;
mod envelope;
mod event;
pub mod fast_path;
mod field;
mod fields;
mod origin;
mod rare;
mod short;
mod varint;

use std::cell::Cell;

use cursor::Cursor;
use thiserror::Error;

use crate::wire::{self, message};
pub use envelope::Envelope;
pub use fields::Fields;
pub use origin::Origin;
use short::{address, nanoseconds, numbers, port, put, put_varint};

/// Maximum length in bytes of the identity, the version, extra, a DNS message (RFC 1035, section
/// 4.2.2), the zone, and each part of a policy.
pub const BYTES_MAX: usize = 65_535;

/// Maximum length of an address in bytes.
pub const ADDRESS_MAX: usize = 16;

/// Size of the array for the fields before the query (in a response on the fast path, for those
/// before the DNS message), in bytes: 2 for the length of the message, 33 for three enumerations,
/// 36 for the addresses, 12 for the ports, 32 for the times, 4 for the key and length of the DNS
/// message, and 8 for the excess of a store.
const HEAD: usize = 128;

/// Size of the array for the fields between zone and response, in bytes: 16 for a time, and 8 for
/// the excess of a store.
const FOOT: usize = 24;

/// Keys of the times: of the seconds and the nanoseconds.
const QUERY_TIME: (u32, u32) = (message::query_time_sec, message::query_time_nsec);
const RESPONSE_TIME: (u32, u32) = (message::response_time_sec, message::response_time_nsec);

/// The last field, `Dnstap.type`.
const TRAILER: [u8; 2] = [wire::event::event_type as u8, 1];

/// Maximum size of an event in bytes, without its origin, the bytes of query, zone and response,
/// the rare fields and extra.
const OVERHEAD: usize = HEAD + FOOT;

/// The reason why an event was not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The buffer is too small: [`max_len`] is always enough.
    #[error("the buffer is too small for the event")]
    BufferTooSmall,
    /// An address is longer than [`ADDRESS_MAX`], or another field than [`BYTES_MAX`].
    #[error("{0} is too long")]
    TooLong(&'static str),
    /// `Policy.type` is not UTF-8, which protobuf requires for strings.
    #[error("policy.type is not valid UTF-8")]
    PolicyType,
}

/// Checks the length of a field.
fn limit(field: &'static str, bytes: Option<&[u8]>) -> Result<(), EncodeError> {
    match bytes {
        Some(bytes) if bytes.len() > BYTES_MAX => Err(EncodeError::TooLong(field)),
        _ => Ok(()),
    }
}

/// Returns the buffer size that [`Encoder::encode`] requires for a message, in bytes. It is usually
/// some 100 bytes more than the event will have, as it is computed only from the lengths of the
/// longer fields.
pub fn max_len(
    origin: &Origin,
    message: &impl Fields,
    envelope: Envelope<'_>,
) -> Result<usize, EncodeError> {
    let names = envelope.names_len()?;
    Ok(origin.len() + OVERHEAD + names + longer_len(message, envelope.extra)?)
}

/// Returns an upper bound of the size of the fields whose length has no small limit.
fn longer_len(message: &impl Fields, extra: Option<&[u8]>) -> Result<usize, EncodeError> {
    let query = message.query_message().map_or(0, <[u8]>::len);
    let zone = message.query_zone().map_or(0, <[u8]>::len);
    let response = message.response_message().map_or(0, <[u8]>::len);
    // Works because all bits of BYTES_MAX are set.
    if query | zone | response > BYTES_MAX {
        return Err(EncodeError::TooLong("query_message, query_zone or response_message"));
    }
    let length = query + zone + response;
    if !rare::is_any(message) && extra.is_none() {
        return Ok(length);
    }
    Ok(length + rare::max_len(message, extra)?)
}

/// The encoder of one thread, which caches the encoding of the current second.
#[derive(Clone, Debug)]
pub struct Encoder {
    /// The cached second, from 1978 to 3058, so that its varint has five bytes.
    second: Cell<u64>,
    /// The varint of that second.
    varint: Cell<[u8; 8]>,
    /// The fields of the query time up to the nanoseconds, with padding.
    query_time: Cell<[u8; 8]>,
    /// The fields of the response time, likewise.
    response_time: Cell<[u8; 8]>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// Creates an encoder.
    pub fn new() -> Self {
        let encoder = Self {
            second: Cell::new(0),
            varint: Cell::default(),
            query_time: Cell::default(),
            response_time: Cell::default(),
        };
        encoder.remember(FIVE_BYTES_MIN);
        encoder
    }

    /// Caches a second, whose varint must have five bytes.
    fn remember(&self, second: u64) {
        let varint = first_eight(second);
        let fields = |keys: (u32, u32)| {
            let mut fields = [0; 8];
            fields[0] = keys.0 as u8;
            fields[1..6].copy_from_slice(&varint[..5]);
            fields[6] = keys.1 as u8;
            fields
        };
        self.second.set(second);
        self.varint.set(varint);
        self.query_time.set(fields(QUERY_TIME));
        self.response_time.set(fields(RESPONSE_TIME));
    }

    /// Encodes an event of type MESSAGE at the beginning of `out`, and returns its length. A buffer
    /// of [`max_len`] bytes is large enough; bytes after the event may be overwritten.
    pub fn encode(
        &self,
        origin: &Origin,
        message: &impl Fields,
        envelope: Envelope<'_>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let start = origin.write(envelope, out)?;
        let rest = out.get_mut(start..).ok_or(EncodeError::BufferTooSmall)?;
        Ok(start + self.message(message, rest)? + TRAILER.len())
    }

    /// Writes everything after the key of the message. Returns the number of bytes, without those
    /// of the trailer.
    fn message(&self, message: &impl Fields, out: &mut [u8]) -> Result<usize, EncodeError> {
        let query = message.query_message().map_or(0, <[u8]>::len);
        let response = message.response_message().map_or(0, <[u8]>::len);
        // The other fields of a message over IPv4 take 37 to 48 bytes, over IPv6 61 to 72.
        let width = 1 + usize::from(query.wrapping_add(response) >= 76);
        let (prefix, fields) =
            out.split_at_mut_checked(width).ok_or(EncodeError::BufferTooSmall)?;
        let length = self.fields(message, fields)?;
        if put_guessed_length(prefix, length) {
            Ok(width + length)
        } else {
            rare::fix_length_prefix(out, width, length)
        }
    }

    /// Writes the fields of the message and the trailer. Returns the end of the fields.
    fn fields(&self, message: &impl Fields, out: &mut [u8]) -> Result<usize, EncodeError> {
        let head: &mut [u8; HEAD] = out.first_chunk_mut().ok_or(EncodeError::BufferTooSmall)?;
        let mut at = numbers(head, 0, message);
        at = address(head, at, message::query_address, "query_address", message.query_address())?;
        at = address(
            head,
            at,
            message::response_address,
            "response_address",
            message.response_address(),
        )?;
        at = port(head, at, message::query_port, message.query_port());
        at = port(head, at, message::response_port, message.response_port());
        at = self.seconds(head, at, QUERY_TIME.0, message.query_time_sec());
        at = nanoseconds(head, at, QUERY_TIME.1, message.query_time_nsec());
        let mut cursor = Cursor::new(&mut out[at..]);
        cursor.limited(message::query_message, "query_message", message.query_message())?;
        cursor.limited(message::query_zone, "query_zone", message.query_zone())?;
        cursor.fill(|rest| {
            let short = rest.first_chunk_mut::<FOOT>().ok_or(EncodeError::BufferTooSmall)?;
            let at = self.seconds(short, 0, RESPONSE_TIME.0, message.response_time_sec());
            Ok(nanoseconds(short, at, RESPONSE_TIME.1, message.response_time_nsec()))
        })?;
        cursor.limited(
            message::response_message,
            "response_message",
            message.response_message(),
        )?;
        if rare::is_any(message) {
            cursor.fill(|rest| rare::put(message, rest))?;
        }
        let end = at + cursor.written();
        cursor.put(&TRAILER)?;
        Ok(end)
    }

    /// Writes the seconds of a time, if they are present.
    #[inline(always)]
    fn seconds<const N: usize>(
        &self,
        out: &mut [u8; N],
        at: usize,
        key: u32,
        seconds: Option<u64>,
    ) -> usize {
        let Some(seconds) = seconds else { return at };
        out[at] = key as u8;
        if seconds == self.second.get() {
            put(out, at + 1, self.varint.get());
            at + 6
        } else {
            at + 1 + self.other_second(&mut out[at + 1..], seconds).min(varint::LENGTH_MAX)
        }
    }

    /// Writes the varint of a second that is not cached, and caches it.
    #[cold]
    #[inline(never)]
    fn other_second(&self, out: &mut [u8], seconds: u64) -> usize {
        if (FIVE_BYTES_MIN..1 << 35).contains(&seconds) {
            self.remember(seconds);
        }
        put_varint(out, seconds)
    }
}

/// The smallest value whose varint has five bytes.
const FIVE_BYTES_MIN: u64 = 1 << 28;

/// Returns the first eight bytes of a varint.
fn first_eight(value: u64) -> [u8; 8] {
    let mut eight = [0; 8];
    eight.copy_from_slice(&varint::any(value).0[..8]);
    eight
}

/// Writes the length of a message into the bytes before it. Returns whether it takes exactly these
/// bytes.
#[inline(always)]
fn put_guessed_length(prefix: &mut [u8], length: usize) -> bool {
    match prefix {
        [short] if length < 0x80 => *short = length as u8,
        [_, _] if (0x80..0x4000).contains(&length) => {
            prefix.copy_from_slice(&varint::two(length as u32));
        }
        _ => return false,
    }
    true
}
