// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling: the choice of the logged messages, and the rate in their events.

use crate::encode::Fields;
use crate::encode::cursor::{Cursor, bytes_len};
use crate::message::Message;
use crate::sample_rate::{SEPARATOR, record};
pub use crate::sample_rate::{rate_of, record_in};
use crate::wire::event;

/// Appends to `out` the new `extra` of an event that was kept by a sample of one in `rate`.
/// `before` is its `extra` so far: a rate in it is combined with `rate`, and the sender's own bytes
/// are kept.
pub fn resample(before: Option<&[u8]>, rate: u32, out: &mut Vec<u8>) {
    let (before, rate) = (before.unwrap_or_default(), rate.max(1));
    let already = rate_of(before);
    // Both samples choose by the same hash, so a message in both is in that of the least common
    // multiple.
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

/// Sets the `extra` of an encoded event by appending it: if a field occurs twice, the last one
/// counts. Other fields, including unknown ones, are unchanged.
pub fn set_extra(event: &mut Vec<u8>, extra: &[u8]) {
    let at = event.len();
    event.resize(at + bytes_len(Some(extra)), 0);
    Cursor::new(&mut event[at..])
        .bytes(event::extra, Some(extra))
        .expect("the buffer has exactly this size");
}

/// Returns whether a sample of one in `rate` keeps the message. A query and its response are kept
/// or dropped together. A sink with the same rate logs the same messages.
pub fn is_chosen(message: &Message<'_>, rate: u32) -> bool {
    key(message).is_chosen(rate.max(1))
}

/// The properties that a query and its response have in common: the initiator and the message ID.
pub(crate) struct PairKey {
    id: u16,
    port: u32,
    address: u128,
}

/// Returns the key of a message.
#[inline(always)]
pub(crate) fn key(message: &impl Fields) -> PairKey {
    let wire = message.query_message().or(message.response_message()).unwrap_or_default();
    let id = wire.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    let address = message.query_address().unwrap_or_default();
    let address = address.iter().fold(0, |all, byte| all << 8 | u128::from(*byte));
    // An IPv4-mapped IPv6 address counts as the IPv4 address.
    let address = if address >> 32 == 0xffff { address & u128::from(u32::MAX) } else { address };
    PairKey { id, port: message.query_port().unwrap_or_default(), address }
}

impl PairKey {
    /// Returns whether messages with this key are in a sample of one in `rate`.
    pub(crate) fn is_chosen(&self, rate: u32) -> bool {
        let bytes = self.id.to_be_bytes().into_iter();
        let bytes = bytes.chain(self.port.to_be_bytes()).chain(self.address.to_be_bytes());
        let hash =
            bytes.fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        // The low bits of this hash are weak.
        (hash >> 32) % u64::from(rate) == 0
    }
}

/// The constants of the 64-bit hash function FNV-1a.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;
    use crate::schema::MessageType;

    #[test]
    fn a_second_sample_changes_only_the_rate() {
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
            resample(before, rate, &mut out);
            assert_eq!(out, expected, "{before:?} {rate}");
        }
        for length in [0, 9, 0x7f, 0x80, 70_000] {
            let event = Event { identity: Some(b"ns1"), extra: Some(b"before"), ..Event::new() };
            let mut encoded = vec![0; event.max_len().unwrap()];
            let size = event.encode(&mut encoded).unwrap();
            encoded.truncate(size);
            // A field of a newer schema: number 20, with the integer 5.
            encoded.extend([0xa0, 0x01, 5]);
            let (front, extra) = (encoded.clone(), vec![b'x'; length]);
            set_extra(&mut encoded, &extra);
            assert!(encoded.starts_with(&front));
            let decoded = Event::decode(&encoded).unwrap();
            assert_eq!(decoded, Event { extra: Some(&extra), ..event });
        }
    }

    #[test]
    fn pairs_are_chosen_together_at_the_right_rate() {
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
            // The same address, as seen on a socket for both families.
            let mapped = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];
            let response =
                Message { query_address: Some(mapped), response_message: Some(&wire), ..response };
            let is_chosen = key(&query).is_chosen(10);
            assert_eq!(key(&response).is_chosen(10), is_chosen);
            chosen += u32::from(is_chosen);
        }
        assert!((6200..6900).contains(&chosen), "{chosen} of 65536");
    }
}
