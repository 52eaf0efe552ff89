// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `dnstap` exports, read back by programs that are not ours.

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

use std::fs;
use std::process::Stdio;

use dnstap::{Event, Message};
use support::events::frame;
use support::{Place, Running, limited, recording};

const OURS: &str = env!("CARGO_BIN_EXE_dnstap");

fn event(message: Message<'_>) -> Vec<u8> {
    frame(&Event { identity: Some(b"ns1"), message: Some(message), ..Event::new() })
}

/// A name in wire format.
fn wire_name(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// A record in wire format.
fn record(name: &str, rtype: u16, data: &[u8]) -> Vec<u8> {
    let mut wire = wire_name(name);
    wire.extend(rtype.to_be_bytes());
    wire.extend([0, 1, 0, 0, 0, 60]);
    wire.extend((data.len() as u16).to_be_bytes());
    wire.extend_from_slice(data);
    wire
}

/// A message with one question and these records in its sections.
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

/// Our tool has done this, and says so in lines.
fn ours(arguments: &[&str]) -> String {
    let output = support::run(OURS, arguments);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    told
}

/// Every one of `frames` makes a line in `format`: those that a full disk keeps out are told of.
fn assert_the_lost_are_counted(format: &str, frames: Vec<Vec<u8>>) {
    let place = Place::new();
    let (count, capture) = (frames.len(), place.file("capture", recording(frames)));
    let log = place.argument("log");
    let mut command = limited("-f 400", OURS);
    command.args(["-r", &capture, "-w", &format!("{format}:{log}")]);
    let (status, told) = Running::start(command.stdout(Stdio::null())).end();
    assert_eq!(status.code(), Some(1), "{told:#?}");
    let told = told.join("\n");
    let number = |what: &str| -> usize {
        let front = told.split(what).next().filter(|front| front.len() < told.len());
        let digits = |front: &str| front.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        front.and_then(digits).unwrap_or(0)
    };
    let written = fs::read_to_string(&log).unwrap().lines().count();
    let lost = number(" lines lost)") + number(" more lines are lost");
    let missed = number(" frames came after that, and are not in it");
    assert_eq!(written + lost + missed, count, "{written} written, {told}");
    assert_eq!(told.matches("failed to write").count(), 1, "{told}");
}
