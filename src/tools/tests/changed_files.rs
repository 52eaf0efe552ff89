// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs that other programs truncate, write to or delete during a capture.

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use support::{DNSTAP, Place, Running, assert_holds, assert_line, dumped, run, until};

/// Encodes a message whose quiet text is one line, and that has a packet.
fn frame() -> Vec<u8> {
    let message = Message {
        query_address: Some(&[192, 0, 2, 1]),
        query_time_sec: Some(1_700_000_000),
        query_message: Some(&[0; 12]),
        ..Message::new(MessageType::CLIENT_QUERY)
    };
    support::events::frame(&Event { message: Some(message), ..Event::new() })
}

/// Returns the number of messages in `file`, which is not compressed, by the address that each has once
/// as bytes or as text.
fn addresses(file: &Path) -> usize {
    let bytes = fs::read(file).unwrap_or_default();
    let count = |address: &[u8]| bytes.windows(address.len()).filter(|at| *at == address).count();
    count(&[192, 0, 2, 1]) + count(b"192.0.2.1")
}

fn post(place: &Place, count: usize) {
    place.send(vec![frame(); count]);
}

/// Sends `count` messages, and waits until all of them are in `file`.
fn send(place: &Place, file: &Path, count: usize) {
    let before = addresses(file);
    post(place, count);
    until(|| addresses(file) == before + count);
}

/// Returns the number of messages in a complete file of this format.
fn messages(format: &str, file: &Path) -> usize {
    let bytes = fs::read(file).unwrap();
    match format {
        "frames" => dumped(file).lines().count(),
        "pcap" => {
            // A packet has a header of 16 bytes, headers of IP and UDP, and 12 bytes of DNS.
            let (header, packets) = bytes.split_at(24);
            assert_eq!(header[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
            packets.len() / (16 + 20 + 8 + 12)
        }
        _ => {
            assert!(!bytes.contains(&0), "NUL in {}", bytes.escape_ascii());
            bytes.iter().filter(|byte| **byte == b'\n').count()
        }
    }
}

#[test]
fn a_truncated_file_stays_readable() {
    for (format, more) in
        [("frames", &["-a"][..]), ("quiet", &["-a"]), ("quiet", &[]), ("pcap", &[])]
    {
        let place = Place::new();
        let file = place.path("file");
        let out = format!("{format}:{}", file.display());
        let mut running = place.dnstap(&[&["-w", &out], more].concat());
        for count in [3, 5] {
            send(&place, &file, count);
            fs::copy(&file, place.path("copy")).unwrap();
            OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
        }
        send(&place, &file, 2);
        running.line(&format!("another program truncated output file {}", file.display()));
        running.stop();
        assert_eq!(messages(format, &file), 2, "{format}");
    }
}

#[test]
fn stop_follows_the_last_whole_frame_of_a_truncated_file() {
    // No frame arrives after the truncation.
    let place = Place::new();
    let file = place.argument("file");
    let running = place.dnstap(&["-a", "-w", &file]);
    send(&place, Path::new(&file), 3);
    let written = fs::metadata(&file).unwrap().len();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(written - 3).unwrap();
    let lines = running.stop();
    assert_holds(Path::new(&file), [frame(), frame()]);
    assert_line(&lines, &format!("from {written} to {} bytes", written - 3));
}

#[test]
fn text_on_the_standard_output_continues_in_a_truncated_file() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.path("file"));
    let mut command = std::process::Command::new(DNSTAP);
    command.args(["-u", &socket, "-q"]).stdout(fs::File::create(&file).unwrap());
    let mut running = Running::start(&mut command);
    running.line("opened input socket");
    send(&place, &file, 3);
    OpenOptions::new().write(true).open(&file).unwrap().set_len(0).unwrap();
    send(&place, &file, 2);
    running.stop();
    assert_eq!(messages("quiet", &file), 2);
}

#[test]
fn a_truncated_partial_file_stays_readable() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file"));
    let capture = Running::capture(&["-u", &socket, "-w", &file]);
    let partial = place.path(&format!(".file.partial-{}", capture.child.id()));
    send(&place, &partial, 3);
    OpenOptions::new().write(true).open(&partial).unwrap().set_len(0).unwrap();
    send(&place, &partial, 2);
    let lines = capture.stop();
    assert_line(&lines, "another program truncated");
    assert_holds(Path::new(&file), [frame(), frame()]);
}

#[test]
fn text_of_another_program_is_kept() {
    let place = Place::new();
    let file = place.path("file");
    let out = format!("quiet:{}", file.display());
    let mut running = place.dnstap(&["-w", &out]);
    send(&place, &file, 3);
    let mut other = OpenOptions::new().append(true).open(&file).unwrap();
    other.write_all(b"theirs\n").unwrap();
    send(&place, &file, 2);
    running.line("another program wrote to output file");
    running.stop();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().nth(3), Some("theirs"), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[test]
fn a_file_with_bytes_of_another_program_is_not_continued_until_it_is_moved() {
    let place = Place::new();
    let file = place.argument("file");
    let mut running = place.dnstap(&["-a", "-w", &file]);
    send(&place, Path::new(&file), 3);
    let mut other = OpenOptions::new().append(true).open(&file).unwrap();
    other.write_all(b"\xff\xff\xff\xff\0").unwrap();
    post(&place, 1);
    let line = running.line("failed to write output file");
    assert!(line.contains("is damaged at offset") && line.contains("move it away"), "{line}");
    fs::rename(&file, place.path("moved")).unwrap();
    running.signal("HUP");
    running.line("opened output file");
    send(&place, Path::new(&file), 2);
    running.signal("TERM");
    let lines = running.end_with(1);
    assert_line(&lines, "1 not written");
    assert_holds(Path::new(&file), [frame(), frame()]);
    let read = run(DNSTAP, &["-q", "-r", &place.argument("moved")]).stdout;
    assert_eq!(read.iter().filter(|byte| **byte == b'\n').count(), 3);
}

#[test]
fn a_deleted_file_is_begun_anew() {
    for (format, more) in [("frames", &["-a"][..]), ("quiet", &[])] {
        let place = Place::new();
        let file = place.path("file");
        let out = format!("{format}:{}", file.display());
        let mut running = place.dnstap(&[&["-w", &out], more].concat());
        send(&place, &file, 3);
        fs::remove_file(&file).unwrap();
        send(&place, &file, 2);
        running.line(&format!("output file {} was deleted, with 3 ", file.display()));
        running.stop();
        assert_eq!(messages(format, &file), 2, "{format}");
    }
}

#[test]
fn a_file_moved_without_a_signal_is_reported() {
    let place = Place::new();
    let file = place.path("file");
    let out = format!("quiet:{}", file.display());
    let mut running = place.dnstap(&["-w", &out]);
    send(&place, &file, 1);
    let moved = place.path("moved");
    fs::rename(&file, &moved).unwrap();
    place.file("file", "theirs\n");
    let mut count = 1;
    until(|| {
        send(&place, &moved, 1);
        count += 1;
        running.has_line("was moved away")
    });
    running.stop();
    assert_eq!(messages("quiet", &moved), count);
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs\n");
}

#[test]
fn frames_in_a_deleted_partial_file_are_lost() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file"));
    let mut capture = Running::capture(&["-u", &socket, "-w", &file]);
    let partial = place.path(&format!(".file.partial-{}", capture.child.id()));
    send(&place, &partial, 3);
    fs::remove_file(&partial).unwrap();
    send(&place, &partial, 2);
    capture.line("was deleted, with 3 frames; starting it again");
    capture.signal("TERM");
    let lines = capture.end_with(1);
    assert_line(&lines, "lost 3 frames (");
    assert_holds(Path::new(&file), [frame(), frame()]);
}

#[test]
fn the_successor_of_a_deleted_partial_file_is_not_renamed_early() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.argument("file"));
    let command = format!("echo >> {}; true", place.argument("commands"));
    let mut capture = Running::capture(&["-u", &socket, "-w", &file, "--post-rotate", &command]);
    let partial = place.path(&format!(".file.partial-{}", capture.child.id()));
    send(&place, &partial, 3);
    fs::remove_file(&partial).unwrap();
    capture.signal("USR1");
    let line = capture.line("failed to rename");
    assert!(line.contains("is gone, and its 3 frames are lost"), "{line}");
    capture.line("opened output file");
    send(&place, &partial, 2);
    assert!(!Path::new(&file).exists(), "the next file is not complete");
    capture.signal("TERM");
    let lines = capture.end_with(1);
    assert_line(&lines, "lost 3 frames (");
    assert_holds(Path::new(&file), [frame(), frame()]);
    assert_eq!(fs::read(place.path("commands")).unwrap(), b"\n");
}

#[test]
fn sighup_ends_a_moved_file_without_running_the_command() {
    let place = Place::new();
    let file = place.argument("file");
    let command = format!("echo >> {}; true", place.argument("commands"));
    let mut running = place.dnstap(&["-a", "-w", &file, "--post-rotate", &command]);
    send(&place, Path::new(&file), 3);
    fs::rename(&file, place.path("moved")).unwrap();
    running.signal("HUP");
    running.line("no post-rotate command was run for output file");
    running.line("opened output file");
    send(&place, Path::new(&file), 2);
    running.stop();
    assert_holds(&place.path("moved"), [frame(), frame(), frame()]);
    assert_holds(Path::new(&file), [frame(), frame()]);
    assert_eq!(fs::read(place.path("commands")).unwrap(), b"\n");
}

#[test]
fn a_compressed_file_is_reported_as_not_continued() {
    let place = Place::new();
    let file = place.path("file.zst");
    let out = format!("quiet:{}", file.display());
    let mut running = place.dnstap(&["-w", &out]);
    post(&place, 3);
    until(|| fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    OpenOptions::new().append(true).open(&file).unwrap().write_all(b"theirs").unwrap();
    post(&place, 1);
    let line = running.line("another program wrote to output file");
    assert!(line.ends_with("; it cannot be continued"), "{line}");
    running.line("failed to write output file");
    running.signal("TERM");
    assert_eq!(running.end().0.code(), Some(1));
}
