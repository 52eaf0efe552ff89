// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fast path: encodes the messages that servers log most in a straight line. They are between
//! two addresses and ports, with one DNS message and perhaps a zone, in the second that the encoder
//! remembers.
//!
//! All fields but two are in an array of fixed size, and most at a fixed place of it. A store may be
//! wider than what it is to leave, as the next one writes over the rest.

use super::origin::NEAR;
use super::short::put;
use super::{BYTES_MAX, Encoder, HEAD, Origin, TRAILER, put_guessed_length, varint};
use crate::schema::{MessageType, SocketFamily, SocketProtocol};
use crate::wire::{NUMBER_KEYS, message};

/// Most bytes that an event of the fast path takes beside zone and DNS message: those of the origin, then what
/// is in [`HEAD`], then key and length of what stands behind it and the trailer.
const OVERHEAD: usize = NEAR + HEAD + 8;

/// Bytes of the fields of a time.
const TIME: usize = 11;

/// A kind of message on the fast path. Each has a marker type, so that the compiler makes a function
/// of its own for it, without branches.
pub trait FastKind {
    /// Whether it is a response; otherwise it is a query.
    const RESPONSE: bool;

    /// Whether it has the time of its query.
    const QUERY_TIME: bool;

    /// Whether it has a zone.
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

// Each with its RESPONSE, QUERY_TIME, ZONE.
kinds! {
    /// A query without a zone.
    Query: false, true, false;
    /// A query with a zone.
    ZonedQuery: false, true, true;
    /// A response with its own time alone.
    Response: true, false, false;
    /// A response with the time of its query.
    TimedResponse: true, true, false;
    /// A response with the time of its query and a zone.
    ZonedResponse: true, true, true;
}

/// The number of bytes that the length of a message takes.
pub trait Width {
    /// That number.
    const BYTES: usize;
}

/// The length takes one byte.
pub enum OneByte {}

impl Width for OneByte {
    const BYTES: usize = 1;
}

/// The length takes two bytes.
pub enum TwoBytes {}

impl Width for TwoBytes {
    const BYTES: usize = 2;
}

/// A message of the fast path, between addresses of `N` bytes. The encoder asks for each field where
/// it writes it, as there are no registers for all of them, and may ask twice.
pub trait FastMessage<const N: usize> {
    /// The kind of the message.
    type Kind: FastKind;

    /// [`Message::message_type`](crate::Message::message_type).
    fn message_type(&self) -> MessageType;
    /// [`Message::socket_protocol`](crate::Message::socket_protocol).
    fn socket_protocol(&self) -> SocketProtocol;
    /// [`Message::query_address`](crate::Message::query_address).
    fn query_address(&self) -> &[u8; N];
    /// [`Message::response_address`](crate::Message::response_address).
    fn response_address(&self) -> &[u8; N];
    /// [`Message::query_port`](crate::Message::query_port); 0 is absent.
    fn query_port(&self) -> u16;
    /// [`Message::response_port`](crate::Message::response_port); 0 is absent.
    fn response_port(&self) -> u16;
    /// Seconds and nanoseconds of the query, if it has them.
    fn query_time(&self) -> (u64, u32);
    /// The same of the response, if it is one.
    fn response_time(&self) -> (u64, u32);
    /// [`Message::query_zone`](crate::Message::query_zone), if it has one.
    fn zone(&self) -> &[u8];
    /// The DNS message.
    fn bytes(&self) -> &[u8];
}

/// Guesses from the length of its DNS message whether the length of a message takes two bytes, and
/// not one. The guess is right except for very long zones and very short ports.
pub const fn takes_two_bytes<const N: usize, K: FastKind>(length: usize) -> bool {
    let times = K::RESPONSE as usize + K::QUERY_TIME as usize;
    // Numbers, addresses, ports, times, and key and length of the DNS message.
    let fields = 6 + 2 * (2 + N) + 6 + TIME * times + 2;
    fields + length >= 0x80
}

/// Returns how long a buffer has to be for the event, in bytes.
#[inline(always)]
pub fn max_len<const N: usize, M: FastMessage<N>>(message: &M) -> usize {
    let zone = if M::Kind::ZONE { message.zone().len() } else { 0 };
    OVERHEAD + zone + message.bytes().len()
}

/// Encodes an event whose times are in the second that `encoder` remembers, and whose length takes
/// as many bytes as `W` says. Returns the number of its bytes; `None` if the event is not one of
/// these.
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
    let start = origin.put_near(out.first_chunk_mut()?)?;
    let out = out.get_mut(start..)?;
    let head: &mut [u8; HEAD] = out.first_chunk_mut()?;
    let mut at = put_ends(head, W::BYTES, message)?;
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
    // Last, since copying costs all registers.
    out.get_mut(field)?.copy_from_slice(message.bytes());
    Some(start + end + TRAILER.len())
}

/// Writes the fields up to the ports, from `at` on. Returns where they end.
#[inline(always)]
fn put_ends<const N: usize, M: FastMessage<N>>(
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

/// Writes a field that is a port, if it is not 0. Returns where it ends. What a port is likely to be
/// comes first: a high one if it is the `CLIENT`'s, else a well-known one.
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

/// Writes the key and the length of a field that is bytes. Returns where the bytes begin.
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

/// Writes the zone, which is a domain name of at most 255 bytes, but here of fewer than 128. Returns
/// how many bytes that took.
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
