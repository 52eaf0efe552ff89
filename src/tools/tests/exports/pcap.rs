// SPDX-License-Identifier: MIT OR Apache-2.0
//! Packet captures, read by tshark.

use std::process::Command;

use dnstap::schema::{HttpProtocol, MessageType, SocketProtocol};
use dnstap::{Event, Message};

use super::support::{self, Place, debian, recording};
use super::{dns, event, frame, ours, record};

const PROTOCOLS: [(SocketProtocol, Option<HttpProtocol>, &str, u32); 9] = [
    (SocketProtocol::UDP, None, "udp", 53),
    (SocketProtocol::TCP, None, "tcp", 53),
    (SocketProtocol::DOT, None, "tcp", 853),
    (SocketProtocol::DOH, Some(HttpProtocol::HTTP2), "tcp", 443),
    (SocketProtocol::DOH, Some(HttpProtocol::HTTP3), "udp", 443),
    (SocketProtocol::DNSCRYPT_UDP, None, "udp", 8443),
    (SocketProtocol::DNSCRYPT_TCP, None, "tcp", 8443),
    (SocketProtocol::DOQ, None, "udp", 853),
    (SocketProtocol(99), None, "udp", 53),
];

/// Returns frames, and the lines that tshark must print for their packets.
fn conversations() -> (Vec<Vec<u8>>, Vec<String>) {
    let (mut frames, mut expected) = (Vec::new(), Vec::new());
    let addresses: [(&[u8], &[u8], [&str; 2]); 2] = [
        (&[192, 0, 2, 1], &[198, 51, 100, 7], ["192.0.2.1", "198.51.100.7"]),
        (
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2],
            ["2001:db8::1", "2001:db8::2"],
        ),
    ];
    let big = [record("x.example", 10, &[7; 65_470])];
    for round in 0..30_u16 {
        let (protocol, http, carrier, server_port) = PROTOCOLS[usize::from(round % 9)];
        let (client, server, [from, to]) = addresses[usize::from(round % 2)];
        // Connections are reused.
        let port = 40_000 + u32::from(round % 9);
        let qtype = [1, 28, 16, 65][usize::from(round % 4)];
        let name = format!("n{round}.example");
        let query = dns(round, 0x0100, &name, qtype, [&[], &[], &[]]);
        let large = carrier == "tcp" && round > 20;
        let answers = if large { &big[..] } else { &[] };
        let response = dns(round, 0x8180, &name, qtype, [answers, &[], &[]]);
        let nanoseconds = 1000 * u32::from(round) + 7;
        let message = Message {
            socket_protocol: Some(protocol),
            http_protocol: http,
            query_address: Some(client),
            response_address: Some(server),
            query_port: Some(port),
            response_port: Some(server_port),
            query_time_sec: Some(1_700_000_000),
            query_time_nsec: Some(nanoseconds),
            ..Message::new(MessageType::CLIENT_QUERY)
        };
        let response_message = Message {
            response_time_sec: Some(1_700_000_001),
            response_time_nsec: Some(nanoseconds),
            response_message: Some(&response),
            ..message
        };
        // The query has its own frame, is part of its response, or both.
        let (alone, contained) =
            [(true, false), (false, true), (true, true)][usize::from(round) % 3];
        if alone {
            frames.push(event(Message { query_message: Some(&query), ..message }));
        }
        frames.push(event(Message {
            message_type: MessageType::CLIENT_RESPONSE,
            query_message: contained.then_some(&query),
            ..response_message
        }));
        let line = |second: u32, ends: [&str; 2], ports: [u32; 2], response: u8| {
            let ([a, b], [p, q]) = (ends, ports);
            let time = format!("170000000{second}.{nanoseconds:09}");
            format!("{time} {a} {b} {carrier} {p} {q} {response} {name} {qtype} {round:#06x}")
        };
        expected.push(line(0, [from, to], [port, server_port], 0));
        expected.push(line(1, [to, from], [server_port, port], 1));
    }
    (frames, expected)
}

fn tshark(file: &str, arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new(debian("tshark", "tshark"));
    for protocol in ["ip", "udp", "tcp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    let output = command.args(["-r", file]).args(arguments).output().unwrap();
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{notes}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Returns the options for unusual ports of DNS that `dnstap` recommends for wireshark.
pub(crate) fn decode(notes: &str) -> Vec<&str> {
    let decode = notes.lines().find_map(|line| line.split_once("wireshark "));
    let (_, decode) = decode.unwrap_or_default();
    decode.split_whitespace().collect()
}

#[test]
fn tshark_reads_the_same_messages() {
    let place = Place::new();
    let (frames, expected) = conversations();
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file.pcap");
    let quiet = format!("quiet:{}", place.argument("quiet"));
    let notes = ours(&["-r", &capture, "-w", &format!("pcap:{file}"), "-w", &quiet]);
    let fields = [
        "frame.time_epoch",
        "ip.src",
        "ipv6.src",
        "ip.dst",
        "ipv6.dst",
        "_ws.col.Protocol",
        "udp.srcport",
        "tcp.srcport",
        "udp.dstport",
        "tcp.dstport",
        "udp.stream",
        "dns.flags.response",
        "dns.qry.name",
        "dns.qry.type",
        "dns.id",
    ];
    let mut arguments = decode(&notes);
    arguments.extend(["-Y", "dns", "-T", "fields"]);
    arguments.extend(fields.into_iter().flat_map(|field| ["-e", field]));
    let seen = tshark(&file, &arguments).into_iter().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [time, a4, a6, b4, b6, _, pu, pt, qu, qt, stream, rest @ ..] = &fields[..] else {
            panic!("{line}")
        };
        let carrier = if stream.is_empty() { "tcp" } else { "udp" };
        // Since version 4.2, tshark prints flags as words.
        let rest = rest.join(" ").replace("False", "0").replace("True", "1");
        format!("{time} {a4}{a6} {b4}{b6} {carrier} {pu}{pt} {qu}{qt} {rest}")
    });
    assert_eq!(seen.collect::<Vec<_>>(), expected);
    // Checksums, sequence numbers and lengths are valid.
    let all = tshark(&file, &["-Y", "ip || ipv6"]).len();
    let right = "(!ip || ip.checksum.status == 1) \
        && (udp.checksum.status == 1 || tcp.checksum.status == 1)";
    assert_eq!(tshark(&file, &["-Y", right]).len(), all);
    assert!(all > expected.len(), "a long message takes two segments");
    let none: [String; 0] = [];
    let doubts = "tcp.analysis.flags || _ws.malformed || _ws.expert.severity >= 0x600000";
    let mut arguments = decode(&notes);
    arguments.extend(["-Y", doubts]);
    assert_eq!(tshark(&file, &arguments), none);
}

#[test]
fn missing_fields_are_reported() {
    let place = Place::new();
    let query = dns(7, 0, "x.example", 1, [&[], &[], &[]]);
    let long = [&query[..], &[0; 65_500]].concat();
    let bare = Message::new(MessageType::CLIENT_QUERY);
    let frames = [
        event(Message { query_message: Some(&query), ..bare }),
        event(bare),
        event(Message { query_message: Some(&long), ..bare }),
        frame(&Event { message: None, ..Event::new() }),
        b"\xff".to_vec(),
    ];
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file.pcap");
    let notes = ours(&["-r", &capture, "--format", "pcap", "-w", &file]);
    for part in [
        "2 messages lack an address",
        "2 messages lack a port",
        "2 messages lack a time",
        "2 messages skipped: they contain no DNS message",
        "1 messages skipped: too long for UDP",
        "1 frames are not dnstap messages",
    ] {
        assert!(notes.contains(part), "{part} in {notes}");
    }
    let seen = tshark(&file, &["-T", "fields", "-e", "ip.src", "-e", "dns.qry.name"]);
    assert_eq!(seen, ["0.0.0.0\tx.example"]);
}

#[test]
fn a_renamed_file_and_its_successor_are_complete() {
    let place = Place::new();
    let query = dns(7, 0, "x.example", 1, [&[], &[], &[]]);
    let message = Message {
        query_message: Some(&query),
        response_port: Some(53),
        ..Message::new(MessageType::CLIENT_QUERY)
    };
    let file = place.argument("file.pcap");
    let running = place.dnstap(&["-w", &format!("pcap:{file}")]);
    let mut peer = support::Peer::open(&place.socket);
    peer.send(support::data(event(message)));
    support::until(|| std::fs::metadata(&file).is_ok_and(|file| file.len() > 24));
    let first = place.argument("first.pcap");
    std::fs::rename(&file, &first).unwrap();
    running.signal("HUP");
    support::until(|| std::fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    peer.send(support::data(event(message)));
    peer.close();
    running.stop();
    for file in [first, file] {
        assert_eq!(tshark(&file, &["-Y", "dns"]).len(), 1, "{file}");
    }
}

#[test]
fn files_are_split_between_packets() {
    let place = Place::new();
    let (frames, expected) = conversations();
    let capture = place.file("capture", recording(frames));
    let file = place.argument("file");
    let notes = ours(&["-r", &capture, "--split-size", "1000", "-w", &format!("pcap:{file}")]);
    let mut arguments = decode(&notes);
    arguments.extend(["-Y", "dns"]);
    let names = support::names(place.directory.path());
    let files = names.iter().filter(|name| name.starts_with("file"));
    let counts: Vec<usize> =
        files.map(|name| tshark(&place.argument(name), &arguments).len()).collect();
    assert!(counts.len() > 5 && counts.iter().all(|count| *count > 0), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), expected.len());
    // The compressed file has the same content.
    let write = [file.clone() + ".zst", file + ".plain"].map(|file| format!("pcap:{file}"));
    ours(&["-r", &capture, "-w", &write[0], "-w", &write[1]]);
    let plain = std::fs::read(place.path("file.plain")).unwrap();
    let compressed = std::fs::read(place.path("file.zst")).unwrap();
    assert!(zstd::decode_all(&compressed[..]).unwrap() == plain);
}
