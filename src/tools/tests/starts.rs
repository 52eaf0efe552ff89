// SPDX-License-Identifier: MIT OR Apache-2.0
//! The start of `dnstap`, and failed starts, which change no files.

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;

use framestream::control::ControlType::{Start, Stop};
use support::{
    CAPTURE, DNSTAP, DUMP, Place, REPLAY, Running, TYPE, assert_holds, control, debian, names,
    payloads, recording,
};

/// Returns the status and the lines of a run.
fn run(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let (status, lines) = Running::dnstap(arguments).end();
    (status.code(), lines)
}

/// Returns the lines of a run that must end with `status`.
fn failed(status: i32, arguments: &[&str]) -> String {
    let (code, lines) = run(arguments);
    assert_eq!(code, Some(status), "{arguments:?}: {lines:#?}");
    lines.join("\n")
}

#[test]
fn a_failed_start_leaves_files_unchanged() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let log = place.file("log", "precious");
    let quiet = format!("quiet:{log}");
    let kept = recording(["kept"]);
    let (old, new, rows) =
        (place.file("old", &kept), place.argument("new"), place.argument("rows"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let missing = place.argument("missing/x");
    let zst = place.argument("x.zst");
    let (rows, text) = (format!("parquet:{rows}"), format!("quiet:{}", place.argument("text")));
    let outputs = ["-w", &quiet, "-w", &new, "-w", &rows, "-w", &zst, "-w", &text];
    let before = names(place.directory.path());
    for (more, what) in [
        (["--metrics", &port], "Address already in use"),
        (["-w", &missing], "No such file or directory"),
        (["-w", "frames:/dev/full"], "No space left on device"),
    ] {
        let line = failed(1, &[&["-r", &input][..], &outputs, &more].concat());
        assert!(line.contains(what), "{line}");
        let socket = place.argument("socket");
        let line = failed(1, &[&["-u", &socket][..], &outputs, &more].concat());
        assert!(line.contains(what), "{line}");
        // A continued file keeps its STOP.
        let line = failed(1, &[&["-r", &input, "-a", "-w", &old, "-w", &text][..], &more].concat());
        assert!(line.contains(what), "{line}");
        assert_eq!(names(place.directory.path()), before, "{more:?}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious", "{more:?}");
        assert_eq!(fs::read(&old).unwrap(), kept, "{more:?}");
    }
    // A successful start replaces and continues them.
    assert_eq!(run(&["-r", &input, "-w", &quiet]).0, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 9);
    assert_eq!(run(&["-r", &input, "-a", "-w", &old]).0, Some(0));
    assert_holds(&place.path("old"), [vec![b"kept".to_vec()], payloads(9)].concat());
}

#[test]
fn an_invalid_input_replaces_nothing() {
    let place = Place::new();
    let log = place.file("log", "precious");
    let quiet = format!("quiet:{log}");
    let start = control(Start, Some(TYPE));
    let compressed = zstd::encode_all(&b"Once upon a time there was a name"[..], 0).unwrap();
    for (name, content, what) in [
        ("empty", Vec::new(), "ends at offset 0"),
        ("text", b"Once upon a time there was a name".to_vec(), "this is text"),
        ("text.zst", compressed, "this is text"),
        ("torn", start[..9].to_vec(), "cut off after 9 bytes"),
        ("other", control(Start, Some("other")), "the content type is \"other\""),
        ("stop", control(Stop, None), "Stop, but Start was expected"),
        ("damaged", [&start[..], b"\xff\xff\xff\xff"].concat(), "0 frames before it are complete"),
    ] {
        let file = place.file(name, content);
        let line = failed(1, &["-r", &file, "-w", &quiet]);
        assert!(line.contains(what), "{name}: {line}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious", "{name}");
    }
    // Frames after a skipped one are read, and so are further files.
    let long = place.file("long", recording([vec![7; 200_000], b"short".to_vec()]));
    assert_eq!(run(&["-r", &long, "--frame-limit", "1k", "-w", &quiet]).0, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 1);
    let text = place.argument("text");
    assert_eq!(run(&["-r", &text, "-r", &long, "-w", &quiet]).0, Some(1));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 2);
}

/// Checks the texts. [`Running`] checks that no line contains the number of an error.
#[test]
fn system_errors_are_reported_in_words() {
    let place = Place::new();
    let (missing, input) = (place.argument("missing/x"), place.file("in", recording(["x"])));
    let metrics = ["-r", &input, "-q", "--metrics", "192.0.2.1:1"];
    for (program, arguments, what) in [
        (DUMP, &[&*missing][..], "No such file or directory"),
        (DUMP, &[&input, &missing], "No such file or directory"),
        (REPLAY, &["-t", TYPE, "-u", &missing, "-r", &input], "No such file or directory"),
        (CAPTURE, &["-t", TYPE, "-u", &missing, "-w", "/dev/null"], "No such file or directory"),
        (CAPTURE, &["-t", TYPE, "-u", &place.argument("s"), "-w", &missing], "No such file"),
        (DNSTAP, &["-r", &missing], "No such file or directory"),
        (DNSTAP, &["-r", &input, "-w", "frames:/dev/full"], "No space left on device"),
        (DNSTAP, &metrics, "Cannot assign requested address"),
    ] {
        let output = support::run(program, arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && error.contains(what),
            "{program} {arguments:?}: {error}"
        );
    }
}

#[test]
fn links_are_followed() {
    let place = Place::new();
    let content = recording(payloads(9));
    let input = place.file("in", &content);
    symlink("real", place.path("link")).unwrap();
    let link = place.argument("link");
    let (again, kept) = (place.argument("real"), "real exists and is kept; this file is");
    assert_eq!(run(&["-r", &input, "-w", &link]).0, Some(0));
    assert_eq!(names(place.directory.path()), ["in", "link", "real"]);
    let (_, lines) = run(&["-r", &input, "-w", &link]);
    assert!(lines[1].contains(&format!("{kept} {again}.1")), "{lines:#?}");
    assert_eq!(names(place.directory.path()), ["in", "link", "real", "real.1"]);
    assert!(fs::read(&again).unwrap() == content);

    // A link to the standard output is the standard output.
    symlink("/proc/self/fd/1", place.path("out")).unwrap();
    let (out, all) = (place.argument("out"), place.path("all"));
    for (name, size) in [(format!("frames:{out}"), content.len()), (format!("json:{out}"), 9)] {
        let mut command = Command::new(DNSTAP);
        command.args(["-r", &input, "-w", &name]).stdout(fs::File::create(&all).unwrap());
        Running::start(&mut command).end_with(0);
        let written = fs::read(&all).unwrap();
        let lines = written.iter().filter(|byte| **byte == b'\n').count();
        assert!(written.len() == size || lines == size, "{name}: {} bytes", written.len());
    }
    assert_eq!(names(place.directory.path()), ["all", "in", "link", "out", "real", "real.1"]);
    let line = failed(2, &["-r", &input, "-w", &out, "--split-size", "1k"]);
    assert!(line.contains("the standard output cannot be split"), "{line}");
}

#[test]
fn a_socket_as_an_output_file_is_refused() {
    let place = Place::new();
    let _listener = UnixListener::bind(&place.socket).unwrap();
    let input = place.file("in", recording(payloads(9)));
    let socket = place.argument("socket");
    for output in [socket.clone(), format!("quiet:{socket}")] {
        let line = failed(2, &["-r", &input, "-w", &output]);
        assert!(line.contains("which is a socket: -U relays to one"), "{line}");
    }
}

#[test]
fn invalid_addresses_are_wrong_options() {
    let long = format!("/{}", "x".repeat(200));
    for (option, address, what) in [
        ("-T", "foo", "\"foo\" is not ADDRESS:PORT"),
        ("-T", ":6000", "names no host"),
        ("-T", "tls:localhost", "is not ADDRESS:PORT"),
        ("-T", "localhost:0", "nobody listens on port 0"),
        ("-U", &long, "too long for a Unix socket"),
        ("-u", &long, "too long for a Unix socket"),
        ("--connect", &long, "too long for a Unix socket"),
        ("--connect", ":6000", "names no host"),
        ("--connect", "tls:[]:6000", "names no host"),
        ("-l", "localhost", "is not ADDRESS:PORT"),
        ("--metrics", "localhost:http", "is not ADDRESS:PORT"),
    ] {
        let line = failed(2, &["-r", "x", option, address]);
        assert!(line.contains(what), "{line}");
    }
}

#[test]
fn sockets_and_relays_must_not_be_named_twice() {
    let place = Place::new();
    let (one, same) = (place.argument("socket"), place.argument("./socket"));
    for other in [&one, &same] {
        let line = failed(2, &["-u", &one, "-u", other]);
        assert!(line.contains("socket is named twice by -u"), "{line}");
        let line = failed(2, &["-r", "x", "-U", &one, "-U", other]);
        assert!(line.contains("socket is named twice"), "{line}");
    }
    for address in ["localhost:6000", "tls:localhost:6000"] {
        let line = failed(2, &["-r", "x", "-T", address, "-T", address]);
        assert!(line.contains(&format!("the relay to {address} is named twice")), "{line}");
    }
}

#[test]
fn messages_do_not_mix_with_the_progress_bar() {
    let place = Place::new();
    let content = recording(payloads(9));
    let torn = place.file("torn", &content[..content.len() - 20]);
    let quiet = place.argument("quiet");
    // The standard error is a terminal.
    let line = format!("{DNSTAP} -r {torn} -w quiet:{quiet}");
    let shown = support::run(debian("script", "bsdutils"), &["-qec", &line, "/dev/null"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("] 100 %  8 messages"), "{shown:?}");
    assert!(shown.contains(&format!("\r\x1b[Kdnstap: {torn}: the frame at offset")), "{shown:?}");
    assert!(shown.ends_with('\n'), "{shown:?}");
}
