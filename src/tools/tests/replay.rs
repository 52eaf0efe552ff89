// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fstrm_replay` compared with Debian's, and with receivers on which Debian's hangs.

mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Output;
use std::time::{Duration, Instant};
use std::{fs, thread};

use framestream::control::ControlType::{Accept, Finish, Ready, Start};
use support::{
    DEADLINE, Place, REPLAY, Running, TYPE, assert_holds, c, control, data, payloads, recording,
    run,
};

/// Runs both programs with `arguments`, each with a capture of its own. Returns the outputs of the
/// programs and the captured files.
fn compare(place: &Place, arguments: &[&str]) -> [(Output, Vec<u8>); 2] {
    [REPLAY.to_string(), c("fstrm_replay")].map(|program| {
        let output = place.argument("out");
        let capture = Running::capture(&["-u", &place.argument("socket"), "-w", &output]);
        let sent = run(&program, arguments);
        capture.stop();
        let received = fs::read(&output).unwrap();
        fs::remove_file(&output).unwrap();
        (sent, received)
    })
}

#[test]
fn files_are_sent_or_skipped_like_debians() {
    let place = Place::new();
    let socket = place.argument("socket");
    let one = place.file("one", recording(payloads(700)));
    let two = place.file("two", recording(["a", "b"]));
    let empty = place.file("empty", recording([""; 0]));
    let other = place.file("other", [control(Start, Some("x")), data("x")].concat());
    let untyped = place.file("untyped", [control(Start, None), data("untyped")].concat());
    let torn = place.file("torn", &recording(["whole", "torn"])[..42 + 9 + 6]);
    let nonsense = place.file("nonsense", "nonsense");
    let broken = place.file(
        "broken",
        [&control(Start, Some(TYPE))[..], &data("one"), b"\0\0\0\0\0\0\0\x04\0\0\0\x09"].concat(),
    );
    for files in [
        &[&one][..],
        &[&one, &two, &one],
        &[&empty],
        &[&other, &two],
        &[&untyped],
        &[&torn, &two],
        &[&nonsense, &two],
        &[&broken, &two],
        &[&place.argument("nonexistent"), &two],
    ] {
        let mut arguments = vec!["--type", TYPE, "--unix", &socket];
        for file in files {
            // The manual page says --read, the program --read-file.
            arguments.extend(["--read", file]);
        }
        let [(ours, our_file), (theirs, their_file)] = compare(&place, &arguments);
        assert_eq!(ours.status.code(), theirs.status.code(), "{files:?} {ours:?} {theirs:?}");
        assert!(our_file == their_file, "{files:?}");
        let (ours, theirs) = (ours.stderr, String::from_utf8(theirs.stderr).unwrap());
        let ours = String::from_utf8(ours).unwrap();
        for line in theirs.lines() {
            assert!(ours.lines().any(|ours| ours == line), "{line} is missing: {ours}");
        }
    }
}

#[test]
fn the_standard_input_can_be_sent() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(100)));
    let capture = place.capture(&[]);
    let sent = std::process::Command::new(REPLAY)
        .args(["-t", TYPE, "-u", &place.argument("socket"), "-r", "-"])
        .stdin(fs::File::open(input).unwrap())
        .status()
        .unwrap();
    assert!(sent.success());
    capture.stop();
    assert_holds(&place.path("out"), payloads(100));
}

#[test]
fn usage_errors_end_with_1() {
    let place = Place::new();
    let file = place.file("file", recording(["x"]));
    for arguments in [
        &[][..],
        &["-h"],
        &["-t", "x"],
        &["-t", "x", "-r", &file],
        &["-t", "x", "-r", &file, "-u", "/nonexistent"],
        &["-t", "x", "-r", &file, "-u", "/nonexistent", "-a", "127.0.0.1", "-p", "1"],
        &["-t", "x", "-r", &file, "-a", "127.0.0.1"],
        &["-t", "x", "-r", &file, "-a", "127.0.0.1", "-p", "x"],
        &["-t", "x", "-r", &file, "-a", "localhost", "-p", "1"],
        &["-u", "/nonexistent", "-r", &file],
        &["-u", "/nonexistent", "-t", "x"],
    ] {
        let (ours, theirs) = (run(REPLAY, arguments), run(c("fstrm_replay"), arguments));
        assert_eq!(ours.status.code(), theirs.status.code(), "{arguments:?}");
        assert!(!ours.stderr.is_empty() && ours.stdout.is_empty(), "{ours:?}");
        let error = |output: &Output| {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let line = |line: &&str| line.contains("Usage error") || line.contains("Error:");
            text.lines().find(line).map(String::from)
        };
        if let Some(theirs) = error(&theirs) {
            assert_eq!(error(&ours), Some(theirs), "{arguments:?}");
        }
    }
}

/// Replays `payloads` to a receiver that runs `talk` on its first connection. Returns the output, and
/// how long it took.
fn with_receiver(
    payloads: Vec<Vec<u8>>,
    talk: impl FnOnce(&mut std::os::unix::net::UnixStream) + Send + 'static,
) -> (Output, Duration) {
    let place = Place::new();
    let file = place.file("file", recording(payloads));
    let listener = UnixListener::bind(&place.socket).unwrap();
    let receiver = thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(DEADLINE)).unwrap();
        talk(&mut peer);
        // Keep the connection open until replay ends.
        let _ = peer.read_to_end(&mut Vec::new());
    });
    let begin = Instant::now();
    let output = run(REPLAY, &["-t", TYPE, "-u", &place.argument("socket"), "-r", &file]);
    let time = begin.elapsed();
    receiver.join().unwrap();
    (output, time)
}

fn expect(peer: &mut impl Read, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(got, bytes);
}

#[test]
fn replay_gives_up_on_a_silent_receiver() {
    let (output, time) = with_receiver(payloads(1), |_| ());
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.starts_with(b"Error: fstrm_writer_open() failed.\n"), "{output:?}");
    assert!((Duration::from_secs(4)..Duration::from_secs(15)).contains(&time), "{time:?}");
}

#[test]
fn replay_fails_without_finish() {
    for closes in [true, false] {
        let (output, time) = with_receiver(vec![b"x".to_vec()], move |peer| {
            expect(peer, &control(Ready, Some(TYPE)));
            peer.write_all(&control(Accept, Some(TYPE))).unwrap();
            expect(peer, &recording(["x"]));
            if closes {
                peer.shutdown(std::net::Shutdown::Both).unwrap();
            }
        });
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(output.stderr.starts_with(b"Error: fstrm_writer_close() failed.\n"), "{output:?}");
        assert!(time < Duration::from_secs(15), "{time:?}");
    }
}

#[test]
fn a_receiver_with_another_content_type_gets_no_frames() {
    let (output, _) = with_receiver(payloads(1), |peer| {
        expect(peer, &control(Ready, Some(TYPE)));
        peer.write_all(&control(Accept, Some("other"))).unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, b"");
    });
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no content type in common"), "{error}");
}

#[test]
fn a_slow_receiver_is_waited_for() {
    let sent = vec![vec![b's'; 100_000]; 20];
    let expected = recording(&sent);
    let (output, time) = with_receiver(sent, move |peer| {
        expect(peer, &control(Ready, Some(TYPE)));
        peer.write_all(&control(Accept, Some(TYPE))).unwrap();
        // Longer in total than the deadline for no progress.
        for piece in expected.chunks(expected.len() / 12) {
            thread::sleep(Duration::from_millis(600));
            expect(peer, piece);
        }
        peer.write_all(&control(Finish, None)).unwrap();
    });
    assert!(output.status.success(), "{output:?}");
    assert!(time > Duration::from_secs(5), "{time:?}");
}
