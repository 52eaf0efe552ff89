// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages that expand to as much text as possible. The output of `dnstap` is bounded in every format,
//! and marked where it is cut.

mod support;

use std::fs;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use pipeline::format::{DataKind, Format};
use strum::VariantArray;
use support::events::frame;
use support::{DNSTAP, Place, recording, run};

/// Maximum size of a DNS message.
const MESSAGE_MAX: usize = 65_535;

/// Maximum length of the text of one event: two DNS messages of 1 MiB, and the other fields.
const EVENT_TEXT_MAX: usize = 4 << 20;

/// Returns the formats that are text.
fn formats() -> Vec<&'static str> {
    let is_text = |format: &&Format| format.properties().kind == DataKind::Text;
    Format::VARIANTS.iter().filter(is_text).map(|format| format.name()).collect()
}

/// Encodes a header with these counts, and a name whose bytes take four characters each.
fn front(counts: [u16; 4]) -> Vec<u8> {
    let mut wire = vec![0, 7, 0x80, 0];
    wire.extend(counts.into_iter().flat_map(u16::to_be_bytes));
    let label = [&[63][..], &[0xff; 63]].concat();
    wire.extend([&label.repeat(3)[..], &[61], &[0xff; 61], &[0]].concat());
    wire
}

/// Appends `part` as often as it fits into a message of `size` bytes, each with its number at its end.
fn filled(mut wire: Vec<u8>, part: &[u8], size: usize) -> (Vec<u8>, usize) {
    let count = (size - wire.len()) / part.len();
    for number in 0..count {
        wire.extend_from_slice(&part[..part.len() - 2]);
        wire.extend((number as u16).to_be_bytes());
    }
    (wire, count)
}

/// Encodes a response with as many A records of the long name as fit.
fn records(size: usize) -> Vec<u8> {
    let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\xc0\0\0\0";
    let mut start = front([1, 0, 0, 0]);
    start.extend([0, 1, 0, 1]);
    let (mut wire, count) = filled(start, record, size);
    wire[6..8].copy_from_slice(&(count.min(0xffff) as u16).to_be_bytes());
    wire
}

/// Encodes a response with as many questions as fit.
fn questions() -> Vec<u8> {
    let mut start = front([0, 0, 0, 0]);
    start.extend([0, 1, 0, 1]);
    let (mut wire, count) = filled(start, b"\xc0\x0c\0\x01\0\0", MESSAGE_MAX);
    wire[4..6].copy_from_slice(&(count as u16 + 1).to_be_bytes());
    wire
}

/// Encodes a response with a HIP record of as many server names as fit.
fn names() -> Vec<u8> {
    let mut wire = front([1, 1, 0, 0]);
    wire.extend([0, 1, 0, 1]);
    let size = (MESSAGE_MAX - wire.len() - 12) / 2 * 2;
    wire.extend([0xc0, 0x0c, 0, 55, 0, 1, 0, 0, 0, 0]);
    wire.extend((size as u16).to_be_bytes());
    wire.extend([0, 0, 0, 0]);
    wire.extend([0xc0, 0x0c].repeat(size / 2 - 2));
    wire
}

/// Encodes an event with two messages that exceed the size of DNS messages, which our encoder refuses.
fn event_of_long(size: usize) -> Vec<u8> {
    let wire = records(size);
    let mut message = vec![0x08, 4];
    for tag in [0x52, 0x72] {
        message.push(tag);
        message.extend(varint(wire.len()));
        message.extend_from_slice(&wire);
    }
    let mut event = vec![0x72];
    event.extend(varint(message.len()));
    event.extend(message);
    event.extend([0x78, 1]);
    event
}

fn varint(mut number: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

fn event(wire: &[u8]) -> Vec<u8> {
    let message = Message {
        query_address: Some(&[192, 0, 2, 1]),
        response_address: Some(&[192, 0, 2, 53]),
        query_zone: Some(&[0]),
        response_time_sec: Some(1_700_000_000),
        query_message: Some(wire),
        response_message: Some(wire),
        ..Message::new(MessageType::RESOLVER_RESPONSE)
    };
    frame(&Event { message: Some(message), ..Event::new() })
}

#[test]
fn every_format_bounds_the_text_of_a_message() {
    // Identity, version and extra.
    let mut fields = Vec::new();
    for tag in [0x0a, 0x12, 0x1a] {
        fields.push(tag);
        fields.extend(varint(300_000));
        fields.extend([1; 300_000]);
    }
    fields.extend([0x78, 1]);
    let structured = ["yaml", "json", "ndjson", "csv", "tsv"];
    for (name, frame, is_cut_in) in [
        ("records", event(&records(MESSAGE_MAX)), &structured[..]),
        ("questions", event(&questions()), &["yaml", "json"]),
        ("names", event(&names()), &["yaml", "json"]),
        ("too long", event_of_long(500_000), &["yaml", "json"]),
        ("fields", fields, &structured),
        ("no dnstap", vec![0xff; 1_000_000], &["quiet", "yaml", "json", "ndjson", "csv", "tsv"]),
    ] {
        let place = Place::new();
        let capture = place.file("capture", recording([frame]));
        let output = |format| format!("{format}:{}", place.argument(format));
        let outputs: Vec<String> = formats().into_iter().map(output).collect();
        let mut arguments = vec!["-r", &capture];
        arguments.extend(outputs.iter().flat_map(|output| ["-w", output]));
        assert!(run(DNSTAP, &arguments).status.success());
        for format in formats() {
            let text = fs::read_to_string(place.path(format)).unwrap();
            assert!(text.len() <= EVENT_TEXT_MAX, "{name} {format}: {}", text.len());
            assert_eq!(
                text.contains("-cut]"),
                is_cut_in.contains(&format),
                "whether {format} cuts the text of \"{name}\"; this test lists the formats that do"
            );
            if ["json", "ndjson"].contains(&format) {
                serde_json::from_str::<serde_json::Value>(&text).unwrap();
            }
        }
    }
}

#[test]
fn small_messages_expand_by_a_bounded_factor() {
    /// Maximum length of the text of a message per byte, without the constant part `EACH` of an event.
    const FACTOR: usize = 20;
    const EACH: usize = 6 << 10;
    let record = |number| [b"\xc0\x0c\0\x10\0\x01\0\0\0\0\0\x02\x01", &[number][..]].concat();
    let mut few = front([1, 40, 0, 0]);
    few.extend([0, 1, 0, 1]);
    few.extend((0..40).flat_map(record));
    // One HIP record with many server names.
    let mut names = front([1, 1, 0, 0]);
    names.extend([0, 1, 0, 1, 0xc0, 0x0c, 0, 55, 0, 1, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0]);
    names.extend([0xc0, 0x0c].repeat(256));
    for wire in [few, names] {
        let place = Place::new();
        let size = 2 * wire.len();
        let capture = place.file("capture", recording([event(&wire)]));
        for style in ["-j", "-y"] {
            let text = run(DNSTAP, &["-r", &capture, style]).stdout;
            assert!(text.len() < FACTOR * size + 2 * EACH, "{style}: {} of {size}", text.len());
            assert!(String::from_utf8(text).unwrap().contains("-cut]"));
        }
        let out = place.argument("pdns");
        let output = run(DNSTAP, &["-r", &capture, "--format", "pdns", "-w", &out]);
        let length = fs::metadata(&out).unwrap().len() as usize;
        assert!(length < FACTOR * size + 2 * EACH, "passive DNS: {length} of {size}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(": text too long"), "{error}");
    }
}

#[test]
fn passive_dns_reports_records_that_are_too_long() {
    let place = Place::new();
    let error = |event: Vec<u8>| {
        let capture = place.file("capture", recording([event]));
        let out = place.argument("pdns");
        let output = run(DNSTAP, &["-r", &capture, "--format", "pdns", "-w", &out]);
        assert!(fs::metadata(&out).unwrap().len() < 2 << 20);
        fs::remove_file(&out).unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let text = error(event(&records(MESSAGE_MAX)));
    assert!(text.contains("1 responses cut short: text too long"), "{text}");
    let text = error(event(&names()));
    assert!(text.contains("1 records skipped: text too long"), "{text}");
    let text = error(event_of_long(MESSAGE_MAX + 16));
    assert!(text.contains("1 responses skipped: invalid DNS"), "{text}");
}

#[test]
fn records_before_the_cut_are_complete() {
    let place = Place::new();
    let wire = records(MESSAGE_MAX);
    let capture = place.file("capture", recording([event(&wire)]));
    let text = String::from_utf8(run(DNSTAP, &["-r", &capture, "-j"]).stdout).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let message = json["message"]["response_message"].as_str().unwrap();
    let lines: Vec<&str> = message.lines().collect();
    let (last, records) = lines.split_last().unwrap();
    let shown: Vec<&&str> =
        records.iter().filter(|line| line.contains("\tIN\tA\t192.0.")).collect();
    let count = u16::from_be_bytes([wire[6], wire[7]]) as usize;
    assert_eq!(*last, format!(";; ...[{}-records-cut]", count - shown.len()));
    assert!(shown.len() > 500 && shown.iter().all(|line| line.len() > 1000));
}
