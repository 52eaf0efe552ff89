// SPDX-License-Identifier: MIT OR Apache-2.0
//! The columns of a table of messages: their names, their kinds, and how to get their values.
//!
//! All tabular formats (NDJSON, CSV, TSV, Parquet) write the same columns. The fields of dnstap have
//! their names in the schema; header, question, records and EDNS are those of the response or, if there is
//! none, of the query.

pub(crate) mod list;
pub(crate) mod row;
pub(crate) mod value;

use dns::edns::{code, text as edns};
use dns::section::flag;
use dnstap::sample::rate_of;
use row::Row;
use thiserror::Error;
use value::{List, Value};

use crate::pairing::{ExchangeTimes, Latency, is_unsent, latency};

/// The type of the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// UTF-8 text, with many equal values.
    Text,
    /// Bytes. Text formats have them in hexadecimal, or as text where they usually are text.
    Bytes,
    /// An unsigned 32-bit number.
    Number,
    /// True or false.
    Flag,
    /// A time in UTC, exact to the nanosecond.
    Time,
    /// A duration. Text formats have seconds with a fraction.
    Duration,
    /// A list of structs with these fields.
    List(&'static [(&'static str, ColumnKind)]),
}

/// A column.
#[derive(Debug)]
pub struct Column {
    /// The name, which is the same in all formats.
    pub(crate) name: &'static str,
    pub(crate) kind: ColumnKind,
    /// True if a text format has the column only if the user names it.
    is_raw: bool,
    pub(crate) value: for<'a> fn(&Row<'a>) -> Value<'a>,
}

impl Column {
    const fn new(
        name: &'static str,
        kind: ColumnKind,
        value: for<'a> fn(&Row<'a>) -> Value<'a>,
    ) -> Self {
        Self { name, kind, is_raw: false, value }
    }

    const fn raw(self) -> Self {
        Self { is_raw: true, ..self }
    }
}

use ColumnKind::{Bytes, Duration, Flag, Number, Text, Time};

/// The fields of a record.
const RECORD: ColumnKind = ColumnKind::List(&[
    ("name", Text),
    ("class", Text),
    ("type", Text),
    ("ttl", Number),
    ("data", Text),
]);

/// The fields of an extended DNS error (RFC 8914).
const EXTENDED_ERROR: ColumnKind =
    ColumnKind::List(&[("code", Number), ("purpose", Text), ("text", Text)]);

/// The fields of an EDNS option.
const OPTION: ColumnKind = ColumnKind::List(&[("code", Number), ("name", Text), ("data", Bytes)]);

/// All columns, in their order.
static COLUMNS: &[Column] = &[
    Column::new("event_type", Text, |row| row.event.map(|event| event.event_type).into()),
    Column::new("identity", Text, |row| Value::text(row.event.and_then(|event| event.identity))),
    Column::new("version", Text, |row| Value::text(row.event.and_then(|event| event.version))),
    Column::new("extra", Bytes, |row| {
        Value::text_or_bytes(row.event.and_then(|event| event.extra))
    }),
    Column::new("sample_rate", Number, |row| {
        row.event.map(|event| rate_of(event.extra.unwrap_or_default())).into()
    }),
    Column::new("type", Text, |row| row.message.map(|message| message.message_type).into()),
    Column::new("socket_family", Text, |row| row.message.and_then(|m| m.socket_family).into()),
    Column::new("socket_protocol", Text, |row| row.message.and_then(|m| m.socket_protocol).into()),
    Column::new("http_protocol", Text, |row| row.message.and_then(|m| m.http_protocol).into()),
    Column::new("query_address", Text, |row| {
        Value::address(row.message.and_then(|message| message.query_address))
    }),
    Column::new("query_port", Number, |row| row.message.and_then(|m| m.query_port).into()),
    Column::new("response_address", Text, |row| {
        Value::address(row.message.and_then(|message| message.response_address))
    }),
    Column::new("response_port", Number, |row| row.message.and_then(|m| m.response_port).into()),
    Column::new("query_time", Time, |row| Value::time(row.query_time())),
    Column::new("response_time", Time, |row| Value::time(row.response_time())),
    Column::new("latency", Duration, |row| {
        let times = row.message.map(ExchangeTimes::of);
        match times.map(|times| latency(None, times)) {
            Some(Latency::Known(nanoseconds)) => Value::Duration(nanoseconds),
            _ => Value::Absent,
        }
    }),
    Column::new("query_zone", Text, |row| {
        Value::only_name(row.message.and_then(|message| message.query_zone))
    }),
    Column::new("query_message", Bytes, |row| {
        Value::bytes(row.message.and_then(|message| message.query_message))
    })
    .raw(),
    Column::new("query_size", Number, |row| {
        Value::size(row.message.and_then(|message| message.query_message))
    }),
    Column::new("response_message", Bytes, |row| {
        Value::bytes(row.message.and_then(|message| message.response_message))
    })
    .raw(),
    Column::new("response_size", Number, |row| {
        Value::size(row.message.and_then(|message| message.response_message))
    }),
    Column::new("response_sent", Flag, |row| {
        row.message.is_some_and(is_unsent).then_some(false).into()
    }),
    Column::new("policy_type", Text, |row| {
        Value::text(row.policy().and_then(|policy| policy.policy_type))
    }),
    Column::new("policy_rule", Text, |row| {
        Value::only_name(row.policy().and_then(|policy| policy.rule))
    }),
    Column::new("policy_action", Text, |row| row.policy().and_then(|policy| policy.action).into()),
    Column::new("policy_match", Text, |row| {
        row.policy().and_then(|policy| policy.policy_match).into()
    }),
    Column::new("policy_value", Bytes, |row| {
        Value::text_or_bytes(row.policy().and_then(|policy| policy.value))
    }),
    Column::new("id", Number, |row| row.parts().map(|parts| u32::from(parts.id)).into()),
    Column::new("opcode", Text, |row| {
        row.parts().map_or(Value::Absent, |parts| Value::Opcode(parts.opcode()))
    }),
    // The response code is undefined in queries.
    Column::new("rcode", Text, |row| match row.parts() {
        Some(parts) if parts.flags & flag::QR != 0 => Value::ResponseCode(parts.response_code()),
        _ => Value::Absent,
    }),
    Column::new("qr", Flag, |row| row.flag(flag::QR)),
    Column::new("aa", Flag, |row| row.flag(flag::AA)),
    Column::new("tc", Flag, |row| row.flag(flag::TC)),
    Column::new("rd", Flag, |row| row.flag(flag::RD)),
    Column::new("ra", Flag, |row| row.flag(flag::RA)),
    Column::new("ad", Flag, |row| row.flag(flag::AD)),
    Column::new("cd", Flag, |row| row.flag(flag::CD)),
    Column::new("qname", Text, |row| row.question_name()),
    Column::new("qtype", Text, |row| {
        row.question().map_or(Value::Absent, |question| Value::RecordType(question.qtype))
    }),
    Column::new("qclass", Text, |row| {
        row.question().map_or(Value::Absent, |question| Value::Class(question.qclass))
    }),
    Column::new("qdcount", Number, |row| {
        row.parts().map(|parts| u32::from(parts.questions)).into()
    }),
    Column::new("ancount", Number, |row| row.count(0)),
    Column::new("nscount", Number, |row| row.count(1)),
    Column::new("arcount", Number, |row| row.count(2)),
    Column::new("edns_version", Number, |row| {
        row.opt().map(|opt| u32::from(edns::version(&opt))).into()
    }),
    Column::new("edns_udp_size", Number, |row| row.opt().map(|opt| u32::from(opt.class)).into()),
    Column::new("edns_do", Flag, |row| row.opt().map(|opt| edns::dnssec_ok(&opt)).into()),
    Column::new("edns_subnet", Text, |row| {
        row.option(code::SUBNET).map_or(Value::Absent, Value::Subnet)
    }),
    Column::new("edns_cookie", Bytes, |row| Value::bytes(row.option(code::COOKIE))),
    Column::new("edns_nsid", Text, |row| Value::text(row.option(code::NSID))),
    Column::new("edns_padding", Number, |row| Value::size(row.option(code::PADDING))),
    // In units of 100 milliseconds (RFC 7828).
    Column::new("edns_keepalive", Duration, |row| match row.option(code::KEEPALIVE) {
        Some([high, low]) => {
            Value::Duration(u64::from(u16::from_be_bytes([*high, *low])) * 100_000_000)
        }
        _ => Value::Absent,
    }),
    Column::new("edns_ede", EXTENDED_ERROR, |row| row.options(List::ExtendedErrors)),
    Column::new("edns_options", OPTION, |row| row.options(List::Options)),
    Column::new("answer", RECORD, |row| row.records(0)),
    Column::new("authority", RECORD, |row| row.records(1)),
    Column::new("additional", RECORD, |row| row.records(2)),
    Column::new("error", Text, |row| row.error()),
    Column::new("frame", Bytes, |row| Value::bytes(row.undecodable())),
];

/// A name that no column has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is not a field; the manual page lists all of them")]
pub struct UnknownColumn(String);

/// Returns the column `name`.
pub fn column(name: &str) -> Result<&'static Column, UnknownColumn> {
    let found = COLUMNS.iter().find(|column| column.name == name);
    found.ok_or_else(|| UnknownColumn(name.into()))
}

/// Returns all columns.
pub fn all() -> impl Iterator<Item = &'static Column> {
    COLUMNS.iter()
}

/// Returns the columns that a text format has unless the user chooses: all but whole messages.
pub(crate) fn text_columns() -> Vec<&'static Column> {
    all().filter(|column| !column.is_raw).collect()
}

#[cfg(test)]
mod tests {
    use dnstap::{Event, Message, Policy};

    use super::*;
    use crate::print::tests::field_names;

    #[test]
    fn every_field_has_a_column_and_every_column_is_documented() {
        let names: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        // The fields `message` and `policy` have columns for each of their own fields.
        let event = field_names(Event::FIELDS).filter(|name| *name != "message");
        let event = event.map(|name| if name == "type" { "event_type" } else { name }.to_owned());
        let message = field_names(Message::FIELDS).filter(|name| *name != "policy");
        let message = message.map(str::to_owned);
        let policy = field_names(Policy::FIELDS).map(|name| format!("policy_{name}"));
        for field in event.chain(message).chain(policy) {
            assert!(names.contains(&&*field), "no column {field}");
        }
        let documentation = include_str!("../../docs/fields.md");
        for name in names {
            assert!(
                documentation.contains(&format!("| `{name}` |")),
                "docs/fields.md lacks {name}"
            );
        }
    }
}
