// SPDX-License-Identifier: MIT OR Apache-2.0
//! Prints the DNS messages of a capture with our own code or with the crate `domain`, for the comparison in
//! `bench/printing`.
//!
//! ```text
//! printing question|records ours|domain CAPTURE ROUNDS
//! printing events CAPTURE
//! ```
//!
//! For each message, prints a line `message` or `refused`, and the question as in quiet text, or the records
//! except OPT, which lacks a presentation format. Only the text of the last round is written. `events`
//! writes a capture of the events that the tests compare with the golang tool.

#[path = "../../tools/tests/support/events.rs"]
mod events;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use dns::record::OPT;
use dns::section::Parts;
use dns::{mnemonic, name, rdata};
use dnstap::Event;
use dnstap::sink::CONTENT_TYPE;
use domain::base::iana::{Class, Rtype};
use domain::base::name::ToName;
use domain::base::zonefile_fmt::{DisplayKind, ZonefileFmt};
use domain::base::{Message, ParsedName, ParsedRecord};
use domain::rdata::AllRecordData;
use files::content::Content;
use files::recording::Recording;

type BoxedError = Box<dyn Error>;

/// A function that appends the text of a message.
type Print = fn(&[u8], &mut Vec<u8>) -> Result<(), BoxedError>;

fn main() -> Result<(), BoxedError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (print, capture, rounds): (Print, _, _) = match arguments[..] {
        ["question", "ours", capture, rounds] => (our_question, capture, rounds),
        ["question", "domain", capture, rounds] => (domain_question, capture, rounds),
        ["records", "ours", capture, rounds] => (our_records, capture, rounds),
        ["records", "domain", capture, rounds] => (domain_records, capture, rounds),
        ["events", capture] => return write_events(capture),
        _ => return Err("see the head of this file for the arguments".into()),
    };
    let messages = messages(Path::new(capture))?;
    let mut text = Vec::new();
    for _ in 0..rounds.parse()? {
        text.clear();
        for message in &messages {
            print_message(print, message, &mut text);
        }
    }
    Ok(std::io::stdout().write_all(&text)?)
}

/// Prints one message. `bench/printing` counts the instructions of this function.
#[inline(never)]
fn print_message(print: Print, message: &[u8], text: &mut Vec<u8>) {
    let start = text.len();
    text.extend_from_slice(b"message\n");
    if print(message, text).is_err() {
        text.truncate(start);
        text.extend_from_slice(b"refused\n");
    }
}

/// Returns the DNS messages of a capture.
fn messages(capture: &Path) -> Result<Vec<Vec<u8>>, BoxedError> {
    let mut recording = Recording::open(capture).map_err(|end| end.to_string())?;
    let mut messages = Vec::new();
    while let Ok(frames) = recording.read() {
        for frame in frames {
            let message = Event::decode(frame)?.message.ok_or("an event without a message")?;
            let wire = message.query_message.or(message.response_message);
            messages.push(wire.ok_or("a message without DNS")?.to_vec());
        }
    }
    Ok(messages)
}

fn write_events(capture: &str) -> Result<(), BoxedError> {
    let Content { start: mut bytes, stop, .. } = Content::frames(CONTENT_TYPE)?;
    for event in events::events() {
        bytes.extend_from_slice(&(event.len() as u32).to_be_bytes());
        bytes.extend_from_slice(&event);
    }
    bytes.extend_from_slice(&stop);
    Ok(std::fs::write(capture, bytes)?)
}

fn our_question(wire: &[u8], out: &mut Vec<u8>) -> Result<(), BoxedError> {
    let parts = Parts::find(wire)?;
    parts.check()?;
    let question = parts.question.ok_or("no question")?;
    name::print(wire, question.name_at, out)?;
    out.push(b' ');
    mnemonic::class_text(question.qclass, out);
    out.push(b' ');
    mnemonic::type_text(question.qtype, out);
    out.push(b'\n');
    Ok(())
}

fn our_records(wire: &[u8], out: &mut Vec<u8>) -> Result<(), BoxedError> {
    let parts = Parts::find(wire)?;
    for section in parts.sections {
        for record in parts.records(section).filter(|record| record.rtype != OPT) {
            rdata::print(wire, &record, out)?;
            out.push(b'\n');
        }
    }
    Ok(())
}

fn domain_question(wire: &[u8], out: &mut Vec<u8>) -> Result<(), BoxedError> {
    let message = Message::from_slice(wire)?;
    for record in message.iter() {
        with_data(&record?.0)?;
    }
    let question = message.first_question().ok_or("no question")?;
    let (class, rtype): (Class, Rtype) = (question.qclass(), question.qtype());
    Ok(writeln!(out, "{} {class} {rtype}", question.qname().fmt_with_dot())?)
}

fn domain_records(wire: &[u8], out: &mut Vec<u8>) -> Result<(), BoxedError> {
    for record in Message::from_slice(wire)?.iter() {
        let record = record?.0;
        if record.rtype() != Rtype::OPT {
            let record = with_data(&record)?;
            writeln!(out, "{}", record.display_zonefile(DisplayKind::Tabbed))?;
        }
    }
    Ok(())
}

/// A record of `domain` with parsed data.
type Record<'a> =
    domain::base::Record<ParsedName<&'a [u8]>, AllRecordData<&'a [u8], ParsedName<&'a [u8]>>>;

fn with_data<'a>(record: &'a ParsedRecord<'a, [u8]>) -> Result<Record<'a>, BoxedError> {
    Ok(record.to_any_record()?)
}
