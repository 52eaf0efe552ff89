// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages and counts of a running relay.

mod support;

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use framestream::control::ControlType::{Accept, Ready, Start};
use support::{DEADLINE, Peer, Place, Running, TYPE, control, data, dumped, metrics, until};

/// More frames than the queue holds.
const MANY: usize = 30_000;

/// Sends `count` frames to `socket`, and waits until all are received.
fn send(socket: &Path, count: usize) {
    let mut peer = Peer::open(socket);
    for _ in 0..count / 100 {
        peer.send(data([7; 1000]).repeat(100));
    }
    peer.close();
}

/// Returns the number between `before` and `after` in the last line that has one.
fn number(lines: &[String], before: &str, after: &str) -> usize {
    let found = lines.iter().rev().find_map(|line| {
        let (number, _) = line.split_once(before)?.1.split_once(after)?;
        number.parse().ok()
    });
    found.unwrap_or_else(|| panic!("no {before:?} N {after:?} in {lines:#?}"))
}

/// Starts a relay from the socket of `place` to `to`. Returns it and the line with the address of its
/// metrics.
fn relay(place: &Place, to: &str) -> (Running, String) {
    let socket = place.argument("socket");
    let mut relay =
        Running::dnstap(&["-u", &socket, "-U", to, "-t", "3s", "--metrics", "127.0.0.1:0"]);
    let line = relay.line("metrics are at");
    (relay, line)
}

/// Returns the value of a metric of the relay to `to`.
fn value(page: &str, name: &str, to: &str, more: &str) -> usize {
    let label = format!("dnstap_output_{name}{{output=\"{to}\"{more}}} ");
    let found = page.lines().find_map(|line| line.strip_prefix(&label));
    found.unwrap_or_else(|| panic!("no {label} in {page}")).parse().unwrap()
}

/// Accepts a relay, and goes through READY, ACCEPT and START.
fn accept(listener: &UnixListener) -> UnixStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut peer = Peer(stream);
    peer.expect(&control(Ready, Some(TYPE)));
    peer.send(control(Accept, Some(TYPE)));
    peer.expect(&control(Start, Some(TYPE)));
    peer.0
}

#[test]
fn a_missing_receiver_is_reported_and_its_frames_are_lost() {
    let place = Place::new();
    let (to, all) = (place.argument("to"), place.argument("all"));
    let (mut relay, page) = relay(&place, &to);
    let line = relay.line(&format!("relay to {to}: "));
    assert!(line.contains("No such file or directory") && line.contains("retrying"), "{line}");
    send(&place.socket, MANY);
    let line = relay.line(" frames lost so far: ");
    assert!(line.contains("No such file or directory"), "{line}");
    let mut receiver = Running::dnstap(&["-u", &to, "-w", &all]);
    receiver.line("opened output file");
    relay.line("connected again after");
    relay.line("recovered; ");
    let page = metrics(&page);
    let dropped = value(&page, "dropped_frames_total", &to, ",reason=\"queue_full\"");
    assert_eq!(value(&page, "connected", &to, ""), 1);
    assert!(value(&page, "failures_total", &to, "") > 0);
    relay.signal("TERM");
    let lines = relay.end_with(1);
    let lost = number(&lines, "not written, ", " not sent");
    assert_eq!(lost, number(&lines, "lost ", " frames ("));
    assert_eq!(lost, dropped, "{lines:#?}");
    receiver.stop();
    assert_eq!(dumped(Path::new(&all)).lines().count() + lost, MANY);
}

#[test]
fn a_stalled_receiver_is_reported() {
    let place = Place::new();
    let to = place.argument("to");
    let listener = UnixListener::bind(&to).unwrap();
    let (mut relay, _) = relay(&place, &to);
    let _frozen = accept(&listener);
    let line = relay.line(&format!("relay to {to}: "));
    assert!(line.ends_with(": connected"), "{line}");
    send(&place.socket, MANY);
    let line = relay.line(" frames lost so far: ");
    assert!(line.contains("the receiver does not read"), "{line}");
    relay.signal("TERM");
    let lines = relay.end_with(1);
    assert!(number(&lines, "not written, ", " not sent") > 0, "{lines:#?}");
    // Losses are reported at intervals.
    let reports = lines.iter().filter(|line| line.contains("lost so far"));
    assert!(reports.count() <= 2, "{lines:#?}");
}

#[test]
fn a_relay_reports_a_closed_connection_and_reconnects() {
    let place = Place::new();
    let to = place.argument("to");
    let listener = UnixListener::bind(&to).unwrap();
    let (mut relay, page) = relay(&place, &to);
    let stream = accept(&listener);
    relay.line(": connected");
    drop(stream);
    until(|| {
        // The relay notices the end when it sends.
        send(&place.socket, 100);
        relay.has_line("disconnected")
    });
    let _again = accept(&listener);
    until(|| relay.has_line("connected again after"));
    until(|| {
        let page = metrics(&page);
        value(&page, "connected", &to, "") == 1 && value(&page, "failures_total", &to, "") > 0
    });
    // The second receiver does not answer STOP.
    relay.signal("TERM");
    relay.end();
}
