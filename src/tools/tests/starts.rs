// SPDX-License-Identifier: MIT OR Apache-2.0
//! How `dnstap` starts, and what it leaves alone when it cannot.

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

/// The status and the lines of a run.
fn run(arguments: &[&str]) -> (Option<i32>, Vec<String>) {
    let (status, lines) = Running::dnstap(arguments).end();
    (status.code(), lines)
}

/// The one line of a run that fails, or is refused with status 2.
fn told(status: i32, arguments: &[&str]) -> String {
    let (code, lines) = run(arguments);
    assert_eq!(code, Some(status), "{arguments:?}: {lines:#?}");
    lines.join("\n")
}

#[test]
fn a_start_that_fails_leaves_files_as_they_are() {
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
        let line = told(1, &[&["-r", &input][..], &outputs, &more].concat());
        assert!(line.contains(what), "{line}");
        let socket = place.argument("socket");
        let line = told(1, &[&["-u", &socket][..], &outputs, &more].concat());
        assert!(line.contains(what), "{line}");
        // STOP stays too, which would come again in the end.
        let line = told(1, &[&["-r", &input, "-a", "-w", &old, "-w", &text][..], &more].concat());
        assert!(line.contains(what), "{line}");
        assert_eq!(names(place.directory.path()), before, "{more:?}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious", "{more:?}");
        assert_eq!(fs::read(&old).unwrap(), kept, "{more:?}");
    }
    // And a start that does not fail replaces and continues.
    assert_eq!(run(&["-r", &input, "-w", &quiet]).0, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 9);
    assert_eq!(run(&["-r", &input, "-a", "-w", &old]).0, Some(0));
    assert_holds(&place.path("old"), [vec![b"kept".to_vec()], payloads(9)].concat());
}

#[test]
fn what_is_no_file_of_frames_replaces_nothing() {
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
        let line = told(1, &["-r", &file, "-w", &quiet]);
        assert!(line.contains(what), "{name}: {line}");
        assert_eq!(fs::read_to_string(&log).unwrap(), "precious", "{name}");
    }
    // What is good behind a frame that is skipped is read, and so is another file.
    let long = place.file("long", recording([vec![7; 200_000], b"short".to_vec()]));
    assert_eq!(run(&["-r", &long, "--frame-limit", "1k", "-w", &quiet]).0, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 1);
    let text = place.argument("text");
    assert_eq!(run(&["-r", &text, "-r", &long, "-w", &quiet]).0, Some(1));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 2);
}

/// That no line has the number is checked for every line of every program.
#[test]
fn errors_of_the_system_are_told_in_words() {
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
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains(what), "{program} {arguments:?}: {told}");
    }
}

#[test]
fn a_link_leads_where_it_leads() {
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

    // What leads to the standard output is that.
    symlink("/proc/self/fd/1", place.path("out")).unwrap();
    let (out, all) = (place.argument("out"), place.path("all"));
    for (name, size) in [(format!("frames:{out}"), content.len()), (format!("json:{out}"), 9)] {
        let mut command = Command::new(DNSTAP);
        command.args(["-r", &input, "-w", &name]).stdout(fs::File::create(&all).unwrap());
        let (status, lines) = Running::start(&mut command).end();
        assert!(status.success(), "{lines:#?}");
        let written = fs::read(&all).unwrap();
        let lines = written.iter().filter(|byte| **byte == b'\n').count();
        assert!(written.len() == size || lines == size, "{name}: {} bytes", written.len());
    }
    assert_eq!(names(place.directory.path()), ["all", "in", "link", "out", "real", "real.1"]);
    let line = told(2, &["-r", &input, "-w", &out, "--split-size", "1k"]);
    assert!(line.contains("the standard output cannot be split"), "{line}");
}

#[test]
fn a_socket_is_no_file_to_write() {
    let place = Place::new();
    let _listener = UnixListener::bind(&place.socket).unwrap();
    let input = place.file("in", recording(payloads(9)));
    let socket = place.argument("socket");
    for output in [socket.clone(), format!("quiet:{socket}")] {
        let line = told(2, &["-r", &input, "-w", &output]);
        assert!(line.contains("which is a socket: -U relays to one"), "{line}");
    }
}

#[test]
fn an_address_that_cannot_be_one_is_a_wrong_option() {
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
        let line = told(2, &["-r", "x", option, address]);
        assert!(line.contains(what), "{line}");
    }
}

#[test]
fn a_socket_is_named_once() {
    let place = Place::new();
    let (one, same) = (place.argument("socket"), place.argument("./socket"));
    for other in [&one, &same] {
        let line = told(2, &["-u", &one, "-u", other]);
        assert!(line.contains("socket is named twice by -u"), "{line}");
        let line = told(2, &["-r", "x", "-U", &one, "-U", other]);
        assert!(line.contains("socket is named twice"), "{line}");
    }
    for address in ["localhost:6000", "tls:localhost:6000"] {
        let line = told(2, &["-r", "x", "-T", address, "-T", address]);
        assert!(line.contains(&format!("the relay to {address} is named twice")), "{line}");
    }
}

#[test]
fn what_is_told_does_not_stick_to_the_progress_bar() {
    let place = Place::new();
    let content = recording(payloads(9));
    let torn = place.file("torn", &content[..content.len() - 20]);
    let quiet = place.argument("quiet");
    // A terminal for the standard error.
    let line = format!("{DNSTAP} -r {torn} -w quiet:{quiet}");
    let shown = support::run(debian("script", "bsdutils"), &["-qec", &line, "/dev/null"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("] 100 %  8 messages"), "{shown:?}");
    assert!(shown.contains(&format!("\r\x1b[Kdnstap: {torn}: the frame at offset")), "{shown:?}");
    assert!(shown.ends_with('\n'), "{shown:?}");
}
