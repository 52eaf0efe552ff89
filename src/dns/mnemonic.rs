// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names of numbers in DNS messages, from the registries of IANA and, in a few cases, from the golang
//! `dnstap`. Numbers without a name are printed as numbers.

use printable::text::TextSink;

/// Names of record types in ascending order.
const TYPES: [(u16, &str); 99] = [
    (0, "None"),
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP-PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (56, "NINFO"),
    (57, "RKEY"),
    (58, "TALINK"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (66, "DSYNC"),
    (67, "HHIT"),
    (68, "BRID"),
    (99, "SPF"),
    (100, "UINFO"),
    (101, "UID"),
    (102, "GID"),
    (103, "UNSPEC"),
    (104, "NID"),
    (105, "L32"),
    (106, "L64"),
    (107, "LP"),
    (108, "EUI48"),
    (109, "EUI64"),
    (128, "NXNAME"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
    (258, "AVC"),
    (259, "DOA"),
    (260, "AMTRELAY"),
    (261, "RESINFO"),
    (262, "WALLET"),
    (263, "CLA"),
    (264, "IPN"),
    (32768, "TA"),
    (32769, "DLV"),
    (65535, "Reserved"),
];

/// Names of the record types up to 264, indexed by number.
static LOW_TYPES: [&str; 265] = {
    let mut names = [""; 265];
    let mut index = 0;
    while index < TYPES.len() {
        let (number, name) = TYPES[index];
        if (number as usize) < names.len() {
            names[number as usize] = name;
        }
        index += 1;
    }
    names
};

/// Returns the name of a record type.
fn record_type_name(number: u16) -> Option<&'static str> {
    match LOW_TYPES.get(usize::from(number)) {
        Some(name) => Some(*name).filter(|name| !name.is_empty()),
        None => TYPES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name),
    }
}

/// Returns the name of a record type if IANA has assigned one. The names of 0 and 65535 are those of the
/// golang tool.
pub fn assigned_record_type_name(number: u16) -> Option<&'static str> {
    record_type_name(number).filter(|_| !matches!(number, 0 | u16::MAX))
}

/// Returns whether a named type is unnamed in the golang tool.
pub(crate) fn is_unnamed_in_golang(number: u16) -> bool {
    matches!(number, 11 | 22 | 38 | 40 | 66..=68 | 259 | 262..=264)
}

/// Parses the name of a record type, or `TYPE` and a number.
pub fn record_type_number(name: &str) -> Option<u16> {
    let known = TYPES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    let generic = || {
        let (word, digits) = name.split_at_checked(4)?;
        word.eq_ignore_ascii_case("TYPE").then(|| digits.parse().ok()).flatten()
    };
    known.map(|(number, _)| *number).or_else(generic)
}

/// Returns the name of a class, except ANY, which the golang tool prints as a number.
fn class(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "IN",
        2 => "CS",
        3 => "CH",
        4 => "HS",
        254 => "NONE",
        _ => return None,
    })
}

/// Prints the name of an operation code.
pub fn opcode_text(number: u8, out: &mut impl TextSink) {
    print(opcode(number), "OPCODE", number.into(), out);
}

/// Prints the name of a response code.
pub fn response_code_text(number: u16, out: &mut impl TextSink) {
    print(response_code(number), "RCODE", number, out);
}

/// Prints the name of a number if it has one, or `word` and the number.
pub(crate) fn print(name: Option<&str>, word: &str, number: u16, out: &mut impl TextSink) {
    match name {
        Some(name) => out.plain(name.as_bytes()),
        None => {
            out.str(word);
            out.number(number);
        }
    }
}

/// Prints the name of a record type.
pub fn type_text(number: u16, out: &mut impl TextSink) {
    print(record_type_name(number), "TYPE", number, out);
}

/// Prints the name of a class.
pub fn class_text(number: u16, out: &mut impl TextSink) {
    print(class(number), "CLASS", number, out);
}

/// Prints the name of a record type that IANA has assigned.
pub fn assigned_type_text(number: u16, out: &mut impl TextSink) {
    print(assigned_record_type_name(number), "TYPE", number, out);
}

/// Prints the name of a class that IANA has assigned.
pub fn assigned_class_text(number: u16, out: &mut impl TextSink) {
    // Unlike the golang tool, print the name of ANY.
    print(if number == 255 { Some("ANY") } else { class(number) }, "CLASS", number, out);
}

/// Returns the name of an operation code.
pub fn opcode(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "QUERY",
        1 => "IQUERY",
        2 => "STATUS",
        4 => "NOTIFY",
        5 => "UPDATE",
        6 => "DSO",
        _ => return None,
    })
}

/// Names of response codes.
const RESPONSE_CODES: [(u16, &str); 20] = [
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (11, "DSOTYPENI"),
    (16, "BADVERS"),
    (17, "BADKEY"),
    (18, "BADTIME"),
    (19, "BADMODE"),
    (20, "BADNAME"),
    (21, "BADALG"),
    (22, "BADTRUNC"),
    (23, "BADCOOKIE"),
];

/// Returns the name of a response code.
pub fn response_code(number: u16) -> Option<&'static str> {
    RESPONSE_CODES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Parses the name of a response code, or a number with or without the prefix `RCODE`.
pub fn response_code_number(name: &str) -> Option<u16> {
    // Number 16 is named BADSIG in TSIG records.
    let name = if name.eq_ignore_ascii_case("BADSIG") { "BADVERS" } else { name };
    let known = RESPONSE_CODES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
    let digits = name.split_at_checked(5).filter(|(word, _)| word.eq_ignore_ascii_case("RCODE"));
    let digits = digits.map_or(name, |(_, digits)| digits);
    known.map(|(number, _)| *number).or_else(|| digits.parse().ok().filter(|code| *code < 4096))
}

/// Returns the name of a DNSSEC algorithm.
pub fn algorithm(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "RSAMD5",
        2 => "DH",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "DSA-NSEC3-SHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECC-GOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        252 => "INDIRECT",
        253 => "PRIVATEDNS",
        254 => "PRIVATEOID",
        _ => return None,
    })
}

/// Returns the name of a hash algorithm of DS records.
pub fn hash(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "SHA1",
        2 => "SHA256",
        3 => "GOST94",
        4 => "SHA384",
        5 => "SHA512",
        _ => return None,
    })
}

/// Returns the name of a certificate type (RFC 4398).
pub(crate) fn certificate(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "PKIX",
        2 => "SPKI",
        3 => "PGP",
        4 => "IPIX",
        5 => "ISPKI",
        6 => "IPGP",
        7 => "ACPKIX",
        8 => "IACPKIX",
        253 => "URI",
        254 => "OID",
        _ => return None,
    })
}

/// Returns the name of a service parameter key (RFC 9460).
pub(crate) fn service_key(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        8 => "ohttp",
        _ => return None,
    })
}

/// Returns the name of an EDNS option in IANA's registry, in the form of a mnemonic.
pub fn edns_option(number: u16) -> Option<&'static str> {
    Some(match number {
        1 => "LLQ",
        2 => "UL",
        3 => "NSID",
        4 => "ESU",
        5 => "DAU",
        6 => "DHU",
        7 => "N3U",
        8 => "ECS",
        9 => "EXPIRE",
        10 => "COOKIE",
        11 => "KEEPALIVE",
        12 => "PADDING",
        13 => "CHAIN",
        14 => "KEY-TAG",
        15 => "EDE",
        16 => "CLIENT-TAG",
        17 => "SERVER-TAG",
        18 => "REPORT-CHANNEL",
        19 => "ZONEVERSION",
        20 => "MQTYPE-QUERY",
        21 => "MQTYPE-RESPONSE",
        _ => return None,
    })
}

/// Prints the name of an EDNS option.
pub fn edns_option_text(number: u16, out: &mut impl TextSink) {
    print(edns_option(number), "OPT", number, out);
}

/// Returns the text of an extended DNS error code (RFC 8914).
pub fn extended_error(number: u16) -> Option<&'static str> {
    const TEXTS: [&str; 31] = [
        "Other",
        "Unsupported DNSKEY Algorithm",
        "Unsupported DS Digest Type",
        "Stale Answer",
        "Forged Answer",
        "DNSSEC Indeterminate",
        "DNSSEC Bogus",
        "Signature Expired",
        "Signature Not Yet Valid",
        "DNSKEY Missing",
        "RRSIGs Missing",
        "No Zone Key Bit Set",
        "NSEC Missing",
        "Cached Error",
        "Not Ready",
        "Blocked",
        "Censored",
        "Filtered",
        "Prohibited",
        "Stale NXDOMAIN Answer",
        "Not Authoritative",
        "Not Supported",
        "No Reachable Authority",
        "Network Error",
        "Invalid Data",
        "Signature Expired Before Valid",
        "Too Early",
        "Unsupported NSEC3 Iterations Value",
        "Unable To Conform To Policy",
        "Synthesized",
        "Invalid Query Type",
    ];
    TEXTS.get(usize::from(number)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_to_their_numbers() {
        for (number, name) in TYPES {
            assert_eq!(record_type_name(number), Some(name));
            assert_eq!(record_type_number(&name.to_lowercase()), Some(number));
        }
        assert_eq!(record_type_number("type4711"), Some(4711));
        for nonsense in ["", "TYPE", "TYPE65536", "TYPEx", "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(record_type_number(nonsense), None, "{nonsense}");
        }
        assert_eq!(record_type_name(69), None);
        assert_eq!(response_code(16), Some("BADVERS"));
        assert_eq!(response_code_number("badvers"), Some(16));
        assert_eq!(response_code_number("badsig"), Some(16));
        assert_eq!(response_code_number("12"), Some(12));
        assert_eq!(response_code_number("rcode24"), Some(24));
        for nonsense in ["4096", "RCODE", "RCODE4096", "RCODEx", "\u{e9}\u{e9}\u{e9}"] {
            assert_eq!(response_code_number(nonsense), None, "{nonsense}");
        }
    }
}
