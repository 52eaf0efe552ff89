// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that `fstrm_capture` writes: their names, rotation and errors.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use framestream::control::ControlType::Start;
use support::{
    CAPTURE, DNSTAP, Peer, Place, Running, TYPE, assert_fails, assert_holds, assert_line, control,
    data, debian, limited, names, payloads, recording, run, until,
};

/// Returns the name in `opened output file NAME`.
fn opened(line: &str) -> &str {
    line.split("opened output file ").nth(1).unwrap()
}

/// Returns the names in lines `closed output file NAME (...)`.
fn closed(lines: &[String]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line.split("closed output file ").nth(1))
        .map(|rest| rest.split(" (wrote").next().unwrap())
        .collect()
}

#[test]
fn a_file_gets_its_name_when_it_is_complete() {
    let place = Place::new();
    let capture = place.capture(&[]);
    let partial = format!(".out.partial-{}", capture.child.id());
    assert_eq!(names(place.directory.path()), [&partial, "socket"]);
    capture.stop();
    assert_eq!(names(place.directory.path()), ["out"]);
}

#[test]
fn an_existing_file_is_kept() {
    let place = Place::new();
    let output = place.file("out", "somebody else's");
    let capture = Running::capture(&["-u", &place.argument("socket"), "-w", &output]);
    place.send(["ours"]);
    let lines = capture.stop();
    assert_eq!(fs::read(&output).unwrap(), b"somebody else's");
    assert_holds(&place.path("out.1"), ["ours"]);
    assert_eq!(closed(&lines), [format!("{output}.1")]);
    let kept = format!("{output} exists and is kept; this file is {output}.1");
    assert_line(&lines, &kept);
}

#[test]
fn an_empty_file_is_replaced_and_its_permissions_stay() {
    let place = Place::new();
    let socket = place.argument("socket");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    for name in ["by fstrm_capture", "by dnstap"] {
        let output = place.file(name, "");
        fs::set_permissions(&output, PermissionsExt::from_mode(0o640)).unwrap();
        let program = if name == "by dnstap" { DNSTAP } else { CAPTURE };
        let mut command = Command::new(program);
        let arguments = ["-u", &socket, "-w", &output];
        match program {
            DNSTAP => command.args(arguments),
            _ => command.args(["-t", TYPE]).args(arguments),
        };
        let mut capture = Running::start(command.stdout(Stdio::null()));
        capture.line("opened output file");
        assert_eq!(mode(&format!(".{name}.partial-{}", capture.child.id())), 0o640);
        place.send(["ours"]);
        let lines = capture.stop();
        assert_holds(Path::new(&output), ["ours"]);
        assert_eq!(closed(&lines), [&output]);
        assert_eq!(mode(name), 0o640);
    }
    assert_eq!(names(place.directory.path()), ["by dnstap", "by fstrm_capture"]);
}

#[test]
fn a_file_that_is_no_longer_empty_and_a_link_to_an_empty_file_are_kept() {
    let place = Place::new();
    let socket = place.argument("socket");
    let (late, empty, link) = (place.file("late", ""), place.file("empty", ""), "link");
    symlink("empty", place.path(link)).unwrap();
    for output in [&late, &place.argument(link)] {
        let capture = Running::capture(&["-u", &socket, "-w", output]);
        place.file("late", "somebody else's");
        capture.stop();
        assert_holds(Path::new(&format!("{output}.1")), [""; 0]);
    }
    assert_eq!(fs::read(&late).unwrap(), b"somebody else's");
    assert_eq!(fs::read(&empty).unwrap(), b"");
    assert_eq!(names(place.directory.path()), ["empty", "late", "late.1", "link", "link.1"]);
}

#[test]
fn a_file_left_by_a_crash_is_readable_and_kept() {
    let place = Place::new();
    let output = place.argument("out");
    let socket = place.argument("socket");
    let mut capture = Running::capture(&["-u", &socket, "-w", &output]);
    let partial = place.path(&format!(".out.partial-{}", capture.child.id()));
    let mut peer = Peer::open(&place.socket);
    peer.send([data("one"), data("two")].concat());
    let expected = [control(Start, Some(TYPE)), data("one"), data("two")].concat();
    until(|| fs::read(&partial).unwrap() == expected);
    capture.child.kill().unwrap();
    capture.end();
    // Its socket is replaced.
    Running::capture(&["-u", &socket, "-w", &output]).stop();
    assert_eq!(fs::read(&partial).unwrap(), expected);
    assert_holds(Path::new(&output), [""; 0]);
}

#[test]
fn sigusr1_begins_a_new_file_and_keeps_the_old_one() {
    let place = Place::new();
    let output = place.argument("out");
    let mut capture = Running::capture(&["-u", &place.argument("socket"), "-w", &output]);
    for payload in ["first", "second", "third"] {
        place.send([payload]);
        capture.signal("USR1");
        capture.line("received SIGUSR1, rotating output file");
        capture.line("closed output file");
        capture.line(&format!("opened output file {output}"));
    }
    capture.stop();
    assert_holds(&place.path("out"), ["first"]);
    assert_holds(&place.path("out.1"), ["second"]);
    assert_holds(&place.path("out.2"), ["third"]);
    assert_holds(&place.path("out.3"), [""; 0]);
    assert_eq!(names(place.directory.path()), ["out", "out.1", "out.2", "out.3"]);
}

#[test]
fn a_rotator_that_moves_the_file_gets_all_frames() {
    let place = Place::new();
    let output = place.argument("out");
    let mut capture = Running::capture(&["-u", &place.argument("socket"), "-w", &output]);
    for number in 0..3 {
        place.send([format!("{number}")]);
        let _ = fs::rename(&output, place.path(&format!("moved-{number}")));
        capture.signal("USR1");
        capture.line("opened output file");
    }
    capture.stop();
    assert_eq!(names(place.directory.path()), ["moved-1", "moved-2", "out", "out.1"]);
    assert_holds(&place.path("moved-1"), ["0"]);
    assert_holds(&place.path("moved-2"), ["1"]);
    assert_holds(&place.path("out"), ["2"]);
}

#[test]
fn files_are_split_before_they_exceed_a_size() {
    let place = Place::new();
    let output = place.argument("out");
    let capture = Running::capture(&[
        "-u",
        &place.argument("socket"),
        "-w",
        &output,
        "--split-size",
        "2k",
        "-b",
        "10000",
    ]);
    let mut sent = payloads(300);
    sent.push(vec![b'x'; 5000]);
    sent.push(vec![b'y'; 10]);
    let mut peer = Peer::open(&place.socket);
    for payload in &sent {
        peer.send(data(payload));
    }
    peer.close();
    let lines = capture.stop();
    let mut received = Vec::new();
    for name in closed(&lines) {
        let file = fs::read(name).unwrap();
        let frames = &file[42..file.len() - 12];
        // Only a frame that does not fit into any file makes one too large.
        assert!(file.len() <= 2048 || frames.len() == 5004, "{name}: {}", file.len());
        assert!(!frames.is_empty(), "{name} is empty");
        received.extend_from_slice(frames);
    }
    let expected: Vec<u8> = sent.iter().flat_map(data).collect();
    assert!(received == expected);
    assert!(closed(&lines).len() > expected.len() / 2048);
}

#[test]
fn files_are_split_by_time_without_data() {
    let place = Place::new();
    let output = place.argument("out-%s");
    let mut capture = Running::start(Command::new(CAPTURE).args([
        "-t",
        TYPE,
        "-u",
        &place.argument("socket"),
        "-w",
        &output,
        "--gmtime",
        "-s",
        "1",
    ]));
    let seconds = |line: &str| -> u64 { line.rsplit_once("out-").unwrap().1.parse().unwrap() };
    let first = seconds(opened(&capture.line("opened output file")));
    let second = seconds(opened(&capture.line("opened output file")));
    let third = seconds(opened(&capture.line("opened output file")));
    assert_eq!((second, third), (first + 1, first + 2));
    let lines = capture.stop();
    for name in closed(&lines) {
        assert_holds(Path::new(name), [""; 0]);
    }
    assert!(closed(&lines).len() >= 3, "{lines:#?}");
}

#[test]
fn a_failed_rotation_continues_the_old_file() {
    let place = Place::new();
    fs::create_dir(place.path("directory")).unwrap();
    let output = place.argument("directory/out");
    let mut capture = Running::capture(&["-u", &place.argument("socket"), "-w", &output]);
    fs::rename(place.path("directory"), place.path("away")).unwrap();
    capture.signal("USR1");
    let line = capture.line("failed to open output file");
    assert!(line.contains(&format!("output file {output} goes on; retrying in 1 s")), "{line}");
    place.send(["still here"]);
    fs::rename(place.path("away"), place.path("directory")).unwrap();
    // Without another signal.
    capture.line("opened output file");
    capture.stop();
    assert_holds(Path::new(&output), ["still here"]);
    assert_holds(&place.path("directory/out.1"), [""; 0]);
}

#[test]
fn a_failed_rename_is_reported_and_counted() {
    let place = Place::new();
    let directory = place.path("directory");
    fs::create_dir(&directory).unwrap();
    let (socket, output) = (place.argument("socket"), place.argument("directory/out"));
    // With this capability, root can write to any directory.
    let unprivileged = ["setpriv", "--bounding-set=-dac_override"];
    let is_root = Command::new(unprivileged[0]).args([unprivileged[1], "true"]).status();
    let prefix = if is_root.unwrap().success() { &unprivileged[..] } else { &["env"] };
    let stopped_after = |change: &dyn Fn(&Path)| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).args([CAPTURE, "-t", TYPE, "-u", &socket, "-w", &output]);
        let mut capture = Running::start(&mut command);
        capture.line("opened output file");
        place.send(vec!["x"; 3]);
        change(&directory.join(format!(".out.partial-{}", capture.child.id())));
        capture.signal("TERM");
        capture.end_with(1).join("\n")
    };
    let lines = stopped_after(&|partial| fs::remove_file(partial).unwrap());
    assert!(lines.contains("is gone, and its 3 frames are lost"), "{lines}");
    assert!(lines.contains("lost 3 frames (0 over the size limit, 0 cut off, 3 not"), "{lines}");
    let closed = |mode| fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    let lines = stopped_after(&|_| closed(0o555));
    assert!(lines.contains("its 3 frames stay in "), "{lines}");
    assert!(lines.contains("lost 3 frames (") && lines.contains(", 3 in files that"), "{lines}");
    closed(0o755);
}

#[test]
fn a_command_runs_for_every_finished_file() {
    let place = Place::new();
    let output = place.argument("out file");
    fs::create_dir(place.path("finished")).unwrap();
    let command = format!("sleep 0.2; cp -t '{}'", place.argument("finished"));
    let mut capture = Running::capture(&[
        "-u",
        &place.argument("socket"),
        "-w",
        &output,
        "--post-rotate",
        &command,
    ]);
    place.send(["one"]);
    capture.signal("USR1");
    capture.line("opened output file");
    capture.stop();
    assert_holds(&place.path("finished/out file"), ["one"]);
    assert_holds(&place.path("finished/out file.1"), [""; 0]);
}

#[test]
fn a_failed_command_is_reported_and_delays_nothing() {
    let place = Place::new();
    let output = place.argument("out");
    let socket = place.argument("socket");
    let mut capture =
        Running::capture(&["-u", &socket, "-w", &output, "--post-rotate", "exit 3; :"]);
    capture.signal("USR1");
    capture.line(&format!("post-rotate command for {output}: exit status: 3"));
    capture.stop();

    // A second signal ends the wait for a command that does not end.
    let mut capture =
        Running::capture(&["-u", &socket, "-w", &output, "--post-rotate", "sleep 60; :"]);
    capture.signal("TERM");
    capture.line("lost 0 frames");
    capture.signal("TERM");
    let (status, lines) = capture.end_without_children();
    assert!(status.success(), "{lines:#?}");
}

#[test]
fn at_most_four_commands_run_at_a_time() {
    let place = Place::new();
    let (gate, list) = (place.argument("gate"), place.argument("list"));
    let command =
        format!("f() {{ until [ -e {gate} ]; do sleep 0.1; done; echo \"$1\" >> {list}; }}; f");
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    let mut capture = Running::capture(&["-u", &socket, "-w", &output, "--post-rotate", &command]);
    for _ in 0..12 {
        capture.signal("USR1");
        capture.line("opened output file");
    }
    let id = capture.child.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    assert_eq!(children.split_whitespace().count(), 4, "{children}");
    fs::write(&gate, "").unwrap();
    capture.stop();
    assert_eq!(fs::read_to_string(&list).unwrap().lines().count(), 13);
}

#[test]
fn a_second_signal_lists_the_files_without_a_command() {
    let place = Place::new();
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    let mut capture =
        Running::capture(&["-u", &socket, "-w", &output, "--post-rotate", "sleep 60; :"]);
    for _ in 0..4 {
        capture.signal("USR1");
        capture.line("opened output file");
    }
    capture.signal("TERM");
    capture.line("lost 0 frames");
    capture.line("waiting for the post-rotate commands of 5 files; another signal ends that");
    capture.signal("TERM");
    capture.line(&format!("no post-rotate command was run for {output}.4"));
    capture.end_without_children();
}

#[test]
fn a_command_that_would_run_the_file_is_refused() {
    let place = Place::new();
    let (socket, output) = (place.argument("socket"), place.argument("out"));
    for (program, arguments, status) in
        [(CAPTURE, &["-t", TYPE, "-u", &socket][..], 1), (DNSTAP, &["-u", &socket], 2)]
    {
        let arguments = [arguments, &["-w", &output, "--post-rotate", " "]].concat();
        assert_fails(program, &arguments, status, "the file itself would be run");
    }
}

/// Sends `count` frames of 1000 bytes to a capture whose output does not have room for all. Returns the
/// frames, and the lines of the capture.
fn overfill(place: &Place, capture: Running, count: u8) -> (Vec<Vec<u8>>, String) {
    let mut peer = Peer::open(&place.socket);
    let sent: Vec<Vec<u8>> = (0..count).map(|number| vec![number; 1000]).collect();
    peer.send(sent.iter().flat_map(data).collect::<Vec<u8>>());
    (sent, capture.end_with(1).join("\n"))
}

#[test]
fn a_file_that_cannot_grow_ends_with_a_whole_frame_and_stop() {
    let place = Place::new();
    let output = place.argument("out");
    let mut command = limited("-f 8", CAPTURE);
    command.args(["-t", TYPE, "-u", &place.argument("socket"), "-w", &output]);
    let mut capture = Running::start(&mut command);
    capture.line("opened output file");
    let (sent, lines) = overfill(&place, capture, 9);
    assert!(lines.contains(&format!("failed to write output file {output}: ")), "{lines}");
    assert!(lines.contains("closed output file"), "{lines}");
    assert!(lines.contains("5 not written"), "{lines}");
    assert_holds(&place.path("out"), &sent[..4]);
}

#[test]
fn devices_and_pipes_are_written_in_place() {
    let place = Place::new();
    let socket = place.argument("socket");
    assert_fails(
        CAPTURE,
        &["-t", TYPE, "-u", &socket, "-w", "/dev/full"],
        1,
        "failed to write output file /dev/full: No space left",
    );

    let mut capture = Running::capture(&["-u", &socket, "-w", "/dev/null"]);
    capture.signal("USR1");
    capture.line("opened output file /dev/null");
    capture.stop();

    let fifo = place.pipe("fifo");
    let mut unread =
        Running::start(Command::new(CAPTURE).args(["-t", TYPE, "-u", &socket, "-w", &fifo]));
    unread.line("opening Unix socket path");
    unread.signal("TERM");
    let lines = unread.end_with(1);
    assert_line(&lines, &format!("failed to open output file {fifo}: nobody reads it"));
    let _listener = UnixListener::bind(place.path("other")).unwrap();
    assert_fails(
        CAPTURE,
        &["-t", TYPE, "-u", &socket, "-w", &place.argument("other")],
        1,
        "/other: it is a socket",
    );
    fs::remove_file(place.path("other")).unwrap();
    let reader = Running::start(Command::new("cat").arg(&fifo).stdout(Stdio::piped()));
    let mut capture = Running::capture(&["-u", &socket, "-w", &fifo]);
    place.send(["one"]);
    capture.signal("USR1");
    capture.line("opened output file");
    capture.stop();
    let expected = [recording(["one"]), recording([""; 0])].concat();
    // The second START precedes the first STOP, so that there is always a writer.
    let read = reader.output().stdout;
    assert_eq!(read.len(), expected.len());
    assert_eq!(names(place.directory.path()), ["fifo"]);
}

#[test]
fn a_full_disk_is_reported_and_the_file_is_whole() {
    let place = Place::new();
    // A small file system, unmounted when the shell exits.
    let unshare = debian("unshare", "util-linux");
    let namespace = ["--map-root-user", "--mount", "sh", "-c"];
    let allowed = run(&unshare, &[&namespace[..], &["mount -t tmpfs none /mnt"]].concat());
    if !allowed.status.success() {
        let reason = String::from_utf8_lossy(&allowed.stderr);
        println!("skipped, as mounting is not allowed here: {reason}");
        return;
    }
    let copy = place.argument("copy");
    let script = "mount -t tmpfs -o size=16k none /mnt && \"$0\" \"$@\" -w /mnt/out; \
                  status=$?; cp /mnt/out \"$COPY\"; exit $status";
    let mut capture =
        Running::start(Command::new(unshare).args(namespace).env("COPY", &copy).args([
            script,
            CAPTURE,
            "-t",
            TYPE,
            "-u",
            &place.argument("socket"),
        ]));
    capture.line("opened output file");
    let (sent, lines) = overfill(&place, capture, 30);
    assert!(lines.contains("failed to write output file /mnt/out: No space left"), "{lines}");
    assert!(lines.contains("14 not written"), "{lines}");
    assert_holds(Path::new(&copy), &sent[..16]);
}

#[test]
fn a_symbolic_link_is_a_name_like_any_other() {
    let place = Place::new();
    let target = place.file("target", "theirs");
    symlink(&target, place.path("out")).unwrap();
    let output = place.argument("out");
    Running::capture(&["-u", &place.argument("socket"), "-w", &output]).stop();
    assert_eq!(fs::read(target).unwrap(), b"theirs");
    assert_eq!(fs::read(place.path("out.1")).unwrap().len(), 54);
}

#[test]
fn a_name_with_an_unknown_prefix_is_a_file_with_a_warning() {
    let place = Place::new();
    let mut command = Command::new(CAPTURE);
    command.current_dir(place.directory.path()).args(["-t", TYPE, "-u", "socket"]);
    let mut capture = Running::start(command.args(["-w", "kafka:x"]));
    capture.line("kafka:x is a local file: there are no outputs with the prefix \"kafka:\"");
    capture.line("opened output file");
    capture.stop();
    assert_eq!(names(place.directory.path()), ["kafka:x"]);
}
