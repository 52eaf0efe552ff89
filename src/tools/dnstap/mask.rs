// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the addresses of clients less exact: the initiator's, and the client subnet in EDNS
//! (RFC 7871). Bits behind a prefix become zero; everything keeps its length, but for bytes behind the
//! records of a DNS message, which are cut off.

use ::dnstap::schema::PolicyMatch;
use ::dnstap::{Event, Message, Policy};

use super::address::{IPV4_MAPPED, MAPPED_BITS};
use super::dns::section::Parts;

/// The option of a client subnet.
const SUBNET: u16 = 8;

/// Changes events. What it changes lies in buffers of its own.
#[derive(Debug)]
pub struct Mask {
    bits4: u8,
    bits6: u8,
    address: [u8; 16],
    query: Vec<u8>,
    response: Vec<u8>,
    unreadable: u64,
    cut: u64,
}

impl Mask {
    /// Keeps so many bits of IPv4 and IPv6 addresses.
    pub fn new(bits4: u8, bits6: u8) -> Self {
        Self {
            bits4,
            bits6,
            address: [0; 16],
            query: Vec::new(),
            response: Vec::new(),
            unreadable: 0,
            cut: 0,
        }
    }

    /// How many DNS messages could not be read, and were left out of their events.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    /// How many DNS messages had bytes behind their records, which were cut off.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// The event with less exact addresses. A DNS message that cannot be read, which might hide an
    /// address, is left out, and counted.
    pub fn apply<'a>(&'a mut self, event: &Event<'a>) -> Event<'a> {
        let Some(message) = &event.message else { return *event };
        let Self { bits4, bits6, address, query, response, unreadable, cut } = self;
        let bits = [*bits4, *bits6];
        let query_address = message.query_address.map(|given| {
            let length = given.len().min(address.len());
            let masked = &mut address[..length];
            masked.copy_from_slice(&given[..length]);
            let kept = kept(masked, length == 4, bits);
            clear_behind(masked, kept);
            &*masked
        });
        let mut copy = |wire, out| {
            let copied = copy(wire, bits, out);
            *unreadable += u64::from(copied.is_none());
            *cut += u64::from(copied.is_some_and(|copied| copied.len() < wire.len()));
            copied
        };
        let masked = Message {
            query_address,
            query_message: message.query_message.and_then(|wire| copy(wire, query)),
            response_message: message.response_message.and_then(|wire| copy(wire, response)),
            policy: message.policy.map(|policy| Policy {
                value: policy.value.filter(|_| policy.policy_match != Some(PolicyMatch::CLIENT_IP)),
                ..policy
            }),
            ..*message
        };
        Event { message: Some(masked), ..*event }
    }

    /// Encodes `event` as a frame, its length in front, in place of what `encoded` holds. `None` if it
    /// is too long for a frame.
    pub fn encode<'a>(encoded: &'a mut Vec<u8>, event: &Event<'_>) -> Option<&'a [u8]> {
        const LENGTH_SIZE: usize = framestream::frame::LENGTH_SIZE;
        encoded.clear();
        encoded.resize(LENGTH_SIZE + event.max_len().ok()?, 0);
        let size = event.encode(&mut encoded[LENGTH_SIZE..]).ok()?;
        encoded.truncate(LENGTH_SIZE + size);
        encoded[..LENGTH_SIZE].copy_from_slice(&u32::try_from(size).ok()?.to_be_bytes());
        Some(encoded)
    }
}

/// How many bits of an address or its front are kept.
fn kept(address: &[u8], is_ipv4: bool, [bits4, bits6]: [u8; 2]) -> u8 {
    match is_ipv4 {
        true => bits4,
        false if address.starts_with(&IPV4_MAPPED) => MAPPED_BITS + bits4,
        false => bits6,
    }
}

/// Sets what is behind the first `bits` bits to zero.
fn clear_behind(bytes: &mut [u8], bits: u8) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        let keep = usize::from(bits).saturating_sub(8 * index).min(8);
        *byte &= !(0xff_u16 >> keep) as u8;
    }
}

/// Copies a message as far as its records go, with the client subnets in it made less exact.
fn copy<'a>(wire: &[u8], bits: [u8; 2], out: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let parts = Parts::find(wire).ok()?;
    out.clear();
    // What is behind might hold an address too.
    out.extend_from_slice(&wire[..parts.end()]);
    for record in parts.sections.into_iter().flat_map(|section| parts.records(section)) {
        if record.rtype != super::dns::record::OPT {
            continue;
        }
        let mut rest = &mut out[record.start..record.end];
        while let Some((head, behind)) = std::mem::take(&mut rest).split_first_chunk_mut::<4>() {
            let [code1, code2, length1, length2] = *head;
            let length = usize::from(u16::from_be_bytes([length1, length2]));
            let (value, next) = behind.split_at_mut_checked(length)?;
            if u16::from_be_bytes([code1, code2]) == SUBNET
                && let Some(([_, family, ..], address)) = value.split_first_chunk_mut::<4>()
            {
                let kept = kept(address, *family != 2, bits);
                clear_behind(address, kept);
            }
            rest = next;
        }
    }
    // A copy that its reader takes for bad could have hidden something behind what was found.
    Parts::find(out).is_ok().then_some(out)
}

#[cfg(test)]
mod tests {
    use ::dnstap::schema::MessageType;

    use super::*;

    #[test]
    fn bits_behind_the_prefix_are_zero() {
        for (bits, expected) in [(0, [0; 4]), (9, [255, 128, 0, 0]), (24, [255, 255, 255, 0])] {
            let mut address = [255; 4];
            clear_behind(&mut address, bits);
            assert_eq!(address, expected);
        }
        let mut address = [255; 4];
        clear_behind(&mut address, 32);
        assert_eq!(address, [255; 4]);
    }

    fn masked_address(mask: &mut Mask, address: &str) -> String {
        let address = address.parse::<std::net::Ipv6Addr>().unwrap().octets();
        let kind = MessageType::CLIENT_QUERY;
        let message = Message { query_address: Some(&address), ..Message::new(kind) };
        let event = Event { message: Some(message), ..Event::new() };
        let masked = mask.apply(&event).message.unwrap().query_address.unwrap();
        std::net::Ipv6Addr::from(<[u8; 16]>::try_from(masked).unwrap()).to_string()
    }

    #[test]
    fn an_ipv4_address_within_an_ipv6_one_is_masked_as_such() {
        let mask = &mut Mask::new(24, 48);
        assert_eq!(masked_address(mask, "::ffff:192.0.2.99"), "::ffff:192.0.2.0");
        assert_eq!(masked_address(mask, "2001:db8:1:2::3"), "2001:db8:1::");
        assert_eq!(masked_address(&mut Mask::new(0, 128), "::ffff:192.0.2.99"), "::ffff:0.0.0.0");
        assert_eq!(masked_address(&mut Mask::new(32, 0), "::ffff:192.0.2.99"), "::ffff:192.0.2.99");
        let subnet = b"\0\x08\0\x13\0\x02\x78\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64";
        let opt = [&b"\0\0\x29\x10\0\0\0\0\0\0\x17"[..], subnet].concat();
        let wire = [&b"\0\x01\0\0\0\0\0\0\0\0\0\x01"[..], &opt].concat();
        let mut out = Vec::new();
        let copied = copy(&wire, [16, 0], &mut out).unwrap();
        assert_eq!(copied, [&wire[..wire.len() - 1], &[0]].concat());
    }

    #[test]
    fn what_is_behind_the_records_is_cut_off() {
        let opt = b"\0\0\x29\x10\0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
        let mut mask = Mask::new(8, 32);
        for (number, header) in [
            (1, &b"\0\x01\0\0\0\0\0\0\0\0\0\0"[..]),
            (2, b"\0\x01\0\0\0\x01\0\0\0\0\0\0\x01x\0\0\x01\0\x01"),
            (3, b"\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\x10\0\x01\0\0\0\0\0\0"),
        ] {
            let wire = [header, opt].concat();
            let kind = MessageType::CLIENT_QUERY;
            let message = Message { query_message: Some(&wire), ..Message::new(kind) };
            let event = Event { message: Some(message), ..Event::new() };
            let masked = mask.apply(&event).message.unwrap().query_message;
            assert_eq!(masked, Some(header));
            assert_eq!(mask.cut(), number);
        }
    }

    #[test]
    fn client_subnets_are_masked_in_both_messages() {
        let opt = b"\0\0\x29\x10\0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
        let wire = [&b"\0\x01\0\0\0\0\0\0\0\0\0\x01"[..], opt].concat();
        let message = Message {
            query_address: Some(&[192, 0, 2, 99]),
            query_message: Some(&wire),
            response_message: Some(&wire),
            ..Message::new(MessageType::CLIENT_RESPONSE)
        };
        let event = Event { message: Some(message), ..Event::new() };
        let mut mask = Mask::new(16, 32);
        let masked = mask.apply(&event).message.unwrap();
        assert_eq!(masked.query_address, Some(&[192, 0, 0, 0][..]));
        for wire in [masked.query_message.unwrap(), masked.response_message.unwrap()] {
            assert_eq!(wire[wire.len() - 3..], [192, 0, 0]);
        }
        let broken = Message { query_message: Some(&wire[..20]), ..message };
        let event = Event { message: Some(broken), ..Event::new() };
        assert_eq!(mask.unreadable(), 0);
        let masked = mask.apply(&event).message.unwrap();
        assert_eq!(masked.query_message, None);
        assert!(masked.response_message.is_some());
        assert_eq!(mask.unreadable(), 1);
    }
}
