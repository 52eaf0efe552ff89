// SPDX-License-Identifier: MIT OR Apache-2.0
//! The client's address in a DNS message: in EDNS, in the records that a client sends, and in records
//! of private types. All that is masked keeps its length and its place.

use super::option;
use super::prefix::Prefixes;
use crate::dnstap::dns::opcode;
use crate::dnstap::dns::rdata;
use crate::dnstap::dns::record::{OPT, Record};
use crate::dnstap::dns::section::{Parts, flag};

/// Types for private use (RFC 6895), such as those that proxies put the client's address in.
const PRIVATE_TYPES: std::ops::RangeInclusive<u16> = 65280..=65534;

/// A message that was copied.
pub struct Copied {
    /// Its length.
    pub size: usize,
    /// The number of its options and records that were emptied.
    pub emptied: u64,
}

/// Copies a message as far as its records go, masked, in place of what `out` holds. `None` if it
/// cannot be read.
pub fn copy(wire: &[u8], prefixes: Prefixes, out: &mut Vec<u8>) -> Option<Copied> {
    let parts = Parts::find(wire).ok()?;
    out.clear();
    // The bytes after them might hold an address too.
    let size = parts.end();
    out.extend_from_slice(&wire[..size]);
    let is_response = parts.flags & flag::QR != 0;
    let is_by_client = !is_response || parts.opcode() == opcode::UPDATE;
    let mut emptied = 0;
    for record in parts.sections.into_iter().flat_map(|section| parts.records(section)) {
        let data = &mut out[record.start..record.end];
        if record.rtype == OPT {
            emptied += option::mask_all(data, is_response, prefixes)?;
        } else if !mask_record(&record, data, is_by_client, prefixes) {
            data.fill(0);
            emptied += 1;
        }
    }
    // A copy that its reader takes for bad could have hidden something after what was found.
    Parts::find(out).is_ok().then_some(Copied { size, emptied })
}

/// Masks the data of a record. Returns whether the rest of it is kept.
fn mask_record(record: &Record, data: &mut [u8], is_by_client: bool, prefixes: Prefixes) -> bool {
    match record.rtype {
        _ if data.is_empty() => true,
        private if PRIVATE_TYPES.contains(&private) => false,
        _ if !is_by_client => true,
        rdata::A if data.len() == 4 => prefixes.apply_whole(data),
        rdata::AAAA if data.len() == 16 => prefixes.apply_whole(data),
        // Addresses of other kinds and lengths, and types of which nothing is known.
        rdata::A | rdata::AAAA | rdata::NID | rdata::L32 | rdata::L64 => false,
        rdata::EUI48 | rdata::EUI64 => false,
        other => rdata::is_known(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIXES: Prefixes = Prefixes { bits4: 16, bits6: 32 };

    /// A message of these flags with one record.
    fn message(flags: u16, rtype: u16, data: &[u8]) -> Vec<u8> {
        let mut wire = vec![0, 1, (flags >> 8) as u8, flags as u8, 0, 0, 0, 0, 0, 0, 0, 1, 0];
        wire.extend(rtype.to_be_bytes());
        wire.extend([0, 1, 0, 0, 0, 0]);
        wire.extend((data.len() as u16).to_be_bytes());
        wire.extend_from_slice(data);
        wire
    }

    #[test]
    fn what_clients_send_keeps_no_address_and_answers_do() {
        const RESPONSE: u16 = flag::QR;
        const UPDATE: u16 = (opcode::UPDATE as u16) << 11;
        let (ipv4, ipv6) =
            (&[192, 0, 2, 99][..], &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8][..]);
        let (masked4, masked6) =
            (&[192, 0, 0, 0][..], &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..]);
        let hidden = &[0; 6][..];
        let eui48 = &[0, 0, 0x5e, 0, 0x53, 1][..];
        for (flags, rtype, data, expected) in [
            (0, rdata::A, ipv4, masked4),
            (UPDATE, rdata::AAAA, ipv6, masked6),
            (UPDATE | RESPONSE, rdata::A, ipv4, masked4),
            (RESPONSE, rdata::A, ipv4, ipv4),
            (RESPONSE, rdata::AAAA, ipv6, ipv6),
            (UPDATE, rdata::EUI48, eui48, hidden),
            (RESPONSE, rdata::EUI48, eui48, eui48),
            (0, rdata::A, eui48, hidden),
            (0, 12345, eui48, hidden),
            (RESPONSE, 12345, eui48, eui48),
            (RESPONSE, 65422, eui48, hidden),
            (0, 16, b"\x03txt", b"\x03txt"),
        ] {
            let wire = message(flags, rtype, data);
            let mut out = Vec::new();
            let Copied { size, emptied } = copy(&wire, PREFIXES, &mut out).unwrap();
            assert_eq!(out, message(flags, rtype, expected), "{flags:#x} {rtype}");
            assert_eq!((size, emptied), (wire.len(), u64::from(expected == hidden)));
        }
    }

    #[test]
    fn options_are_masked_in_every_section() {
        let data = b"\xfd\xe9\0\x06\0\0\x5e\0\x53\x01\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
        let mut wire = message(0, OPT, data);
        let mut out = Vec::new();
        for section in [7, 9, 11] {
            wire[7..12].fill(0);
            wire[section] = 1;
            assert_eq!(copy(&wire, PREFIXES, &mut out).unwrap().emptied, 1);
            let expected = b"\0\x0c\0\x06\0\0\0\0\0\0\0\x08\0\x07\0\x01\x18\0\xc0\0\0";
            assert_eq!(out[wire.len() - data.len()..], expected[..]);
        }
    }
}
