// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as JSON, one object per line.

use dns::{BadMessage, name};
use dnstap::schema::EventType;
use dnstap::{Event, Message, Policy};
use printable::hidden::is_hidden;
use printable::text::TextSink;

use super::time::TimePrinter;
use super::{message as dig, print_name};
use crate::pairing::is_unsent;

/// Appends the line of an event.
pub(crate) fn print(
    event: &Event<'_>,
    clock: &mut TimePrinter,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.str("{\"type\":\"");
    print_name(event.event_type.name(), event.event_type.0, out);
    out.byte(b'"');
    for (key, value) in keyed!(",\"", "\":": event.identity, event.version, event.extra) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.str(key);
            field(value, out);
        }
    }
    if let (EventType::MESSAGE, Some(message)) = (event.event_type, &event.message) {
        out.str(",\"message\":{");
        fields(message, clock, scratch, out);
        out.byte(b'}');
    }
    out.str("}\n");
}

fn fields(
    message: &Message<'_>,
    clock: &mut TimePrinter,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    out.str("\"type\":\"");
    print_name(message.message_type.name(), message.message_type.0, out);
    out.byte(b'"');
    for (key, seconds, nanoseconds) in [
        (",\"query_time\":\"", message.query_time_sec, message.query_time_nsec),
        (",\"response_time\":\"", message.response_time_sec, message.response_time_nsec),
    ] {
        if let (Some(seconds), Some(nanoseconds)) = (seconds, nanoseconds) {
            out.str(key);
            clock.date_time(seconds, nanoseconds, b'T', out);
            out.str("Z\"");
        }
    }
    for (key, value) in keyed!(",\"", "\":\"": names of message.socket_family, message.socket_protocol, message.http_protocol)
    {
        if let Some((name, number)) = value {
            out.str(key);
            print_name(name, number, out);
            out.byte(b'"');
        }
    }
    for (key, value) in keyed!(",\"", "\":\"": message.query_address, message.response_address) {
        if let Some(value) = value {
            out.str(key);
            if !value.is_empty() {
                out.address(value);
            }
            out.byte(b'"');
        }
    }
    for (key, value) in keyed!(",\"", "\":": message.query_port, message.response_port) {
        if let Some(value) = value.filter(|value| *value != 0) {
            out.str(key);
            out.number(value);
        }
    }
    if let Some(zone) = message.query_zone {
        text_or_bytes("query_zone", zone, |text| name::print_first(zone, text), out);
    }
    if let Some(policy) = &message.policy {
        policy_fields(policy, scratch, out);
    }
    if is_unsent(message) {
        out.str(",\"response_sent\":false");
    }
    for (key, wire) in keyed!("", "": message.query_message, message.response_message) {
        if let Some(wire) = wire {
            text_or_bytes(key, wire, |text| dig::print(wire, text), out);
        }
    }
}

/// Prints the text of a field, or the error together with its bytes.
#[inline]
fn text_or_bytes(
    key: &str,
    bytes: &[u8],
    print: impl FnOnce(&mut JsonEscaped<'_>) -> Result<(), BadMessage>,
    out: &mut Vec<u8>,
) {
    out.str(",\"");
    out.str(key);
    out.str("\":\"");
    let start = out.len();
    if let Err(error) = print(&mut JsonEscaped(out)) {
        out.truncate(start);
        out.str("parse failed: ");
        JsonEscaped(out).str(&error.to_string());
        out.str("\",\"");
        out.str(key);
        out.str("_hex\":\"");
        out.field_hex(bytes);
    }
    out.byte(b'"');
}

fn policy_fields(policy: &Policy<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    let Policy { policy_type, rule, action, policy_match, value } = policy;
    out.str(",\"policy\":{");
    let start = out.len();
    scratch.clear();
    let rule = rule.map(|rule| match name::print_exact(rule, scratch) {
        Some(()) => &scratch[..],
        None => rule,
    });
    for (key, value) in [("\"type\":", *policy_type), ("\"rule\":", rule), ("\"value\":", *value)] {
        if let Some(value) = value {
            separate(start, out);
            out.str(key);
            field(value, out);
        }
    }
    for (key, value) in [
        ("\"action\":\"", action.map(|value| (value.name(), value.0))),
        ("\"match\":\"", policy_match.map(|value| (value.name(), value.0))),
    ] {
        if let Some((name, number)) = value {
            separate(start, out);
            out.str(key);
            print_name(name, number, out);
            out.byte(b'"');
        }
    }
    out.byte(b'}');
}

fn separate(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.byte(b',');
    }
}

/// True for bytes that must be escaped in a string, or are part of multi-byte characters.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        special[byte] = byte < b' ' as usize || byte >= 0x7f;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special
};

/// A text sink that escapes text for a string.
pub(crate) struct JsonEscaped<'a>(pub(crate) &'a mut Vec<u8>);

impl TextSink for JsonEscaped<'_> {
    #[inline]
    fn buffer(&mut self) -> Option<&mut Vec<u8>> {
        Some(self.0)
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        if bytes.iter().any(|byte| SPECIAL[usize::from(*byte)]) {
            escape(bytes, self.0);
        } else {
            self.0.extend_from_slice(bytes);
        }
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        match byte {
            _ if !SPECIAL[usize::from(byte)] => self.0.push(byte),
            0..=0x7f => escape_one(byte, self.0),
            _ => escape(&[byte], self.0),
        }
    }
}

/// Prints a string. Invalid UTF-8 is replaced.
pub(crate) fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.byte(b'"');
    JsonEscaped(out).bytes(bytes);
    out.byte(b'"');
}

/// Prints the string of a field, shortened to the maximum length.
fn field(bytes: &[u8], out: &mut Vec<u8>) {
    out.byte(b'"');
    JsonEscaped(out).field(bytes, |bytes, out| out.bytes(bytes));
    out.byte(b'"');
}

/// Appends bytes, escaping special ones.
fn escape(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = bytes.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        out.bytes(&bytes[..at]);
        if bytes[at].is_ascii() {
            escape_one(bytes[at], out);
            bytes = &bytes[at + 1..];
            continue;
        }
        // Decode up to the next ASCII byte, which cannot be part of a multi-byte character.
        let end =
            bytes[at..].iter().position(u8::is_ascii).map_or(bytes.len(), |length| at + length);
        for chunk in bytes[at..end].utf8_chunks() {
            characters(chunk.valid(), out);
            for _ in chunk.invalid() {
                out.str("\u{fffd}");
            }
        }
        bytes = &bytes[end..];
    }
    out.bytes(bytes);
}

/// Appends non-ASCII characters, escaping hidden ones.
fn characters(mut text: &str, out: &mut Vec<u8>) {
    while let Some(at) = text.find(is_hidden) {
        let (front, rest) = text.split_at(at);
        out.str(front);
        let mut hidden = rest.chars();
        let character = hidden.next().unwrap_or_default();
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.str("\\u");
            out.hex(&unit.to_be_bytes());
        }
        text = hidden.as_str();
    }
    out.str(text);
}

/// Appends a special ASCII byte.
#[inline]
fn escape_one(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.str("\\\""),
        b'\\' => out.str("\\\\"),
        b'\n' => out.str("\\n"),
        b'\t' => out.str("\\t"),
        b'\r' => out.str("\\r"),
        _ => {
            out.str("\\u00");
            out.hex(&[byte]);
        }
    }
}
