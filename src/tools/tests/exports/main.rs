// SPDX-License-Identifier: MIT OR Apache-2.0
//! The formats that `dnstap` exports, read back by other programs.

// A row of Parquet has many columns.
#![recursion_limit = "256"]

mod agreement;
mod parquet;
mod pcap;
mod pdns;
mod querylog;
mod resolver;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use dnstap::schema::{MessageType, SocketProtocol};
use dnstap::{Event, Message};
use support::events::frame;
use support::{DNSTAP, Place, Running, limited, recording};

/// Encodes an event of `ns1`.
fn event(message: Message<'_>) -> Vec<u8> {
    frame(&Event { identity: Some(b"ns1"), message: Some(message), ..Event::new() })
}

/// Encodes a name.
fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// Encodes a record.
fn record(name: &str, rtype: u16, data: &[u8]) -> Vec<u8> {
    let mut wire = wire_name(name);
    wire.extend(rtype.to_be_bytes());
    wire.extend([0, 1, 0, 0, 0, 60]);
    wire.extend((data.len() as u16).to_be_bytes());
    wire.extend_from_slice(data);
    wire
}

/// Encodes a message with one question and these records in its sections.
fn dns(id: u16, flags: u16, name: &str, qtype: u16, sections: [&[Vec<u8>]; 3]) -> Vec<u8> {
    let mut wire = [id.to_be_bytes(), flags.to_be_bytes(), [0, 1]].concat();
    for section in sections {
        wire.extend((section.len() as u16).to_be_bytes());
    }
    wire.extend(wire_name(name));
    wire.extend(qtype.to_be_bytes());
    wire.extend([0, 1]);
    wire.extend(sections.into_iter().flatten().flatten());
    wire
}

/// Returns a message over UDP, with times after 2023-11-14 22:13:20.
fn message(
    kind: MessageType,
    port: u32,
    query: Option<Duration>,
    response: Option<Duration>,
) -> Message<'static> {
    let seconds = |at: Option<Duration>| at.map(|at| 1_700_000_000 + at.as_secs());
    let nanoseconds = |at: Option<Duration>| at.map(|at| at.subsec_nanos());
    Message {
        socket_protocol: Some(SocketProtocol::UDP),
        query_address: Some(&[192, 0, 2, 1]),
        response_address: Some(&[192, 0, 2, 53]),
        query_port: Some(port),
        response_port: Some(53),
        query_time_sec: seconds(query),
        query_time_nsec: nanoseconds(query),
        response_time_sec: seconds(response),
        response_time_nsec: nanoseconds(response),
        ..Message::new(kind)
    }
}

/// Runs `dnstap`, which must succeed, and returns its messages.
fn ours(arguments: &[&str]) -> String {
    let output = support::run(DNSTAP, arguments);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{notes}");
    notes
}

/// Checks, on a full disk, that `dnstap` counts the frames whose line in `format` is lost.
fn assert_lost_lines_are_counted(format: &str, frames: Vec<Vec<u8>>) {
    let place = Place::new();
    let (count, capture) = (frames.len(), place.file("capture", recording(frames)));
    let log = place.argument("log");
    let mut command = limited("-f 400", DNSTAP);
    command.args(["-r", &capture, "-w", &format!("{format}:{log}")]);
    let (status, notes) = Running::start(command.stdout(Stdio::null())).end();
    assert_eq!(status.code(), Some(1), "{notes:#?}");
    let notes = notes.join("\n");
    let number = |what: &str| -> usize {
        let front = notes.split(what).next().filter(|front| front.len() < notes.len());
        let digits = |front: &str| front.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        front.and_then(digits).unwrap_or(0)
    };
    let written = fs::read_to_string(&log).unwrap().lines().count();
    let lost = number(" lines lost)") + number(" more lines are lost");
    let missed = number(" frames after that were dropped");
    assert_eq!(written + lost + missed, count, "{written} written, {notes}");
    assert_eq!(notes.matches("failed to write").count(), 1, "{notes}");
}
