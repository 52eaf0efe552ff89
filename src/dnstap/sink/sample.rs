// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which messages are in the sample: chosen by what a query and its response have in common.

use crate::encode::Fields;

/// Whether `message` is one of the one in `rate` that are logged. A query and its response have
/// the same initiator and message ID, and so the same fate.
pub(super) fn is_chosen(message: &impl Fields, rate: u32) -> bool {
    let wire = message.query_message().or(message.response_message()).unwrap_or_default();
    let id = wire.get(..2).unwrap_or_default();
    let address = message.query_address().unwrap_or_default();
    let port = message.query_port().unwrap_or_default().to_be_bytes();
    let hash = id
        .iter()
        .chain(&port)
        .chain(address)
        .fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME));
    // The low bits of this hash are the weaker ones.
    (hash >> 32) % u64::from(rate) == 0
}

/// The constants of the hash function FNV-1a with 64 bits.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::schema::MessageType;

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
            let fate = is_chosen(&query, 10);
            assert_eq!(is_chosen(&response, 10), fate);
            chosen += u32::from(fate);
        }
        assert!((6200..6900).contains(&chosen), "{chosen} of 65536");
    }
}
