// SPDX-License-Identifier: MIT OR Apache-2.0
//! Passive DNS.

use std::fs;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use serde_json::{Value, json};

use super::support::{self, Peer, Place, data, recording};
use super::{assert_lost_lines_are_counted, dns, event, frame, ours, record, wire_name};

const RR: MessageType = MessageType::RESOLVER_RESPONSE;
const RESPONSE: u16 = 0x8400;

/// Encodes a response from a zone, with its time.
fn response(zone: &str, second: u64, wire: &[u8]) -> Vec<u8> {
    event(Message {
        response_address: Some(&[192, 0, 2, 53]),
        query_zone: Some(&wire_name(zone)),
        response_time_sec: Some(second),
        response_time_nsec: Some(5),
        response_message: Some(wire),
        ..Message::new(RR)
    })
}

/// Writes passive DNS of `frames`. Returns the objects, and the messages of `dnstap`.
fn objects(frames: impl IntoIterator<Item = Vec<u8>>) -> (Vec<Value>, String) {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let file = place.argument("records");
    let notes = ours(&["-r", &capture, "-w", &format!("pdns:{file}")]);
    let text = fs::read_to_string(file).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), notes)
}

fn object(rrname: &str, rrtype: &str, rdata: &str, sightings: [u64; 3]) -> Value {
    let [count, time_first, time_last] = sightings;
    json!({
        "rrname": rrname, "rrtype": rrtype, "rdata": rdata, "bailiwick": "example.",
        "nameserver": "192.0.2.53", "sensor_id": "ns1",
        "count": count, "time_first": time_first, "time_last": time_last,
    })
}

#[test]
fn records_are_counted_unless_out_of_bailiwick() {
    let a = |name| record(name, 1, &[192, 0, 2, 1]);
    let mut opt = vec![0, 0, 41];
    opt.extend([4, 0xd0, 0, 0, 0x80, 0, 0, 0]);
    let whole = dns(
        1,
        RESPONSE,
        "wWw.Example",
        1,
        [
            &[
                record("wWw.Example", 5, &wire_name("Web.Example")),
                a("web.example"),
                a("other.test"),
                record("web.example", 16, b"\x08a\"b\\\xc3\xa4\n\x01\x01z"),
                record("web.example", 65400, b"\xde\xad"),
            ],
            &[record("example", 2, &wire_name("ns.test")), record("test", 2, b"\0")],
            // Names that end like the zone only as bytes.
            &[a("ns.test"), a("badexample"), a("xexample"), opt],
        ],
    );
    let again = dns(2, RESPONSE, "WEB.example", 1, [&[a("WEB.example")], &[], &[]]);
    let (objects, notes) = objects([
        response("example", 1_000, &whole),
        response("eXample", 2_000, &again),
        response("example", 500, &again),
    ]);
    assert_eq!(
        objects,
        [
            object("www.example.", "CNAME", "web.example.", [1, 1_000, 1_000]),
            object("web.example.", "A", "192.0.2.1", [3, 500, 2_000]),
            object("web.example.", "TXT", r#""a\"b\\\195\164\010\001" "z""#, [1, 1_000, 1_000]),
            object("web.example.", "TYPE65400", "\\# 2 dead", [1, 1_000, 1_000]),
            object("example.", "NS", "ns.test.", [1, 1_000, 1_000]),
        ]
    );
    assert!(notes.contains("5 records skipped: out of bailiwick"), "{notes}");
}

#[test]
fn skipped_messages_are_counted_by_reason() {
    let answer = [record("x.example", 1, &[192, 0, 2, 1])];
    let good = |flags| dns(1, flags, "x.example", 1, [&answer, &[], &[]]);
    let mut chaos = good(RESPONSE);
    let class_at = chaos.len() - 11;
    assert_eq!(chaos[class_at], 1);
    chaos[class_at] = 3;
    let plain =
        Message { response_message: Some(&chaos), response_time_sec: Some(1), ..Message::new(RR) };
    let zone = wire_name("example");
    let empty = dns(1, RESPONSE, "x.example", 1, [&[record("x.example", 1, b"")], &[], &[]]);
    let (objects, notes) = objects([
        response("example", 1, &good(RESPONSE | 0x200)),
        response("example", 1, &good(RESPONSE | 2)),
        response("example", 1, &good(RESPONSE | 3)),
        response("example", 1, &good(0)),
        response("example", 1, &good(RESPONSE)[..40]),
        response("example", 1, &chaos),
        response("example", 1, &empty),
        event(plain),
        event(Message { query_zone: Some(b"\x07exam"), ..plain }),
        event(Message { query_zone: Some(&zone), response_time_sec: None, ..plain }),
        event(Message { message_type: MessageType::FORWARDER_RESPONSE, ..plain }),
        event(Message { message_type: MessageType::CLIENT_RESPONSE, ..plain }),
        event(Message::new(RR)),
        frame(&Event { message: None, ..Event::new() }),
    ]);
    assert_eq!(objects, [] as [Value; 0]);
    for part in [
        "1 responses skipped: truncated",
        "2 responses skipped: code other than NOERROR",
        "1 messages skipped: not a response to a query",
        "1 responses skipped: invalid DNS",
        "1 records skipped: class other than IN",
        "1 records skipped: no data",
        "2 responses skipped: no zone of the query",
        "1 responses skipped: no time",
        "3 messages skipped: not RESOLVER_RESPONSE",
        "1 messages skipped: they contain no response",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
}

#[test]
fn memory_for_records_is_bounded() {
    let numbered = |number: u32| {
        let answer = [record("x.example", 1, &number.to_be_bytes())];
        response("example", 1, &dns(1, RESPONSE, "x.example", 1, [&answer, &[], &[]]))
    };
    // More than are counted at a time, and the first again.
    let count = 100_000;
    let (objects, _) = objects((0..count).map(numbered).chain([numbered(0)]));
    assert_eq!(objects.len(), count as usize + 1);
    let first = object("x.example.", "A", "0.0.0.0", [1, 1, 1]);
    assert_eq!([&objects[0], &objects[count as usize]], [&first; 2]);
}

#[test]
fn records_lost_on_a_full_disk_are_counted() {
    let numbered = |number: u32| {
        let answer = [record("x.example", 1, &number.to_be_bytes())];
        response("example", 1, &dns(1, RESPONSE, "x.example", 1, [&answer, &[], &[]]))
    };
    assert_lost_lines_are_counted("pdns", (0..20_000).map(numbered).collect());
}

#[test]
fn a_renamed_file_gets_the_records_counted_so_far() {
    let place = Place::new();
    let file = place.argument("records");
    let quiet = place.argument("quiet");
    let (pdns, seen) = (format!("pdns:{file}"), format!("quiet:{quiet}"));
    let running = place.dnstap(&["-w", &pdns, "-w", &seen]);
    let mut peer = Peer::open(&place.socket);
    let answer = [record("x.example", 1, &[192, 0, 2, 1])];
    let wire = dns(1, RESPONSE, "x.example", 1, [&answer, &[], &[]]);
    peer.send(data(response("example", 1, &wire)));
    peer.close();
    // Once this output has the message, the other has counted it.
    support::until(|| fs::metadata(&quiet).is_ok_and(|file| file.len() > 0));
    let renamed = place.argument("renamed");
    fs::rename(&file, &renamed).unwrap();
    running.signal("HUP");
    support::until(|| fs::metadata(&file).is_ok());
    running.stop();
    assert_eq!(fs::read_to_string(renamed).unwrap().lines().count(), 1);
    assert_eq!(fs::read_to_string(file).unwrap(), "");
}
