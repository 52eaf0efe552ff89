// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as YAML, one document per event.

use dns::name;
use dnstap::schema::EventType;
use dnstap::{Event, Message, Policy};
use printable::text::TextSink;

use super::time::{TimePrinter, has_year_of_four_digits};
use super::{message as dig, print_name};
use crate::pairing::is_unsent;

/// Appends the document of an event.
pub(crate) fn print(
    event: &Event<'_>,
    clock: &mut TimePrinter,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.str("type: ");
    print_name(event.event_type.name(), event.event_type.0, out);
    out.byte(b'\n');
    for (key, value) in keyed!("", ": ": event.identity, event.version, event.extra) {
        if let Some(value) = value {
            quoted(key, value, out);
        }
    }
    if let (EventType::MESSAGE, Some(message)) = (event.event_type, &event.message) {
        out.str("message:\n");
        fields(message, clock, scratch, out);
    }
    out.str("---\n");
}

fn fields(
    message: &Message<'_>,
    clock: &mut TimePrinter,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.str("  type: ");
    print_name(message.message_type.name(), message.message_type.0, out);
    out.byte(b'\n');
    for (key, seconds, nanoseconds) in [
        ("  query_time: ", message.query_time_sec, message.query_time_nsec),
        ("  response_time: ", message.response_time_sec, message.response_time_nsec),
    ] {
        if let (Some(seconds), Some(nanoseconds)) = (seconds, nanoseconds) {
            out.str(key);
            // Readers reject timestamps whose year does not have four digits.
            let is_timestamp = has_year_of_four_digits(seconds, nanoseconds);
            out.str(if is_timestamp { "!!timestamp " } else { "\"" });
            clock.date_time(seconds, nanoseconds, b' ', out);
            out.str(if is_timestamp { "\n" } else { "\"\n" });
        }
    }
    for (key, value) in keyed!("  ", ": ": names of message.socket_family, message.socket_protocol, message.http_protocol)
    {
        if let Some((name, number)) = value {
            out.str(key);
            print_name(name, number, out);
            out.byte(b'\n');
        }
    }
    for (key, value) in keyed!("  ", ": ": message.query_address, message.response_address) {
        if let Some(value) = value {
            out.str(key);
            out.address(value);
            out.byte(b'\n');
        }
    }
    for (key, value) in keyed!("  ", ": ": message.query_port, message.response_port) {
        if let Some(value) = value {
            out.str(key);
            out.number(value);
            out.byte(b'\n');
        }
    }
    if let Some(zone) = message.query_zone {
        scratch.clear();
        match name::print_first(zone, scratch) {
            Ok(()) => quoted("  query_zone: ", scratch, out),
            Err(error) => parse_failed("query_zone", &error.to_string(), zone, out),
        }
    }
    if let Some(policy) = &message.policy {
        policy_fields(policy, scratch, out);
    }
    if is_unsent(message) {
        out.str("  response_sent: false\n");
    }
    for (key, wire) in keyed!("", "": message.query_message, message.response_message) {
        let Some(wire) = wire else { continue };
        let before = out.len();
        out.str("  ");
        out.str(key);
        out.str(": |\n");
        out.str(INDENT);
        match dig::print(wire, &mut Indented(out)) {
            Ok(()) => {
                out.truncate(out.trim_ascii_end().len());
                out.byte(b'\n');
            }
            Err(error) => {
                out.truncate(before);
                parse_failed(key, &error.to_string(), wire, out);
            }
        }
    }
}

/// The indentation of the lines of a DNS message.
const INDENT: &str = "    ";

/// A text sink that indents lines.
struct Indented<'a>(&'a mut Vec<u8>);

impl TextSink for Indented<'_> {
    #[inline]
    fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        Some(self.0)
    }

    #[inline]
    fn bytes(&mut self, mut bytes: &[u8]) {
        while let Some(at) = bytes.iter().position(|byte| *byte == b'\n') {
            self.0.bytes(&bytes[..=at]);
            self.0.str(INDENT);
            bytes = &bytes[at + 1..];
        }
        self.0.bytes(bytes);
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.0.byte(byte);
        if byte == b'\n' {
            self.0.str(INDENT);
        }
    }
}

/// Prints the error of an invalid field as a comment, and its bytes.
fn parse_failed(key: &str, error: &str, bytes: &[u8], out: &mut Vec<u8>) {
    out.str("  # ");
    out.str(key);
    out.str(": parse failed: ");
    out.str(error);
    out.str("\n  ");
    out.str(key);
    out.str("_hex: \"");
    out.field_hex(bytes);
    out.str("\"\n");
}

fn policy_fields(policy: &Policy<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let Policy { policy_type, rule, action, policy_match, value } = policy;
    out.str("  policy:\n");
    if let Some(policy_type) = policy_type {
        quoted("    type: ", policy_type, out);
    }
    if let Some(rule) = rule {
        scratch.clear();
        let is_name = name::print_exact(rule, scratch).is_some();
        quoted("    rule: ", if is_name { scratch } else { rule }, out);
    }
    for (key, value) in [
        ("    action: ", action.map(|value| (value.name(), value.0))),
        ("    match: ", policy_match.map(|value| (value.name(), value.0))),
    ] {
        if let Some((name, number)) = value {
            out.str(key);
            print_name(name, number, out);
            out.byte(b'\n');
        }
    }
    if let Some(value) = value {
        quoted("    value: ", value, out);
    }
}

/// Prints a line with a key and a double-quoted scalar.
fn quoted(key: &str, bytes: &[u8], out: &mut Vec<u8>) {
    out.str(key);
    out.byte(b'"');
    out.field(bytes, escape);
    out.str("\"\n");
}

/// Prints the content of a double-quoted scalar. Bytes that are not UTF-8 become the characters with the same
/// number.
fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.bytes(&[b'\\', character as u8]),
                '\n' => out.str("\\n"),
                '\r' => out.str("\\r"),
                '\t' => out.str("\\t"),
                ' '..='~' => out.byte(character as u8),
                _ if character.is_alphanumeric() => {
                    out.str(character.encode_utf8(&mut [0; 4]));
                }
                _ => {
                    let number = u32::from(character);
                    if number > 0xffff {
                        out.str("\\U");
                        out.hex(&number.to_be_bytes());
                    } else if number > 0x7f {
                        out.str("\\u");
                        out.hex(&number.to_be_bytes()[2..]);
                    } else {
                        out.str("\\x");
                        out.hex(&number.to_be_bytes()[3..]);
                    }
                }
            }
        }
        for byte in chunk.invalid() {
            out.str("\\x");
            out.hex(&[*byte]);
        }
    }
}
