// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prefixes of addresses. An IPv4 address embedded in an IPv6 address keeps no more bits than other IPv4
//! addresses.

use crate::address::{IPV4_MAPPED, MAPPED_BITS};

/// The number of bits to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefixes {
    /// Bits of IPv4 addresses.
    pub(crate) bits4: u8,
    /// Bits of IPv6 addresses.
    pub(crate) bits6: u8,
}

impl Prefixes {
    /// Masks an address. Returns false if its length is invalid; it is cleared then.
    pub(crate) fn apply_whole(self, address: &mut [u8]) -> bool {
        match address.len() {
            4 => clear_after(self.bits4, address),
            16 => self.apply_ipv6(address),
            _ => {
                address.fill(0);
                return false;
            }
        }
        true
    }

    /// Masks an IPv4 address, which may be truncated.
    pub(crate) fn apply_ipv4(self, address: &mut [u8]) {
        clear_after(self.bits4.min(32), address);
    }

    /// Masks an IPv6 address, which may be truncated.
    pub(crate) fn apply_ipv6(self, address: &mut [u8]) {
        let mut whole = [0; 16];
        let length = address.len().min(whole.len());
        whole[..length].copy_from_slice(&address[..length]);
        clear_after(self.kept_of(&whole), address);
    }

    fn kept_of(self, address: &[u8; 16]) -> u8 {
        let Self { bits4, bits6 } = self;
        if address.starts_with(&IPV4_MAPPED) {
            return MAPPED_BITS + bits4.min(32);
        }
        match embedded(address) {
            Some(Embedded::At(_) | Embedded::After(_)) if bits4 >= 32 => bits6,
            Some(Embedded::At(start)) => bits6.min(start + bits4),
            Some(Embedded::After(start)) => bits6.min(start),
            None => bits6,
        }
    }
}

/// The position of a client's IPv4 address in an IPv6 address.
enum Embedded {
    /// The IPv4 address starts at this bit.
    At(u8),
    /// The IPv4 address is at an unknown position after this bit, or encoded.
    After(u8),
}

fn embedded(address: &[u8; 16]) -> Option<Embedded> {
    const NAT64: [u8; 4] = [0, 0x64, 0xff, 0x9b];
    const TRANSLATED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
    match address {
        // 6to4 (RFC 3056).
        [0x20, 0x02, ..] => Some(Embedded::At(16)),
        // Teredo (RFC 4380): server, flags, port, and the client's address with inverted bits.
        [0x20, 0x01, 0, 0, ..] => Some(Embedded::After(64)),
        // NAT64 with the well-known prefix (RFC 6052).
        _ if address.starts_with(&NAT64) && address[4..12] == [0; 8] => Some(Embedded::At(96)),
        // NAT64 with a local prefix (RFC 8215), which may be of any of six lengths.
        _ if address.starts_with(&NAT64) && address[4..6] == [0, 1] => Some(Embedded::After(48)),
        // IPv4-compatible (RFC 4291) and IPv4-translated (RFC 2765) addresses.
        _ if address[..12] == [0; 12] || address.starts_with(&TRANSLATED) => Some(Embedded::At(96)),
        // ISATAP (RFC 5214).
        [_, _, _, _, _, _, _, _, 0 | 2, 0, 0x5e, 0xfe, ..] => Some(Embedded::At(96)),
        _ => None,
    }
}

/// Clears all bits after the first `bits`.
fn clear_after(bits: u8, bytes: &mut [u8]) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        let keep = usize::from(bits).saturating_sub(8 * index).min(8);
        *byte &= !(0xff_u16 >> keep) as u8;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn bits_after_the_prefix_are_cleared() {
        for (bits, expected) in
            [(0, [0; 4]), (9, [255, 128, 0, 0]), (24, [255, 255, 255, 0]), (32, [255; 4])]
        {
            let mut address = [255; 4];
            clear_after(bits, &mut address);
            assert_eq!(address, expected);
        }
    }

    #[test]
    fn an_ipv4_address_is_masked_wherever_it_is() {
        for (bits4, bits6, address, expected) in [
            (24, 48, "2001:db8:1:2::3", "2001:db8:1::"),
            (24, 48, "::ffff:192.0.2.99", "::ffff:192.0.2.0"),
            (0, 128, "::ffff:192.0.2.99", "::ffff:0.0.0.0"),
            (32, 0, "::ffff:192.0.2.99", "::ffff:192.0.2.99"),
            (24, 48, "2002:c000:263:1::2", "2002:c000:200::"),
            (24, 128, "2002:c000:263:1::2", "2002:c000:200::"),
            (32, 48, "2002:c000:263:1::2", "2002:c000:263::"),
            (24, 128, "64:ff9b::192.0.2.99", "64:ff9b::192.0.2.0"),
            (24, 48, "64:ff9b::192.0.2.99", "64:ff9b::"),
            (24, 128, "64:ff9b:1:c000:2:6300::", "64:ff9b:1::"),
            (24, 128, "64:ff9b:1::192.0.2.99", "64:ff9b:1::"),
            (24, 128, "2001::c633:6401:0:0:3fff:fd9c", "2001:0:c633:6401::"),
            (24, 32, "2001::c633:6401:0:0:3fff:fd9c", "2001::"),
            (16, 128, "::192.0.2.99", "::192.0.0.0"),
            (16, 128, "::ffff:0:192.0.2.99", "::ffff:0:192.0.0.0"),
            (16, 128, "2001:db8::5efe:192.0.2.99", "2001:db8::5efe:192.0.0.0"),
            (16, 128, "2001:db8::200:5efe:192.0.2.99", "2001:db8::200:5efe:192.0.0.0"),
            (32, 128, "64:ff9b:1::192.0.2.99", "64:ff9b:1::192.0.2.99"),
        ] {
            let parsed = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
            let mut masked = parsed(address);
            assert!(Prefixes { bits4, bits6 }.apply_whole(&mut masked));
            assert_eq!(Ipv6Addr::from(masked), Ipv6Addr::from(parsed(expected)), "{address}");
        }
    }
}
