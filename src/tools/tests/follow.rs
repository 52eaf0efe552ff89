// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that is read over its end, as `tail -f` does.

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;

use support::{DNSTAP, Peer, Place, Running, data, payloads, recording, run, until};

/// Follows the file `in`, and prints to the file `quiet`.
fn follow(place: &Place) -> Running {
    let (input, output) = (place.argument("in"), format!("quiet:{}", place.argument("quiet")));
    Running::dnstap(&["--follow", "-r", &input, "-w", &output])
}

/// Waits until so many messages are printed.
fn printed(place: &Place, count: usize) {
    let quiet = place.path("quiet");
    until(|| fs::read_to_string(&quiet).is_ok_and(|text| text.lines().count() >= count));
    assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), count);
}

#[test]
fn a_file_that_ends_is_followed_when_it_goes_on() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    // More than STOP takes, less, and nothing.
    for payloads in [payloads(300), vec![vec![7]], Vec::new(), payloads(3)] {
        count += payloads.len();
        let more = place.file("more", recording(&payloads));
        assert!(run(DNSTAP, &["-r", &more, "-a", "-w", &input]).status.success());
        printed(&place, count);
        // Another file behind.
        count += 1;
        let mut file = OpenOptions::new().append(true).open(&input).unwrap();
        file.write_all(&recording(["behind"])).unwrap();
        printed(&place, count);
    }
    // Nothing but what the payloads are is told.
    assert_eq!(following.stop(), [format!("dnstap: {count} frames are no dnstap messages")]);
}

#[test]
fn a_capture_that_is_stopped_and_started_again_is_followed() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let socket = place.argument("socket");
    let following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    for _ in 0..3 {
        let mut capture = Running::dnstap(&["-u", &socket, "-a", "-w", &input]);
        capture.line("opened output file");
        let mut peer = Peer::open(&place.socket);
        for payload in [&b"x"[..], &[7; 5000], b"y"] {
            peer.send(data(payload));
            count += 1;
            printed(&place, count);
        }
        capture.stop();
    }
    // Nothing but what the payloads are is told.
    assert_eq!(following.stop(), [format!("dnstap: {count} frames are no dnstap messages")]);
}
