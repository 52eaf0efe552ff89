// SPDX-License-Identifier: MIT OR Apache-2.0
//! All views give the same answer to one question.

use std::fs;

use dnstap::Message;
use dnstap::schema::{MessageType, SocketFamily, SocketProtocol};

use super::support::{Place, recording};
use super::{dns, event, ours};

const NONE: [&[Vec<u8>]; 3] = [&[], &[], &[]];

/// `192.0.2.1` as a socket for both families has it.
const MAPPED: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];

/// What the query log, the statistics and a packet capture say of `frames`.
struct Views {
    log: Vec<String>,
    /// What was told, with the statistics.
    stats: String,
    pcap: Vec<u8>,
}

fn views(frames: &[Vec<u8>], arguments: &[&str]) -> Views {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let [log, pcap] = ["log", "pcap"].map(|name| place.argument(name));
    let write = [format!("querylog:{log}"), format!("pcap:{pcap}"), "json:-".into()];
    let [log_to, pcap_to, json_to] = &write;
    // Beside JSON, statistics go to the standard error.
    let all = ["-r", &capture, "-w", log_to, "-w", pcap_to, "-w", json_to, "--stats"];
    let stats = ours(&[&all, arguments].concat());
    let log = fs::read_to_string(log).unwrap();
    let log = log.lines().map(str::to_owned).collect();
    Views { log, stats, pcap: fs::read(pcap).unwrap() }
}

/// A message of a client, with times in milliseconds.
fn message(kind: MessageType, query: Option<u32>, response: Option<u32>) -> Message<'static> {
    let seconds = |at: Option<u32>| at.map(|at| 1_700_000_000 + u64::from(at / 1000));
    let nanoseconds = |at: Option<u32>| at.map(|at| at % 1000 * 1_000_000);
    Message {
        socket_family: Some(SocketFamily::INET),
        socket_protocol: Some(SocketProtocol::UDP),
        query_address: Some(&[192, 0, 2, 1]),
        response_address: Some(&[192, 0, 2, 53]),
        query_port: Some(4000),
        response_port: Some(53),
        query_time_sec: seconds(query),
        query_time_nsec: nanoseconds(query),
        response_time_sec: seconds(response),
        response_time_nsec: nanoseconds(response),
        ..Message::new(kind)
    }
}

const CQ: MessageType = MessageType::CLIENT_QUERY;
const CR: MessageType = MessageType::CLIENT_RESPONSE;

#[test]
fn codes_and_types_have_their_assigned_names() {
    // Bad version, as EDNS extends the code.
    let opt = b"\0\0\x29\x04\xd0\x01\0\0\0\0\0".to_vec();
    let mut answered = dns(1, 0x8000, "x.example", 66, [&[], &[], &[opt]]);
    // The class ANY.
    let class = answered.len() - 11 - 1;
    answered[class] = 255;
    let frames =
        [event(Message { response_message: Some(&answered), ..message(CR, Some(0), Some(4)) })];
    for arguments in [&[][..], &["--rcode", "BADVERS"], &["--rcode", "badsig"], &["--rcode", "16"]]
    {
        let Views { log, stats, .. } = views(&frames, arguments);
        assert!(log[0].contains(" ANY DSYNC - 0:- BADVERS 4.000ms "), "{log:?}");
        assert!(stats.contains("codes      BADVERS 100.0 %"), "{stats}");
        assert!(stats.contains("questions  DSYNC 100.0 %"), "{stats}");
    }
    let place = Place::new();
    let capture = place.file("capture", recording(&frames));
    let file = place.argument("file");
    ours(&["-r", &capture, "-w", &format!("parquet:{file}")]);
    let rows = super::parquet::rows(&file);
    assert_eq!((&rows[0]["rcode"], &rows[0]["qtype"]), (&"BADVERS".into(), &"DSYNC".into()));
}

#[test]
fn an_ipv4_client_is_one_client_whatever_socket_it_came_through() {
    let (asked, answered) =
        (dns(1, 0x0100, "x.example", 1, NONE), dns(1, 0x8180, "x.example", 1, NONE));
    let frames = [
        event(Message {
            socket_family: Some(SocketFamily::INET6),
            query_address: Some(MAPPED),
            query_message: Some(&asked),
            ..message(CQ, Some(0), None)
        }),
        event(Message { response_message: Some(&answered), ..message(CR, None, Some(4)) }),
    ];
    for arguments in [&[][..], &["--client", "192.0.2.1"], &["--mask4", "32"]] {
        let Views { log, stats, pcap } = views(&frames, arguments);
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].contains(" 192.0.2.1#4000 ") && log[0].contains(" 4.000ms "), "{log:?}");
        assert!(stats.contains("all 1 in 4 ms"), "{stats}");
        let clients = stats.split("clients\n").nth(1).unwrap();
        assert_eq!(clients.trim().lines().count(), 1, "{stats}");
        assert!(clients.contains(" 192.0.2.1"), "{stats}");
        // Both packets are of IPv4, the second right after the first.
        let packets = &pcap[24..];
        let size = u32::from_le_bytes(packets[8..12].try_into().unwrap()) as usize;
        assert_eq!((packets[16] >> 4, packets[16 + size + 16] >> 4), (4, 4));
        assert!(!pcap.windows(16).any(|bytes| bytes == MAPPED));
    }
    // A sample has both of them, or none.
    for rate in 2..40 {
        let log = views(&frames, &["--sample", &rate.to_string()]).log;
        assert!(log.is_empty() || log[0].contains(" 4.000ms "), "{rate}: {log:?}");
    }
}
