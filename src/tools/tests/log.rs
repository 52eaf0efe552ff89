// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log of `dnstap` at each level.

mod support;

use std::os::unix::net::UnixStream;

use support::{DNSTAP, Peer, Place, Running, assert_fails, recording, until};

/// Returns the log of a capture with a sender and a connection of another protocol.
fn lines(level: &[&str]) -> String {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    let capture = Running::dnstap(&[&["-u", &socket, "-w", &out], level].concat());
    until(|| UnixStream::connect(&place.socket).is_ok());
    place.send(["one"]);
    let mut stranger = Peer::connect(&place.socket);
    stranger.send("GET / HTTP/1.1\r\n\r\n");
    stranger.expect_end();
    capture.stop().join("\n")
}

#[test]
fn each_level_adds_lines() {
    // Operation, other protocols, connections, control frames.
    let words =
        ["shutting down", "speaks HTTP", "accepted new connection", "sending FSTRM_CONTROL"];
    for (level, shown) in [
        (&["--log-level", "error"][..], [false; 4]),
        (&["--log-level", "warning"], [false, true, false, false]),
        (&["--log-level", "info"], [true, true, false, false]),
        (&[], [true, true, false, false]),
        (&["--log-level", "debug"], [true, true, true, false]),
        (&["--log-level", "trace"], [true, true, true, true]),
    ] {
        let lines = lines(level);
        for (word, shown) in words.into_iter().zip(shown) {
            assert_eq!(lines.contains(word), shown, "{level:?}, {word}: {lines}");
        }
    }
}

#[test]
fn failures_are_shown_at_every_level() {
    let place = Place::new();
    let (torn, whole) = (recording(["one"]), recording(["two"]));
    let torn = place.file("torn", &torn[..torn.len() - 14]);
    let whole = place.file("whole", whole);
    let arguments = ["-r", &torn, "-r", &whole, "-q", "--log-level", "error"];
    assert_fails(DNSTAP, &arguments, 1, "is cut off");
}
