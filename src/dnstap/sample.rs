// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling: which messages are logged, and how a further sample changes the rate in their events.

use crate::encode::Fields;
use crate::encode::cursor::{Cursor, bytes_len};
use crate::message::Message;
use crate::sample_rate::{SEPARATOR, record};
pub use crate::sample_rate::{rate_of, record_in};
use crate::wire::event;

/// Appends to `out` the `extra` of an event that a sample of one in `rate` kept, and that has
/// `before` for it so far. That it was in another sample before is counted in; the sender's own
/// bytes stay.
pub fn further(before: Option<&[u8]>, rate: u32, out: &mut Vec<u8>) {
    let (before, rate) = (before.unwrap_or_default(), rate.max(1));
    let already = rate_of(before);
    // What both rates divide, their least common multiple divides.
    let both = u64::from(already) / u64::from(gcd(already, rate)) * u64::from(rate);
    let record = record(u32::try_from(both).unwrap_or(u32::MAX));
    let own = match already {
        1 => before,
        _ => before.splitn(2, |byte| *byte == SEPARATOR[0]).nth(1).unwrap_or_default(),
    };
    out.extend_from_slice(&record);
    if !record.is_empty() && !own.is_empty() {
        out.extend_from_slice(SEPARATOR);
    }
    out.extend_from_slice(own);
}

fn gcd(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// Appends `extra` to an encoded event. It takes the place of one that is there: of a field that
/// comes twice, the last counts. All else stays, and so do fields that are not known here.
pub fn set_extra(event: &mut Vec<u8>, extra: &[u8]) {
    let at = event.len();
    event.resize(at + bytes_len(Some(extra)), 0);
    Cursor::new(&mut event[at..])
        .bytes(event::extra, Some(extra))
        .expect("there is room for just that");
}

/// Whether the message is one of the one in `rate` that a sample keeps. A query and its response
/// have the same fate, and so they have with a sink of the same rate.
pub fn is_chosen(message: &Message<'_>, rate: u32) -> bool {
    key(message).is_chosen(rate.max(1))
}

/// What a query and its response have in common: the initiator and the message ID.
pub(crate) struct Key {
    id: u16,
    port: u32,
    address: u128,
}

/// The key of a message.
#[inline(always)]
pub(crate) fn key(message: &impl Fields) -> Key {
    let wire = message.query_message().or(message.response_message()).unwrap_or_default();
    let id = wire.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    let address = message.query_address().unwrap_or_default();
    let address = address.iter().fold(0, |all, byte| all << 8 | u128::from(*byte));
    // An IPv4 address within an IPv6 one is the IPv4 address.
    let address = if address >> 32 == 0xffff { address & u128::from(u32::MAX) } else { address };
    Key { id, port: message.query_port().unwrap_or_default(), address }
}

impl Key {
    /// Whether the message is one of the one in `rate` that are logged. Those with the same key
    /// have the same fate.
    pub(crate) fn is_chosen(&self, rate: u32) -> bool {
        let bytes = self.id.to_be_bytes().into_iter();
        let bytes = bytes.chain(self.port.to_be_bytes()).chain(self.address.to_be_bytes());
        let hash =
            bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        // The low bits of this hash are the weaker ones.
        (hash >> 32) % u64::from(rate) == 0
    }
}

/// The constants of the hash function FNV-1a with 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::schema::MessageType;

    #[test]
    fn a_further_sample_is_counted_in_and_all_else_stays() {
        for (before, rate, expected) in [
            (None, 1, &b""[..]),
            (None, 10, b"sample=1/10"),
            (Some(&b"tag=7 x"[..]), 1, b"tag=7 x"),
            (Some(b"tag=7 x"), 10, b"sample=1/10 tag=7 x"),
            (Some(b"sample=1/10"), 1, b"sample=1/10"),
            (Some(b"sample=1/4"), 6, b"sample=1/12"),
            (Some(b"sample=1/10 tag=7 x"), 5, b"sample=1/10 tag=7 x"),
            (Some(b"sample=1/4294967295"), 2, b"sample=1/4294967295"),
        ] {
            let mut out = Vec::new();
            further(before, rate, &mut out);
            assert_eq!(out, expected, "{before:?} {rate}");
        }
        for length in [0, 9, 0x7f, 0x80, 70_000] {
            let event = Event { identity: Some(b"ns1"), extra: Some(b"before"), ..Event::new() };
            let mut encoded = vec![0; event.max_len().unwrap()];
            let size = event.encode(&mut encoded).unwrap();
            encoded.truncate(size);
            // A field of tomorrow: number 20, and the integer 5.
            encoded.extend([0xa0, 0x01, 5]);
            let (front, extra) = (encoded.clone(), vec![b'x'; length]);
            set_extra(&mut encoded, &extra);
            assert!(encoded.starts_with(&front));
            let decoded = Event::decode(&encoded).unwrap();
            assert_eq!(decoded, Event { extra: Some(&extra), ..event });
        }
    }

    #[test]
    fn pairs_stay_together_and_the_share_is_right() {
        let mut chosen = 0;
        for id in 0..=u16::MAX {
            let wire = [&id.to_be_bytes()[..], &[0; 10]].concat();
            let with = |message: Message<'static>| Message {
                query_address: Some(&[192, 0, 2, 1]),
                query_port: Some(5353),
                ..message
            };
            let query = with(Message::new(MessageType::CLIENT_QUERY));
            let query = Message { query_message: Some(&wire), ..query };
            let response = with(Message::new(MessageType::CLIENT_RESPONSE));
            // As a socket for both families has the same address.
            let mapped = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
            let response =
                Message { query_address: Some(mapped), response_message: Some(&wire), ..response };
            let fate = key(&query).is_chosen(10);
            assert_eq!(key(&response).is_chosen(10), fate);
            chosen += u32::from(fate);
        }
        assert!((6200..6900).contains(&chosen), "{chosen} of 65536");
    }
}
