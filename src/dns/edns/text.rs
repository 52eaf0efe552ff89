// SPDX-License-Identifier: MIT OR Apache-2.0
//! Text of OPT, the pseudo-record of EDNS (RFC 6891), as printed by dig and the golang `dnstap`.

use printable::hidden::is_hidden;
use printable::text::TextSink;

use crate::edns::code;
use crate::record::Record;
use crate::record_data::RecordData;
use crate::{BadMessage, BadMessageReason, mnemonic, name};

/// Flag "DNSSEC OK" (RFC 3225) in the lower half of the time to live.
const DO: u32 = 1 << 15;

/// Flag "compact answers OK" (RFC 9824).
const CO: u32 = 1 << 14;

/// Flags that must be zero.
const UNASSIGNED: u32 = CO - 1;

/// Returns whether the sender of `opt` wants DNSSEC records.
pub fn dnssec_ok(opt: &Record) -> bool {
    opt.ttl & DO != 0
}

/// Returns the version of EDNS.
pub fn version(opt: &Record) -> u8 {
    (opt.ttl >> 16) as u8
}

/// Prints an OPT record as a section.
pub(crate) fn print(
    data: &mut RecordData<'_>,
    opt: &Record,
    out: &mut impl TextSink,
) -> Result<(), BadMessage> {
    out.str("\n;; OPT PSEUDOSECTION:\n; EDNS: version ");
    out.number(version(opt));
    out.plain(match (dnssec_ok(opt), opt.ttl & CO != 0) {
        (false, false) => b"; flags:; ",
        (true, false) => b"; flags: do; ",
        (false, true) => b"; flags: co; ",
        (true, true) => b"; flags: do, co; ",
    });
    let unassigned = (opt.ttl & UNASSIGNED) as u16;
    if unassigned != 0 {
        out.str("MBZ: 0x");
        out.hex(&unassigned.to_be_bytes());
        out.str(", ");
    }
    out.str("udp: ");
    out.number(opt.class);
    while !data.is_empty() {
        let code = data.u16()?;
        let length = u16::from_be_bytes(data.array()?);
        let value = data.take(length.into())?;
        option(code, value, out).ok_or(data.error(BadMessageReason::Option))?;
    }
    Ok(())
}

/// Prints an option. Returns `None` if the value is invalid for the code.
fn option(code: u16, value: &[u8], out: &mut impl TextSink) -> Option<()> {
    match code {
        code::LLQ => {
            let fields = value.first_chunk::<18>()?;
            let integer = |from: usize, to: usize| {
                fields[from..to].iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
            };
            out.str("\n; LONG LIVED QUERIES: ");
            for (index, (from, to)) in
                [(0, 2), (2, 4), (4, 6), (6, 14), (14, 18)].into_iter().enumerate()
            {
                if index > 0 {
                    out.byte(b' ');
                }
                out.number(integer(from, to));
            }
        }
        code::UPDATE_LEASE => {
            let (lease, key_lease) = match *value {
                [a, b, c, d] => (u32::from_be_bytes([a, b, c, d]), 0),
                [a, b, c, d, e, f, g, h] => {
                    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
                }
                _ => return None,
            };
            out.str("\n; UPDATE LEASE: ");
            out.number(lease);
            out.byte(b' ');
            out.number(key_lease);
        }
        code::NSID => {
            out.str("\n; NSID: ");
            out.hex(value);
            out.str("  ");
            for &byte in value {
                out.byte(b'(');
                latin1(byte, out);
                out.byte(b')');
            }
        }
        code::ESU => {
            out.str("\n; ESU: ");
            utf8(value, out);
        }
        code::DAU => {
            print_list("\n; DNSSEC ALGORITHM UNDERSTOOD: ", value, mnemonic::algorithm, out)
        }
        code::DHU => print_list("\n; DS HASH UNDERSTOOD: ", value, mnemonic::hash, out),
        code::N3U => print_list("\n; NSEC3 HASH UNDERSTOOD: ", value, mnemonic::hash, out),
        code::SUBNET => client_subnet(value, out)?,
        code::EXPIRE => {
            out.str("\n; EXPIRE: ");
            if !value.is_empty() {
                out.number(u32::from_be_bytes(*value.first_chunk()?));
            }
        }
        code::COOKIE => {
            out.str("\n; COOKIE: ");
            out.hex(value);
        }
        code::KEEPALIVE => {
            let timeout = match *value {
                [] => 0,
                [high, low] => u16::from_be_bytes([high, low]),
                _ => return None,
            };
            out.str("\n; KEEPALIVE: use tcp keep-alive, timeout ");
            if timeout == 0 {
                out.str("omitted");
            } else {
                out.number(u32::from(timeout) * 100);
                out.str("ms");
            }
        }
        code::PADDING => {
            out.str("\n; PADDING: ");
            out.upper_hex(value);
        }
        code::EDE => {
            let (code, text) = value.split_first_chunk::<2>()?;
            let code = u16::from_be_bytes(*code);
            out.str("\n; EDE: ");
            out.number(code);
            if let Some(name) = mnemonic::extended_error(code) {
                out.str(" (");
                out.str(name);
                out.byte(b')');
            }
            out.str(": (");
            utf8(text, out);
            out.byte(b')');
        }
        code::KEY_TAG if value.len() % 2 == 0 => {
            out.str("\n; KEY TAG:");
            for tag in value.chunks_exact(2) {
                out.byte(b' ');
                out.number(u16::from_be_bytes([tag[0], tag[1]]));
            }
        }
        code::REPORT_CHANNEL if name::is_exact(value) => {
            out.str("\n; REPORT CHANNEL: ");
            name::print_first(value, out).ok()?;
        }
        code::ZONEVERSION => match *value {
            [labels, 0, a, b, c, d] => {
                out.str("\n; ZONEVERSION: SOA-SERIAL ");
                out.number(u32::from_be_bytes([a, b, c, d]));
                zone_labels(labels, out);
            }
            [labels, kind, ref version @ ..] => {
                out.str("\n; ZONEVERSION: TYPE");
                out.number(kind);
                out.str(" 0x");
                out.hex(version);
                zone_labels(labels, out);
            }
            [] => out.str("\n; ZONEVERSION: "),
            _ => unknown(code, value, out),
        },
        _ => unknown(code, value, out),
    }
    Some(())
}

/// Prints the number of labels in the name of a zone, which is a suffix of the queried name.
fn zone_labels(labels: u8, out: &mut impl TextSink) {
    out.str(", zone of ");
    out.number(labels);
    out.str(" labels");
}

/// Prints an unknown option.
fn unknown(code: u16, value: &[u8], out: &mut impl TextSink) {
    out.str("\n; LOCAL OPT: ");
    out.number(code);
    out.str(":0x");
    out.hex(value);
}

fn print_list(
    title: &str,
    numbers: &[u8],
    name: impl Fn(u8) -> Option<&'static str>,
    out: &mut impl TextSink,
) {
    out.str(title);
    for &number in numbers {
        out.byte(b' ');
        mnemonic::print(name(number), "", number.into(), out);
    }
}

/// Prints the subnet of a client (RFC 7871, section 6). Returns `None` if it is invalid.
fn client_subnet(value: &[u8], out: &mut impl TextSink) -> Option<()> {
    let ([family1, family2, source, scope], address) = value.split_first_chunk::<4>()?;
    let is_within = |bits: u8| *source <= bits && *scope <= bits;
    let (given, size) = match u16::from_be_bytes([*family1, *family2]) {
        // dig sends family 0 with an empty prefix; scope and address may have any value.
        0 if *source == 0 => (&[][..], 4),
        1 if is_within(32) => (address, 4),
        2 if is_within(128) => (address, 16),
        _ => return None,
    };
    let mut bytes = [0; 16];
    let length = given.len().min(size);
    bytes[..length].copy_from_slice(&given[..length]);
    out.str("\n; SUBNET: ");
    let brackets = size == 16;
    if brackets {
        out.byte(b'[');
    }
    out.address(&bytes[..size]);
    if brackets {
        out.byte(b']');
    }
    out.byte(b'/');
    out.number(*source);
    out.byte(b'/');
    out.number(*scope);
    Some(())
}

/// Prints a byte as a Latin-1 character, or as a dot if it is hidden.
fn latin1(byte: u8, out: &mut impl TextSink) {
    let character = char::from(byte);
    if is_hidden(character) {
        out.byte(b'.');
    } else {
        out.str(character.encode_utf8(&mut [0; 2]));
    }
}

/// Prints UTF-8 text. Invalid bytes and hidden characters are escaped.
fn utf8(bytes: &[u8], out: &mut impl TextSink) {
    for chunk in bytes.utf8_chunks() {
        let mut plain = chunk.valid();
        while let Some(at) = plain.find(is_hidden) {
            out.str(&plain[..at]);
            let character = plain[at..].chars().next().unwrap_or_default();
            let end = at + character.len_utf8();
            plain.as_bytes()[at..end].iter().for_each(|byte| out.escaped(*byte));
            plain = &plain[end..];
        }
        out.str(plain);
        chunk.invalid().iter().for_each(|byte| out.escaped(*byte));
    }
}
