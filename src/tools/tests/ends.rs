// SPDX-License-Identifier: MIT OR Apache-2.0
//! How `dnstap` ends: when it has enough, when outputs fail, and when it is told to.

mod support;

use std::fs;
use std::process::{Command, Stdio};

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use support::{DNSTAP, Place, Running, recording};

/// A message that is printed as one line of some 70 bytes.
fn frame() -> Vec<u8> {
    let message = Message {
        query_address: Some(&[192, 0, 2, 1]),
        query_time_sec: Some(1_700_000_000),
        ..Message::new(MessageType::CLIENT_QUERY)
    };
    let event = Event { identity: Some(b"ns1"), message: Some(message), ..Event::new() };
    let mut out = vec![0; event.max_len().unwrap()];
    let size = event.encode(&mut out).unwrap();
    out.truncate(size);
    out
}

fn frames(count: usize) -> Vec<Vec<u8>> {
    vec![frame(); count]
}

fn start(arguments: &[&str], stdout: impl Into<Stdio>) -> Running {
    Running::start(Command::new(DNSTAP).args(arguments).stdout(stdout))
}

#[test]
fn enough_messages_of_files_end_a_capture_from_sockets() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.file("in", recording(frames(9))));
    for _ in 0..5 {
        let quiet = place.argument("quiet");
        let out = format!("quiet:{quiet}");
        let running =
            start(&["-u", &socket, "-r", &file, "--count", "1", "-w", &out], Stdio::null());
        let (status, lines) = running.end();
        assert!(status.success(), "{lines:#?}");
        assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), 1);
    }
}
