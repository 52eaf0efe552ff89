// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fstrm_capture` and its peers: Debian's programs, and scripted senders of every behaviour.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{self, Command};
use std::time::{Duration, Instant};
use std::{fs, thread};

use framestream::control::ControlType::{Finish, Ready, Start, Stop};
use nix::unistd::getuid;
use support::held_address::HeldAddress;
use support::{
    CAPTURE, DEADLINE, Peer, Place, REPLAY, Running, TYPE, assert_holds, assert_line, c, control,
    data, debian, dumped, limited, names, payloads, quoted, recording, run, until,
};

fn replay(program: &str, place: &Place, file: &str) {
    let socket = place.argument("socket");
    let output = run(program, &["-t", TYPE, "-u", &socket, "-r", file]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stderr, b"", "{output:?}");
}

#[test]
fn debians_replay_is_recorded_unchanged() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(5000)));
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    let capture = Running::capture(&["-u", &socket, "-w", &output]);
    replay(&c("fstrm_replay"), &place, &input);
    let lines = capture.stop();
    assert_eq!(fs::read(&output).unwrap(), fs::read(&input).unwrap());
    let size = fs::metadata(&input).unwrap().len();
    let expected = format!(
        "fstrm_capture: opening Unix socket path {socket}
fstrm_capture: opened output file {output}
fstrm_capture: shutting down
fstrm_capture: closed output file {output} (wrote 5002 frames, {size} bytes)
fstrm_capture: received 5000 frames, {} bytes on 1 connections (0 refused)
fstrm_capture: lost 0 frames (0 over the size limit, 0 cut off, 0 not written)",
        size - 54
    );
    assert_eq!(lines.join("\n"), expected);
    assert_eq!(names(place.directory.path()), ["in", "out"], "the socket is gone");
}

#[test]
fn debians_capture_records_our_replay_unchanged() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(5000)));
    let output = place.argument("out");
    let capture = Running::c_capture(&place.socket, &["-w", &output]);
    replay(REPLAY, &place, &input);
    capture.stop();
    assert_eq!(fs::read(&output).unwrap(), fs::read(&input).unwrap());
}

#[test]
fn tcp_works_in_both_directions() {
    for address in ["127.0.0.1", "::1"] {
        let place = Place::new();
        let input = place.file("in", recording(payloads(3000)));
        let output = place.argument("out");
        let held = HeldAddress::new(address);
        let port = held.port();
        let mut capture = Running::start(
            Command::new(CAPTURE).args(["-t", TYPE, "-a", address, "-p", port, "-w", &output]),
        );
        capture.line(&format!("opening TCP socket [{address}]:{port}"));
        capture.line("opened output file");
        for program in [&c("fstrm_replay"), REPLAY] {
            let output = run(program, &["-t", TYPE, "-a", address, "-p", port, "-r", &input]);
            assert!(output.status.success(), "{output:?}");
        }
        capture.stop();
        let twice = [payloads(3000), payloads(3000)].concat();
        assert_holds(&place.path("out"), twice);
    }
}

#[test]
fn the_go_program_works_as_sender_and_as_receiver() {
    let dnstap = debian("dnstap", "golang-github-dnstap-golang-dnstap-cli");
    let place = Place::new();
    let input = place.file("in", recording(payloads(3000)));
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    let capture = Running::capture(&["-u", &socket, "-w", &output]);
    let sent = run(&dnstap, &["-r", &input, "-U", &socket]);
    assert!(sent.status.success(), "{sent:?}");
    capture.stop();
    assert_holds(&place.path("out"), payloads(3000));

    let copy = place.argument("copy");
    let mut receiver = Running::start(Command::new(&dnstap).args(["-u", &socket, "-w", &copy]));
    receiver.line("opened input socket");
    replay(REPLAY, &place, &input);
    receiver.line("closed connection 1");
    // The program still writes after that line, and loses its last buffer of up to 4096 bytes at exit.
    let input = fs::read(input).unwrap();
    let is_written = |len: u64| len + 4096 > input.len() as u64;
    until(|| fs::metadata(&copy).is_ok_and(|copy| is_written(copy.len())));
    receiver.signal("INT");
    receiver.end();
    let copy = fs::read(copy).unwrap();
    assert!(input.starts_with(&copy), "{}", copy.len());
}

#[test]
fn debug_lines_equal_debians() {
    let exchange = |c_program: bool| {
        let place = Place::new();
        let output = place.argument("out");
        let socket = place.argument("socket");
        let arguments = ["-w", &output, "-ddddd"];
        let capture = if c_program {
            Running::c_capture(&place.socket, &arguments)
        } else {
            Running::capture(&[&["-u", &socket], &arguments[..]].concat())
        };
        place.send([b"one"]);
        let lines = capture.stop().join("\n");
        let peer =
            format!(" (pid {}, uid {})", process::id(), getuid()).replace(char::is_numeric, "#");
        let first = lines.find("received FSTRM_CONTROL_READY").expect(&lines);
        let last = lines.find("fstrm_capture: closed").expect(&lines);
        let mut relevant: Vec<String> = lines[first..last]
            .lines()
            .filter(|line| {
                !line.contains("incomplete message") && !line.contains("reading control")
            })
            .map(|line| line.replace(char::is_numeric, "#").replace(output.as_str(), "OUT"))
            // Debian's lines name the socket only.
            .map(|line| line.replace(&peer, ""))
            .collect();
        relevant.sort();
        relevant
    };
    assert_eq!(exchange(false), exchange(true));
}

#[test]
fn a_sender_may_begin_with_start() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let mut peer = Peer::connect(&place.socket);
    peer.send(recording(["one", "two"]));
    assert_eq!(peer.expect_end(), b"", "no FINISH, as the sender does not read");
    capture.stop();
    assert_holds(&place.path("out"), ["one", "two"]);
}

#[test]
fn a_sender_that_shut_down_writing_gets_finish() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    peer.send([data(b"one"), control(Stop, None)].concat());
    peer.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(peer.expect_end(), control(Finish, None));
    capture.stop();
    assert_holds(&place.path("out"), ["one"]);
}

#[test]
fn a_stream_may_arrive_in_pieces() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let stream = recording(payloads(40));
    for size in [1, 2, 3, 5, 64] {
        let mut peer = Peer::connect(&place.socket);
        for piece in stream.chunks(size) {
            peer.send(piece);
        }
        peer.expect_end();
    }
    capture.stop();
    let payloads: Vec<_> = (0..5).flat_map(|_| payloads(40)).collect();
    assert_holds(&place.path("out"), payloads);
}

#[test]
fn many_senders_are_served_concurrently() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let senders: Vec<_> = (0..20_u8)
        .map(|sender| {
            let socket = place.socket.clone();
            thread::spawn(move || {
                let mut peer = Peer::open(&socket);
                for number in 0..2000_u32 {
                    let payload = [&[sender][..], &number.to_be_bytes(), &[0; 200]].concat();
                    peer.send(data(payload));
                }
                peer.close();
            })
        })
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    let lines = capture.stop();
    assert_line(&lines, "received 40000 frames");
    let file = fs::read(place.path("out")).unwrap();
    let mut next = [0_u32; 20];
    for frame in file[42..file.len() - 12].chunks(209) {
        let (sender, number) = (usize::from(frame[4]), &frame[5..9]);
        assert_eq!(number, next[sender].to_be_bytes(), "sender {sender}");
        next[sender] += 1;
    }
    assert_eq!(next, [2000; 20]);
}

#[test]
fn a_frame_over_the_limit_is_skipped_and_counted() {
    let place = Place::new();
    let capture = place.capture(&["-b", "1004", "-dd"]);
    let mut peer = Peer::open(&place.socket);
    let fits = vec![b'f'; 1000];
    peer.send(
        [data(&fits), data(vec![0; 1001]), data("between"), data(vec![0; 3_000_000])].concat(),
    );
    peer.send(data("last"));
    peer.close();
    let lines = capture.stop().join("\n");
    assert!(lines.contains("Skipping 1005 byte message (1004 buffer)"), "{lines}");
    assert!(lines.contains("Skipping 3000004 byte message (1004 buffer)"), "{lines}");
    assert!(lines.contains("lost 2 frames (2 over the size limit, 0 cut off"), "{lines}");
    assert_holds(&place.path("out"), [&fits[..], b"between", b"last"]);
}

#[test]
fn the_default_limit_is_a_megabyte() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    let largest = vec![b'x'; 1024 * 1024 - 4];
    peer.send(data(&largest));
    peer.send(data(vec![b'y'; 1024 * 1024 - 3]));
    peer.close();
    let lines = capture.stop().join("\n");
    assert!(lines.contains("lost 1 frames (1 over the size limit"), "{lines}");
    assert_eq!(fs::read(place.path("out")).unwrap(), recording([largest]));
}

#[test]
fn a_frame_that_is_cut_off_is_dropped_and_counted() {
    let place = Place::new();
    let capture = place.capture(&["-dd"]);
    for rest in [&data("gone")[..7], &[0, 0]] {
        let mut peer = Peer::open(&place.socket);
        peer.send([&data("whole")[..], rest].concat());
        peer.0.shutdown(Shutdown::Write).unwrap();
        peer.expect_end();
    }
    let lines = capture.stop().join("\n");
    assert!(lines.contains("the last frame is cut off: 7 bytes dropped"), "{lines}");
    assert!(lines.contains("lost 2 frames (0 over the size limit, 2 cut off"), "{lines}");
    assert_holds(&place.path("out"), ["whole", "whole"]);
}

#[test]
fn a_sender_that_left_before_it_was_read_is_closed() {
    let place = Place::new();
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    let mut capture = Running::capture(&["-u", &socket, "-w", &output, "-ddd"]);
    capture.signal("STOP");
    let mut peer = Peer::connect(&place.socket);
    peer.send([control(Start, Some(TYPE)), data("one")].concat());
    drop(peer);
    // This one does not wait for ACCEPT, which cannot be delivered.
    let mut peer = Peer::connect(&place.socket);
    peer.send([control(Ready, Some(TYPE)), recording(["two"])].concat());
    drop(peer);
    capture.signal("CONT");
    capture.line("closing (read 1 frames, 7 bytes)");
    capture.line("closing (read 1 frames, 7 bytes)");
    capture.stop();
    assert_holds(&place.path("out"), ["one", "two"]);
}

#[test]
fn other_protocols_are_named() {
    let place = Place::new();
    let mut capture = place.capture(&[]);
    let other = control(Ready, Some("protobuf:other"));
    let only_third = control(Start, Some("protobuf:third"));
    for (bytes, words) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &["TLS"][..]),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &["HTTP"]),
        (b"\x00\x2a\x08\x01\x12\x10", &["protobuf", "2-byte length"]),
        (&data("\n\x03abc"), &["data without START"]),
        (b"SSH-2.0-OpenSSH_9.2\r\n", &["does not speak Frame Streams"]),
        (&control(Stop, None), &["Stop"]),
        (b"\0\0\0\0\x7f\xff\xff\xff", &["too long"]),
        (&other, &["content type mismatch", "\"protobuf:other\"", "\"protobuf:dnstap.Dnstap\""]),
        (
            &only_third,
            &["content type mismatch", "\"protobuf:third\"", "\"protobuf:dnstap.Dnstap\""],
        ),
    ] {
        let mut peer = Peer::connect(&place.socket);
        peer.send(bytes);
        let line = capture.line("connection fd");
        for word in words {
            assert!(line.contains(word), "{line}");
        }
        assert_eq!(peer.expect_end(), b"", "{line}");
    }
    let lines = capture.stop().join("\n");
    assert!(lines.contains("(9 refused)"), "{lines}");
    assert_holds(&place.path("out"), [""; 0]);
}

#[test]
fn repeated_refusals_are_summarized() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let mut counts = [0, 0];
    for number in 0..1000 {
        let mut peer = Peer::connect(&place.socket);
        // All lines differ, and the kinds alternate.
        let (kind, bytes) = match number % 2 {
            0 => (0, control(Start, Some(&format!("type {number}")))),
            _ => (1, b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        };
        peer.send(bytes);
        peer.expect_end();
        counts[kind] += 1;
    }
    let lines = capture.stop();
    let text = lines.join("\n");
    assert!(text.contains("(1000 refused)"), "{text}");
    assert!(lines.len() < 60, "{} lines: {text}", lines.len());
    for (kind, words, count) in [
        ("connections with another content type", "content type mismatch", counts[0]),
        ("connections of another protocol", "the peer speaks HTTP", counts[1]),
    ] {
        let (merged, single): (Vec<&String>, Vec<&String>) =
            lines.iter().filter(|line| line.contains(words)).partition(|line| line.contains(kind));
        let merged = merged.iter().map(|line| {
            let count = line.split(' ').nth(1).unwrap();
            count.parse::<usize>().unwrap()
        });
        assert_eq!(single.len() + merged.sum::<usize>(), count, "{kind}: {text}");
        let ours = format!("(pid {}, uid ", process::id());
        assert!(single.iter().all(|line| line.contains(&ours)), "{text}");
    }
}

#[test]
fn every_line_about_a_connection_names_its_peer() {
    let place = Place::new();
    let address = HeldAddress::new("127.0.0.1");
    let port = address.port();
    let out = place.argument("out");
    let arguments = ["-a", "127.0.0.1", "-p", port, "-w", &out, "-ddddd"];
    let capture = Running::capture(&arguments);
    let mut peers = Vec::new();
    for bytes in [
        recording(["one"]),
        [control(Start, Some(TYPE)), data("two")[..5].to_vec()].concat(),
        [control(Start, Some(TYPE)), control(Ready, None)].concat(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        let mut peer = TcpStream::connect(&*address).unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        peer.write_all(&bytes).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        assert_eq!(peer.read(&mut [0]).unwrap_or(0), 0);
        peers.push(format!("({})", peer.local_addr().unwrap()));
    }
    let lines = capture.stop();
    let mut about = lines.iter().filter(|line| line.contains("connection fd"));
    assert!(about.all(|line| peers.iter().any(|peer| line.contains(peer))), "{lines:#?}");
    for peer in &peers {
        for words in ["accepted new connection", "closing (read"] {
            let has = |line: &String| line.contains(peer) && line.contains(words);
            assert!(lines.iter().any(has), "{words} {peer}: {lines:#?}");
        }
    }
}

#[test]
fn control_frames_among_the_data_end_the_connection_but_keep_the_data() {
    let place = Place::new();
    let mut capture = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    peer.send([data("one"), control(Ready, None)].concat());
    capture.line("the peer sent FSTRM_CONTROL_READY among its data");
    peer.expect_end();
    let mut peer = Peer::open(&place.socket);
    peer.send([&data("two")[..], b"\0\0\0\0\0\0\0\x04\0\0\0\x63"].concat());
    capture.line("broken stream: unknown control frame type 99");
    peer.expect_end();
    capture.stop();
    assert_holds(&place.path("out"), ["one", "two"]);
}

#[test]
fn a_silent_peer_is_closed() {
    let place = Place::new();
    let mut capture = place.capture(&[]);
    let silent = Peer::connect(&place.socket);
    let mut half = Peer::connect(&place.socket);
    half.send(control(Ready, Some(TYPE)));
    let working = Peer::open(&place.socket);
    capture.line("no handshake within 10 seconds");
    silent.expect_end();
    half.expect_end();
    working.close();
    capture.stop();
}

#[test]
fn a_lack_of_descriptors_is_reported_once() {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    let mut command = limited("-n 30", CAPTURE);
    command.args(["-t", TYPE, "-u", &socket, "-w", &out]);
    let mut capture = Running::start(&mut command);
    capture.line("opened output file");
    let peers: Vec<Peer> = (0..40).map(|_| Peer::connect(&place.socket)).collect();
    let limit = "as many as the limit of 30 open files (ulimit -n) allows";
    capture.line(limit);
    // It retries each second without a message.
    thread::sleep(Duration::from_millis(2500));
    drop(peers);
    Peer::open(&place.socket).close();
    let lines = capture.stop();
    let reports = lines.iter().filter(|line| line.contains(limit)).count();
    assert_eq!(reports, 1, "{lines:#?}");
}

#[test]
fn connections_over_the_limit_wait() {
    let place = Place::new();
    let capture = place.capture(&["-c", "1", "-ddd"]);
    let mut first = Peer::open(&place.socket);
    let mut second = Peer::connect(&place.socket);
    second.send(recording(["second"]));
    first.send(data("first"));
    first.close();
    let begin = Instant::now();
    second.expect_end();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    let lines = capture.stop();
    let order: Vec<&str> = lines
        .iter()
        .filter_map(|line| {
            ["accepted new", "closing (read"].into_iter().find(|word| line.contains(word))
        })
        .collect();
    assert_eq!(order, ["accepted new", "closing (read", "accepted new", "closing (read"]);
    assert_holds(&place.path("out"), ["first", "second"]);
}

#[test]
fn a_stop_under_load_keeps_every_received_frame() {
    let place = Place::new();
    let output = place.path("out");
    let capture = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    let sender = thread::spawn(move || {
        for number in 0_u64.. {
            if peer.0.write_all(&data([&number.to_be_bytes()[..], &[7; 100]].concat())).is_err() {
                return number;
            }
        }
        unreachable!("writing fails once the capture has ended")
    });
    // Wait for the load.
    let partial = place.path(&format!(".out.partial-{}", capture.child.id()));
    until(|| fs::metadata(&partial).unwrap().len() >= 2_000_000);
    capture.stop();
    let failed_at = sender.join().unwrap();
    let file = fs::read(&output).unwrap();
    assert!(file.ends_with(&control(Stop, None)));
    let frames = file[42..file.len() - 12].chunks(112);
    assert!(frames.len() as u64 <= failed_at, "{} of {failed_at}", frames.len());
    for (number, frame) in frames.enumerate() {
        assert_eq!(frame, data([&(number as u64).to_be_bytes()[..], &[7; 100]].concat()));
    }
}

#[test]
fn bytes_in_the_socket_at_the_stop_are_recorded() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let mut peer = Peer::open(&place.socket);
    capture.signal("STOP");
    let payloads = payloads(100);
    for payload in &payloads {
        peer.send(data(payload));
    }
    let mut waiting = UnixStream::connect(&place.socket).unwrap();
    waiting.write_all(&recording(["waiting"])).unwrap();
    capture.signal("TERM");
    capture.signal("CONT");
    capture.end_with(0);
    let mut expected: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    expected.push(b"waiting");
    let dump = dumped(&place.path("out"));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(String::from).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&dump), sorted(&quoted(expected)));
}

#[test]
fn usage_errors_equal_debians() {
    let c_capture = c("fstrm_capture");
    for arguments in [
        &[][..],
        &["-t", "x"],
        &["-t", "x", "-a", "127.0.0.1"],
        &["-t", "x", "-u", "/s"],
        &["-t", "x", "-u", "/s", "-w", "-", "-s", "1"],
        &["-t", "x", "-u", "/s", "-w", "f", "--gmtime", "--localtime"],
        &["-t", "x", "-u", "/s", "-w", "f", "-s", "1"],
        &["-t", "x", "-a", "127.0.0.1", "-p", "65536", "-w", "f"],
        &["-t", "x", "-a", "127.0.0.1", "-p", "1x", "-w", "f"],
        &["-t", "x", "-a", "localhost", "-p", "1", "-w", "f"],
        &["-t", "x", "-w", "f", "-u", &"x".repeat(108)],
    ] {
        let (ours, theirs) = (run(CAPTURE, arguments), run(&c_capture, arguments));
        assert_eq!(ours.status.code(), theirs.status.code(), "{arguments:?}");
        assert_eq!(ours.stdout, theirs.stdout, "{arguments:?}");
        let message = |stderr: &[u8]| {
            let text = String::from_utf8_lossy(stderr).into_owned();
            text.lines().find(|line| line.contains("Usage error")).map(String::from)
        };
        assert_eq!(message(&ours.stderr), message(&theirs.stderr), "{arguments:?}");
        assert!(message(&ours.stderr).is_some(), "{arguments:?}");
    }
    for arguments in [&["-h"][..], &["--help"], &["-x"], &["--nonsense"], &["more"], &["-w"]] {
        let (ours, theirs) = (run(CAPTURE, arguments), run(&c_capture, arguments));
        assert_eq!(ours.status.code(), theirs.status.code(), "{arguments:?}");
        assert!(!ours.stderr.is_empty() && ours.stdout.is_empty(), "{ours:?}");
    }
    let version = run(CAPTURE, &["--version"]);
    assert_eq!(version.status.code(), Some(0));
    let wanted = concat!("fstrm_capture: ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&version.stderr), wanted);
}

#[test]
fn long_options_may_be_shortened_and_joined_as_in_debians() {
    let place = Place::new();
    let (socket, output) = (place.argument("socket"), place.argument("out-%Y"));
    let mut capture = Running::start(Command::new(CAPTURE).args([
        &format!("-t={TYPE}"),
        &format!("--un={socket}"),
        "--wr",
        &output,
        "--gm",
        "--s",
        "3600",
        "--po=1",
        "-dd",
        "-d",
    ]));
    capture.line("Warning: Ignoring --port with --unix");
    let line = capture.line("opened output file");
    assert!(line.contains("/out-2"), "{line}");
    capture.stop();
}

#[test]
fn the_standard_output_can_be_a_pipe() {
    let place = Place::new();
    let mut capture = Running::capture_to_pipe(&place.argument("socket"));
    let mut peer = Peer::open(&place.socket);
    peer.send(data("one"));
    // Frames are written at once, not when a buffer is full.
    let mut begin = vec![0; 42 + 7];
    capture.child.stdout.as_mut().unwrap().read_exact(&mut begin).unwrap();
    assert_eq!(begin, [control(Start, Some(TYPE)), data("one")].concat());
    capture.signal("USR1");
    capture.line("received SIGUSR1, rotating output file");
    capture.line("rotate_output: not rotating stdout");
    capture.signal("HUP");
    capture.line("received SIGHUP, flushing output");
    peer.close();
    capture.signal("TERM");
    let output = capture.output();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, control(Stop, None));
}

#[test]
fn a_blocked_output_does_not_delay_the_stop() {
    let place = Place::new();
    let mut capture = Running::capture_to_pipe(&place.argument("socket"));
    let mut peer = Peer::open(&place.socket);
    peer.0.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    // Fill the pipe and the socket.
    while peer.0.write_all(&data([0; 1000])).is_ok() {}
    let stdout = capture.child.stdout.take();
    capture.signal("TERM");
    let lines = capture.end_with(1);
    assert_line(&lines, "failed to write output file -");
    drop(stdout);
}
