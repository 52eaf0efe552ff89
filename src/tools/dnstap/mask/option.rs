// SPDX-License-Identifier: MIT OR Apache-2.0
//! EDNS options: those that are known to say nothing of the client's address are kept. The others
//! become padding (RFC 7830) of the same length, so that all after them stays in its place.

use super::prefix::Prefixes;
use crate::dnstap::dns::edns::code;

/// Stands for a character of a text that is not kept.
const HIDDEN: u8 = b'*';

/// Masks the options of an OPT record in place, and returns how many were emptied. `None` if they do
/// not fit the data.
pub fn mask_all(data: &mut [u8], is_response: bool, prefixes: Prefixes) -> Option<u64> {
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
            Some(([0, 1, ..], address)) if address.len() <= 4 => prefixes.apply_ipv4(address),
            Some(([0, 2, ..], address)) if address.len() <= 16 => prefixes.apply_ipv6(address),
            Some((_, [])) => (),
            _ => return false,
        },
        // Servers say these of themselves and of their zones.
        code::NSID | code::REPORT_CHANNEL | code::ZONEVERSION => {
            return is_response || value.is_empty();
        }
        // Lists of algorithms and keys.
        code::DAU | code::DHU | code::N3U | code::KEY_TAG => (),
        code::UPDATE_LEASE => return matches!(value.len(), 4 | 8),
        code::EXPIRE => return matches!(value.len(), 0 | 4),
        code::KEEPALIVE => return matches!(value.len(), 0 | 2),
        code::PADDING => value.fill(0),
        // The text is free to name the client.
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
        assert_eq!(kept, [code::DAU, code::DHU, code::N3U, code::KEY_TAG]);
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
        ] {
            assert_eq!(masked(code, value, is_response), (code, expected.to_vec()));
        }
        for (code, value, is_response) in [
            (code::NSID, &b"mac"[..], false),
            (code::KEEPALIVE, b"\xc0\0\x02\x63", true),
            // An unknown family, too long, and too short.
            (code::SUBNET, b"\0\x03\x18\0\xc0\0\x02", false),
            (code::SUBNET, b"\x01\x02\x18\0\xc0\0\x02", false),
            (code::SUBNET, b"\0\0\0\0\xc0\0\x02", false),
            (code::SUBNET, b"\0\x01\x18\0\xc0\0\x02\x63\x01", false),
            (code::SUBNET, b"\0\x01\xc0", false),
        ] {
            assert_eq!(masked(code, value, is_response), (code::PADDING, vec![0; value.len()]));
        }
    }

    #[test]
    fn data_that_holds_no_options_is_refused() {
        for data in [&b"\0\x0c\0\x02\0"[..], b"\0\x0c\0\0\xc0\0\x02", b"\xc0\0\x02"] {
            let prefixes = Prefixes { bits4: 16, bits6: 32 };
            let masked = mask_all(&mut data.to_vec(), false, prefixes);
            assert_eq!(masked, None, "{data:?}");
        }
    }
}
