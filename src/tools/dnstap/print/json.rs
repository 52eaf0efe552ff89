// SPDX-License-Identifier: MIT OR Apache-2.0
//! One JSON object a line.

use ::dnstap::schema::EventType;
use ::dnstap::{Event, Message, Policy};

use super::text::Text;
use super::time::Clock;
use super::{message as dig, named};
use crate::dnstap::dns::name;

/// Appends the line of an event.
pub fn print(event: &Event<'_>, clock: &mut Clock, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.str("{\"type\":\"");
    named(event.event_type.name(), event.event_type.0, out);
    out.byte(b'"');
    for (key, value) in [
        (",\"identity\":", event.identity),
        (",\"version\":", event.version),
        (",\"extra\":", event.extra),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.str(key);
            string(value, out);
        }
    }
    if let (EventType::MESSAGE, Some(message)) = (event.event_type, &event.message) {
        out.str(",\"message\":{");
        fields(message, clock, scratch, out);
        out.byte(b'}');
    }
    out.str("}\n");
}

fn fields(message: &Message<'_>, clock: &mut Clock, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.str("\"type\":\"");
    named(message.message_type.name(), message.message_type.0, out);
    out.byte(b'"');
    for (key, seconds, nanoseconds) in [
        (",\"query_time\":\"", message.query_time_sec, message.query_time_nsec),
        (",\"response_time\":\"", message.response_time_sec, message.response_time_nsec),
    ] {
        if let (Some(seconds), Some(nanoseconds)) = (seconds, nanoseconds) {
            out.str(key);
            clock.full(seconds, nanoseconds, b'T', out);
            out.str("Z\"");
        }
    }
    for (key, value) in [
        (",\"socket_family\":\"", message.socket_family.map(|value| (value.name(), value.0))),
        (",\"socket_protocol\":\"", message.socket_protocol.map(|value| (value.name(), value.0))),
        (",\"http_protocol\":\"", message.http_protocol.map(|value| (value.name(), value.0))),
    ] {
        if let Some((name, number)) = value {
            out.str(key);
            named(name, number, out);
            out.byte(b'"');
        }
    }
    for (key, value) in [
        (",\"query_address\":\"", message.query_address),
        (",\"response_address\":\"", message.response_address),
    ] {
        if let Some(value) = value {
            out.str(key);
            if !value.is_empty() {
                out.address(value);
            }
            out.byte(b'"');
        }
    }
    for (key, value) in
        [(",\"query_port\":", message.query_port), (",\"response_port\":", message.response_port)]
    {
        if let Some(value) = value.filter(|value| *value != 0) {
            out.str(key);
            out.number(value);
        }
    }
    if let Some(zone) = message.query_zone {
        scratch.clear();
        let printed = name::alone(zone, scratch).map_err(|error| error.to_string());
        text_or_bytes("query_zone", printed, scratch, zone, out);
    }
    if let Some(policy) = &message.policy {
        policy_fields(policy, scratch, out);
    }
    for (key, wire) in
        [("query_message", message.query_message), ("response_message", message.response_message)]
    {
        if let Some(wire) = wire {
            scratch.clear();
            let printed = dig::print(wire, scratch).map_err(|error| error.to_string());
            text_or_bytes(key, printed, scratch, wire, out);
        }
    }
}

/// Prints the text of a field, or why there is none, and the bytes.
fn text_or_bytes(
    key: &str,
    printed: Result<(), String>,
    text: &[u8],
    bytes: &[u8],
    out: &mut Vec<u8>,
) {
    out.str(",\"");
    out.str(key);
    out.str("\":");
    match printed {
        Ok(()) => string(text, out),
        Err(error) => {
            out.str("\"parse failed: ");
            out.str(&error);
            out.str("\",\"");
            out.str(key);
            out.str("_hex\":\"");
            out.hex(bytes);
            out.byte(b'"');
        }
    }
}

fn policy_fields(policy: &Policy<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    out.str(",\"policy\":{");
    let start = out.len();
    scratch.clear();
    let rule = policy.rule.map(|rule| match name::whole(rule, scratch) {
        Some(()) => &scratch[..],
        None => rule,
    });
    for (key, value) in
        [("\"type\":", policy.policy_type), ("\"rule\":", rule), ("\"value\":", policy.value)]
    {
        if let Some(value) = value {
            separate(start, out);
            out.str(key);
            string(value, out);
        }
    }
    for (key, value) in [
        ("\"action\":\"", policy.action.map(|value| (value.name(), value.0))),
        ("\"match\":\"", policy.policy_match.map(|value| (value.name(), value.0))),
    ] {
        if let Some((name, number)) = value {
            separate(start, out);
            out.str(key);
            named(name, number, out);
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

/// Which bytes of text cannot stand in a string as they are.
static SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < b' ' {
        special[byte as usize] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[0x7f] = true;
    special
};

/// Prints a string. Bytes that are no UTF-8 become replacement characters.
pub fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.byte(b'"');
    for chunk in bytes.utf8_chunks() {
        escaped(chunk.valid().as_bytes(), out);
        for _ in chunk.invalid() {
            out.str("\u{fffd}");
        }
    }
    out.byte(b'"');
}

fn escaped(mut text: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = text.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        out.bytes(&text[..at]);
        match text[at] {
            byte @ (b'"' | b'\\') => out.bytes(&[b'\\', byte]),
            b'\n' => out.str("\\n"),
            b'\t' => out.str("\\t"),
            b'\r' => out.str("\\r"),
            byte => {
                out.str("\\u00");
                out.hex(&[byte]);
            }
        }
        text = &text[at + 1..];
    }
    out.bytes(text);
}
