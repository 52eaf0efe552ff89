// SPDX-License-Identifier: MIT OR Apache-2.0
//! Normalization of addresses. A dual-stack socket reports IPv4 addresses as IPv4-mapped IPv6 addresses
//! (RFC 4291, section 2.5.5.2). Decoding converts them to IPv4 addresses, so that the rest of the
//! pipeline sees one form.

use std::net::IpAddr;

use dnstap::Event;
use dnstap::decode::DecodeError;

/// The prefix of IPv4-mapped IPv6 addresses.
pub(crate) const IPV4_MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Length of [`IPV4_MAPPED`] in bits.
pub(crate) const MAPPED_BITS: u8 = 96;

/// Decodes the payload of a frame into an empty event and normalizes its addresses.
#[inline]
pub fn decode_into<'a>(payload: &'a [u8], event: &mut Event<'a>) -> Result<(), DecodeError> {
    event.decode_into(payload)?;
    if let Some(message) = &mut event.message {
        for address in [&mut message.query_address, &mut message.response_address] {
            if let Some(ipv4) = address.and_then(mapped) {
                *address = Some(ipv4);
            }
        }
    }
    Ok(())
}

/// Returns the address in `bytes`, if they have the length of one.
pub(crate) fn ip_address(bytes: &[u8]) -> Option<IpAddr> {
    let ipv4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    ipv4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

/// Returns the IPv4 address in an IPv4-mapped IPv6 address.
#[inline]
fn mapped(bytes: &[u8]) -> Option<&[u8]> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    bytes.starts_with(&IPV4_MAPPED).then_some(&bytes[12..])
}

#[cfg(test)]
mod tests {
    use dnstap::Message;
    use dnstap::schema::MessageType;

    use super::*;

    #[test]
    fn mapped_addresses_become_ipv4() {
        let ipv4 = &[192, 0, 2, 1][..];
        let mapped = [&IPV4_MAPPED[..], ipv4].concat();
        let ipv6 = &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1][..];
        for (given, expected) in
            [(ipv4, ipv4), (&mapped, ipv4), (ipv6, ipv6), (&IPV4_MAPPED, &IPV4_MAPPED)]
        {
            let message = Message {
                query_address: Some(given),
                response_address: Some(given),
                ..Message::new(MessageType::CLIENT_QUERY)
            };
            let event = Event { message: Some(message), ..Event::new() };
            let mut encoded = vec![0; event.max_len().unwrap()];
            let size = event.encode(&mut encoded).unwrap();
            let mut decoded = Event::new();
            decode_into(&encoded[..size], &mut decoded).unwrap();
            let message = decoded.message.unwrap();
            assert_eq!(message.query_address, Some(expected));
            assert_eq!(message.response_address, Some(expected));
        }
    }
}
