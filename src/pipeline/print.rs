// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as text: quiet, YAML and JSON, as the golang `dnstap` prints them. Where ours differ, and
//! why, is in `docs/dnstap.md`.

/// Returns fields, each after its name with `$before` and `$after` around it. `names of` gives the
/// name and the number of the value of an enumeration.
macro_rules! keyed {
    ($before:literal, $after:literal: $($field:ident),+) => {
        [$((concat!($before, stringify!($field), $after), *$field)),+]
    };
    ($before:literal, $after:literal: names of $($field:ident),+) => {
        [$((
            concat!($before, stringify!($field), $after),
            $field.map(|value| (value.name(), value.0)),
        )),+]
    };
}

pub(crate) mod json;
pub(crate) mod message;
pub(crate) mod quiet;
pub(crate) mod time;
pub(crate) mod yaml;

use dnstap::Event;
use dnstap::decode::DecodeError;
use printable::text::Text;
use time::Clock;

/// The forms of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One line a message.
    Quiet,
    /// One YAML document a message.
    Yaml,
    /// One JSON object a line.
    Json,
}

/// Prints events.
#[derive(Debug)]
pub struct EventPrinter {
    style: Style,
    clock: Clock,
    /// Text that is on its way into quotation marks or an indented block.
    scratch: Vec<u8>,
}

impl EventPrinter {
    /// Prints in one style.
    pub fn new(style: Style) -> Self {
        Self { style, clock: Clock::default(), scratch: Vec::new() }
    }

    /// Appends what a frame holds to `out`.
    pub fn print(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self.style {
            Style::Quiet => quiet::print(event, &mut self.clock, out),
            Style::Yaml => yaml::print(event, &mut self.clock, &mut self.scratch, out),
            Style::Json => json::print(event, &mut self.clock, &mut self.scratch, out),
        }
    }

    /// Appends a frame that holds no event to `out`, as the bytes that it has.
    pub fn print_bad(&mut self, frame: &[u8], error: &DecodeError, out: &mut Vec<u8>) {
        let error = error.to_string();
        match self.style {
            Style::Quiet => {
                out.str("[no dnstap: ");
                out.str(&error);
                out.str("] ");
                out.field_hex(frame);
            }
            Style::Yaml => {
                out.str("# no dnstap: ");
                out.str(&error);
                out.str("\nframe: \"");
                out.field_hex(frame);
                out.str("\"\n---");
            }
            Style::Json => {
                out.str("{\"error\":\"no dnstap: ");
                out.str(&error);
                out.str("\",\"frame\":\"");
                out.field_hex(frame);
                out.str("\"}");
            }
        }
        out.byte(b'\n');
    }
}

/// Prints the name of an enumeration's value, or the number that has none.
pub(crate) fn named(name: Option<&str>, number: u32, out: &mut Vec<u8>) {
    match name {
        Some(name) => out.str(name),
        // Protobuf sends an `int32`.
        None if number.cast_signed() < 0 => {
            out.byte(b'-');
            out.number(number.cast_signed().unsigned_abs());
        }
        None => out.number(number),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use dnstap::schema::{
        EventType, Field, HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily,
        SocketProtocol,
    };
    use dnstap::{Message, Policy};

    use super::*;

    /// Returns the names under which the fields of a message of the schema are to be found. Seconds
    /// and nanoseconds are one time.
    pub(crate) fn field_names(fields: &[Field]) -> impl Iterator<Item = &str> {
        fields.iter().map(|field| {
            let name = field.name;
            name.strip_suffix("_sec").or(name.strip_suffix("_nsec")).unwrap_or(name)
        })
    }

    #[test]
    fn every_field_is_printed_under_its_name() {
        let bytes = Some(&b"\x01x\0"[..]);
        let message = Message {
            message_type: MessageType::CLIENT_QUERY,
            socket_family: Some(SocketFamily::INET),
            socket_protocol: Some(SocketProtocol::UDP),
            query_address: bytes,
            response_address: bytes,
            query_port: Some(1),
            response_port: Some(1),
            query_time_sec: Some(1),
            query_time_nsec: Some(1),
            query_message: Some(&[0; 12]),
            query_zone: bytes,
            response_time_sec: Some(1),
            response_time_nsec: Some(1),
            response_message: Some(&[0; 12]),
            policy: Some(Policy {
                policy_type: bytes,
                rule: bytes,
                action: Some(PolicyAction::PASS),
                policy_match: Some(PolicyMatch::QNAME),
                value: bytes,
            }),
            http_protocol: Some(HttpProtocol::HTTP1),
        };
        let event = Event {
            identity: bytes,
            version: bytes,
            extra: bytes,
            message: Some(message),
            event_type: EventType::MESSAGE,
        };
        for (style, quote) in [(Style::Yaml, ""), (Style::Json, "\"")] {
            let mut out = Vec::new();
            EventPrinter::new(style).print(&event, &mut out);
            let text = String::from_utf8(out).unwrap();
            for fields in [Event::FIELDS, Message::FIELDS, Policy::FIELDS] {
                for name in field_names(fields) {
                    let key = format!("{quote}{name}{quote}:");
                    assert!(text.contains(&key), "no {key} in {style:?}: {text}");
                }
            }
        }
    }
}
