// SPDX-License-Identifier: MIT OR Apache-2.0
//! Masking of EDNS options. Options that cannot reveal the client's address are kept. Others become padding
//! (RFC 7830) of the same length, which preserves all offsets.

use dns::edns::code;
use dns::mnemonic;

use super::prefix::Prefixes;

/// The replacement of masked characters.
const HIDDEN: u8 = b'*';

/// Masks the options of an OPT record in place. Returns the number of emptied options, or `None` if the data
/// is invalid.
pub(crate) fn mask_all(data: &mut [u8], is_response: bool, prefixes: Prefixes) -> Option<u64> {
    let mut emptied = 0;
    let mut rest = data;
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk_mut::<4>()?;
        let [code1, code2, length1, length2] = *head;
        let length = usize::from(u16::from_be_bytes([length1, length2]));
        let (value, next) = after.split_at_mut_checked(length)?;
        if !mask(u16::from_be_bytes([code1, code2]), value, is_response, prefixes) {
            head[..2].copy_from_slice(&code::PADDING.to_be_bytes());
            value.fill(0);
            emptied += 1;
        }
        rest = next;
    }
    Some(emptied)
}

/// Masks the value of an option. Returns whether the option is kept.
fn mask(code: u16, value: &mut [u8], is_response: bool, prefixes: Prefixes) -> bool {
    match code {
        code::SUBNET => match value.split_first_chunk_mut::<4>() {
            // The address must have exactly the bytes of the prefix (RFC 7871, section 6).
            Some(([_, _, bits, _], address)) if address.len() != usize::from(*bits).div_ceil(8) => {
                return false;
            }
            Some(([0, 0, ..], [])) => (),
            Some(([0, 1, ..], address)) if address.len() <= 4 => prefixes.apply_ipv4(address),
            Some(([0, 2, ..], address)) if address.len() <= 16 => prefixes.apply_ipv6(address),
            _ => return false,
        },
        // In responses, these describe the server and its zones.
        code::NSID | code::REPORT_CHANNEL | code::ZONEVERSION => {
            return is_response || value.is_empty();
        }
        // Lists of algorithms and keys.
        code::DAU => return value.iter().all(|number| mnemonic::algorithm(*number).is_some()),
        code::DHU | code::N3U => {
            return value.iter().all(|number| mnemonic::hash(*number).is_some());
        }
        code::KEY_TAG => return value.len() % 2 == 0,
        // Leases of less than half a year cannot hide an address.
        code::UPDATE_LEASE => {
            return matches!(value.len(), 4 | 8) && value.chunks(4).all(|lease| lease[0] == 0);
        }
        // Values are sent by servers only; clients send them empty.
        code::EXPIRE => return value.is_empty() || is_response && value.len() == 4,
        code::KEEPALIVE => return value.is_empty() || is_response && value.len() == 2,
        code::PADDING => value.fill(0),
        // The text may contain the client's address.
        code::EDE => match value.split_first_chunk_mut::<2>() {
            Some((_, text)) => text.fill(HIDDEN),
            None => return false,
        },
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(code: u16, value: &[u8], is_response: bool) -> (u16, Vec<u8>) {
        let mut data =
            [&code.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), value].concat();
        let (size, prefixes) = (data.len(), Prefixes { bits4: 16, bits6: 32 });
        mask_all(&mut data, is_response, prefixes).unwrap();
        assert_eq!(data.len(), size);
        (u16::from_be_bytes([data[0], data[1]]), data[4..].to_vec())
    }

    #[test]
    fn only_harmless_options_are_kept() {
        let secret = b"\x00\x00\x5e\x00\x53\x01\xc0\x00\x02\x63";
        let kept: Vec<u16> = (0..=u16::MAX)
            .filter(|code| {
                let (kept, value) = masked(*code, secret, false);
                kept == *code && value == secret
            })
            .collect();
        assert_eq!(kept, [code::KEY_TAG]);
        for code in [code::COOKIE, code::ESU, 1, 20292, 26946, 65001] {
            for is_response in [false, true] {
                let padding = (code::PADDING, vec![0; secret.len()]);
                assert_eq!(masked(code, secret, is_response), padding, "{code}");
            }
        }
    }

    #[test]
    fn values_are_kept_as_far_as_they_are_harmless() {
        for (code, value, is_response, expected) in [
            (code::NSID, &b"ns1"[..], true, &b"ns1"[..]),
            (code::PADDING, b"abc", false, b"\0\0\0"),
            (code::EDE, b"\0\x16no", true, b"\0\x16**"),
            (code::SUBNET, b"\0\x01\x18\0\xc0\0\x02", false, b"\0\x01\x18\0\xc0\0\0"),
            (
                code::SUBNET,
                b"\0\x02\x30\0\x20\x01\x0d\xb8\0\x01",
                true,
                b"\0\x02\x30\0\x20\x01\x0d\xb8\0\0",
            ),
            (code::SUBNET, b"\0\0\0\0", false, b"\0\0\0\0"),
            (code::KEEPALIVE, b"\0\x64", true, b"\0\x64"),
            (code::EXPIRE, b"\0\0\0\x64", true, b"\0\0\0\x64"),
            (code::EXPIRE, b"", false, b""),
            (code::UPDATE_LEASE, b"\0\0\x0e\x10", false, b"\0\0\x0e\x10"),
            (code::UPDATE_LEASE, &[0, 1, 2, 3, 0, 1, 2, 3], false, &[0, 1, 2, 3, 0, 1, 2, 3]),
            (code::DAU, b"\x08\x0d\x0f", false, b"\x08\x0d\x0f"),
            (code::DHU, b"\x02\x04", false, b"\x02\x04"),
            (code::N3U, b"\x01", false, b"\x01"),
        ] {
            assert_eq!(masked(code, value, is_response), (code, expected.to_vec()));
        }
        for (code, value, is_response) in [
            (code::NSID, &b"mac"[..], false),
            (code::KEEPALIVE, b"\xc0\0\x02\x63", true),
            (code::KEEPALIVE, b"\xc0\0", false),
            (code::UPDATE_LEASE, b"\xc0\0\x02\x63", false),
            (code::UPDATE_LEASE, b"\0\0\x02\x63\x0a", false),
            (code::UPDATE_LEASE, b"", false),
            (code::EXPIRE, b"\xc0\0\x02\x63", false),
            (code::DAU, b"\x08\xc0\0\x02\x63", false),
            (code::DHU, b"\xc0\0\x02\x63", true),
            (code::N3U, b"\xc0\0\x02\x63", false),
            (code::KEY_TAG, b"\xc0\0\x02", false),
            // An unknown family, too long, and too short.
            (code::SUBNET, b"\0\x03\x18\0\xc0\0\x02", false),
            (code::SUBNET, b"\x01\x02\x18\0\xc0\0\x02", false),
            (code::SUBNET, b"\0\0\0\0\xc0\0\x02", false),
            (code::SUBNET, b"\0\x01\x18\0\xc0\0\x02\x63\x01", false),
            (code::SUBNET, b"\0\x01\xc0", false),
            // Lengths that do not match the prefix.
            (code::SUBNET, b"\0\x01\x18\0\xc0\0\x02\x63", false),
            (code::SUBNET, b"\0\x02\x40\0\xc0\0\x02\x63", false),
            (code::SUBNET, b"\0\x02\0\0\xc0\0\x02\x63", false),
            (code::SUBNET, b"\xc0\0\0\x63", false),
        ] {
            assert_eq!(masked(code, value, is_response), (code::PADDING, vec![0; value.len()]));
        }
    }

    #[test]
    fn invalid_option_data_is_rejected() {
        for data in [&b"\0\x0c\0\x02\0"[..], b"\0\x0c\0\0\xc0\0\x02", b"\xc0\0\x02"] {
            let prefixes = Prefixes { bits4: 16, bits6: 32 };
            let masked = mask_all(&mut data.to_vec(), false, prefixes);
            assert_eq!(masked, None, "{data:?}");
        }
    }
}
