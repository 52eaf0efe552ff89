// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of `dnstap`: after a number of messages, after errors of outputs, and by signals.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use dnstap::schema::MessageType;
use dnstap::{Event, Message};
use signal_hook::consts::SIGPIPE;
use support::{
    CAPTURE, DNSTAP, DUMP, Peer, Place, REPLAY, Running, TYPE, assert_holds, assert_line, data,
    events, limited, names, number_before, recording, signal, until,
};

/// Encodes a message that is printed as one line of some 70 bytes.
fn frame() -> Vec<u8> {
    let message = Message {
        query_address: Some(&[192, 0, 2, 1]),
        query_time_sec: Some(1_700_000_000),
        ..Message::new(MessageType::CLIENT_QUERY)
    };
    let event = Event { identity: Some(b"ns1"), message: Some(message), ..Event::new() };
    events::frame(&event)
}

fn frames(count: usize) -> Vec<Vec<u8>> {
    vec![frame(); count]
}

fn start(arguments: &[&str], stdout: impl Into<Stdio>) -> Running {
    Running::start(Command::new(DNSTAP).args(arguments).stdout(stdout))
}

#[test]
fn the_count_of_messages_from_files_ends_a_capture() {
    let place = Place::new();
    let (socket, file) = (place.argument("socket"), place.file("in", recording(frames(9))));
    for _ in 0..5 {
        let quiet = place.argument("quiet");
        let out = format!("quiet:{quiet}");
        let running =
            start(&["-u", &socket, "-r", &file, "--count", "1", "-w", &out], Stdio::null());
        running.end_with(0);
        assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), 1);
    }
}

#[test]
fn a_closed_standard_output_does_not_affect_other_outputs() {
    let place = Place::new();
    let sent = frames(12_000);
    let file = place.file("in", recording(&sent));
    let all = place.argument("all");
    let started = |arguments: &[&str]| {
        let mut running = start(arguments, Stdio::piped());
        let mut line = String::new();
        let stdout = running.child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        assert!(line.contains(" CQ "), "{line}");
        running.end()
    };
    let (status, lines) =
        started(&["-r", &file, "-w", "quiet:-", "-w", &format!("frames:{all}"), "--sample", "1"]);
    assert!(status.success(), "{lines:#?}");
    assert!(
        lines[1].contains("was closed by its reader; the other outputs continue"),
        "{lines:#?}"
    );
    assert_holds(&place.path("all"), &sent);
    let (status, lines) = started(&["-r", &file]);
    assert!(status.success() && lines.is_empty(), "{lines:#?}");
}

#[test]
fn errors_in_writing_completions_are_reported() {
    let arguments = ["--completions", "bash"];
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let lines = start(&arguments, full).end_with(1);
    assert!(lines[0].contains("failed to write -: No space left"), "{lines:#?}");
    let mut unread = start(&arguments, Stdio::piped());
    drop(unread.child.stdout.take());
    assert!(unread.end().0.success());
    let output = start(&arguments, Stdio::piped()).output();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("--post-rotate"));
}

#[test]
fn a_closed_standard_output_ends_statistics() {
    let place = Place::new();
    let socket = place.argument("socket");
    let read_one = |arguments: &[&str]| {
        let mut running =
            start(&[&["-u", &socket, "-q", "--stats"], arguments].concat(), Stdio::piped());
        running.line("opened input socket");
        let mut peer = Peer::open(&place.socket);
        peer.send(data(frame()));
        let mut line = String::new();
        let stdout = running.child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        peer.send_on(data(frame()));
        running
    };
    let lines = read_one(&[]).end_with(0);
    assert!(!lines.iter().any(|line| line.contains("outputs continue")), "{lines:#?}");
    // With metrics, the capture continues.
    let mut running = read_one(&["--metrics", "127.0.0.1:0"]);
    running.line("was closed by its reader; the other outputs continue");
    running.stop();
}

#[test]
fn the_reader_of_frames_may_close_early() {
    let place = Place::new();
    let sent = frames(12_000);
    let file = place.file("in", recording(&sent));
    let close_early = |running: &mut Running| {
        let mut stdout = running.child.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 100]).unwrap();
    };
    let quiet = place.argument("quiet");
    let beside = ["-w", &format!("quiet:{quiet}")];
    for arguments in [&[][..], &["--stats"], &beside] {
        let arguments = [&["-r", &file, "-w", "frames:-"], arguments].concat();
        let mut running = start(&arguments, Stdio::piped());
        close_early(&mut running);
        let lines = running.end_with(0);
        let wrong = |line: &String| line.contains("failed") || line.contains("lost");
        assert!(!lines.iter().any(wrong), "{lines:#?}");
    }
    assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), sent.len());
    // The pipe contains all frames before its reader closes: only the end cannot be written.
    let small = recording(frames(9));
    let (begin, stop) = small.split_at(small.len() - 12);
    let (mut input, name) = pipe(&place, begin);
    let mut running = start(&["-r", &name, "-w", "frames:-"], Stdio::piped());
    close_early(&mut running);
    input.write_all(stop).unwrap();
    drop(input);
    running.end_with(0);
    let arguments = ["-u", &place.argument("socket"), "-w", "frames:-"];
    let mut running = start(&arguments, Stdio::piped());
    running.line("opened input socket");
    let mut peer = Peer::open(&place.socket);
    peer.send(frames(9).iter().flat_map(data).collect::<Vec<u8>>());
    close_early(&mut running);
    peer.send_on(data(frame()));
    let lines = running.end_with(0);
    assert_eq!(number_before(&lines, "not written)"), 0, "{lines:#?}");
}

#[test]
fn an_output_fails_alone_and_its_lost_messages_are_counted() {
    let place = Place::new();
    let sent = frames(12_000);
    let file = place.file("in", recording(&sent));
    for (index, selection) in [["--sample", "1"], ["--type", "CQ"]].into_iter().enumerate() {
        let (name, good) = (format!("good-{index}"), place.argument(&format!("good-{index}")));
        let arguments = ["-r", &file, "-w", "quiet:/dev/full", "-w", &good];
        let lines = start(&[&arguments[..], &selection].concat(), Stdio::null()).end_with(1);
        assert_holds(&place.path(&name), &sent);
        let missed = number_before(&lines, "frames after that were dropped");
        assert_eq!(number_before(&lines, "messages lost") + missed, sent.len());
    }
    let cut = place.argument("cut");
    let mut command = limited("-f 128", DNSTAP);
    command.args(["-r", &file, "-w", &cut, "-w", "quiet:-"]);
    let mut running = Running::start(command.stdout(Stdio::piped()));
    let printed = BufReader::new(running.child.stdout.take().unwrap()).lines().count();
    assert_eq!(printed, sent.len());
    let lines = running.end_with(1);
    let missed = number_before(&lines, "frames after that were dropped");
    let written = sent.len() - number_before(&lines, "frames lost") - missed;
    assert_holds(&place.path("cut"), &sent[..written]);
}

#[test]
fn an_incomplete_compressed_file_is_not_renamed() {
    let place = Place::new();
    // Random data, which zstd cannot compress much.
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32
    };
    let sent: Vec<Vec<u8>> = (0..60_000)
        .map(|_| {
            let (address, query_port) = (noise().to_be_bytes(), Some(noise()));
            let kind = MessageType::CLIENT_QUERY;
            let message =
                Message { query_address: Some(&address), query_port, ..Message::new(kind) };
            let event = Event { message: Some(message), ..Event::new() };
            events::frame(&event)
        })
        .collect();
    let file = place.file("in", recording(&sent));
    let convert = |blocks: u32, out: &str| {
        let mut command = limited(&format!("-f {blocks}"), DNSTAP);
        command.args(["-r", &file, "-w", out]);
        command.args(["--post-rotate", "echo"]);
        let running = Running::start(command.stdout(Stdio::piped()));
        let id = running.child.id();
        let output = running.output();
        let lines = String::from_utf8(output.stderr).unwrap();
        let lines: Vec<String> = lines.lines().map(String::from).collect();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), lines, id)
    };
    let out = place.argument("x.zst");
    assert_eq!(convert(9999, &out).1, format!("{out}\n"));
    let size = fs::metadata(&out).unwrap().len();
    fs::remove_file(&out).unwrap();
    // Fail while frames are written, and at the end.
    for blocks in [32, size as u32 / 512] {
        let (status, commands, lines, id) = convert(blocks, &out);
        assert_eq!((status, &commands[..]), (Some(1), ""), "{lines:#?}");
        let partial = place.path(&format!(".x.zst.partial-{id}"));
        assert!(!place.path("x.zst").exists());
        let failed = lines.iter().filter(|line| line.contains("failed to"));
        assert_eq!(failed.count(), 1, "{lines:#?}");
        let stays = format!("it stays {}", partial.display());
        assert_line(&lines, &stays);
        // The number includes START.
        let written = number_before(&lines, "frames, ") - 1;
        let at_most = lines.iter().find(|line| line.contains("up to ")).unwrap();
        let lost = at_most.split("up to ").nth(1).unwrap().split(' ').next().unwrap();
        let lost: usize = lost.parse().unwrap();
        let missed = lines.iter().any(|line| line.contains(" frames after that"));
        let missed = if missed { number_before(&lines, "frames after that") } else { 0 };
        // Reading may still be in progress when the only output fails.
        let unread = "frames; the rest was not read";
        let is_short = lines.iter().any(|line| line.contains(unread));
        let read_frames = if is_short { number_before(&lines, unread) } else { sent.len() };
        assert_eq!(written + lost + missed, read_frames, "{lines:#?}");
        // The partial file can be read.
        let read = start(&["-r", partial.to_str().unwrap(), "-q"], Stdio::piped()).output();
        let read = String::from_utf8(read.stdout).unwrap().lines().count();
        assert!((written..=written + lost).contains(&read), "{read}: {lines:#?}");
        // The compressor holds back a limited number.
        assert!(lost < 20_000, "{lines:#?}");
        fs::remove_file(partial).unwrap();
    }
    // Compressed text has its final name from the start, and is not passed to the command.
    let (status, commands, lines, _) = convert(32, &format!("quiet:{out}"));
    assert_eq!((status, &commands[..]), (Some(1), ""), "{lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("failed to")).count(), 1, "{lines:#?}");
}

#[test]
fn an_input_is_not_overwritten_and_no_file_is_written_twice() {
    let place = Place::new();
    let content = recording(frames(9));
    let file = place.file("in", &content);
    symlink(&file, place.path("link")).unwrap();
    let refused = |arguments: &[&str], what: &str| {
        let lines = start(arguments, Stdio::null()).end_with(1);
        assert_line(&lines, what);
        assert_eq!(names(place.directory.path()), ["in", "link"]);
        assert!(fs::read(&file).unwrap() == content, "{arguments:?}");
    };
    let link = place.argument("link");
    for arguments in [["-w", &format!("quiet:{file}")], ["-aw", &link], ["-w", &file]] {
        refused(&[&["-r", &file][..], &arguments].concat(), "is read, and cannot be written too");
    }
    let (one, same) = (place.argument("new"), place.argument("./new"));
    let (quiet, json) = (format!("quiet:{one}"), format!("json:{same}"));
    refused(&["-r", &file, "-w", &quiet, "-w", &json], "is named twice by -w");
    refused(&["-r", &file, "-w", "quiet:-", "-w", "json:-"], "is named twice by -w");
    let nulls = ["-r", &file, "-w", "quiet:/dev/null", "-w", "json:/dev/null"];
    assert!(start(&nulls, Stdio::null()).end().0.success());
    // The output is kept if the input cannot be read.
    let missing = place.argument("missing");
    refused(&["-r", &missing, "-w", &format!("quiet:{file}")], "missing: No such file");
    let directory = place.directory.path().to_str().unwrap();
    refused(&["-r", directory, "-w", &format!("quiet:{file}")], "is a directory");
}

/// Creates a named pipe with `content`. Returns its open writer and its path.
fn pipe(place: &Place, content: &[u8]) -> (fs::File, String) {
    let name = place.pipe("pipe");
    // Opening it for reading and writing does not wait for a peer.
    let mut pipe = fs::File::options().read(true).write(true).open(&name).unwrap();
    pipe.write_all(content).unwrap();
    (pipe, name)
}

#[test]
fn dnstap_does_not_wait_for_input_that_it_does_not_need() {
    let place = Place::new();
    let mut content = recording(frames(9));
    content.truncate(content.len() - 12);
    let (_pipe, pipe) = pipe(&place, &content);
    let file = place.file("in", &content);
    for input in [&["-r", &pipe][..], &["--follow", "-r", &file]] {
        let (status, lines) = start(&[input, &["--count", "3"]].concat(), Stdio::null()).end();
        assert!(status.success() && lines.is_empty(), "{lines:#?}");
    }
    let full = ["--follow", "-r", &file, "-w", "quiet:/dev/full"];
    let lines = start(&full, Stdio::null()).end_with(1);
    number_before(&lines, "frames; the rest was not read");
}

#[test]
fn a_signal_that_ends_reading_is_reported() {
    let place = Place::new();
    let content = recording(frames(9));
    let whole = content.len() - 12;
    let (_pipe, pipe) = pipe(&place, &content[..whole]);
    let quiet = place.argument("quiet");
    let printed = |count| {
        until(|| fs::read_to_string(&quiet).is_ok_and(|text| text.lines().count() == count));
    };
    let out = format!("quiet:{quiet}");
    let running = start(&["-r", &pipe, "-w", &out], Stdio::null());
    printed(9);
    running.signal("TERM");
    let lines = running.end_with(1);
    let line = format!("{pipe}: stopped at offset {whole}, after 9 frames");
    assert!(lines[0].contains(&line), "{lines:#?}");
    // Following a file ends by a signal only, and SIGUSR1 does not end it.
    fs::remove_file(&quiet).unwrap();
    let file = place.file("in", &content[..whole]);
    let running = start(&["--follow", "-r", &file, "-w", &out], Stdio::null());
    printed(9);
    fs::rename(&quiet, place.path("moved")).unwrap();
    running.signal("USR1");
    printed(0);
    assert!(running.stop().is_empty());
}

#[test]
fn files_are_read_the_same_way_with_and_without_a_socket() {
    let place = Place::new();
    let long = vec![7; 2000];
    let content = recording([frame(), long, frame()]);
    let file = place.file("in", &content[..content.len() - 12]);
    let (socket, quiet) = (place.argument("socket"), place.argument("quiet"));
    let arguments = ["-r", &file, "--frame-limit", "1k", "-w", &format!("quiet:{quiet}")];
    let alone = start(&arguments, Stdio::null()).end_with(0);
    assert_eq!(number_before(&alone, "frames of more than 1024 bytes were skipped"), 1);
    let mut beside = start(&[&["-u", &socket][..], &arguments].concat(), Stdio::null());
    alone.iter().for_each(|line| drop(beside.line(line)));
    beside.stop();
}

#[test]
fn a_relay_waits_for_frames_of_files_even_with_a_socket() {
    let place = Place::new();
    let sent = frames(200_000);
    let content = recording(&sent);
    let file = place.file("in", &content);
    let (first, second, all) =
        (place.argument("first"), place.argument("second"), place.argument("all"));
    let mut receiver = start(&["-u", &second, "-w", &all], Stdio::null());
    receiver.line("opened output file");
    let relay = start(&["-u", &first, "-r", &file, "-U", &second], Stdio::null());
    let partial = place.path(&format!(".all.partial-{}", receiver.child.id()));
    let whole = content.len() as u64 - 12;
    until(|| fs::metadata(&partial).is_ok_and(|file| file.len() == whole));
    relay.stop();
    receiver.stop();
    assert!(fs::read(&all).unwrap() == content);
}

#[test]
fn a_failed_command_is_reported_at_once() {
    let place = Place::new();
    let quiet = place.argument("quiet");
    let out = format!("quiet:{quiet}");
    let arguments = ["-w", &out, "--split-size", "1k", "--post-rotate", "exit 3; :"];
    let mut running = place.dnstap(&arguments);
    let mut peer = Peer::open(&place.socket);
    peer.send(frames(200).iter().flat_map(data).collect::<Vec<u8>>());
    running.line(&format!("post-rotate command for {quiet}: exit status: 3"));
    running.signal("TERM");
    running.end();
}

#[test]
fn an_incomplete_parquet_file_is_not_renamed() {
    let place = Place::new();
    let mut state = 1_u32;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    };
    // More than one row group, and more than the queue holds.
    let events: Vec<Vec<u8>> = (0..400)
        .map(|_| {
            let wire: Vec<u8> = (0..15_000).flat_map(|_| noise()).collect();
            let kind = MessageType::CLIENT_QUERY;
            let message = Message { query_message: Some(&wire), ..Message::new(kind) };
            let event = Event { message: Some(message), ..Event::new() };
            events::frame(&event)
        })
        .collect();
    let file = place.file("in", recording(&events));
    // There would be room for the footer alone.
    let mut command = limited("-f 256", DNSTAP);
    let out = format!("parquet:{}", place.argument("rows"));
    command.args(["-r", &file, "-w", &out]);
    let lines = Running::start(command.stdout(Stdio::null())).end_with(1);
    let missed = number_before(&lines, "frames after that");
    // The number of frames read before the failure.
    let read = number_before(&lines, "frames; the rest was not read");
    assert_eq!(number_before(&lines, "rows lost") + missed, read, "{lines:#?}");
    assert!(!place.path("rows").exists());
}

#[test]
fn a_named_pipe_that_its_reader_closes_is_an_error() {
    let place = Place::new();
    let sent = frames(12_000);
    let file = place.file("in", recording(&sent));
    let pipe = place.pipe("pipe");
    let mut head = Command::new("head").args(["-c", "100", &pipe]).stdout(Stdio::null()).spawn();
    let all = place.argument("all");
    let (status, lines) = start(&["-r", &file, "-w", &pipe, "-w", &all], Stdio::null()).end();
    head.as_mut().unwrap().wait().unwrap();
    assert_eq!(status.code(), Some(1), "{lines:#?}");
    assert_line(&lines, "Broken pipe");
    assert!(number_before(&lines, "frames lost") > 0);
    assert_holds(&place.path("all"), &sent);
}

#[test]
fn a_broken_standard_error_does_not_change_the_status() {
    let place = Place::new();
    let good = place.file("good", recording(frames(3)));
    let torn = place.file("torn", &recording(frames(3))[..100]);
    let (missing, socket) = (place.argument("missing"), place.argument("socket"));
    let out = place.argument("out");
    let programs: [(&str, &[&[&str]]); 4] = [
        (DUMP, &[&[], &["-h"], &[&good], &[&torn], &[&missing], &[&good, "/"]]),
        (
            REPLAY,
            &[
                &["-h"],
                &["--version"],
                &["--nonsense"],
                &["-t", TYPE, "-a", "x", "-p", "1", "-r", &good],
                &["-t", TYPE, "-u", &socket, "-p", "1", "-r", &good],
            ],
        ),
        (
            CAPTURE,
            &[
                &["-h"],
                &["--version"],
                &["--nonsense"],
                &["-t", TYPE],
                &["-t", TYPE, "-u", "/nowhere/socket", "-p", "1", "-w", &out],
            ],
        ),
        (
            DNSTAP,
            &[
                &["-h"],
                &["--version"],
                &["--nonsense"],
                &[],
                &["-r", &missing],
                &["-r", &torn, "-q"],
                &["-r", &good, "-j", "--stats"],
            ],
        ),
    ];
    for (program, lines) in programs {
        for arguments in lines {
            let status = |stderr: Stdio| {
                let mut command = Command::new(program);
                command.args(*arguments).stdin(Stdio::null()).stdout(Stdio::null());
                command.stderr(stderr).status().unwrap()
            };
            let expected = status(Stdio::null());
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let (reader, closed) = std::io::pipe().unwrap();
            drop(reader);
            let is_stats = arguments.contains(&"--stats");
            for (what, broken) in [("full", status(full.into())), ("closed", status(closed.into()))]
            {
                // Lost statistics are an error. A program of fstrm is ended by SIGPIPE once its
                // standard error is closed.
                let is_right = match (is_stats, program == DUMP && what == "closed") {
                    (true, _) => broken.code() == Some(1),
                    (_, true) => broken == expected || broken.signal() == Some(SIGPIPE),
                    _ => broken == expected,
                };
                assert!(is_right, "{program} {arguments:?}, {what}: {broken}, not {expected}");
            }
        }
    }
    let dumped = Command::new(DUMP)
        .arg(&good)
        .stderr(fs::File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(dumped.stdout.iter().filter(|byte| **byte == b'\n').count(), 3, "{dumped:?}");
}

#[test]
fn receivers_continue_without_a_standard_error() {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    for (program, own) in [(CAPTURE, &["-t", TYPE, "-ddddd"][..]), (DNSTAP, &[])] {
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(program);
        command.args(own).args(["-u", &socket, "-w", &out]);
        let mut child = command.stdout(Stdio::null()).stderr(closed).spawn().unwrap();
        until(|| UnixStream::connect(&place.socket).is_ok());
        place.send(["one"]);
        signal(&child, "TERM");
        assert!(child.wait().unwrap().success());
        assert_holds(&place.path("out"), ["one"]);
        fs::remove_file(&out).unwrap();
    }
}

#[test]
fn a_stalled_standard_error_does_not_delay_receivers() {
    let place = Place::new();
    let (socket, out) = (place.argument("socket"), place.argument("out"));
    for (program, own) in
        [(CAPTURE, &["-t", TYPE, "-ddddd"][..]), (DNSTAP, &["--log-level", "trace"])]
    {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new(program);
        command.args(own).args(["-u", &socket, "-w", &out]);
        let mut child = command.stdout(Stdio::null()).stderr(writer).spawn().unwrap();
        drop(command);
        until(|| UnixStream::connect(&place.socket).is_ok());
        // More log lines than a pipe holds.
        let mut peer = Peer::open(&place.socket);
        for _ in 0..2000 {
            peer.send(data("one"));
        }
        peer.close();
        // The report of lost lines comes once the reader continues.
        let mut begin = vec![0; 100_000];
        let count = reader.read(&mut begin).unwrap();
        assert!(count > 4096, "{count}");
        Peer::open(&place.socket).close();
        signal(&child, "TERM");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success());
        assert!(rest.contains(" lines dropped: the standard error was not read)"), "{rest}");
        assert_holds(&place.path("out"), ["one"; 2000]);
        fs::remove_file(&out).unwrap();
    }
}
