// SPDX-License-Identifier: MIT OR Apache-2.0
//! The share of connections, memory, descriptors and time that a sender can take from the receiver and
//! from other senders.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use framestream::control::ControlType::{Accept, Ready, Start, Stop};
use support::held_address::HeldAddress;
use support::{
    CAPTURE, DEADLINE, DNSTAP, Peer, Place, Running, TYPE, assert_line, control, data, limited,
    recording, run,
};

/// Returns both receivers with their options.
fn receivers(place: &Place, more: &[&str]) -> Vec<(&'static str, Vec<String>)> {
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    let own: [(&str, &[&str]); 2] = [(CAPTURE, &["-t", TYPE]), (DNSTAP, &[])];
    let with = |own: &[&str]| {
        let arguments = [own, &["-u", &socket, "-w", &out], more].concat();
        arguments.into_iter().map(String::from).collect()
    };
    own.map(|(program, own)| (program, with(own))).into()
}

/// Starts a receiver, and returns once it listens.
fn start(program: &str, arguments: &[String]) -> Running {
    let mut running = Running::start(Command::new(program).args(arguments).stdout(Stdio::null()));
    running.line("opened output file");
    running
}

/// Returns the peak memory of a program in KiB.
fn peak_memory(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_idle_connection_is_closed_for_a_waiting_one_but_a_busy_one_is_not() {
    let more = ["--maxconns", "2", "--idle-timeout", "1"];
    let place = Place::new();
    for (program, arguments) in receivers(&place, &more) {
        let mut receiver = start(program, &arguments);
        let mut busy = Peer::open(&place.socket);
        let idle = Peer::open(&place.socket);
        // As no connection waits, the idle one may stay.
        for _ in 0..15 {
            busy.send(data("busy"));
            thread::sleep(Duration::from_millis(100));
        }
        let mut waiting = Peer::connect(&place.socket);
        waiting.send(recording(["waiting"]));
        let busy = thread::spawn(move || {
            for _ in 0..30 {
                busy.send(data("busy"));
                thread::sleep(Duration::from_millis(50));
            }
            busy.close();
        });
        receiver.line("2 connections are open, as many as --maxconns allows");
        let line = receiver.line("closed to make place for one that waits");
        assert!(line.contains(&format!("pid {}", std::process::id())), "{line}");
        assert_eq!(idle.expect_end(), b"");
        waiting.expect_end();
        busy.join().unwrap();
        let lines = receiver.stop();
        assert_line(&lines, "received 46 frames");
        fs::remove_file(place.path("out")).unwrap();
    }
}

#[test]
fn connections_waiting_at_one_socket_do_not_block_another_socket() {
    let place = Place::new();
    let (crowded, quiet, out) =
        (place.argument("crowded"), place.argument("quiet"), place.argument("out"));
    let limit = ["--maxconns", "1", "--idle-timeout", "1"];
    let arguments = [&["-u", &crowded, "-u", &quiet, "-w", &out], &limit[..]].concat();
    let mut receiver = Running::dnstap(&arguments);
    receiver.line("opened output file");
    let mut crowd: Vec<Peer> = (0..8)
        .map(|_| {
            let mut peer = Peer::connect(&place.path("crowded"));
            peer.send(control(Ready, Some(TYPE)));
            peer
        })
        .collect();
    let mut other = Peer::connect(&place.path("quiet"));
    other.send(recording(["one"]));
    other.expect_end();
    let last = &mut crowd.last_mut().unwrap().0;
    last.set_nonblocking(true).unwrap();
    let answer = last.read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(
        answer,
        Err(std::io::ErrorKind::WouldBlock),
        "all other connections were served first"
    );
    drop(crowd);
    receiver.stop();
}

#[test]
fn an_outgoing_connection_does_not_count_towards_the_limit() {
    let place = Place::new();
    let (socket, out, sender) =
        (place.argument("socket"), place.argument("out"), place.argument("sender"));
    let listener = UnixListener::bind(&sender).unwrap();
    let limit = ["--maxconns", "1", "--idle-timeout", "1"];
    let arguments = [&["-u", &socket, "--connect", &sender, "-w", &out], &limit[..]].concat();
    let mut receiver = Running::dnstap(&arguments);
    receiver.line("connected to");
    let mut outgoing = Peer(listener.accept().unwrap().0);
    outgoing.send(control(Start, Some(TYPE)));
    for _ in 0..2 {
        let idle = Peer::open(&place.socket);
        Peer::open(&place.socket).close();
        idle.expect_end();
    }
    // It was idle for longer than incoming connections may be.
    outgoing.send([data("one"), control(Stop, None)].concat());
    outgoing.expect_end();
    let lines = receiver.stop();
    assert_line(&lines, "received 1 frames");
}

#[test]
fn incomplete_frames_of_many_connections_take_bounded_memory() {
    let place = Place::new();
    for (program, arguments) in receivers(&place, &[]) {
        let mut receiver = start(program, &arguments);
        let mut healthy = Peer::open(&place.socket);
        let half = [control(Start, Some(TYPE)), data(vec![7; 1_000_000])[..900_000].to_vec()];
        let half = half.concat();
        let mut peers = Vec::new();
        for _ in 0..150 {
            let mut peer = Peer::connect(&place.socket);
            // Some are closed to free memory.
            let _ = peer.0.write_all(&half);
            peers.push(peer);
            healthy.send(data("whole"));
        }
        receiver.line("closed to free memory: incomplete frames of all connections take");
        healthy.close();
        let peak = peak_memory(&receiver);
        assert!(peak < 120 << 10, "{peak} KiB");
        let lines = receiver.stop();
        assert_line(&lines, "received 150 frames");
        assert_line(&lines, "150 cut off");
        fs::remove_file(place.path("out")).unwrap();
    }
}

#[test]
fn connections_leave_descriptors_for_rotation_and_metrics() {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    let metrics = HeldAddress::new("127.0.0.1");
    let mut command = limited("-n 48", DNSTAP);
    command.args(["-u", &socket, "-w", &out, "--metrics", &metrics]);
    let mut receiver = Running::start(&mut command);
    receiver.line("opened output file");
    let mut healthy = Peer::open(&place.socket);
    let peers: Vec<Peer> = (0..60).map(|_| Peer::connect(&place.socket)).collect();
    receiver.line("as many as the limit of 48 open files (ulimit -n) allows");
    for round in 0..3 {
        healthy.send(data("whole"));
        receiver.signal("USR1");
        receiver.line("closed output file");
        receiver.line("opened output file");
        let mut reader = TcpStream::connect(&*metrics).unwrap();
        reader.set_read_timeout(Some(DEADLINE)).unwrap();
        reader.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut page = String::new();
        reader.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK"), "round {round}: {page}");
    }
    drop(peers);
    // Descriptors are free again.
    Peer::open(&place.socket).close();
    healthy.close();
    receiver.stop();
}

#[test]
fn a_sender_without_pauses_does_not_delay_others() {
    let place = Place::new();
    for (program, arguments) in receivers(&place, &[]) {
        let receiver = start(program, &arguments);
        let flood: Vec<_> = (0..2)
            .map(|_| {
                let mut peer = Peer::open(&place.socket);
                thread::spawn(move || {
                    let frames = data([7; 200]).repeat(1000);
                    while peer.0.write_all(&frames).is_ok() {}
                })
            })
            .collect();
        for _ in 0..20 {
            let begin = Instant::now();
            place.send(["one"]);
            assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        }
        receiver.stop();
        flood.into_iter().for_each(|flood| flood.join().unwrap());
        fs::remove_file(place.path("out")).unwrap();
    }
}

#[test]
fn a_handshake_in_time_succeeds_although_the_output_blocked_the_receiver() {
    let place = Place::new();
    let mut capture = Running::capture_to_pipe(&place.argument("socket"));
    let mut late = Peer::connect(&place.socket);
    let begin = Instant::now();
    let mut flood = Peer::open(&place.socket);
    flood.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    while flood.0.write_all(&data([0; 1000])).is_ok() {}
    late.send(control(Ready, Some(TYPE)));
    // Exceed the time limit of a handshake.
    thread::sleep(Duration::from_millis(10_500).saturating_sub(begin.elapsed()));
    let mut stdout = capture.child.stdout.take().unwrap();
    let reader = thread::spawn(move || stdout.read_to_end(&mut Vec::new()).unwrap());
    late.expect(&control(Accept, Some(TYPE)));
    drop((late, flood));
    capture.signal("TERM");
    capture.end();
    reader.join().unwrap();
}

#[test]
fn the_length_of_a_frame_is_not_allocated_before_its_bytes_are_there() {
    let place = Place::new();
    let start = control(Start, Some(TYPE));
    let whole = [start.clone(), data("one")].concat();
    let input = place.file("in", [&whole[..], b"\xff\xff\xff\xf0and no more"].concat());
    let mut command = limited("-v 1000000", DNSTAP);
    let command = command.args(["-r", &input, "-q", "--frame-limit", "8G"]).stdout(Stdio::piped());
    let output = Running::start(command).output();
    let error = String::from_utf8(output.stderr).unwrap();
    let offset = whole.len();
    assert!(error.contains(&format!("the frame at offset {offset} is cut off")), "{error}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_large_frame_is_read_whole_from_a_file() {
    let place = Place::new();
    let payload: Vec<u8> = (0..9_000_000_u32).map(|at| (at / 251) as u8).collect();
    let input = place.file("in", recording([&payload[..], b"next"]));
    let output = place.argument("out");
    let limit = ["--frame-limit", "8G"];
    let copied = run(DNSTAP, &[&["-r", &input, "-w", &output], &limit[..]].concat());
    assert!(copied.status.success(), "{copied:?}");
    assert_eq!(fs::read(&output).unwrap(), fs::read(&input).unwrap());
    // The file can be continued after it.
    let continued = run(DNSTAP, &[&["-r", &input, "-a", "-w", &output], &limit[..]].concat());
    assert!(continued.status.success(), "{continued:?}");
    let expected = recording([&payload[..], b"next", &payload, b"next"]);
    assert!(fs::read(&output).unwrap() == expected);
}
