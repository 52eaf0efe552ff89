// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events as one line: time of day, type, address, protocol, size, question.

use dns::section::Parts;
use dns::{mnemonic, name};
use dnstap::schema::{EventType, Hop};
use dnstap::{Event, Message};
use printable::text::TextSink;

use super::print_name;
use super::time::TimePrinter;
use crate::pairing::is_unsent;

/// Appends the line of an event.
pub(crate) fn print(event: &Event<'_>, clock: &mut TimePrinter, out: &mut Vec<u8>) {
    match &event.message {
        Some(message) if event.event_type == EventType::MESSAGE => line(message, clock, out),
        _ => {
            out.str("[Dnstap.type ");
            print_name(event.event_type.name(), event.event_type.0, out);
            out.str(" without a message]");
        }
    }
    out.byte(b'\n');
}

fn line(message: &Message<'_>, clock: &mut TimePrinter, out: &mut Vec<u8>) {
    let kind = message.message_type;
    let is_query = kind.is_query() || (kind.name().is_none() && message.response_message.is_none());
    let (seconds, nanoseconds, wire) = if is_query {
        (message.query_time_sec, message.query_time_nsec, message.query_message)
    } else {
        (message.response_time_sec, message.response_time_nsec, message.response_message)
    };
    clock.time_of_day(seconds, nanoseconds, out);
    out.byte(b' ');
    print_name(kind.mnemonic(), kind.0, out);
    out.byte(b' ');
    let address = match kind.hop() {
        Some(Hop::Client | Hop::Auth) => message.query_address,
        Some(Hop::Resolver | Hop::Forwarder | Hop::Stub | Hop::Tool | Hop::Update) | None => {
            message.response_address
        }
    };
    match address {
        Some(address) => out.address(address),
        None => out.str("MISSING_ADDRESS"),
    }
    out.byte(b' ');
    if let Some(protocol) = message.socket_protocol {
        print_name(protocol.name(), protocol.0, out);
    }
    out.byte(b' ');
    let wire = wire.unwrap_or_default();
    out.number(wire.len() as u64);
    out.str("b ");
    let is_unsent = wire.is_empty() && is_unsent(message);
    let asked = message.query_message.filter(|_| is_unsent).unwrap_or(wire);
    let start = out.len();
    if question(asked, out).is_none() {
        out.truncate(start);
        out.str("X ");
    } else if is_unsent {
        out.byte(b' ');
    }
    if is_unsent {
        out.str("[dropped, no response was sent]");
    }
}

/// Prints the question of a valid message.
fn question(wire: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let parts = Parts::find(wire).ok()?;
    parts.check().ok()?;
    let question = parts.question?;
    out.byte(b'"');
    name::print(wire, question.name_at, out).ok()?;
    out.str("\" ");
    mnemonic::class_text(question.qclass, out);
    out.byte(b' ');
    mnemonic::type_text(question.qtype, out);
    Some(())
}
