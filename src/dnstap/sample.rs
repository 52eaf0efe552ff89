// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sampling: which messages are logged, and how a reader learns how many each one stands for.
//!
//! `Dnstap` has no field for the rate, so it goes where annotations go: an event that stands for
//! N messages has an `extra` of `sample=1/N`, with a space and the sender's own bytes behind it
//! if there are any.

use crate::encode::Fields;
use crate::message::Message;

/// What `extra` begins with.
const PREFIX: &str = "sample=1/";

/// What stands between the rate and the sender's own bytes.
pub(crate) const SEPARATOR: &[u8] = b" ";

/// The record of a rate; empty where every message is logged.
pub(crate) fn record(rate: u32) -> Box<[u8]> {
    if rate > 1 { format!("{PREFIX}{rate}").into_bytes().into() } else { Box::default() }
}

/// How many messages an event stands for, by its `extra`: 1 if there is no record.
pub fn rate_of(extra: &[u8]) -> u32 {
    let Some(rest) = extra.strip_prefix(PREFIX.as_bytes()) else { return 1 };
    let digits = rest.split(|byte| *byte == SEPARATOR[0]).next().unwrap_or_default();
    let rate = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    rate.filter(|rate| *rate > 0).unwrap_or(1)
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
    use crate::schema::MessageType;

    #[test]
    fn a_rate_is_read_as_it_was_recorded() {
        for rate in [1, 2, 10, u32::MAX] {
            assert_eq!(rate_of(&record(rate)), rate);
            assert_eq!(rate_of(&[&record(rate), SEPARATOR, b"tag=7"].concat()), rate);
        }
        for other in [b"".as_slice(), b"sample=1/", b"sample=1/0", b"sample=1/x", b"tag sample=1/2"]
        {
            assert_eq!(rate_of(other), 1);
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
            let response = Message { response_message: Some(&wire), ..response };
            let fate = key(&query).is_chosen(10);
            assert_eq!(key(&response).is_chosen(10), fate);
            chosen += u32::from(fate);
        }
        assert!((6200..6900).contains(&chosen), "{chosen} of 65536");
    }
}
