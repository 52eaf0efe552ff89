// SPDX-License-Identifier: MIT OR Apache-2.0
//! Parquet files, read by DuckDB.

use std::fs;
use std::path::Path;
use std::process::Command;

use dnstap::schema::{
    HttpProtocol, MessageType, PolicyAction, PolicyMatch, SocketFamily, SocketProtocol,
};
use dnstap::{Event, Message, Policy};
use serde_json::{Value, json};

use super::support::{
    self, DNSTAP, Peer, Place, Running, assert_fails, assert_line, data, recording,
};
use super::{dns, event, frame, ours, record, wire_name};

/// Prints the rows of a query as JSON objects, bytes in hex.
const SCRIPT: &str = "
import duckdb, json, sys
relation = duckdb.sql(sys.argv[1])
for row in relation.fetchall():
    row = [value.hex() if isinstance(value, bytes) else value for value in row]
    print(json.dumps(dict(zip(relation.columns, row)), default=str))
";

/// Returns the rows of a query to DuckDB.
pub(crate) fn duckdb(query: &str) -> Vec<Value> {
    // `make deps` installs it there.
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python/bin/python3");
    assert!(python.exists(), "{} is missing: make deps", python.display());
    let output = Command::new(python).args(["-c", SCRIPT, query]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Returns the rows of a file, with times in nanoseconds, and without NULL.
pub(crate) fn rows(file: &str) -> Vec<Value> {
    let query = format!(
        "select * replace (epoch_ns(query_time) as query_time, \
         epoch_ns(response_time) as response_time) from read_parquet('{file}')"
    );
    let mut rows = duckdb(&query);
    for row in &mut rows {
        row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    rows
}

/// Writes frames as Parquet. Returns the rows, and the messages of `dnstap`.
fn written(frames: impl IntoIterator<Item = Vec<u8>>) -> (Vec<Value>, String) {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file.parquet");
    let notes = ours(&["-r", &capture, "-w", &format!("parquet:{file}")]);
    (rows(&file), notes)
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[test]
fn every_field_has_its_column() {
    let opt = b"\0\0\x29\x04\xd0\x01\x02\x80\0\0\0".to_vec();
    let a = record("www.example", 1, &[192, 0, 2, 1]);
    let row = json!({
        "name": "www.example.", "class": "IN", "type": "A", "ttl": 60, "data": "192.0.2.1",
    });
    let query = dns(0x1234, 0x0100, "www.example", 28, [&[], &[], &[]]);
    let response = dns(
        0x1235,
        0x8533,
        "www.example",
        28,
        [&[a.clone(), a.clone()], &[a.clone(), a.clone(), a.clone()], &[opt]],
    );
    let (zone, rule) = (wire_name("example"), wire_name("x.rpz"));
    let message = Message {
        message_type: MessageType::CLIENT_RESPONSE,
        socket_family: Some(SocketFamily::INET6),
        socket_protocol: Some(SocketProtocol::DOH),
        query_address: Some(&[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        response_address: Some(&[192, 0, 2, 53]),
        query_port: Some(40_000),
        response_port: Some(443),
        query_time_sec: Some(1_700_000_000),
        query_time_nsec: Some(123_456_789),
        query_message: Some(&query),
        query_zone: Some(&zone),
        response_time_sec: Some(1_700_000_001),
        response_time_nsec: Some(1),
        response_message: Some(&response),
        policy: Some(Policy {
            policy_type: Some(b"RPZ"),
            rule: Some(&rule),
            action: Some(PolicyAction::NXDOMAIN),
            policy_match: Some(PolicyMatch::QNAME),
            value: Some(b"\x01\xff"),
        }),
        http_protocol: Some(HttpProtocol::HTTP2),
    };
    let full = frame(&Event {
        identity: Some("ns1 ä".as_bytes()),
        version: Some(b"Knot 3"),
        extra: Some(b"\0\xff"),
        message: Some(message),
        ..Event::new()
    });
    let query_alone =
        Message { query_message: Some(&query), ..Message::new(MessageType::AUTH_QUERY) };
    let (rows, notes) = written([full, event(query_alone)]);
    let expected = json!({
        "event_type": "MESSAGE", "identity": "ns1 ä", "version": "Knot 3", "extra": "00ff",
        "sample_rate": 1, "latency": 0.876543212, "query_size": query.len(),
        "response_size": response.len(),
        "type": "CLIENT_RESPONSE", "socket_family": "INET6", "socket_protocol": "DOH",
        "http_protocol": "HTTP2", "query_address": "2001:db8::1", "query_port": 40_000,
        "response_address": "192.0.2.53", "response_port": 443,
        "query_time": 1_700_000_000_123_456_789_u64,
        "response_time": 1_700_000_001_000_000_001_u64, "query_zone": "example.",
        "query_message": hex(&query), "response_message": hex(&response),
        "policy_type": "RPZ", "policy_rule": "x.rpz.", "policy_action": "NXDOMAIN",
        "policy_match": "QNAME", "policy_value": "01ff",
        "id": 0x1235, "opcode": "QUERY", "rcode": "BADMODE",
        "qr": true, "aa": true, "tc": false, "rd": true, "ra": false, "ad": true, "cd": true,
        "qname": "www.example.", "qtype": "AAAA", "qclass": "IN",
        "qdcount": 1, "ancount": 2, "nscount": 3, "arcount": 1,
        "edns_version": 2, "edns_udp_size": 1232, "edns_do": true, "edns_ede": [],
        "edns_options": [], "answer": [row, row], "authority": [row, row, row], "additional": [],
    });
    assert_eq!(rows[0], expected);
    let expected = json!({
        "event_type": "MESSAGE", "identity": "ns1", "sample_rate": 1, "type": "AUTH_QUERY",
        "query_message": hex(&query), "query_size": query.len(), "id": 0x1234, "opcode": "QUERY",
        "qr": false, "aa": false, "tc": false, "rd": true, "ra": false, "ad": false, "cd": false,
        "qname": "www.example.", "qtype": "AAAA", "qclass": "IN",
        "qdcount": 1, "ancount": 0, "nscount": 0, "arcount": 0,
        "answer": [], "authority": [], "additional": [],
    });
    assert_eq!(rows[1..], [expected]);
    assert_eq!(notes, "");
}

#[test]
fn invalid_fields_and_frames_have_a_row() {
    let odd = Message {
        socket_protocol: Some(SocketProtocol(99)),
        query_address: Some(b"\x0a\xff"),
        query_port: Some(u32::MAX),
        query_time_sec: Some(1 << 40),
        query_zone: Some(b"\x07exam"),
        query_message: Some(b"\0\x01"),
        ..Message::new(MessageType(99))
    };
    let frames = [
        frame(&Event { identity: Some(b"a\xff"), message: Some(odd), ..Event::new() }),
        frame(&Event { message: None, ..Event::new() }),
        b"\xff".to_vec(),
    ];
    let (rows, notes) = written(frames);
    let expected = [
        json!({
            "event_type": "MESSAGE", "identity": "a\u{fffd}", "sample_rate": 1, "type": "99",
            "socket_protocol": "99", "query_address": "?0aff", "query_port": u32::MAX,
            "query_message": "0001", "query_size": 2,
            "error": "query_time: 1099511627776 s is out of range; query_zone: no name: \
                076578616d; no DNS: the header is cut short at byte 2",
        }),
        json!({"event_type": "MESSAGE", "sample_rate": 1}),
    ];
    assert_eq!(rows[..2], expected);
    assert_eq!(rows[2]["frame"], "ff");
    assert!(rows[2]["error"].as_str().unwrap().starts_with("no dnstap: "), "{}", rows[2]);
    assert!(notes.contains("1 texts are not UTF-8"), "{notes}");
    assert!(notes.contains("1 frames are not dnstap messages"), "{notes}");
}

#[test]
fn row_groups_have_bounded_size() {
    let place = Place::new();
    let messages = 250;
    let frames = (0..messages).map(|number| {
        let wire = dns(number, 0, "x.example", 1, [&[record("x", 10, &[7; 50_000])], &[], &[]]);
        event(Message { query_message: Some(&wire), ..Message::new(MessageType::TOOL_QUERY) })
    });
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file.parquet");
    ours(&["-r", &capture, "-w", &format!("parquet:{file}")]);
    let numbers = format!(
        "select count(*) rows, count(distinct id) ids, min(octet_length(query_message)) bytes \
         from read_parquet('{file}')"
    );
    let bytes = 12 + 11 + 4 + 3 + 10 + 50_000;
    assert_eq!(duckdb(&numbers), [json!({"rows": messages, "ids": messages, "bytes": bytes})]);
    let groups = format!("select count(distinct row_group_id) n from parquet_metadata('{file}')");
    // A row has the record twice: in the message, and as text with two digits per byte.
    assert_eq!(duckdb(&groups), [json!({"n": 9})]);
}

#[test]
fn files_are_complete_and_replace_no_others() {
    let place = Place::new();
    let wire = dns(1, 0, "x.example", 1, [&[], &[], &[]]);
    let message = Message { query_message: Some(&wire), ..Message::new(MessageType::CLIENT_QUERY) };
    let capture = place.file("capture", recording([event(message)]));
    let file = place.file("file", "theirs");
    let notes = ours(&["-r", &capture, "--format", "parquet", "-w", &file]);
    assert!(
        notes.contains(&format!("{file} exists and is kept; this file is {file}.1")),
        "{notes}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
    assert_eq!(rows(&format!("{file}.1")).len(), 1);
    let output = support::run(DNSTAP, &["-r", &capture, "--format", "parquet"]);
    assert_eq!(rows(&place.file("piped", output.stdout)).len(), 1);
    let continued = ["-r", &capture, "--format", "parquet", "-a", "-w", &file];
    assert_fails(DNSTAP, &continued, 2, "-a cannot continue");
    let full = Running::dnstap(&["-r", &capture, "-w", "parquet:/dev/full"]).end_with(1);
    assert_line(&full, "failed to write output file /dev/full: No space left");
    assert_line(&full, "(1 rows lost)");
}

#[test]
fn files_are_split_into_complete_files() {
    let place = Place::new();
    let frames = (0..1000_u16).map(|number| {
        let wire = dns(number, 0, "x.example", 1, [&[], &[], &[]]);
        event(Message { query_message: Some(&wire), ..Message::new(MessageType::TOOL_QUERY) })
    });
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file");
    ours(&["-r", &capture, "--split-size", "100k", "-w", &format!("parquet:{file}")]);
    let names = support::names(place.directory.path());
    let files = names.iter().filter(|name| name.starts_with("file"));
    let counts: Vec<usize> = files.map(|name| rows(&place.argument(name)).len()).collect();
    assert!(counts.len() > 1 && counts.iter().all(|count| *count > 0), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 1000);
    let compressed = ["-r", &capture, "-w", &format!("parquet:{file}.zst")];
    assert_fails(DNSTAP, &compressed, 2, "compressed by itself");
}

#[test]
fn a_signal_completes_a_file_and_begins_another() {
    let place = Place::new();
    let file = place.argument("file");
    let quiet = place.argument("quiet");
    let (parquet, seen) = (format!("parquet:{file}"), format!("quiet:{quiet}"));
    let running = place.dnstap(&["-w", &parquet, "-w", &seen]);
    let mut peer = Peer::open(&place.socket);
    let message = event(Message::new(MessageType::CLIENT_QUERY));
    peer.send(data(&message));
    // Once this output has the message, the other has it as well.
    support::until(|| fs::metadata(&quiet).is_ok_and(|file| file.len() > 0));
    running.signal("HUP");
    support::until(|| fs::metadata(&file).is_ok());
    assert_eq!(rows(&file).len(), 1);
    peer.send(data(&message));
    peer.send(data(&message));
    peer.close();
    running.stop();
    assert_eq!(rows(&format!("{file}.1")).len(), 2);
    assert_eq!(support::names(place.directory.path()), ["file", "file.1", "quiet"]);
}
