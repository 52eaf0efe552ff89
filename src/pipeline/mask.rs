// SPDX-License-Identifier: MIT OR Apache-2.0
//! Masking of client addresses wherever an event may contain one: the initiator's address, the DNS messages,
//! the policy and `extra`. Addresses keep a prefix; data that is not known to be harmless is removed.
//! `docs/dnstap.md` lists the data that is kept.

mod message;
mod option;
mod prefix;

use dns::name;
use dnstap::schema::{PolicyMatch, SocketFamily};
use dnstap::{Event, Message, Policy, sample};
use message::{MaskedCopy, Side};
use prefix::Prefixes;

use super::address::IPV4_MAPPED;

/// The label of rules for client addresses (draft-vixie-dnsop-dns-rpz).
const CLIENT_IP_LABEL: &[u8] = b"\x0drpz-client-ip";

/// A mask for client addresses, with buffers for the changed fields.
#[derive(Debug)]
pub struct Mask {
    prefixes: Prefixes,
    address: [u8; 16],
    query: Vec<u8>,
    response: Vec<u8>,
    scratch: Vec<u8>,
    pub(crate) counts: MaskCounts,
}

/// Counts of removed data, other than bits of addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MaskCounts {
    /// DNS messages removed because they could not be parsed.
    pub(crate) unreadable: u64,
    /// DNS messages with bytes after their records, which were removed.
    pub(crate) cut: u64,
    /// Emptied EDNS options and records.
    pub(crate) emptied: u64,
}

impl Mask {
    /// Creates a mask that keeps the given number of bits of IPv4 and IPv6 addresses.
    pub fn new(bits4: u8, bits6: u8) -> Self {
        Self {
            prefixes: Prefixes { bits4, bits6 },
            address: [0; 16],
            query: Vec::new(),
            response: Vec::new(),
            scratch: Vec::new(),
            counts: MaskCounts::default(),
        }
    }

    /// Returns the event with masked addresses. DNS messages that cannot be parsed might contain addresses; they
    /// are removed and counted.
    pub fn apply<'a>(&'a mut self, event: &Event<'a>) -> Event<'a> {
        let Event { identity, version, extra, message, event_type } = *event;
        let extra = extra.and_then(sample::record_in);
        let message = message.map(|message| self.message(message));
        Event { identity, version, extra, message, event_type }
    }

    /// Masks a message. Names every field, so that new fields cannot be missed.
    fn message<'a>(&'a mut self, message: Message<'a>) -> Message<'a> {
        let Self { prefixes, address, query, response, scratch, counts } = self;
        let Message {
            message_type,
            socket_family,
            socket_protocol,
            query_address,
            response_address,
            query_port,
            response_port,
            query_time_sec,
            query_time_nsec,
            query_message,
            query_zone,
            response_time_sec,
            response_time_nsec,
            response_message,
            policy,
            http_protocol,
        } = message;
        Message {
            message_type,
            socket_family,
            socket_protocol,
            query_address: query_address.and_then(|given| {
                let masked = address.get_mut(..given.len())?;
                masked.copy_from_slice(given);
                prefixes.apply_whole(masked).then_some(&*masked)
            }),
            response_address,
            query_port,
            response_port,
            query_time_sec,
            query_time_nsec,
            query_message: query_message
                .and_then(|wire| copy(wire, Side::Initiator, *prefixes, query, counts)),
            query_zone,
            response_time_sec,
            response_time_nsec,
            response_message: response_message
                .and_then(|wire| copy(wire, Side::Responder, *prefixes, response, counts)),
            policy: policy.map(|policy| without_client(policy, scratch)),
            http_protocol,
        }
    }

    /// Encodes `event` as a frame with length prefix, replacing the content of `encoded`. Returns `None` if it
    /// exceeds the maximum length.
    pub fn encode<'a>(encoded: &'a mut Vec<u8>, event: &Event<'_>) -> Option<&'a [u8]> {
        const LENGTH_SIZE: usize = framestream::frame::LENGTH_SIZE;
        let (mut query_address, mut response_address) = ([0; 16], [0; 16]);
        let message = event.message.map(|message| Message {
            query_address: in_socket_family(&message, message.query_address, &mut query_address),
            response_address: in_socket_family(
                &message,
                message.response_address,
                &mut response_address,
            ),
            ..message
        });
        let event = &Event { message, ..*event };
        encoded.clear();
        encoded.resize(LENGTH_SIZE + event.max_len().ok()?, 0);
        let size = event.encode(&mut encoded[LENGTH_SIZE..]).ok()?;
        encoded.truncate(LENGTH_SIZE + size);
        encoded[..LENGTH_SIZE].copy_from_slice(&u32::try_from(size).ok()?.to_be_bytes());
        Some(encoded)
    }
}

/// Returns an address in the form of the message's socket family. Decoding has converted IPv4-mapped
/// addresses to IPv4.
fn in_socket_family<'a>(
    message: &Message<'_>,
    address: Option<&'a [u8]>,
    mapped: &'a mut [u8; 16],
) -> Option<&'a [u8]> {
    match address? {
        ipv4 @ [_, _, _, _] if message.socket_family == Some(SocketFamily::INET6) => {
            mapped[..12].copy_from_slice(&IPV4_MAPPED);
            mapped[12..].copy_from_slice(ipv4);
            Some(mapped)
        }
        other => Some(other),
    }
}

fn copy<'a>(
    wire: &[u8],
    sender: Side,
    prefixes: Prefixes,
    out: &'a mut Vec<u8>,
    counts: &mut MaskCounts,
) -> Option<&'a [u8]> {
    let Some(MaskedCopy { size, emptied }) = message::copy(wire, sender, prefixes, out) else {
        counts.unreadable += 1;
        return None;
    };
    counts.emptied += emptied;
    counts.cut += u64::from(size < wire.len());
    Some(out)
}

/// Returns a policy without its rule and value if they may contain the client's address.
fn without_client<'a>(policy: Policy<'a>, scratch: &mut Vec<u8>) -> Policy<'a> {
    let Policy { policy_type, rule, action, policy_match, value } = policy;
    let by_other = matches!(
        policy_match,
        Some(
            PolicyMatch::QNAME
                | PolicyMatch::RESPONSE_IP
                | PolicyMatch::NS_NAME
                | PolicyMatch::NS_IP
        )
    );
    let mut names_client = |rule: &[u8]| {
        scratch.clear();
        // The rule may also be a name in text format.
        let _ = name::canonical(rule, 0, scratch);
        let [label, text] = [CLIENT_IP_LABEL, &CLIENT_IP_LABEL[1..]];
        scratch.windows(label.len()).any(|bytes| bytes == label)
            || rule.windows(text.len()).any(|bytes| bytes.eq_ignore_ascii_case(text))
    };
    if by_other && !rule.is_some_and(&mut names_client) {
        return Policy { policy_type, rule, action, policy_match, value };
    }
    Policy { policy_type, rule: None, action, policy_match, value: None }
}

#[cfg(test)]
mod tests {
    use dnstap::schema::MessageType;

    use super::*;

    fn masked_message<'a>(mask: &'a mut Mask, message: Message<'a>) -> Message<'a> {
        mask.apply(&Event { message: Some(message), ..Event::new() }).message.unwrap()
    }

    #[test]
    fn an_invalid_address_is_removed() {
        let given = [0xc0, 0, 2, 99, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
        for length in 0..=given.len() {
            let message = Message {
                query_address: Some(&given[..length]),
                ..Message::new(MessageType::CLIENT_QUERY)
            };
            let mut mask = Mask::new(24, 48);
            let kept = masked_message(&mut mask, message).query_address;
            let expected = match length {
                4 => Some(vec![0xc0, 0, 2, 0]),
                16 => Some([&given[..6], &[0; 10]].concat()),
                _ => None,
            };
            assert_eq!(kept.map(<[u8]>::to_vec), expected, "{length}");
        }
    }

    #[test]
    fn a_mapped_address_is_encoded_in_its_socket_family() {
        let mapped = [&IPV4_MAPPED[..], &[192, 0, 2, 0]].concat();
        for (family, expected) in
            [(SocketFamily::INET6, &mapped[..]), (SocketFamily::INET, &[192, 0, 2, 0])]
        {
            let message = Message {
                socket_family: Some(family),
                query_address: Some(&[192, 0, 2, 99]),
                ..Message::new(MessageType::CLIENT_QUERY)
            };
            let event = Event { message: Some(message), ..Event::new() };
            let (mut mask, mut encoded) = (Mask::new(24, 48), Vec::new());
            let frame = Mask::encode(&mut encoded, &mask.apply(&event)).unwrap();
            let decoded = Event::decode(&frame[framestream::frame::LENGTH_SIZE..]).unwrap();
            assert_eq!(decoded.message.unwrap().query_address, Some(expected));
        }
    }

    #[test]
    fn policies_by_client_address_lose_rule_and_value() {
        let by_client = b"\x0232\x0299\x012\x010\x03192\x0dRPZ-Client-IP\x03rpz\0";
        let by_name = b"\x03bad\x07example\x03rpz\0";
        let policy = |policy_match, rule| Policy {
            policy_type: Some(b"RPZ"),
            rule: Some(rule),
            policy_match,
            value: Some(b"x"),
            ..Policy::default()
        };
        let qname = Some(PolicyMatch::QNAME);
        for (policy, is_kept) in [
            (policy(qname, by_name), true),
            (policy(qname, by_client), false),
            (policy(qname, b"32.99.2.0.192.rpz-client-ip.rpz"), false),
            (policy(Some(PolicyMatch::NS_IP), by_name), true),
            (policy(Some(PolicyMatch::CLIENT_IP), by_name), false),
            (policy(Some(PolicyMatch(99)), by_name), false),
            (policy(None, by_name), false),
        ] {
            let message =
                Message { policy: Some(policy), ..Message::new(MessageType::CLIENT_RESPONSE) };
            let mut mask = Mask::new(24, 48);
            let masked = masked_message(&mut mask, message).policy.unwrap();
            let expected =
                if is_kept { policy } else { Policy { rule: None, value: None, ..policy } };
            assert_eq!(masked, expected, "{policy:?}");
        }
    }

    #[test]
    fn only_the_sample_rate_is_kept_of_extra() {
        for (extra, expected) in [
            (&b"client=192.0.2.99"[..], None),
            (b"sample=1/10", Some(&b"sample=1/10"[..])),
            (b"sample=1/10 client=192.0.2.99", Some(b"sample=1/10")),
            (b"sample=1/x 192.0.2.99", None),
        ] {
            for message in [None, Some(Message::new(MessageType::CLIENT_QUERY))] {
                let event = Event { extra: Some(extra), message, ..Event::new() };
                assert_eq!(Mask::new(24, 48).apply(&event).extra, expected);
            }
        }
    }

    #[test]
    fn messages_are_left_out_or_cut_and_counted() {
        let opt = b"\0\0\x29\x10\0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
        let mut mask = Mask::new(8, 32);
        for (number, header) in [
            (1, &b"\0\x01\0\0\0\0\0\0\0\0\0\0"[..]),
            (2, b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01"),
            (3, b"\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\x10\0\x01\0\0\0\0\0\0"),
        ] {
            let wire = [header, opt].concat();
            let message =
                Message { query_message: Some(&wire), ..Message::new(MessageType::CLIENT_QUERY) };
            assert_eq!(masked_message(&mut mask, message).query_message, Some(header));
            assert_eq!(mask.counts, MaskCounts { cut: number, ..MaskCounts::default() });
        }
        let broken =
            Message { query_message: Some(&opt[..9]), ..Message::new(MessageType::CLIENT_QUERY) };
        assert_eq!(masked_message(&mut mask, broken).query_message, None);
        assert_eq!(mask.counts, MaskCounts { unreadable: 1, cut: 3, emptied: 0 });
    }
}
