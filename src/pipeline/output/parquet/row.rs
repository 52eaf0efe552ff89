// SPDX-License-Identifier: MIT OR Apache-2.0
//! The columns of a row: the dnstap fields under their names in the schema, then header, question and
//! EDNS of the response or, if there is none, of the query.

use std::fmt::Write as _;

use dns::edns::text as edns;
use dns::section::{Parts, flag};
use dns::{mnemonic, name};
use dnstap::schema::MessageType;
use dnstap::{Event, Message, Policy};
use printable::text::TextSink;

use super::column::{Column, ColumnKind};
use crate::output::DecodedFrame;
use crate::output::remarks::Remarks;
use crate::pairing;
use crate::pairing::is_unsent;
use crate::print::print_name;

/// Names and kinds of the columns, in the order in which [`fill`] adds them.
pub(crate) const COLUMNS: &[(&str, ColumnKind)] = &[
    ("event_type", ColumnKind::Text),
    ("identity", ColumnKind::Text),
    ("version", ColumnKind::Text),
    ("extra", ColumnKind::Bytes),
    ("type", ColumnKind::Text),
    ("socket_family", ColumnKind::Text),
    ("socket_protocol", ColumnKind::Text),
    ("http_protocol", ColumnKind::Text),
    ("query_address", ColumnKind::Text),
    ("query_port", ColumnKind::Number),
    ("response_address", ColumnKind::Text),
    ("response_port", ColumnKind::Number),
    ("query_time", ColumnKind::Time),
    ("response_time", ColumnKind::Time),
    ("query_zone", ColumnKind::Text),
    ("query_message", ColumnKind::Bytes),
    ("response_message", ColumnKind::Bytes),
    ("response_sent", ColumnKind::Flag),
    ("policy_type", ColumnKind::Text),
    ("policy_rule", ColumnKind::Text),
    ("policy_action", ColumnKind::Text),
    ("policy_match", ColumnKind::Text),
    ("policy_value", ColumnKind::Bytes),
    ("id", ColumnKind::Number),
    ("opcode", ColumnKind::Text),
    ("rcode", ColumnKind::Text),
    ("qr", ColumnKind::Flag),
    ("aa", ColumnKind::Flag),
    ("tc", ColumnKind::Flag),
    ("rd", ColumnKind::Flag),
    ("ra", ColumnKind::Flag),
    ("ad", ColumnKind::Flag),
    ("cd", ColumnKind::Flag),
    ("qname", ColumnKind::Text),
    ("qtype", ColumnKind::Text),
    ("qclass", ColumnKind::Text),
    ("qdcount", ColumnKind::Number),
    ("ancount", ColumnKind::Number),
    ("nscount", ColumnKind::Number),
    ("arcount", ColumnKind::Number),
    ("edns_version", ColumnKind::Number),
    ("edns_udp_size", ColumnKind::Number),
    ("edns_do", ColumnKind::Flag),
    ("error", ColumnKind::Text),
    ("frame", ColumnKind::Bytes),
];

/// A row under construction. Values are added in the order of the columns; debug builds compare the names.
struct Row<'a> {
    columns: std::iter::Zip<
        std::slice::IterMut<'a, Column>,
        std::slice::Iter<'a, (&'a str, ColumnKind)>,
    >,
    /// The value of the column `error`.
    error: String,
}

impl Row<'_> {
    fn next<T>(&mut self, name: &str, value: Option<T>, add: impl FnOnce(&mut Column, T)) {
        let next = self.columns.next();
        debug_assert_eq!(next.as_ref().map(|(_, (name, _))| *name), Some(name));
        if let Some((column, _)) = next {
            match value {
                Some(value) => add(column, value),
                None => column.skip(),
            }
        }
    }

    fn number(&mut self, name: &str, number: Option<impl Into<u32>>) {
        self.next(name, number, |column, number| column.number(number.into()));
    }

    fn flag(&mut self, name: &str, flag: Option<bool>) {
        self.next(name, flag, Column::flag);
    }

    fn bytes(&mut self, name: &str, bytes: Option<&[u8]>) {
        self.next(name, bytes, |column, bytes| {
            column.print(|out| {
                out.bytes(bytes);
                Some(())
            });
        });
    }

    fn print(&mut self, name: &str, print: impl FnOnce(&mut Vec<u8>) -> Option<()>) {
        self.next(name, Some(()), |column, ()| column.print(print));
    }

    /// Adds text, with invalid UTF-8 replaced.
    fn text(&mut self, name: &str, text: Option<&[u8]>, remarks: &mut Remarks) {
        self.next(name, text, |column, text| {
            column.print(|out| {
                if text.utf8_chunks().any(|chunk| !chunk.invalid().is_empty()) {
                    remarks.count("texts are not UTF-8: invalid bytes replaced by U+FFFD");
                }
                out.str(&String::from_utf8_lossy(text));
                Some(())
            });
        });
    }

    /// Adds the name of an enumeration's value, or its number.
    fn enumeration(&mut self, name: &str, value: Option<(Option<&str>, u32)>) {
        self.print(name, |out| value.map(|(name, number)| print_name(name, number, out)));
    }

    fn address(&mut self, name: &str, address: Option<&[u8]>) {
        let address = address.filter(|address| !address.is_empty());
        self.print(name, |out| address.map(|address| out.address(address)));
    }

    fn time(&mut self, name: &str, seconds: Option<u64>, nanoseconds: Option<u32>) {
        let time = pairing::nanoseconds(seconds, nanoseconds);
        if let (Some(seconds), None) = (seconds, time) {
            self.add_error(name, format_args!("{seconds} s is out of range"));
        }
        self.next(name, time, |column, time| column.time(time as i64));
    }

    /// Adds a field that contains exactly one name in wire format.
    fn name(&mut self, name: &str, wire: Option<&[u8]>) {
        let mut is_bad = false;
        self.print(name, |out| {
            let printed = name::print_exact(wire?, out);
            is_bad = printed.is_none();
            printed
        });
        if is_bad {
            let mut hex = Vec::new();
            hex.hex(wire.unwrap_or_default());
            self.add_error(name, format_args!("no name: {}", String::from_utf8_lossy(&hex)));
        }
    }

    /// Appends a problem to the column `error`.
    fn add_error(&mut self, what: &str, why: impl std::fmt::Display) {
        let separator = if self.error.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(self.error, "{separator}{what}: {why}");
    }
}

/// Adds the row of a frame.
pub(crate) fn fill(frame: &DecodedFrame<'_>, columns: &mut [Column], remarks: &mut Remarks) {
    let mut row = Row { columns: columns.iter_mut().zip(COLUMNS), error: String::new() };
    let event = frame.event.ok().copied();
    let Event { identity, version, extra, message, event_type } = event.unwrap_or_default();
    row.enumeration("event_type", event.map(|_| (event_type.name(), event_type.0)));
    row.text("identity", identity, remarks);
    row.text("version", version, remarks);
    row.bytes("extra", extra);
    let policy = message_columns(message.as_ref(), &mut row);
    let Policy { policy_type, rule, action, policy_match, value } = policy.unwrap_or_default();
    row.text("policy_type", policy_type, remarks);
    row.name("policy_rule", rule);
    row.enumeration("policy_action", action.map(|action| (action.name(), action.0)));
    row.enumeration("policy_match", policy_match.map(|value| (value.name(), value.0)));
    row.bytes("policy_value", value);
    dns_columns(message.as_ref(), &mut row);
    if let Err(error) = frame.event {
        row.add_error("no dnstap", error);
    }
    let error = std::mem::take(&mut row.error);
    row.bytes("error", Some(error.as_bytes()).filter(|error| !error.is_empty()));
    row.bytes("frame", frame.event.is_err().then(|| frame.payload()));
    debug_assert!(row.columns.next().is_none());
}

/// Adds the columns from `type` to `response_sent`. Returns the policy.
fn message_columns<'a>(message: Option<&Message<'a>>, row: &mut Row<'_>) -> Option<Policy<'a>> {
    let fields = message.copied().unwrap_or(Message::new(MessageType(0)));
    row.enumeration("type", message.map(|_| (fields.message_type.name(), fields.message_type.0)));
    row.enumeration("socket_family", fields.socket_family.map(|family| (family.name(), family.0)));
    row.enumeration(
        "socket_protocol",
        fields.socket_protocol.map(|protocol| (protocol.name(), protocol.0)),
    );
    row.enumeration(
        "http_protocol",
        fields.http_protocol.map(|protocol| (protocol.name(), protocol.0)),
    );
    row.address("query_address", fields.query_address);
    row.number("query_port", fields.query_port);
    row.address("response_address", fields.response_address);
    row.number("response_port", fields.response_port);
    row.time("query_time", fields.query_time_sec, fields.query_time_nsec);
    row.time("response_time", fields.response_time_sec, fields.response_time_nsec);
    row.name("query_zone", fields.query_zone);
    row.bytes("query_message", fields.query_message);
    row.bytes("response_message", fields.response_message);
    row.flag("response_sent", message.is_some_and(is_unsent).then_some(false));
    fields.policy
}

/// Adds the columns from `id` to `edns_do`.
fn dns_columns(message: Option<&Message<'_>>, row: &mut Row<'_>) {
    let wire = message.and_then(|message| message.response_message.or(message.query_message));
    let parts = wire.and_then(|wire| match Parts::find(wire) {
        Ok(parts) => Some(parts),
        Err(error) => {
            row.add_error("no DNS", error);
            None
        }
    });
    row.number("id", parts.map(|parts| parts.id));
    row.print("opcode", |out| {
        mnemonic::opcode_text(parts?.opcode(), out);
        Some(())
    });
    row.print("rcode", |out| {
        // The response code is undefined in queries.
        let parts = parts.filter(|parts| parts.flags & flag::QR != 0)?;
        mnemonic::response_code_text(parts.response_code(), out);
        Some(())
    });
    for (name, bit) in [
        ("qr", flag::QR),
        ("aa", flag::AA),
        ("tc", flag::TC),
        ("rd", flag::RD),
        ("ra", flag::RA),
        ("ad", flag::AD),
        ("cd", flag::CD),
    ] {
        row.flag(name, parts.map(|parts| parts.flags & bit != 0));
    }
    let question = parts.and_then(|parts| parts.question);
    row.print("qname", |out| name::print(wire?, question?.name_at, out).ok().map(drop));
    row.print("qtype", |out| {
        question.map(|question| mnemonic::assigned_type_text(question.qtype, out))
    });
    row.print("qclass", |out| {
        question.map(|question| mnemonic::assigned_class_text(question.qclass, out))
    });
    row.number("qdcount", parts.map(|parts| parts.questions));
    for (section, name) in ["ancount", "nscount", "arcount"].into_iter().enumerate() {
        row.number(name, parts.map(|parts| parts.sections[section].count));
    }
    let opt = parts.and_then(|parts| parts.opt);
    row.number("edns_version", opt.map(|opt| edns::version(&opt)));
    row.number("edns_udp_size", opt.map(|opt| opt.class));
    row.flag("edns_do", opt.map(|opt| edns::dnssec_ok(&opt)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::tests::field_names;

    #[test]
    fn every_field_has_a_column_and_every_column_is_documented() {
        let names: Vec<_> = COLUMNS.iter().map(|(name, _)| *name).collect();
        // The fields `message` and `policy` have columns for each of their own fields.
        let event = field_names(Event::FIELDS).filter(|name| *name != "message");
        let event = event.map(|name| if name == "type" { "event_type" } else { name }.to_owned());
        let message = field_names(Message::FIELDS).filter(|name| *name != "policy");
        let message = message.map(str::to_owned);
        let policy = field_names(Policy::FIELDS).map(|name| format!("policy_{name}"));
        for field in event.chain(message).chain(policy) {
            assert!(names.contains(&&*field), "no column {field}");
        }
        let documentation = include_str!("../../../../docs/dnstap.md");
        for name in names {
            assert!(documentation.contains(&format!("`{name}`")), "docs/dnstap.md lacks {name}");
        }
    }
}
