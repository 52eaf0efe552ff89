// SPDX-License-Identifier: MIT OR Apache-2.0
//! Masked output of `dnstap`, which does not contain the client's address in any form.

mod support;

use std::fs;

use dnstap::schema::{MessageType, PolicyMatch, SocketFamily};
use dnstap::{Event, Message, Policy};
use support::events::frame;
use support::{DNSTAP, Place, recording, run};

/// The addresses of the client and its interface, whose bytes occur nowhere else.
const CLIENT: [u8; 4] = [192, 0, 2, 177];
const INTERFACE: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 0xb1];

/// Encodes an OPT record with these options.
fn opt(options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (code, value) in options {
        data.extend(code.to_be_bytes());
        data.extend((value.len() as u16).to_be_bytes());
        data.extend_from_slice(value);
    }
    let mut record = vec![0, 0, 41, 4, 208, 0, 0, 0, 0];
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}

/// Encodes a message about `www.example` with these flags and one additional record.
fn dns(flags: u16, additional: &[u8]) -> Vec<u8> {
    let mut wire = vec![0, 7, (flags >> 8) as u8, flags as u8, 0, 1, 0, 0, 0, 0, 0, 1];
    wire.extend(b"\x03www\x07example\0\0\x01\0\x01");
    wire.extend_from_slice(additional);
    wire
}

/// Returns events that contain the client's address in every possible place.
fn events() -> Vec<Vec<u8>> {
    let ipv6 = |front: &[u8], zeros: usize| [front, &CLIENT, &vec![0; zeros]].concat();
    let mapped = ipv6(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 0);
    let addresses = [
        CLIENT.to_vec(),
        mapped.clone(),
        ipv6(&[0x20, 0x02], 10),
        ipv6(&[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 0),
        ipv6(b"", 1),
        ipv6(b"", 11),
    ];
    let subnet = [&[0, 1, 32, 0][..], &CLIENT].concat();
    let subnet6 = [&[0, 2, 128, 0][..], &mapped].concat();
    let wrong_family = [&[0, 2, 128, 0][..], &CLIENT].concat();
    let no_subnet = [&[0, 0, 0, 0][..], &CLIENT].concat();
    let extended_error = [&[0, 17][..], b"no 192.0.2.177"].concat();
    let mut wires: Vec<Vec<u8>> = [
        (8, &subnet[..]),
        (8, &subnet6),
        (8, &no_subnet),
        (10, &CLIENT),
        (12, &CLIENT),
        (15, &extended_error),
        (3, &INTERFACE),
        (20292, &CLIENT),
        (26946, &INTERFACE),
        (65001, &INTERFACE),
        // Unassigned numbers of algorithms, and a time, which clients do not send.
        (5, &CLIENT),
        (6, &CLIENT),
        (9, &CLIENT),
        // Subnets whose address does not have the length of the prefix.
        (8, &CLIENT),
        (8, &wrong_family),
    ]
    .into_iter()
    .map(|(code, value)| dns(0x0100, &opt(&[(8, &subnet), (code, value)])))
    .collect();
    let record = |rtype: u16, data: &[u8]| {
        let mut record = vec![0, (rtype >> 8) as u8, rtype as u8, 0, 1, 0, 0, 0, 0, 0];
        record.push(data.len() as u8);
        record.extend_from_slice(data);
        record
    };
    // A record added by a proxy, and those of a client that registers itself.
    wires.push(dns(0x0100, &record(65422, &CLIENT)));
    wires.push(dns(0x2800, &record(1, &CLIENT)));
    wires.push(dns(0x2800, &record(108, &INTERFACE)));
    // Data of other types that contains an address: text, hints, a prefix, gateways and keys.
    let hint = [&b"\0\x01\0\0\x04\0\x04"[..], &CLIENT].concat();
    let prefix = [&[0, 1, 32, 4][..], &CLIENT].concat();
    let relay = [&[1, 1][..], &CLIENT].concat();
    for (rtype, data) in [
        (16, &b"\x0b192.0.2.177"[..]),
        (13, b"\x0b192.0.2.177\0"),
        (65, &hint),
        (42, &prefix),
        (260, &relay),
        (10, &CLIENT),
        (49, &INTERFACE),
    ] {
        wires.push(dns(0x2800, &record(rtype, data)));
    }
    // Queries come from the client even with flags of a response.
    wires.push(dns(0x8100, &record(1, &CLIENT)));
    wires.push(dns(0x8100, &opt(&[(3, &INTERFACE)])));
    let policy = Policy {
        policy_type: Some(b"RPZ"),
        rule: Some(b"\x0232\x03177\x012\x010\x03192\x0drpz-client-ip\x03rpz\0"),
        policy_match: Some(PolicyMatch::CLIENT_IP),
        value: Some(&CLIENT),
        ..Policy::default()
    };
    let plain = dns(0x0100, &opt(&[]));
    let message = Message {
        socket_family: Some(SocketFamily::INET6),
        query_address: Some(&CLIENT),
        response_address: Some(&[192, 0, 2, 53]),
        query_port: Some(4000),
        query_time_sec: Some(1_700_000_000),
        query_message: Some(&plain),
        ..Message::new(MessageType::CLIENT_QUERY)
    };
    let of = |message, extra| frame(&Event { message: Some(message), extra, ..Event::new() });
    let mut frames = vec![
        of(message, Some(&b"from 192.0.2.177"[..])),
        of(Message { policy: Some(policy), ..message }, None),
    ];
    frames.extend(
        addresses
            .iter()
            .map(|address| of(Message { query_address: Some(address), ..message }, None)),
    );
    frames.extend(
        wires.iter().map(|wire| of(Message { query_message: Some(wire), ..message }, None)),
    );
    frames
}

/// Returns whether `bytes` contain one of the client's addresses, as bytes or as text.
fn contains_client(bytes: &[u8]) -> bool {
    let forms: [&[u8]; 9] = [
        &CLIENT,
        &INTERFACE,
        b"192.0.2.177",
        b"177.2.0.192",
        b"177.2.0.192.rpz",
        b"c00002b1",
        b"C00002B1",
        b"c000:2b1",
        b"5e0053b1",
    ];
    let found = |form: &[u8]| bytes.windows(form.len()).any(|window| window == form);
    forms.into_iter().any(found)
}

#[test]
fn no_output_contains_the_client() {
    let place = Place::new();
    let frames = events();
    let capture = place.file("capture", recording(&frames));
    for format in ["frames", "quiet", "yaml", "json", "pcap", "querylog", "parquet"] {
        let out = place.argument(format);
        let mut arguments = vec!["-r", &capture, "--format", format, "-w", &out];
        assert!(run(DNSTAP, &arguments).status.success());
        let plain = fs::read(&out).unwrap();
        assert!(
            format == "parquet" || contains_client(&plain),
            "{format} contains it without masks"
        );
        fs::remove_file(&out).unwrap();
        arguments.extend(["--mask4", "24", "--mask6", "48"]);
        let output = run(DNSTAP, &arguments);
        assert!(output.status.success());
        let masked = fs::read(&out).unwrap();
        assert!(!contains_client(&masked), "{format}:\n{}", String::from_utf8_lossy(&masked));
        let error = String::from_utf8(output.stderr).unwrap();
        let emptied = "21 EDNS options and records emptied: they may contain an address";
        assert!(error.contains(emptied), "{error}");
    }
    let yaml = fs::read_to_string(place.path("yaml")).unwrap();
    assert_eq!(yaml.matches("---\n").count(), frames.len(), "no event is lost");
    // IPv4 addresses are masked as such in every form.
    assert!(yaml.contains("query_address: 192.0.2.0\n"), "{yaml}");
    assert!(yaml.contains("query_address: 2002:c000:200::\n"), "{yaml}");
    assert!(yaml.contains("SUBNET: 192.0.2.0/32/0"), "{yaml}");
}

#[test]
fn bytes_that_cannot_be_masked_are_left_out_and_reported() {
    let place = Place::new();
    let message =
        Message { query_address: Some(&CLIENT), ..Message::new(MessageType::CLIENT_QUERY) };
    let unreadable = Message { query_message: Some(b"no DNS"), ..message };
    let tail = Message { query_message: Some(b"\0\x01\0\0\0\0\0\0\0\0\0\0tail"), ..message };
    let frames = [message, unreadable, tail]
        .map(|message| frame(&Event { message: Some(message), ..Event::new() }));
    let capture = place.file("capture", recording(frames));
    let masked = place.argument("masked");
    let output = run(DNSTAP, &["-r", &capture, "--mask4", "24", "-w", &masked]);
    assert!(output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("1 DNS messages removed"), "{error}");
    assert!(error.contains("1 DNS messages truncated"), "{error}");
    let text = String::from_utf8(run(DNSTAP, &["-r", &masked, "-q"]).stdout).unwrap();
    assert_eq!(text.matches(" 192.0.2.0 ").count(), 3, "{text}");
    assert!(!fs::read(&masked).unwrap().windows(4).any(|bytes| bytes == b"tail"));
}
