// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that `dnstap` writes: continued, compressed, rotated.

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::Output;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use framestream::control::ControlType::{Start, Stop};
use support::events::frame;
use support::{
    DNSTAP, Peer, Place, Running, TYPE, assert_holds, control, data, names, recording, run, until,
};

/// Events that differ in their ports, so that their quiet text has one line each.
fn events(count: u32) -> Vec<Vec<u8>> {
    let encoded = |port| {
        let message = Message {
            query_address: Some(&[192, 0, 2, 1]),
            query_port: Some(port),
            ..Message::new(MessageType::CLIENT_QUERY)
        };
        let event = Event { message: Some(message), ..Event::new() };
        frame(&event)
    };
    (0..count).map(encoded).collect()
}

/// Returns the messages of a program.
fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Appends the frames of `input` to `file`.
fn append(input: &str, file: &str) -> Output {
    run(DNSTAP, &["-r", input, "-a", "-w", file])
}

#[test]
fn a_file_is_continued_after_its_last_whole_frame() {
    let place = Place::new();
    let events = events(7);
    let input = place.file("input", recording(&events[5..]));
    let before = recording(&events[..5]);
    let stop = control(Stop, None).len();
    // Complete; without STOP; within STOP; within a frame; within a length; with zeros of a crash.
    let frame = data(&events[5]);
    let open = &before[..before.len() - stop];
    let cases: [(&str, Vec<u8>, usize); 6] = [
        ("complete", before.clone(), 0),
        ("open", open.to_vec(), 0),
        ("stop", before[..before.len() - 3].to_vec(), stop - 3),
        ("frame", [open, &frame[..frame.len() - 1]].concat(), frame.len() - 1),
        ("length", [open, &frame[..3]].concat(), 3),
        ("zeros", [open, &[0; 5000]].concat(), 5000),
    ];
    for (name, bytes, torn) in cases {
        let file = place.file(name, bytes);
        let output = append(&input, &file);
        assert!(output.status.success(), "{name}: {}", notes(&output));
        assert_holds(Path::new(&file), &events);
        let cut = format!("{torn} bytes of a torn frame at offset {} are cut off", open.len());
        assert_eq!(notes(&output).contains(&cut), torn > 0, "{name}: {}", notes(&output));
    }
    // A file that is missing, empty or ends within START is begun anew.
    let start = control(Start, Some(TYPE));
    for (name, bytes) in [("new", None), ("empty", Some(&b""[..])), ("begun", Some(&start[..9]))] {
        let file = bytes.map_or_else(|| place.argument(name), |bytes| place.file(name, bytes));
        let output = append(&input, &file);
        assert!(output.status.success(), "{name}: {}", notes(&output));
        assert_holds(Path::new(&file), &events[5..]);
    }
}

#[test]
fn a_file_that_cannot_be_continued_stays_unchanged() {
    let place = Place::new();
    let input = place.file("input", recording(events(1)));
    let other = [control(Start, Some("other")), data("x")].concat();
    let start = control(Start, Some(TYPE));
    let damaged = [&start[..], &data("x"), b"\0\0\0\0\xff\xff\xff\xff"].concat();
    // An invalid length before data that may be valid.
    let long = [&start[..], b"\0\x20\0\0", &data("x").repeat(100)].concat();
    for (name, bytes, reason) in [
        ("other", other, "has the content type \"other\""),
        ("damaged", damaged, "is damaged at offset"),
        ("long", long, "a frame of 2097156 bytes that is not whole"),
        ("text", b"Once upon a time there was a name".to_vec(), "is not a capture file"),
    ] {
        let file = place.file(name, &bytes);
        let output = append(&input, &file);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(notes(&output).contains(reason), "{name}: {}", notes(&output));
        assert_eq!(fs::read(&file).unwrap(), bytes, "{name}");
    }
    // A pipe cannot be continued.
    let pipe = place.pipe("pipe");
    for (file, reason) in [
        (place.argument("x.zst"), "which is compressed: choose a new name"),
        (pipe, "-a is for files, and none is named"),
        ("/dev/null".into(), "-a is for files, and none is named"),
    ] {
        let output = append(&input, &file);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(notes(&output).contains(reason), "{file}: {}", notes(&output));
    }
    assert!(!place.path("x.zst").exists());
}

#[test]
fn text_is_continued_after_its_last_whole_line() {
    let place = Place::new();
    let input = place.file("input", recording(events(3)));
    for format in ["quiet", "json", "yaml", "querylog"] {
        let file = place.argument(format);
        let out = format!("{format}:{file}");
        assert!(append(&input, &out).status.success());
        let once = fs::read(&file).unwrap();
        // A crash leaves a part of a line, and zeros.
        for (torn, zeros) in [(0, 0), (once.len() / 6, 0), (once.len() / 6, 70_000)] {
            fs::write(&file, [&once[..], &once[..torn], &vec![0; zeros]].concat()).unwrap();
            let output = append(&input, &out);
            assert!(output.status.success(), "{}", notes(&output));
            assert!(fs::read(&file).unwrap() == once.repeat(2), "{format}");
            let bytes = torn + zeros;
            let expected = format!("{bytes} bytes of torn text at offset {} are cut", once.len());
            assert_eq!(notes(&output).contains(&expected), bytes > 0, "{}", notes(&output));
        }
        // A file without a line may be of any kind.
        fs::write(&file, "precious").unwrap();
        let output = append(&input, &out);
        assert_eq!(output.status.code(), Some(1));
        assert!(notes(&output).contains("does not end with a whole line"), "{}", notes(&output));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }
}

#[test]
fn continued_text_is_locked() {
    let place = Place::new();
    let input = place.file("input", recording(events(1)));
    let out = format!("quiet:{}", place.argument("text"));
    let running = place.dnstap(&["-a", "-w", &out]);
    support::until(|| place.path("text").exists());
    let locked = || {
        let output = append(&input, &out);
        assert_eq!(output.status.code(), Some(1), "{}", notes(&output));
        assert!(notes(&output).contains("another program writes to it"), "{}", notes(&output));
    };
    let mut peer = Peer::open(&place.socket);
    peer.send(data(&events(1)[0]));
    support::until(|| fs::metadata(place.path("text")).is_ok_and(|file| file.len() > 0));
    locked();
    // After a move, the next file is locked as well.
    fs::rename(place.path("text"), place.path("moved")).unwrap();
    running.signal("HUP");
    support::until(|| place.path("text").exists());
    peer.send(data(&events(1)[0]));
    support::until(|| fs::metadata(place.path("text")).is_ok_and(|file| file.len() > 0));
    locked();
    running.stop();
    assert!(append(&input, &out).status.success());
}

#[test]
fn a_killed_capture_is_continued_by_the_next() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file"));
    let events = events(4);
    let start = || {
        let mut capture = Running::dnstap(&["-u", &socket, "-a", "-w", &file]);
        capture.line("opened output file");
        capture
    };
    let mut capture = start();
    let mut peer = Peer::open(&place.socket);
    events[..3].iter().for_each(|event| peer.send(data(event)));
    let whole =
        [&control(Start, Some(TYPE))[..], &events[..3].iter().flat_map(data).collect::<Vec<_>>()]
            .concat();
    until(|| fs::read(&file).unwrap() == whole);
    // Another program must not write to it at the same time.
    let output = append(&place.file("input", recording(&events)), &file);
    assert!(notes(&output).contains("another program writes to it"), "{}", notes(&output));
    capture.child.kill().unwrap();
    capture.end();
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"\0\0\0\x09torn").unwrap();
    let capture = start();
    place.send([&events[3]]);
    capture.stop();
    assert_holds(Path::new(&file), &events);
}

#[test]
fn a_moved_file_is_completed_and_begun_anew() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file"));
    let events = events(2);
    let mut capture = Running::dnstap(&["-u", &socket, "-a", "-w", &file]);
    capture.line("opened output file");
    for event in &events {
        place.send([event]);
        if place.path("moved").exists() {
            break;
        }
        // A signal without a move changes nothing.
        capture.signal("USR1");
        capture.line("received SIGUSR1");
        fs::rename(&file, place.path("moved")).unwrap();
        capture.signal("USR1");
        capture.line("opened output file");
    }
    capture.stop();
    assert_holds(&place.path("moved"), &events[..1]);
    assert_holds(Path::new(&file), &events[1..]);
}

#[test]
fn files_are_compressed_by_their_name() {
    let place = Place::new();
    let events = events(50_000);
    let input = place.file("input", recording(&events));
    let quiet = run(DNSTAP, &["-r", &input, "-q"]).stdout;
    let (frames, text) = (place.argument("frames.zst"), place.argument("text.zst"));
    let output = run(DNSTAP, &["-r", &input, "-w", &frames, "-w", &format!("quiet:{text}")]);
    assert!(output.status.success(), "{}", notes(&output));
    let decoded = |file: &str| zstd::decode_all(&fs::read(file).unwrap()[..]).unwrap();
    assert!(decoded(&frames) == recording(&events));
    assert!(decoded(&text) == quiet);
    assert!(run(DNSTAP, &["-r", &frames, "-q"]).stdout == quiet);
}

#[test]
fn compressed_messages_are_flushed_after_a_moment() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file.zst"));
    let mut capture = Running::dnstap(&["-u", &socket, "-w", &file]);
    capture.line("opened output file");
    let events = events(3);
    let mut peer = Peer::open(&place.socket);
    events.iter().for_each(|event| peer.send(data(event)));
    let partial = place.argument(&format!(".file.zst.partial-{}", capture.child.id()));
    until(|| {
        // The messages are printed although the end is missing.
        let output = run(DNSTAP, &["-r", &partial, "-q"]);
        output.stdout.iter().filter(|byte| **byte == b'\n').count() == events.len()
    });
    capture.stop();
    assert!(zstd::decode_all(&fs::read(&file).unwrap()[..]).unwrap() == recording(&events));
}

#[test]
fn text_is_split_by_size_and_passed_to_the_command() {
    let place = Place::new();
    let events = events(200);
    let input = place.file("input", recording(&events));
    let quiet = run(DNSTAP, &["-r", &input, "-q"]).stdout;
    let (file, list) = (place.argument("text"), place.argument("list"));
    let command = format!("f() {{ echo \"$1\" >> {list}; }}; f");
    let arguments =
        ["-r", &input, "-q", "-w", &file, "--split-size", "2k", "--post-rotate", &command];
    let output = run(DNSTAP, &arguments);
    assert!(output.status.success(), "{}", notes(&output));
    // There was no file before.
    assert_eq!(notes(&output), "");
    let files: Vec<String> =
        names(place.directory.path()).into_iter().filter(|name| name.starts_with("text")).collect();
    assert!(files.len() > 2, "{files:?}");
    let mut whole = Vec::new();
    for number in 0..files.len() {
        let name = if number == 0 { file.clone() } else { format!("{file}.{number}") };
        let text = fs::read(&name).unwrap();
        assert!(text.len() <= 2048 && text.ends_with(b"\n"), "{name}: {} bytes", text.len());
        whole.extend(text);
    }
    assert!(whole == quiet);
    let mut commanded: Vec<String> =
        fs::read_to_string(&list).unwrap().lines().map(String::from).collect();
    commanded.sort();
    let mut expected: Vec<String> = files.iter().map(|name| place.argument(name)).collect();
    expected.sort();
    assert_eq!(commanded, expected);
}

#[test]
fn text_is_split_by_time() {
    let place = Place::new();
    let pattern = place.argument("text-%s");
    let capture = place.dnstap(&["-q", "-w", &pattern, "--split", "1", "--gmtime"]);
    until(|| {
        let names = names(place.directory.path());
        names.iter().filter(|name| name.starts_with("text-")).count() >= 2
    });
    capture.stop();
}
