// SPDX-License-Identifier: MIT OR Apache-2.0
//! All formats agree about the same messages.

use std::fs;
use std::time::Duration;

use dnstap::schema::{MessageType, PolicyAction, SocketFamily};
use dnstap::{Message, Policy};

use super::support::{DNSTAP, Place, recording};
use super::{dns, event, ours};

const NONE: [&[Vec<u8>]; 3] = [&[], &[], &[]];

/// `192.0.2.1` on a socket for both families.
const MAPPED: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1];

/// The query log, statistics and packet capture of some frames.
struct Views {
    log: Vec<String>,
    /// The standard error, with the statistics.
    stats: String,
    pcap: Vec<u8>,
}

fn views(frames: &[Vec<u8>], arguments: &[&str]) -> Views {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let [log, pcap] = ["log", "pcap"].map(|name| place.argument(name));
    let write = [format!("querylog:{log}"), format!("pcap:{pcap}"), "json:-".into()];
    let [log_to, pcap_to, json_to] = &write;
    // As JSON goes to the standard output, statistics go to the standard error.
    let all = ["-r", &capture, "-w", log_to, "-w", pcap_to, "-w", json_to, "--stats"];
    let stats = ours(&[&all, arguments].concat());
    let log = fs::read_to_string(log).unwrap();
    let log = log.lines().map(str::to_owned).collect();
    Views { log, stats, pcap: fs::read(pcap).unwrap() }
}

/// Returns a message of an IPv4 client, with times in milliseconds.
fn message(kind: MessageType, query: Option<u32>, response: Option<u32>) -> Message<'static> {
    let time = |millis: Option<u32>| millis.map(|millis| Duration::from_millis(millis.into()));
    Message {
        socket_family: Some(SocketFamily::INET),
        ..super::message(kind, 4000, time(query), time(response))
    }
}

/// Returns the latencies in a query log.
fn latencies(log: &[String]) -> Vec<&str> {
    log.iter().map(|line| line.rsplit(' ').nth(1).unwrap()).collect()
}

#[test]
fn a_latency_is_the_same_in_every_view() {
    let asked = dns(1, 0x0100, "x.example", 1, NONE);
    let answered = dns(1, 0x8180, "x.example", 1, NONE);
    let query = |at| event(Message { query_message: Some(&asked), ..message(CQ, Some(at), None) });
    let response = |own, at| {
        event(Message { response_message: Some(&answered), ..message(CR, own, Some(at)) })
    };
    let with_query = |own, at| {
        let query_message = Some(&asked[..]);
        let response_message = Some(&answered[..]);
        event(Message { query_message, response_message, ..message(CR, own, Some(at)) })
    };
    for (frames, expected, in_stats) in [
        // A repeated query: the client has waited since the first.
        (vec![query(0), query(2000), response(None, 3000)], &["3000.000ms", "-"][..], "1 in 3 s"),
        // Both are answered.
        (
            vec![query(0), query(2000), response(None, 3000), response(None, 3001)],
            &["3000.000ms", "1001.000ms"],
            "2 in 3 s",
        ),
        // The query time in the response decides which query it answers, and the latency.
        (vec![query(0), query(2000), response(Some(2000), 3000)], &["1000.000ms", "-"], "1 in 1 s"),
        (vec![query(0), response(Some(2), 5)], &["3.000ms"], "1 in 3 ms"),
        // Threads of a server do not log in order.
        (
            vec![query(50), response(None, 54), response(None, 104), query(100)],
            &["4.000ms", "4.000ms"],
            "2 in 4 ms",
        ),
        // A query is answered once, and a response before a query is not its answer if another fits.
        (
            vec![query(0), response(Some(0), 4), query(10), response(None, 15)],
            &["4.000ms", "5.000ms"],
            "2 in 5 ms",
        ),
        (vec![query(20), query(10), response(None, 15)], &["5.000ms", "-"], "1 in 5 ms"),
        (vec![query(0), response(None, 10_001)], &["-", "-"], ""),
        // A late response that has the query time is accepted.
        (vec![query(0), response(Some(0), 20_000)], &["20000.000ms"], "1 in 20 s"),
        // A response that contains its query belongs to the query that follows.
        (
            vec![query(0), response(None, 4), with_query(None, 14), query(10)],
            &["4.000ms", "4.000ms"],
            "2 in 4 ms",
        ),
        (
            vec![query(0), response(None, 4), with_query(Some(10), 14), query(10)],
            &["4.000ms", "4.000ms"],
            "2 in 4 ms",
        ),
    ] {
        let Views { log, stats, .. } = views(&frames, &[]);
        assert_eq!(latencies(&log), expected, "{log:#?}");
        match in_stats {
            "" => assert!(!stats.contains("\nlatency"), "{stats}"),
            _ => assert!(stats.contains(&format!("all {in_stats}\n")), "{stats}"),
        }
        assert!(!stats.contains("before"), "{stats}");
    }
}

#[test]
fn a_response_before_its_query_has_no_latency() {
    let asked = dns(1, 0x0100, "x.example", 1, NONE);
    let answered = dns(1, 0x8180, "x.example", 1, NONE);
    let query = event(Message { query_message: Some(&asked), ..message(CQ, Some(900), None) });
    let response =
        |own| event(Message { response_message: Some(&answered), ..message(CR, own, Some(500)) });
    for frames in [
        vec![response(Some(900))],
        vec![query.clone(), response(Some(900))],
        vec![query.clone(), response(None)],
    ] {
        let Views { log, stats, .. } = views(&frames, &[]);
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].ends_with(" NOERROR - -"), "{log:?}");
        assert!(!stats.contains("\nlatency"), "{stats}");
        assert!(stats.contains("0 responses were not sent, 1 are before their query\n"), "{stats}");
        assert!(
            stats.contains("1 responses without latency: earlier than their queries"),
            "{stats}"
        );
    }
}

#[test]
fn a_time_out_of_range_is_unknown_and_does_not_end_the_reading() {
    let answered = dns(1, 0x8180, "x.example", 1, NONE);
    for (seconds, year) in
        [(9_223_372_037, "2262"), (253_402_300_800, "10000"), (u64::MAX / 2, "292277026596")]
    {
        let response = Message {
            query_time_sec: Some(seconds),
            response_time_sec: Some(seconds + 1),
            response_message: Some(&answered),
            ..message(CR, Some(0), Some(0))
        };
        let frames = [event(response)];
        let Views { log, stats, .. } = views(&frames, &[]);
        assert!(log[0].starts_with("- ns1 ") && log[0].ends_with(" NOERROR - -"), "{log:?}");
        assert!(!stats.contains("\nlatency") && !stats.contains(" in "), "{stats}");
        let place = Place::new();
        let capture = place.file("capture", recording(&frames));
        let yaml =
            String::from_utf8(super::support::run(DNSTAP, &["-r", &capture, "-y"]).stdout).unwrap();
        let is_timestamp = yaml.contains(&format!("  query_time: !!timestamp {year}-"));
        let is_text = yaml.contains(&format!("  query_time: \"{year}-"));
        assert_eq!((is_timestamp, is_text), (year.len() == 4, year.len() > 4), "{yaml}");
    }
}

#[test]
fn a_dropped_query_is_marked_and_has_its_question() {
    let asked = dns(1, 0x0110, "x.example", 28, NONE);
    let policy =
        Policy { policy_type: Some(b"RPZ"), action: Some(PolicyAction::DROP), ..Policy::default() };
    let dropped = |kind| {
        event(Message {
            query_message: Some(&asked),
            policy: Some(policy),
            ..message(kind, Some(0), Some(4))
        })
    };
    let query = event(Message { query_message: Some(&asked), ..message(CQ, Some(0), None) });
    let columns = " UDP x.example. IN AAAA rd,cd - DROPPED - -";
    for (frames, kind) in [
        (vec![query, dropped(CR)], "CR"),
        (vec![dropped(CR)], "CR"),
        (vec![dropped(MessageType::AUTH_RESPONSE)], "AR"),
    ] {
        let Views { log, stats, pcap } = views(&frames, &[]);
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].ends_with(columns), "{log:?}");
        assert!(stats.contains("1 responses were not sent, 0 are before their query\n"), "{stats}");
        assert!(stats.contains("questions  AAAA 100.0 %"), "{stats}");
        assert!(!stats.contains("\ncodes") && !stats.contains("\nlatency"), "{stats}");
        assert!(stats.contains("1 responses skipped: a policy dropped them"), "{stats}");
        // One packet, with the query.
        assert_eq!(pcap.len(), 24 + 16 + 20 + 8 + asked.len());
        let place = Place::new();
        let capture = place.file("capture", recording(&frames));
        let text = |style| {
            String::from_utf8(super::support::run(DNSTAP, &["-r", &capture, style]).stdout).unwrap()
        };
        let quiet = text("-q");
        let end = " UDP 0b \"x.example.\" IN AAAA [dropped, no response was sent]\n";
        assert!(quiet.ends_with(&format!(" {kind} 192.0.2.1{end}")), "{quiet}");
        let yaml = text("-y");
        for part in
            ["    action: DROP\n", "  response_sent: false\n", "    ;x.example.\tIN\t AAAA\n"]
        {
            assert!(yaml.contains(part), "{part} in {yaml}");
        }
        assert!(text("-j").contains("\"response_sent\":false,\"query_message\":\";; opcode"));
        let file = place.argument("file");
        ours(&["-r", &capture, "-w", &format!("parquet:{file}")]);
        let row = super::parquet::rows(&file).pop().unwrap();
        assert_eq!((&row["response_sent"], &row["qname"]), (&false.into(), &"x.example.".into()));
        // A selection by response code does not include it.
        assert!(!views(&frames, &["--qname", "x.example", "--type", kind]).log.is_empty());
        assert!(views(&frames, &["--rcode", "0"]).log.is_empty());
    }
}

const CQ: MessageType = MessageType::CLIENT_QUERY;
const CR: MessageType = MessageType::CLIENT_RESPONSE;

#[test]
fn codes_and_types_have_their_assigned_names() {
    // BADVERS, with the upper bits in EDNS.
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
fn an_ipv4_client_on_an_ipv6_socket_is_the_same_client() {
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
        // Both packets are IPv4, one after the other.
        let packets = &pcap[24..];
        let size = u32::from_le_bytes(packets[8..12].try_into().unwrap()) as usize;
        assert_eq!((packets[16] >> 4, packets[16 + size + 16] >> 4), (4, 4));
        assert!(!pcap.windows(16).any(|bytes| bytes == MAPPED));
    }
    // A sample contains both or neither.
    for rate in 2..40 {
        let log = views(&frames, &["--sample", &rate.to_string()]).log;
        assert!(log.is_empty() || log[0].contains(" 4.000ms "), "{rate}: {log:?}");
    }
}
