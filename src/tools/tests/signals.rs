// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals to `dnstap` while it waits for a peer, a pipe or a command.

mod support;

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use support::{Peer, Place, Running, assert_line, data, payloads, recording, until};

/// Waits until the program has opened `path`.
fn wait_for_open(running: &Running, path: &str) {
    let fds = format!("/proc/{}/fd", running.child.id());
    until(|| {
        let fds = fs::read_dir(&fds).unwrap();
        fds.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == Path::new(path)))
    });
}

/// Waits until the program has no pending signals, as it prints no message when it handles one.
fn wait_for_signals(running: &Running) {
    let status = format!("/proc/{}/status", running.child.id());
    until(|| {
        let status = fs::read_to_string(&status).unwrap();
        let pending = status.lines().filter(|line| line.starts_with("ShdPnd:"));
        pending.into_iter().all(|line| line.trim_end_matches('0').ends_with('\t'))
    });
}

#[test]
fn sighup_does_not_end_the_wait_for_a_pipe() {
    let place = Place::new();
    let pipe = place.pipe("pipe");
    let quiet = place.argument("quiet");
    let running = Running::dnstap(&["-r", &pipe, "-w", &format!("quiet:{quiet}")]);
    let mut writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    wait_for_open(&running, &pipe);
    for signal in ["HUP", "USR1"].repeat(10) {
        running.signal(signal);
        wait_for_signals(&running);
    }
    writer.write_all(&recording(payloads(9))).unwrap();
    drop(writer);
    running.end_with(0);
    assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), 9);
}

#[test]
fn sigterm_ends_the_wait_for_a_pipe() {
    let place = Place::new();
    let pipe = place.pipe("pipe");
    let socket = place.argument("socket");
    for more in [&[][..], &["-u", &socket]] {
        let running = Running::dnstap(&[&["-r", &pipe, "-q"][..], more].concat());
        wait_for_open(&running, &pipe);
        running.signal("TERM");
        let lines = running.end_with(1);
        let line = format!("{pipe}: stopped at offset 0, after 0 frames");
        assert_line(&lines, &line);
    }
}

#[test]
fn a_second_signal_ends_the_wait_for_commands() {
    let place = Place::new();
    let begun = place.argument("begun");
    let command = format!("f() {{ echo >> {begun}; sleep 60; }}; f");
    let (quiet, rows) = (place.argument("quiet"), place.argument("rows"));
    let (quiet, rows) = (format!("quiet:{quiet}"), format!("parquet:{rows}"));
    let frames = place.argument("frames");
    for outputs in [&["-w", &frames][..], &["-w", &quiet, "-w", &rows]] {
        let mut running = place.dnstap(&[&["--post-rotate", &command], outputs].concat());
        running.signal("TERM");
        until(|| Path::new(&begun).exists());
        running.line("waiting for the post-rotate commands of 1 files");
        running.signal("TERM");
        let (status, lines) = running.end_without_children();
        assert!(status.success(), "{lines:#?}");
        fs::remove_file(&begun).unwrap();
    }
}

#[test]
fn a_silent_receiver_does_not_delay_the_stop() {
    let place = Place::new();
    let silent = place.argument("silent");
    let _listener = UnixListener::bind(&silent).unwrap();
    let (input, quiet) = (place.file("in", recording(payloads(9))), place.argument("quiet"));
    let out = format!("quiet:{quiet}");
    let printed =
        || until(|| fs::read_to_string(&quiet).is_ok_and(|text| text.lines().count() == 9));
    // The limit is far below the timeout of the relay.
    let ends = |running: Running| {
        running.signal("TERM");
        let begin = Instant::now();
        let (status, lines) = running.end();
        assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
        assert_line(&lines, "9 frames were not sent");
        status.code()
    };
    let outputs = ["-w", &out, "-U", &silent, "-t", "30s"];
    let running = Running::dnstap(&[&["-r", &input][..], &outputs].concat());
    printed();
    assert_eq!(ends(running), Some(1));
    fs::remove_file(&quiet).unwrap();
    let running = place.dnstap(&outputs);
    let mut peer = Peer::open(&place.socket);
    payloads(9).iter().for_each(|payload| peer.send(data(payload)));
    printed();
    assert_eq!(ends(running), Some(1));
}
