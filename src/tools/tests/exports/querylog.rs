// SPDX-License-Identifier: MIT OR Apache-2.0
//! Query logs.

use std::fs;
use std::ops::Range;
use std::time::Duration;

use dnstap::schema::MessageType;
use dnstap::{Event, Message};

use super::support::{self, Peer, Place, data, recording};
use super::{assert_lost_lines_are_counted, dns, event, frame, ours, wire_name};

/// Returns a message of a client on `port`, with times in microseconds.
fn message(
    kind: MessageType,
    port: u32,
    query: Option<u32>,
    response: Option<u32>,
) -> Message<'static> {
    let time = |micros: Option<u32>| micros.map(|micros| Duration::from_micros(micros.into()));
    super::message(kind, port, time(query), time(response))
}

fn query(kind: MessageType, port: u32, at: u32, wire: &[u8]) -> Vec<u8> {
    event(Message { query_message: Some(wire), ..message(kind, port, Some(at), None) })
}

fn response(kind: MessageType, port: u32, at: u32, wire: &[u8]) -> Vec<u8> {
    event(Message { response_message: Some(wire), ..message(kind, port, None, Some(at)) })
}

/// Writes a query log of `frames`. Returns its lines without the date, and the messages of `dnstap`.
fn lines(frames: impl IntoIterator<Item = Vec<u8>>, arguments: &[&str]) -> (Vec<String>, String) {
    let place = Place::new();
    let capture = place.file("capture", recording(frames));
    let log = place.argument("log");
    let write = format!("querylog:{log}");
    let notes = ours(&[&["-r", &capture, "-w", &write], arguments].concat());
    let text = fs::read_to_string(log).unwrap();
    (text.lines().map(|line| line.replace("2023-11-14T22:13:", "")).collect(), notes)
}

const CQ: MessageType = MessageType::CLIENT_QUERY;
const CR: MessageType = MessageType::CLIENT_RESPONSE;
const RQ: MessageType = MessageType::RESOLVER_QUERY;
const RR: MessageType = MessageType::RESOLVER_RESPONSE;
const NONE: [&[Vec<u8>]; 3] = [&[], &[], &[]];

// Columns of a line.
const TIME: usize = 0;
const CLIENT: usize = 3;
const NAME: usize = 6;
const CODE: usize = 11;
const LATENCY: usize = 12;
const CACHE: usize = 13;

/// Returns some columns of each line.
fn columns<const COUNT: usize>(lines: &[String], columns: [usize; COUNT]) -> Vec<String> {
    let of_line = |line: &String| {
        let all: Vec<&str> = line.split(' ').collect();
        columns.map(|column| all[column]).join(" ")
    };
    lines.iter().map(of_line).collect()
}

#[test]
fn a_query_and_its_response_are_one_line() {
    let opt = b"\0\0\x29\x04\xd0\0\0\x80\0\0\0".to_vec();
    let asked = dns(1, 0x0130, "a\\ b.Example", 28, [&[], &[], &[opt]]);
    let answered = dns(1, 0x8183, "a\\ B.example", 28, NONE);
    let notify = dns(2, 0x2400, "example", 6, NONE);
    let frames = [
        query(CQ, 4000, 10, &asked),
        response(CR, 4000, 1_234_567, &answered),
        query(MessageType::AUTH_QUERY, 4001, 20, &notify),
        query(CQ, 4002, 30, b"\0\x01"),
        frame(&Event {
            identity: Some(b"a b"),
            message: Some(Message {
                query_message: Some(&asked),
                query_address: None,
                ..message(MessageType::TOOL_QUERY, 4003, None, None)
            }),
            ..Event::new()
        }),
    ];
    let (lines, notes) = lines(frames, &[]);
    assert_eq!(
        lines,
        [
            "20.000010Z ns1 CLIENT 192.0.2.1#4000 192.0.2.53#53 UDP a\\\\\\032b.Example. IN AAAA \
             rd,ad,cd,do 0:1232 NXDOMAIN 1234.557ms -",
            "20.000030Z ns1 CLIENT 192.0.2.1#4002 192.0.2.53#53 UDP - - - - - - - - \
             [the header is cut short at byte 2] 0001",
            "20.000020Z ns1 AUTH 192.0.2.1#4001 192.0.2.53#53 UDP example. IN SOA notify - - - -",
            "- a\\032b TOOL -#4003 192.0.2.53#53 UDP a\\\\\\032b.Example. IN AAAA rd,ad,cd,do \
             0:1232 - - -",
        ]
    );
    assert_eq!(notes, "");
}

#[test]
fn queries_and_responses_are_paired_in_any_order() {
    let asked = dns(1, 0, "x.example", 1, NONE);
    let answered = dns(1, 0x8000, "x.example", 1, NONE);
    let refused = dns(1, 0x8005, "x.example", 1, NONE);
    let other = dns(1, 0x8000, "y.example", 1, NONE);
    let own_query = Message {
        query_message: Some(&asked),
        response_message: Some(&answered),
        ..message(MessageType::AUTH_RESPONSE, 4004, Some(100), Some(300))
    };
    let of_second_query =
        Message { response_message: Some(&answered), ..message(CR, 4003, Some(2000), Some(9000)) };
    let elsewhere = frame(&Event {
        identity: Some(b"ns2"),
        message: Some(Message {
            query_message: Some(&asked),
            ..message(CQ, 4000, Some(3_000_000_000), None)
        }),
        ..Event::new()
    });
    let frames = [
        // From a server with a wrong clock, which must not end the wait of other queries.
        elsewhere,
        query(CQ, 4000, 0, &asked),
        // A repeated query, and the responses to both.
        query(CQ, 4001, 1000, &asked),
        query(CQ, 4001, 2000, &asked),
        response(CR, 4001, 3000, &answered),
        response(CR, 4001, 4000, &refused),
        // The response first.
        response(CR, 4002, 6000, &answered),
        query(CQ, 4002, 5000, &asked),
        // A response with the time of its query.
        query(CQ, 4003, 1000, &asked),
        query(CQ, 4003, 2000, &asked),
        event(of_second_query),
        // Another question.
        response(CR, 4000, 7000, &other),
        // A response that contains its query.
        event(own_query),
        // Too late, and too early.
        response(CR, 4000, 11_000_000, &answered),
        response(CR, 4005, 8000, &answered),
        query(CQ, 4005, 10_009_000, &asked),
    ];
    let (lines, _) = lines(frames, &[]);
    assert_eq!(
        columns(&lines, [TIME, CLIENT, NAME, CODE, LATENCY]),
        [
            "20.001000Z 192.0.2.1#4001 x.example. NOERROR 2.000ms",
            "20.002000Z 192.0.2.1#4001 x.example. REFUSED 2.000ms",
            "20.005000Z 192.0.2.1#4002 x.example. NOERROR 1.000ms",
            "20.002000Z 192.0.2.1#4003 x.example. NOERROR 7.000ms",
            "20.000100Z 192.0.2.1#4004 x.example. NOERROR 0.200ms",
            "2023-11-14T23:03:20.000000Z 192.0.2.1#4000 x.example. - -",
            "20.000000Z 192.0.2.1#4000 x.example. - -",
            "20.001000Z 192.0.2.1#4003 x.example. - -",
            "20.007000Z 192.0.2.1#4000 y.example. NOERROR -",
            "31.000000Z 192.0.2.1#4000 x.example. NOERROR -",
            "20.008000Z 192.0.2.1#4005 x.example. NOERROR -",
            "30.009000Z 192.0.2.1#4005 x.example. - -",
        ]
    );
}

#[test]
fn a_response_supplies_the_time_that_its_query_lacks() {
    let asked = dns(1, 0, "x.example", 1, NONE);
    let answered = dns(1, 0x8000, "x.example", 1, NONE);
    let untimed =
        |port| event(Message { query_message: Some(&asked), ..message(CQ, port, None, None) });
    let both = |port| {
        let both = message(CR, port, Some(5000), Some(7500));
        event(Message { response_message: Some(&answered), ..both })
    };
    let frames = [
        untimed(4000),
        both(4000),
        // Queries of this type have come, so this response waits for its query.
        both(4001),
        untimed(4001),
        untimed(4002),
        response(CR, 4002, 9000, &answered),
    ];
    let (lines, _) = lines(frames, &[]);
    assert_eq!(
        columns(&lines, [TIME, CLIENT, LATENCY]),
        [
            "20.005000Z 192.0.2.1#4000 2.500ms",
            "20.005000Z 192.0.2.1#4001 2.500ms",
            "20.009000Z 192.0.2.1#4002 -",
        ]
    );
}

#[test]
fn a_much_later_message_ends_the_wait() {
    let asked = dns(1, 0, "x.example", 1, NONE);
    let answered = dns(1, 0x8000, "x.example", 1, NONE);
    let frames = [
        query(CQ, 4000, 0, &asked),
        query(CQ, 4001, 5_000_000, &asked),
        query(CQ, 4002, 10_000_001, &asked),
        response(CR, 4002, 10_000_002, &answered),
        response(CR, 4001, 10_000_003, &answered),
    ];
    let (lines, _) = lines(frames, &[]);
    let expected = ["192.0.2.1#4000", "192.0.2.1#4002", "192.0.2.1#4001"];
    assert_eq!(columns(&lines, [CLIENT]), expected);
}

#[test]
fn a_resolver_query_for_the_name_is_a_cache_miss() {
    let asked = |name: &str| dns(1, 0, name, 1, NONE);
    let answered = |name: &str| dns(1, 0x8000, name, 1, NONE);
    let alias = super::record("alias.example", 5, &wire_name("target.example"));
    let aliased = dns(1, 0x8000, "alias.example", 1, [&[alias], &[], &[]]);
    let frames = vec![
        // No resolver query has been seen yet.
        query(CQ, 1, 0, &asked("x.example")),
        response(CR, 1, 10, &answered("x.example")),
        query(CQ, 2, 100, &asked("x.example")),
        query(RQ, 0, 110, &asked("X.example")),
        response(RR, 0, 120, &answered("X.example")),
        response(CR, 2, 130, &answered("x.example")),
        query(CQ, 3, 200, &asked("x.example")),
        response(CR, 3, 210, &answered("x.example")),
        // Another client's query is in progress.
        query(RQ, 0, 290, &asked("y.example")),
        query(CQ, 4, 300, &asked("y.example")),
        response(RR, 0, 310, &answered("y.example")),
        response(CR, 4, 320, &answered("y.example")),
        query(CQ, 5, 400, &asked("alias.example")),
        query(RQ, 0, 410, &asked("target.example")),
        response(CR, 5, 420, &aliased),
        // A resolver query after the response renews the cache, and is not a miss.
        query(CQ, 6, 500, &asked("z.example")),
        query(RQ, 0, 520, &asked("z.example")),
        response(CR, 6, 510, &answered("z.example")),
        query(MessageType::AUTH_QUERY, 7, 600, &asked("z.example")),
        response(MessageType::AUTH_RESPONSE, 7, 610, &answered("z.example")),
    ];
    let cache = |arguments: &[&str]| -> Vec<String> {
        let (lines, _) = lines(frames.clone(), arguments);
        columns(&lines, [CACHE])
    };
    assert_eq!(cache(&[]), ["-", "miss", "hit", "miss", "miss", "hit", "-"]);
    assert_eq!(cache(&["--type", "CQ,CR"]), ["-"; 6]);
}

#[test]
fn responses_without_queries_have_lines() {
    let answered =
        dns(1, 0x81b2, "x.example", 1, [&[], &[], &[b"\0\0\x29\x10\0\x01\0\x80\0\0\0".to_vec()]]);
    let message =
        Message { response_message: Some(&answered), ..message(CR, 4000, Some(1000), Some(2000)) };
    let (lines, notes) = lines([event(message), event(Message::new(RQ))], &["--mask4", "16"]);
    // AD of a response is not a flag of the query, and the code has upper bits in EDNS.
    let expected = "20.001000Z ns1 CLIENT 192.0.0.0#4000 192.0.2.53#53 UDP x.example. IN A \
        rd,cd,do 0:- BADTIME 1.000ms -";
    assert_eq!(lines, [expected]);
    assert!(notes.contains("1 messages skipped: they contain no DNS message"), "{notes}");
}

/// Checks that all `queries` have a line, and that as many of them as take 12 MiB, a number in `range`,
/// waited for a response to the end.
fn assert_waiting(range: Range<usize>, queries: impl ExactSizeIterator<Item = Vec<u8>>) {
    let count = queries.len();
    let answered = dns(1, 0x8000, "y.example", 1, NONE);
    let responses = [response(CR, 1, 0, &answered)];
    let (lines, notes) = lines(responses.into_iter().chain(queries), &[]);
    assert_eq!(lines.len(), count + 1);
    let too_many = notes.split(' ').find_map(|word| word.parse::<usize>().ok()).unwrap();
    assert!(notes.contains(" messages unpaired: too many were pending"), "{notes}");
    assert!(range.contains(&(count - too_many)), "{too_many} of {count}");
}

#[test]
fn memory_for_unanswered_queries_is_bounded() {
    let numbered = |number: u32| dns(number as u16, 0, "x.example", 1, NONE);
    let queries = (0..40_000).map(|number| query(CQ, number / 1000, number, &numbered(number)));
    // Each takes some 400 bytes.
    assert_waiting(28_000..33_000, queries);
}

#[test]
fn memory_for_long_identities_is_bounded() {
    // The text of each takes 240 kB.
    let queries = (0..500).map(|number: u32| {
        let mut identity = vec![0xff; 60_000];
        identity[..4].copy_from_slice(&number.to_be_bytes());
        let wire = dns(number as u16, 0, "x.example", 1, NONE);
        let message =
            Message { query_message: Some(&wire), ..message(CQ, number, Some(number), None) };
        frame(&Event { identity: Some(&identity), message: Some(message), ..Event::new() })
    });
    assert_waiting(30..53, queries);
}

#[test]
fn lines_lost_on_a_full_disk_are_counted() {
    let wire = dns(1, 0, "x.example", 1, NONE);
    // Some wait to the end, others until later messages come.
    for microseconds in [0, 500, 2000] {
        let numbers = 0..20_000_u32;
        let queries = numbers.map(|number| query(CQ, number, microseconds * number, &wire));
        assert_lost_lines_are_counted("querylog", queries.collect());
    }
}

#[test]
fn queries_do_not_wait_where_no_responses_are_logged() {
    const LATER: u32 = 20_000_000;
    let wire = |number: u32| dns(number as u16, 0, "x.example", 1, NONE);
    let aq = MessageType::AUTH_QUERY;
    let answered = dns(300, 0x8000, "x.example", 1, NONE);
    let queries = (0..101).map(|number| query(CQ, number, number, &wire(number)));
    let frames = queries.chain([
        query(aq, 300, LATER, &wire(300)),
        // From here on, AUTH queries are known to have responses, and client queries to have none.
        query(CQ, 400, LATER + 5, &wire(400)),
        response(MessageType::AUTH_RESPONSE, 300, LATER + 9, &answered),
    ]);
    let (lines, notes) = lines(frames, &[]);
    let expected = ["#100 -", "#400 -", "#300 NOERROR"].map(|end| format!("192.0.2.1{end}"));
    assert_eq!(columns(&lines, [CLIENT, CODE])[100..], expected);
    assert_eq!(notes, "");
}

#[test]
fn an_unanswered_query_has_its_line_after_a_while() {
    let place = Place::new();
    let log = place.argument("log");
    let running = place.dnstap(&["-w", &format!("querylog:{log}")]);
    let mut peer = Peer::open(&place.socket);
    peer.send(data(query(CQ, 4000, 0, &dns(1, 0, "x.example", 1, NONE))));
    support::until(|| fs::read_to_string(&log).is_ok_and(|text| text.ends_with(" - - -\n")));
    peer.close();
    running.stop();
}
