// SPDX-License-Identifier: MIT OR Apache-2.0
//! Masking of the client's address in DNS messages: in EDNS, in records sent by the client, and in records of
//! private types. Masking preserves all offsets. Of records sent by the client, only types with data that is
//! known to be harmless are kept.

use dns::record::{OPT, Record};
use dns::section::{Parts, flag};
use dns::{name, opcode, rdata};
use printable::text::Discard;

use super::option;
use super::prefix::Prefixes;

/// Types for private use (RFC 6895). Some proxies put the client's address into such records.
const PRIVATE_TYPES: std::ops::RangeInclusive<u16> = 65280..=65534;

/// The sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The initiator, regardless of the flags.
    Initiator,
    /// The responder. It may repeat records that the initiator sent.
    Responder,
}

/// The result of copying a message.
pub(crate) struct MaskedCopy {
    /// Length of the copy.
    pub(crate) size: usize,
    /// Number of emptied options and records.
    pub(crate) emptied: u64,
}

/// Copies a message up to the end of its records, masked, replacing the content of `out`. Returns `None` if
/// it cannot be parsed.
pub(crate) fn copy(
    wire: &[u8],
    sender: Side,
    prefixes: Prefixes,
    out: &mut Vec<u8>,
) -> Option<MaskedCopy> {
    let parts = Parts::find(wire).ok()?;
    out.clear();
    // Bytes after the records might contain an address too.
    let size = parts.end();
    out.extend_from_slice(&wire[..size]);
    let is_response = parts.flags & flag::QR != 0 && sender == Side::Responder;
    // Responses to other operations may repeat the records of the request.
    let is_by_client = !is_response || parts.opcode() != opcode::QUERY;
    let mut emptied = 0;
    for record in parts.sections.into_iter().flat_map(|section| parts.records(section)) {
        let data = &mut out[record.start..record.end];
        if record.rtype == OPT {
            emptied += option::mask_all(data, is_response, prefixes)?;
        } else if !mask_record(&record, data, is_by_client, prefixes) {
            data.fill(0);
            emptied += 1;
            if rdata::print(out, &record, &mut Discard).is_err() {
                set_type(&record, rdata::NULL, out);
            }
        }
    }
    // If the copy is invalid, the message was parsed ambiguously and might still contain an address.
    Parts::find(out).is_ok().then_some(MaskedCopy { size, emptied })
}

/// Masks the data of a record. Returns whether the remaining data may be kept.
fn mask_record(record: &Record, data: &mut [u8], is_by_client: bool, prefixes: Prefixes) -> bool {
    match record.rtype {
        _ if data.is_empty() => true,
        private if PRIVATE_TYPES.contains(&private) => false,
        _ if !is_by_client => true,
        rdata::A if data.len() == 4 => prefixes.apply_whole(data),
        rdata::AAAA if data.len() == 16 => prefixes.apply_whole(data),
        rdata::TSIG => has_only_server_time(data),
        other => is_harmless(other),
    }
}

/// Returns whether the "other data" of a TSIG record is empty or the time of a server (RFC 8945, section
/// 4.2).
fn has_only_server_time(data: &[u8]) -> bool {
    let other_length = || {
        let after_name = data.get(name::skip(data, 0).ok()?..)?;
        let mac_length = after_name.get(8..10)?.first_chunk::<2>()?;
        let after_mac = after_name.get(10 + usize::from(u16::from_be_bytes(*mac_length))..)?;
        Some(after_mac.get(6..)?.len())
    };
    matches!(other_length(), Some(0 | 6))
}

/// Returns whether the data of a type consists of names, defined numbers and zone keys only. Addresses, text
/// and arbitrary bytes are excluded, and signatures such as SIG(0), which allow guessing masked bits.
fn is_harmless(rtype: u16) -> bool {
    matches!(
        rtype,
        // NS MD MF CNAME SOA MB MG MR PTR MINFO MX RP AFSDB RT NSAP-PTR
        2..=9 | 12 | 14 | 15 | 17 | 18 | 21 | 23
        // KEY PX SRV KX DNAME LP
        | 25 | 26 | 33 | 36 | 39 | 107
        // DS NSEC DNSKEY TALINK CDS CDNSKEY CSYNC
        | 43 | 47 | 48 | 58 | 59 | 60 | 62
    )
}

/// Changes the type of a record.
fn set_type(record: &Record, rtype: u16, wire: &mut [u8]) {
    const BETWEEN: usize = 10;
    let at = record.start - BETWEEN;
    wire[at..at + 2].copy_from_slice(&rtype.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIXES: Prefixes = Prefixes { bits4: 16, bits6: 32 };

    /// Returns a message with `flags` and one record.
    fn message(flags: u16, rtype: u16, data: &[u8]) -> Vec<u8> {
        let mut wire = vec![0, 1, (flags >> 8) as u8, flags as u8, 0, 0, 0, 0, 0, 0, 0, 1, 0];
        wire.extend(rtype.to_be_bytes());
        wire.extend([0, 1, 0, 0, 0, 0]);
        wire.extend((data.len() as u16).to_be_bytes());
        wire.extend_from_slice(data);
        wire
    }

    #[test]
    fn records_of_clients_are_masked_and_answers_are_kept() {
        const RESPONSE: u16 = flag::QR;
        const NOTIFY: u16 = 4 << 11;
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
            (UPDATE, 108, eui48, hidden),
            (RESPONSE, 108, eui48, eui48),
            (0, 12345, eui48, hidden),
            (RESPONSE, 12345, eui48, eui48),
            (RESPONSE, 65422, eui48, hidden),
            (RESPONSE, 16, b"\x03txt", b"\x03txt"),
            (0, 16, b"\x05txtxt", hidden),
            (0, 45, b"\0\0\0\xc0\0\x02", hidden),
            (0, 33, b"\0\0\0\0\0\x01\x01a\0", b"\0\0\0\0\0\x01\x01a\0"),
            (NOTIFY | RESPONSE, rdata::A, ipv4, masked4),
        ] {
            let wire = message(flags, rtype, data);
            let mut out = Vec::new();
            let MaskedCopy { size, emptied } =
                copy(&wire, Side::Responder, PREFIXES, &mut out).unwrap();
            assert_eq!(out, message(flags, rtype, expected), "{flags:#x} {rtype}");
            assert_eq!((size, emptied), (wire.len(), u64::from(expected == hidden)));
        }
    }

    #[test]
    fn data_that_cannot_be_zeroed_becomes_null() {
        // An invalid address, service hints, an address prefix, and a relay.
        for (rtype, data) in [
            (rdata::A, &[0xc0, 0, 2, 99, 1][..]),
            (65, b"\0\x01\0\0\x04\0\x04\xc0\0\x02\x63"),
            (42, b"\0\x01\x20\x04\xc0\0\x02\x63"),
            (260, b"\0\x01\xc0\0\x02\x63"),
        ] {
            let mut out = Vec::new();
            let wire = message(0, rtype, data);
            copy(&wire, Side::Initiator, PREFIXES, &mut out).unwrap();
            assert_eq!(out, message(0, rdata::NULL, &vec![0; data.len()]), "{rtype}");
            Parts::find(&out).unwrap().check().unwrap();
        }
    }

    #[test]
    fn signatures_without_arbitrary_data_are_kept() {
        for (other, is_kept) in
            [(&b""[..], true), (b"\0\0\x65\x53\xf1\0", true), (b"\xc0\0\x02\x63", false)]
        {
            let length = other.len() as u8;
            let fields = b"\x01h\0\0\0\x65\x53\xf1\0\x01\x2c\0\x02ab\0\x07\0\0\0";
            let wire = message(0, rdata::TSIG, &[&fields[..], &[length], other].concat());
            let mut out = Vec::new();
            copy(&wire, Side::Initiator, PREFIXES, &mut out).unwrap();
            assert_eq!(out == wire, is_kept, "{other:?}");
        }
    }

    #[test]
    fn a_query_with_the_response_flag_is_still_masked() {
        let identifier = b"\0\x03\0\x02me";
        for (rtype, data) in [(rdata::A, &[192, 0, 2, 99][..]), (OPT, identifier), (16, b"\x01a")] {
            let wire = message(flag::QR, rtype, data);
            for (sender, is_kept) in [(Side::Initiator, false), (Side::Responder, true)] {
                let mut out = Vec::new();
                copy(&wire, sender, PREFIXES, &mut out).unwrap();
                assert_eq!(out == wire, is_kept, "{rtype} {sender:?}");
            }
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
            assert_eq!(copy(&wire, Side::Responder, PREFIXES, &mut out).unwrap().emptied, 1);
            let expected = b"\0\x0c\0\x06\0\0\0\0\0\0\0\x08\0\x07\0\x01\x18\0\xc0\0\0";
            assert_eq!(out[wire.len() - data.len()..], expected[..]);
        }
    }
}
