// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fast path: encodes the messages that servers log most, with few branches. These have two
//! addresses with ports, one DNS message and at most a zone, and all their times are in the second
//! that the encoder has cached.
//!
//! All fields but two are written to an array of constant size, and most of them at constant
//! offsets. A store may write more bytes than its field has, as the next one overwrites the excess.

use super::origin::INLINE_ORIGIN;
use super::short::put;
use super::{BYTES_MAX, Encoder, HEAD, Origin, TRAILER, put_guessed_length, varint};
use crate::schema::{MessageType, SocketFamily, SocketProtocol};
use crate::wire::{NUMBER_KEYS, message};

/// Maximum size of an event in bytes, without zone and DNS message: the origin, the array of size
/// [`HEAD`], the keys and lengths after it, and the trailer.
const OVERHEAD: usize = INLINE_ORIGIN + HEAD + 8;

/// Size of the two fields of a time, in bytes.
const TIME: usize = 11;

/// A kind of message on the fast path. Each is a marker type, so that the compiler generates a
/// function for it, without branches on the kind.
pub trait FastKind {
    /// True for a response, false for a query.
    const RESPONSE: bool;

    /// True if it has a query time.
    const QUERY_TIME: bool;

    /// True if it has a zone.
    const ZONE: bool;
}

macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident: $response:literal, $query_time:literal, $zone:literal;)+) => { $(
        $(#[$about])*
        pub enum $kind {}

        impl FastKind for $kind {
            const RESPONSE: bool = $response;
            const QUERY_TIME: bool = $query_time;
            const ZONE: bool = $zone;
        }
    )+ };
}

// The values are RESPONSE, QUERY_TIME, ZONE.
kinds! {
    /// A query without a zone.
    Query: false, true, false;
    /// A query with a zone.
    ZonedQuery: false, true, true;
    /// A response without a query time.
    Response: true, false, false;
    /// A response with a query time.
    TimedResponse: true, true, false;
    /// A response with a query time and a zone.
    ZonedResponse: true, true, true;
}

/// The number of bytes that the length of a message takes.
pub trait Width {
    /// The number.
    const BYTES: usize;
}

/// A length of one byte.
pub enum OneByte {}

impl Width for OneByte {
    const BYTES: usize = 1;
}

/// A length of two bytes.
pub enum TwoBytes {}

impl Width for TwoBytes {
    const BYTES: usize = 2;
}

/// A message on the fast path, with addresses of `N` bytes. The encoder reads each field when it
/// writes it, as there are not enough registers for all fields, and may read it twice.
pub trait FastMessage<const N: usize> {
    /// The kind of the message.
    type Kind: FastKind;

    /// Returns [`Message::message_type`](crate::Message::message_type).
    fn message_type(&self) -> MessageType;
    /// Returns [`Message::socket_protocol`](crate::Message::socket_protocol).
    fn socket_protocol(&self) -> SocketProtocol;
    /// Returns [`Message::query_address`](crate::Message::query_address).
    fn query_address(&self) -> &[u8; N];
    /// Returns [`Message::response_address`](crate::Message::response_address).
    fn response_address(&self) -> &[u8; N];
    /// Returns [`Message::query_port`](crate::Message::query_port); 0 is absent.
    fn query_port(&self) -> u16;
    /// Returns [`Message::response_port`](crate::Message::response_port); 0 is absent.
    fn response_port(&self) -> u16;
    /// Returns the seconds and nanoseconds of the query time, if the kind has it.
    fn query_time(&self) -> (u64, u32);
    /// Returns the seconds and nanoseconds of the response time, if it is a response.
    fn response_time(&self) -> (u64, u32);
    /// Returns [`Message::query_zone`](crate::Message::query_zone), if the kind has it.
    fn zone(&self) -> &[u8];
    /// Returns the DNS message.
    fn bytes(&self) -> &[u8];
}

/// Guesses, from the length of the DNS message, whether the length of a message takes two bytes
/// instead of one. The guess is wrong only for very long zones and very short ports.
pub const fn takes_two_bytes<const N: usize, K: FastKind>(length: usize) -> bool {
    let times = K::RESPONSE as usize + K::QUERY_TIME as usize;
    // Numbers, addresses, ports, times, and key and length of the DNS message.
    let fields = 6 + 2 * (2 + N) + 6 + TIME * times + 2;
    fields + length >= 0x80
}

/// Returns the buffer size that [`encode`] requires, in bytes.
#[inline(always)]
pub fn max_len<const N: usize, M: FastMessage<N>>(message: &M) -> usize {
    let zone = if M::Kind::ZONE { message.zone().len() } else { 0 };
    OVERHEAD + zone + message.bytes().len()
}

/// Encodes an event, and returns its length. Returns `None` if its times are not in the second that
/// `encoder` has cached, or the length of its message does not take [`Width::BYTES`] bytes.
#[inline(always)]
pub fn encode<const N: usize, W: Width, M: FastMessage<N>>(
    message: &M,
    encoder: &Encoder,
    origin: &Origin,
    out: &mut [u8],
) -> Option<usize> {
    let second = encoder.second.get();
    if M::Kind::QUERY_TIME && message.query_time().0 != second
        || M::Kind::RESPONSE && message.response_time().0 != second
    {
        return None;
    }
    let start = origin.put_inline(out.first_chunk_mut()?)?;
    let out = out.get_mut(start..)?;
    let head: &mut [u8; HEAD] = out.first_chunk_mut()?;
    let mut at = put_numbers_and_peers(head, W::BYTES, message)?;
    if M::Kind::QUERY_TIME {
        put(head, at, encoder.query_time.get());
        put(head, at + TIME - 4, message.query_time().1.to_le_bytes());
        at += TIME;
    }
    if M::Kind::RESPONSE && M::Kind::ZONE {
        at += put_zone(&mut out[at..], message.zone())?;
    }
    let head: &mut [u8; 32] = out.get_mut(at..)?.first_chunk_mut()?;
    if M::Kind::RESPONSE {
        put(head, 0, encoder.response_time.get());
        put(head, TIME - 4, message.response_time().1.to_le_bytes());
        at += put_key(head, TIME, message::response_message, message.bytes().len())?;
    } else {
        at += put_key(head, 0, message::query_message, message.bytes().len())?;
    }
    let field = at..at + message.bytes().len();
    let mut end = field.end;
    if !M::Kind::RESPONSE && M::Kind::ZONE {
        end += put_zone(out.get_mut(end..)?, message.zone())?;
    }
    if !put_guessed_length(out.get_mut(..W::BYTES)?, end - W::BYTES) {
        return None;
    }
    *out.get_mut(end..)?.first_chunk_mut()? = TRAILER;
    // Last, because the call of memcpy clobbers the registers.
    out.get_mut(field)?.copy_from_slice(message.bytes());
    Some(start + end + TRAILER.len())
}

/// Writes the fields up to the ports, from `at` on. Returns their end.
#[inline(always)]
fn put_numbers_and_peers<const N: usize, M: FastMessage<N>>(
    head: &mut [u8; HEAD],
    at: usize,
    message: &M,
) -> Option<usize> {
    let family = if N == 4 { SocketFamily::INET } else { SocketFamily::INET6 };
    let (message_type, protocol) = (message.message_type().0, message.socket_protocol().0);
    if message_type >= 0x80 || !(1..0x80).contains(&protocol) {
        return None;
    }
    put(head, at, (NUMBER_KEYS | u64::from(family.0) << 24).to_le_bytes());
    head[at + 1] = message_type as u8;
    head[at + 5] = protocol as u8;
    put(head, at + 6, [message::query_address as u8, N as u8]);
    put(head, at + 8, *message.query_address());
    put(head, at + 8 + N, [message::response_address as u8, N as u8]);
    put(head, at + 10 + N, *message.response_address());
    let at = put_port::<true>(head, at + 10 + 2 * N, message::query_port, message.query_port());
    Some(put_port::<false>(head, at, message::response_port, message.response_port()))
}

/// Writes a port, if it is not 0. Returns the end of the field. The most likely case comes first: a
/// high port if it is that of the `CLIENT`, otherwise a well-known one.
#[inline(always)]
fn put_port<const CLIENT: bool>(head: &mut [u8; HEAD], at: usize, key: u32, port: u16) -> usize {
    head[at] = key as u8;
    match u32::from(port) {
        port @ 0x4000.. if CLIENT => {
            put(head, at + 1, varint::three(port));
            at + 4
        }
        port @ 1..0x80 => {
            head[at + 1] = port as u8;
            at + 2
        }
        0 => at,
        port @ 0x80..0x4000 => {
            put(head, at + 1, varint::two(port));
            at + 3
        }
        port => {
            put(head, at + 1, varint::three(port));
            at + 4
        }
    }
}

/// Writes the key and the length of a field of bytes. Returns the beginning of the bytes.
#[inline(always)]
fn put_key(head: &mut [u8; 32], at: usize, key: u32, length: usize) -> Option<usize> {
    head[at] = key as u8;
    Some(match length {
        0..0x80 => {
            head[at + 1] = length as u8;
            at + 2
        }
        0x80..0x4000 => {
            put(head, at + 1, varint::two(length as u32));
            at + 3
        }
        0x4000..=BYTES_MAX => {
            put(head, at + 1, varint::three(length as u32));
            at + 4
        }
        _ => return None,
    })
}

/// Writes the zone, if it has fewer than 128 bytes; a domain name can have up to 255. Returns the
/// size of the field.
#[inline(always)]
fn put_zone(out: &mut [u8], zone: &[u8]) -> Option<usize> {
    if zone.len() >= 0x80 {
        return None;
    }
    let (key, rest) = out.split_first_chunk_mut::<2>()?;
    *key = [message::query_zone as u8, zone.len() as u8];
    rest.get_mut(..zone.len())?.copy_from_slice(zone);
    Some(2 + zone.len())
}
