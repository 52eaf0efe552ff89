// SPDX-License-Identifier: MIT OR Apache-2.0
//! Statistics of `dnstap` as text, and as metrics for Prometheus.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Instant;

use dnstap::schema::{MessageType, SocketProtocol};
use dnstap::{Event, Message};
use framestream::control::ControlType;
use pipeline::format::Format;
use strum::VariantArray;
use support::{
    DEADLINE, DNSTAP, Peer, Place, Running, assert_line, control, data, events, http, limited,
    metrics_address, recording, run,
};

fn frame(message: Message<'_>) -> Vec<u8> {
    let event = Event { message: Some(message), ..Event::new() };
    events::frame(&event)
}

/// Returns 100 queries of 10 clients for two names, and their responses after 3 ms. Every fourth
/// response has both times, and every tenth is NXDOMAIN.
fn frames() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for number in 0..100_u8 {
        let name = if number % 2 == 0 { "\x03WWW\x07example" } else { "\x03x\"y\x07example" };
        let mut wire = vec![0, number, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        wire.extend_from_slice(name.as_bytes());
        wire.extend([0, 0, if number % 4 == 0 { 28 } else { 1 }, 0, 1]);
        let client = [192, 0, 2, number % 10];
        let query = Message {
            socket_protocol: Some(SocketProtocol::UDP),
            query_address: Some(&client),
            query_port: Some(5000),
            query_time_sec: Some(1_700_000_000),
            query_time_nsec: Some(u32::from(number) * 1000),
            query_message: Some(&wire),
            ..Message::new(MessageType::CLIENT_QUERY)
        };
        frames.push(frame(query));
        let mut answer = wire.clone();
        answer[2] = 0x81;
        answer[3] = if number % 10 == 0 { 3 } else { 0 };
        let both = number % 4 == 0;
        frames.push(frame(Message {
            message_type: MessageType::CLIENT_RESPONSE,
            query_message: None,
            query_time_sec: query.query_time_sec.filter(|_| both),
            query_time_nsec: query.query_time_nsec.filter(|_| both),
            response_time_sec: Some(1_700_000_000),
            response_time_nsec: Some(u32::from(number) * 1000 + 3_000_000),
            response_message: Some(&answer),
            ..query
        }));
    }
    frames
}

#[test]
fn the_text_has_rates_codes_and_top_names() {
    let place = Place::new();
    let mut all = frames();
    all.push(b"\xff".to_vec());
    // A message with a wrong clock does not affect the rate.
    all.push(frame(Message { query_time_sec: Some(1), ..Message::new(MessageType::TOOL_QUERY) }));
    let input = place.file("capture", recording(all));
    let output = run(DNSTAP, &["-r", &input, "--stats"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "202 messages, ",
        " in 3.1 ms, 64,536/s, excluding 1 of other days\n",
        "1 frames are not dnstap messages, 0 messages are not DNS",
        "CLIENT_QUERY 49.8 %  CLIENT_RESPONSE 49.8 %",
        "protocols  UDP 100.0 %",
        "questions  A 75.0 %  AAAA 25.0 %",
        "codes      NOERROR 90.0 %  NXDOMAIN 10.0 %",
        "CLIENT: 50 % in 3 ms, 90 % in 3 ms, 99 % in 3 ms, all 100 in 3 ms",
        "<= 5 ms 100.0 % ####",
        "    50  50.0 % www.example.\n",
        "    50  50.0 % x\\\"y.example.\n",
        "    10  10.0 % 192.0.2.0\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn statistics_are_about_selected_messages() {
    let place = Place::new();
    let input = place.file("capture", recording(frames()));
    let lines = place.argument("lines");
    let arguments =
        ["-r", &input, "-q", "-w", &lines, "--stats", "--type", "CR", "--rcode", "NXDOMAIN"];
    let text = String::from_utf8(run(DNSTAP, &arguments).stdout).unwrap();
    assert!(text.contains("codes      NXDOMAIN 100.0 %"), "{text}");
    // Without queries, the questions are those of the responses.
    assert!(text.contains("questions  A 50.0 %  AAAA 50.0 %"), "{text}");
    assert_eq!(std::fs::read_to_string(&lines).unwrap().lines().count(), 10);
}

#[test]
fn statistics_do_not_mix_with_the_standard_output() {
    let place = Place::new();
    let input = place.file("capture", recording(frames()));
    let apart = |format: &&Format| !format.properties().may_precede_statistics;
    for format in Format::VARIANTS.iter().filter(apart) {
        let form = format!("{}:-", format.name());
        let alone = run(DNSTAP, &["-r", &input, "-w", &form]);
        let beside = run(DNSTAP, &["-r", &input, "-w", &form, "--stats"]);
        assert!(beside.status.success() && beside.stdout == alone.stdout, "{form}");
        let error = String::from_utf8(beside.stderr).unwrap();
        assert!(error.contains("200 messages, "), "{error}");
    }
    let text = String::from_utf8(run(DNSTAP, &["-r", &input, "-q", "--stats"]).stdout).unwrap();
    assert!(text.contains("\n200 messages, "), "{text}");
}

/// Starts a capture with metrics, and returns it and their address.
fn serve(command: &mut Command) -> (Running, String) {
    let mut running = Running::start(command.stdout(Stdio::piped()));
    running.line("opened input socket");
    let line = running.line("metrics are at http://");
    let address = metrics_address(&line).to_owned();
    (running, address)
}

#[test]
fn idle_and_stalled_readers_of_metrics_do_not_delay_others() {
    let place = Place::new();
    let mut command = limited("-n 64", DNSTAP);
    command.args(["-u", &place.argument("socket")]);
    let (running, address) = serve(command.args(["--metrics", "127.0.0.1:0"]));
    let answered = || assert!(http(&address, "GET /metrics").starts_with("HTTP/1.1 200"));
    // More connections than descriptors.
    let idle: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    answered();
    let mut stalled = TcpStream::connect(&address).unwrap();
    stalled.set_nonblocking(true).unwrap();
    for _ in 0..3000 {
        // The buffer may be full, and the peer may have closed.
        let _ = stalled.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    answered();
    let head = http(&address, "HEAD /metrics?x=y");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(9000));
    assert!(http(&address, &long).starts_with("HTTP/1.1 431"));
    // With an absolute URL, after an empty line.
    for target in ["http://x/metrics?x=y", "HTTP://x:9141/metrics"] {
        assert!(http(&address, &format!("\r\nGET {target}")).starts_with("HTTP/1.1 200"));
    }
    for target in ["http://x", "http://metrics", "http://x/y/metrics", "x/metrics"] {
        assert!(http(&address, &format!("GET {target}")).starts_with("HTTP/1.1 404"));
    }
    assert!(http(&address, "nonsense /").starts_with("HTTP/1.1 404"));
    assert!(http(&address, "nonsense").starts_with("HTTP/1.1 400"));
    // The oldest were closed for others, which may stay until their time limit.
    for mut stream in idle {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let end = stream.read(&mut [0]);
        let is_waiting = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        assert!(
            end.as_ref().map_or_else(|error| !is_waiting(error), |count| *count == 0),
            "{end:?}"
        );
    }
    answered();
    let lines = running.stop();
    let error = "metrics: closed the oldest of 16 connections, from 127.0.0.1:";
    assert_line(&lines, error);
}

#[test]
fn metrics_count_refused_frames_and_connections() {
    let place = Place::new();
    let long =
        frame(Message { query_message: Some(&[0; 2000]), ..Message::new(MessageType::TOOL_QUERY) });
    let file = place.file("capture", recording([&long, &long, &frames()[0]]));
    let mut command = Command::new(DNSTAP);
    command.args(["-u", &place.argument("socket"), "-r", &file, "--frame-limit", "1k"]);
    let (running, address) = serve(command.args(["--metrics", "127.0.0.1:0"]));
    let mut peer = Peer::open(&place.socket);
    [&long, &frames()[0]].into_iter().for_each(|frame| peer.send(data(frame)));
    peer.close();
    let mut other = Peer::connect(&place.socket);
    other.send(control(ControlType::Ready, Some("other")));
    other.expect_end();
    let expected = [
        "dnstap_frames_total 2\n",
        "# TYPE dnstap_over_limit_frames_total counter\ndnstap_over_limit_frames_total 3\n",
        "# TYPE dnstap_refused_connections_total counter\ndnstap_refused_connections_total 1\n",
    ];
    support::until(|| {
        let answer = http(&address, "GET /metrics");
        expected.iter().all(|part| answer.contains(part))
    });
    let lines = running.stop();
    // Each output has its own counters.
    let error = |part: &str| assert_line(&lines, part);
    error("2 frames of more than 1024 bytes were skipped");
    error("(1 over the size limit,");
}

#[test]
fn metrics_are_served_during_a_capture() {
    let place = Place::new();
    let socket = place.argument("socket");
    let mut command = Command::new(DNSTAP);
    command.args(["-u", &socket, "--metrics", "127.0.0.1:0", "-U", "/nowhere"]);
    let (mut running, address) = serve(&mut command);
    let address = &address[..];
    assert!(http(address, "GET /metrics").contains("dnstap_frames_total 0\n"));
    let mut peer = Peer::open(&place.socket);
    frames().iter().for_each(|frame| peer.send(data(frame)));
    peer.close();
    let until = Instant::now() + DEADLINE;
    let answer = loop {
        let answer = http(address, "GET /metrics");
        if answer.contains("dnstap_frames_total 200\n") {
            break answer;
        }
        assert!(Instant::now() < until, "{answer}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    for part in [
        "HTTP/1.1 200",
        "text/plain; version=0.0.4",
        "# TYPE dnstap_messages_total counter\n",
        "dnstap_messages_total{type=\"CLIENT_QUERY\"} 100\n",
        "dnstap_questions_total{qtype=\"AAAA\"} 25\n",
        "dnstap_responses_total{rcode=\"NXDOMAIN\"} 10\n",
        "# TYPE dnstap_latency_seconds histogram\n",
        "dnstap_latency_seconds_bucket{family=\"CLIENT\",le=\"0.002\"} 0\n",
        "dnstap_latency_seconds_bucket{family=\"CLIENT\",le=\"0.005\"} 100\n",
        "dnstap_latency_seconds_bucket{family=\"CLIENT\",le=\"+Inf\"} 100\n",
        "dnstap_latency_seconds_sum{family=\"CLIENT\"} 0.3\n",
        "dnstap_relay_lost_total{relay=\"/nowhere\"} 0\n",
        "dnstap_relay_connected{relay=\"/nowhere\"} 0\n",
        "# TYPE dnstap_output_connected gauge\n",
        "dnstap_output_connected{output=\"/nowhere\"} 0\n",
        "dnstap_output_dropped_frames_total{output=\"/nowhere\",reason=\"queue_full\"} 0\n",
    ] {
        assert!(answer.contains(part), "{part} in\n{answer}");
    }
    assert!(http(address, "GET /").starts_with("HTTP/1.1 404"));
    assert!(http(address, "POST /metrics").starts_with("HTTP/1.1 405"));
    running.signal("TERM");
    running.line("200 frames were not sent");
    running.end_with(1);
    let taken = run(DNSTAP, &["-r", "-", "--metrics", "256.0.0.1:1"]);
    assert!(String::from_utf8(taken.stderr).unwrap().contains("--metrics 256.0.0.1:1: "));
}
