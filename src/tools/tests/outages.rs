// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outputs of a capture that fail for a time: lost messages are counted, and writing is retried.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use support::{
    DNSTAP, Peer, Place, Running, data, dumped, limited, metrics, names, number_before, run, until,
};

/// Encodes a message whose quiet text is one line, which compresses badly.
fn frame(number: u32) -> Vec<u8> {
    let address = number.wrapping_mul(2_654_435_761).to_le_bytes();
    let message =
        Message { query_address: Some(&address), ..Message::new(MessageType::CLIENT_QUERY) };
    support::events::frame(&Event { message: Some(message), ..Event::new() })
}

/// Sends frames with these `numbers`, and waits until all are received.
fn send(place: &Place, numbers: std::ops::Range<u32>) {
    let mut peer = Peer::open(&place.socket);
    peer.send(numbers.flat_map(|number| data(frame(number))).collect::<Vec<u8>>());
    peer.close();
}

/// Removes the limit on the size of files of a program, as if space on a full disk became free.
fn unlimit(running: &Running) {
    let id = running.child.id().to_string();
    let mut command = Command::new("prlimit");
    assert!(command.args(["--pid", &id, "--fsize=unlimited"]).status().unwrap().success());
}

/// The end of a capture whose output failed for a time.
struct Recovered {
    place: Place,
    lines: Vec<String>,
    /// Number of messages that were received and not lost.
    kept: usize,
}

/// Captures to `name` in `format` with too little room at first. `signal` says whether the capture gets
/// SIGHUP once there is room.
fn recover(format: &str, name: &str, signal: bool) -> Recovered {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), format!("{format}:{}", place.argument(name)));
    let mut command = limited("-S -f 8", DNSTAP);
    let mut capture = Running::start(command.args(["-u", &socket, "-w", &out]));
    capture.line("opened input socket");
    let mut sent = 0;
    let mut send_some = |capture: &Running, count| {
        send(&place, sent..sent + count);
        sent += count;
        if signal {
            capture.signal("HUP");
        }
    };
    send_some(&capture, 20_000);
    let line = capture.line("failed to write output file");
    assert!(line.contains("; retrying in 1 s"), "{line}");
    send_some(&capture, 10);
    unlimit(&capture);
    until(|| {
        // The capture notices the room when it writes.
        send_some(&capture, 10);
        capture.has_line("writing again after")
    });
    send_some(&capture, 10);
    capture.signal("TERM");
    let lines = capture.end_with(1);
    assert_eq!(number_before(&lines, "frames, "), sent as usize);
    let lost = number_before(&lines, "not written)");
    assert!(lost > 0, "{lines:#?}");
    Recovered { place, lines, kept: sent as usize - lost }
}

/// Returns the names of the output's files.
fn outputs(place: &Place) -> Vec<String> {
    names(place.directory.path()).into_iter().filter(|name| name.contains("out")).collect()
}

#[test]
fn a_file_of_frames_is_continued_when_there_is_room_again() {
    for signal in [true, false] {
        let Recovered { place, lines, kept } = recover("frames", "out", signal);
        // There was no room for the end of the file that the signal ended.
        let read = |name: &String| run(DNSTAP, &["-q", "-r", &place.argument(name)]).stdout;
        let count = |text: Vec<u8>| text.iter().filter(|byte| **byte == b'\n').count();
        let held: usize = outputs(&place).iter().map(|name| count(read(name))).sum();
        assert_eq!(held, kept, "{lines:#?}");
    }
}

#[test]
fn text_is_continued_when_there_is_room_again() {
    for signal in [true, false] {
        let Recovered { place, lines, kept } = recover("quiet", "out", signal);
        assert_eq!(outputs(&place), ["out"]);
        let text = fs::read_to_string(place.path("out")).unwrap();
        assert_eq!(text.lines().count(), kept, "{lines:#?}");
    }
}

#[test]
fn other_files_are_begun_anew_when_there_is_room_again() {
    for (format, name) in [("frames", "out.zst"), ("quiet", "out.zst"), ("parquet", "out")] {
        // Without the signal, Parquet would write nothing for a long time.
        let Recovered { place, lines, kept } = recover(format, name, true);
        let complete: Vec<Vec<u8>> = outputs(&place)
            .iter()
            .filter(|name| !name.starts_with('.'))
            .map(|name| fs::read(place.path(name)).unwrap())
            .collect();
        if format == "parquet" {
            assert!(complete.iter().all(|file| file.ends_with(b"PAR1")), "{lines:#?}");
            continue;
        }
        // The file of the failure is not complete.
        let decoded = complete.iter().filter_map(|file| zstd::decode_all(&file[..]).ok());
        let count = |bytes: Vec<u8>| match format {
            "quiet" => bytes.iter().filter(|byte| **byte == b'\n').count(),
            _ => dumped(Path::new(&place.file("decoded", bytes))).lines().count(),
        };
        let held: usize = decoded.map(count).sum();
        assert!((20..=kept).contains(&held), "{held} of {kept}: {lines:#?}");
    }
}

#[test]
fn an_outage_is_reported_once_and_other_outputs_continue() {
    let place = Place::new();
    let (socket, text) = (place.argument("socket"), place.argument("text"));
    let out = format!("quiet:{text}");
    let arguments =
        ["-u", &socket, "-w", "quiet:/dev/full", "-w", &out, "--metrics", "127.0.0.1:0"];
    let mut capture = Running::dnstap(&arguments);
    let line = capture.line("metrics are at");
    for round in 0..5 {
        send(&place, 0..10);
        until(|| {
            fs::read_to_string(&text).is_ok_and(|text| text.lines().count() == 10 * (round + 1))
        });
        capture.signal("HUP");
    }
    until(|| {
        let page = metrics(&line);
        page.contains("dnstap_output_connected{output=\"/dev/full\"} 0\n")
            && page.contains(&format!("dnstap_output_connected{{output=\"{text}\"}} 1\n"))
            && page.contains(&format!("dnstap_output_frames_total{{output=\"{text}\"}} 50\n"))
            && !page.contains("dnstap_output_failures_total{output=\"/dev/full\"} 0\n")
    });
    let (page, full) = (metrics(&line), "dnstap_output_dropped_frames_total{output=\"/dev/full\"");
    let dropped = |reason: &str| -> usize {
        let label = format!("{full},reason=\"{reason}\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&label)).unwrap().parse().unwrap()
    };
    assert_eq!(dropped("write_failed") + dropped("outage"), 50, "{page}");
    capture.signal("TERM");
    let lines = capture.end_with(1);
    assert_eq!(number_before(&lines, "not written)"), 50, "{lines:#?}");
    let failures = lines.iter().filter(|line| line.contains("failed to write"));
    assert_eq!(failures.count(), 1, "{lines:#?}");
}

#[test]
fn a_parquet_file_is_complete_even_if_the_next_cannot_be_created() {
    let place = Place::new();
    fs::create_dir(place.path("directory")).unwrap();
    let file = place.argument("directory/out");
    let mut capture = place.dnstap(&["-w", &format!("parquet:{file}")]);
    send(&place, 0..10);
    fs::rename(place.path("directory"), place.path("away")).unwrap();
    capture.signal("HUP");
    capture.line("failed to start the next file; retrying in 1 s");
    fs::rename(place.path("away"), place.path("directory")).unwrap();
    let mut sent = 10;
    until(|| {
        send(&place, sent..sent + 10);
        sent += 10;
        capture.signal("HUP");
        capture.has_line("writing again after")
    });
    capture.signal("TERM");
    capture.end();
    let complete = |path: &str| fs::read(path).is_ok_and(|bytes| bytes.ends_with(b"PAR1"));
    assert!(complete(&file) && complete(&format!("{file}.1")));
}
