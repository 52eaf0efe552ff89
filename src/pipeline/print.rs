// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as text: quiet, YAML and JSON in the format of the golang `dnstap`. `docs/dnstap.md` lists the
//! differences and their reasons.

/// Returns an array of field names, between `$before` and `$after`, with their values. With `names of`, the
/// values are the names and numbers of enumeration values.
macro_rules! keyed {
    ($before:literal, $after:literal: $($of:ident.$field:ident),+) => {
        [$((concat!($before, stringify!($field), $after), $of.$field)),+]
    };
    ($before:literal, $after:literal: names of $($of:ident.$field:ident),+) => {
        [$((
            concat!($before, stringify!($field), $after),
            $of.$field.map(|value| (value.name(), value.0)),
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
use printable::text::TextSink;
use strum::VariantArray;
use time::TimePrinter;

/// The styles of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Style {
    /// One line per message.
    Quiet,
    /// One YAML document per message.
    Yaml,
    /// One JSON object per line.
    Json,
}

/// A printer of events.
#[derive(Debug)]
pub struct EventPrinter {
    style: Style,
    clock: TimePrinter,
    /// A buffer for text that is quoted or indented afterwards.
    scratch: Vec<u8>,
}

impl EventPrinter {
    /// Creates a printer in one style.
    pub fn new(style: Style) -> Self {
        Self { style, clock: TimePrinter::default(), scratch: Vec::new() }
    }

    /// Appends the text of an event to `out`.
    pub fn print(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self.style {
            Style::Quiet => quiet::print(event, &mut self.clock, out),
            Style::Yaml => yaml::print(event, &mut self.clock, &mut self.scratch, out),
            Style::Json => json::print(event, &mut self.clock, &mut self.scratch, out),
        }
    }

    /// Appends the bytes of a frame that could not be decoded to `out`.
    pub fn print_undecodable(&mut self, frame: &[u8], error: &DecodeError, out: &mut Vec<u8>) {
        let (start, between, end) = match self.style {
            Style::Quiet => ("[no dnstap: ", "] ", "\n"),
            Style::Yaml => ("# no dnstap: ", "\nframe: \"", "\"\n---\n"),
            Style::Json => ("{\"error\":\"no dnstap: ", "\",\"frame\":\"", "\"}\n"),
        };
        out.str(start);
        out.str(&error.to_string());
        out.str(between);
        out.field_hex(frame);
        out.str(end);
    }
}

/// Prints the name of an enumeration value, or its number if it is unnamed.
pub(crate) fn print_name(name: Option<&str>, number: u32, out: &mut Vec<u8>) {
    match name {
        Some(name) => out.str(name),
        // Protobuf encodes enumerations as `int32`.
        None if (number as i64) < 0 => {
            out.byte(b'-');
            out.number((number as i64).unsigned_abs());
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

    /// Returns the expected names of fields in the output. Seconds and nanoseconds form one time.
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
