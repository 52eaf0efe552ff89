// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that a crashed run left incomplete, and how the next run deals with them.

mod support;

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use framestream::control::ControlType::Start;
use support::{
    CAPTURE, DNSTAP, Place, Running, TYPE, assert_holds, assert_line, control, names, until,
};

/// Starts a capture to the file `name`, and returns once it listens.
fn start(place: &Place, program: &str, more: &[&str], name: &str) -> Running {
    let mut command = Command::new(program);
    if program == CAPTURE {
        command.args(["-t", TYPE]);
    }
    command.args(["-u", &place.argument("socket"), "-w", &place.argument(name)]).args(more);
    let mut running = Running::start(&mut command);
    running.line("opened output file");
    running
}

fn send(place: &Place, payload: &str) {
    place.send([payload]);
}

/// Kills a capture to `name` that has received `payload`, and appends a torn frame to its partial file.
/// Returns the path of that file.
fn crash(place: &Place, program: &str, more: &[&str], name: &str, payload: &str) -> PathBuf {
    let mut running = start(place, program, more, name);
    send(place, payload);
    running.child.kill().unwrap();
    let suffix = format!(".partial-{}", running.child.id());
    running.end();
    let left = names(place.directory.path()).into_iter().find(|name| name.ends_with(&suffix));
    let partial = place.path(&left.unwrap());
    assert!(fs::metadata(&partial).unwrap().len() > control(Start, Some(TYPE)).len() as u64);
    let mut file = OpenOptions::new().append(true).open(&partial).unwrap();
    file.write_all(b"\0\0\0\x09torn").unwrap();
    partial
}

#[test]
fn partial_files_of_an_earlier_run_are_reported_and_kept() {
    for program in [CAPTURE, DNSTAP] {
        let place = Place::new();
        let partial = crash(&place, program, &[], "out", "one");
        let left = fs::read(&partial).unwrap();
        let running = start(&place, program, &[], "out");
        // The file of a running capture is not reported.
        let mut beside = Command::new(program);
        if program == CAPTURE {
            beside.args(["-t", TYPE]);
        }
        beside.args(["-u", &place.argument("beside"), "-w", &place.argument("out")]);
        let mut beside = Running::start(&mut beside);
        beside.line("opened output file");
        for running in [running, beside] {
            let lines = running.stop();
            let reported: Vec<&String> =
                lines.iter().filter(|line| line.contains("an earlier run left")).collect();
            let report = format!("{}, {} bytes without an end", partial.display(), left.len());
            assert!(reported.len() == 1 && reported[0].contains(&report), "{lines:#?}");
        }
        assert!(fs::read(&partial).unwrap() == left);
    }
}

#[test]
fn partial_files_of_an_earlier_run_are_completed_with_a() {
    let place = Place::new();
    crash(&place, DNSTAP, &[], "out", "one");
    // The name is free: the file gets it, and is continued.
    let running = start(&place, DNSTAP, &["-a"], "out");
    send(&place, "two");
    let lines = running.stop();
    assert_line(&lines, &format!("as {}: 1 frames kept, 8 torn bytes", place.argument("out")));
    assert_holds(&place.path("out"), ["one", "two"]);
    assert_eq!(names(place.directory.path()), ["out"]);
    // The name is taken: the file gets a number.
    crash(&place, DNSTAP, &[], "out", "three");
    let running = start(&place, DNSTAP, &["-a"], "out");
    send(&place, "four");
    running.stop();
    assert_holds(&place.path("out"), ["one", "two", "four"]);
    assert_holds(&place.path("out.1"), ["three"]);
    assert_eq!(names(place.directory.path()), ["out", "out.1"]);
}

#[test]
fn partial_files_with_another_date_are_found() {
    let place = Place::new();
    let dated = ["--gmtime", "--split", "3600"];
    let partial = crash(&place, DNSTAP, &dated, "out-%s.fstrm", "one");
    let wanted = partial.file_name().unwrap().to_str().unwrap();
    let wanted = wanted[1..].split(".partial").next().unwrap();
    // In another second, the name differs.
    until(|| {
        let now = Command::new("date").arg("+out-%s.fstrm").output().unwrap().stdout;
        String::from_utf8(now).unwrap().trim_end() != wanted
    });
    let lines = start(&place, DNSTAP, &dated, "out-%s.fstrm").stop();
    assert_line(&lines, "an earlier run left");
    start(&place, DNSTAP, &[&dated[..], &["-a"]].concat(), "out-%s.fstrm").stop();
    assert!(!partial.exists());
    assert_holds(&place.path(wanted), ["one"]);
}

#[test]
fn the_text_of_the_last_run_is_kept() {
    let place = Place::new();
    let out = format!("quiet:{}", place.argument("log"));
    let text = |name: &str| fs::read_to_string(place.path(name)).unwrap_or_default();
    for run in 0..3 {
        let running = place.dnstap(&["-w", &out]);
        (0..=run).for_each(|_| send(&place, "x"));
        until(|| text("log").lines().count() == run + 1);
        let lines = running.stop();
        let kept = format!("exists and is kept as {}.{run}", place.argument("log"));
        assert_eq!(lines.iter().any(|line| line.contains(&kept)), run > 0, "{lines:#?}");
        // The next file gets the same permissions.
        let mode = fs::metadata(place.path("log")).unwrap().permissions().mode() & 0o777;
        assert!(run == 0 || mode == 0o640, "{mode:o}");
        fs::set_permissions(place.path("log"), Permissions::from_mode(0o640)).unwrap();
    }
    let kept = ["log", "log.1", "log.2"].map(|name| text(name).lines().count());
    assert_eq!(kept, [3, 1, 2]);
    assert_eq!(names(place.directory.path()), ["log", "log.1", "log.2"]);
    // Files can be converted again.
    let input = place.file("in", support::recording(["x"]));
    for _ in 0..2 {
        assert!(support::run(DNSTAP, &["-r", &input, "-w", &out]).status.success());
    }
    assert_eq!(text("log").lines().count(), 1);
    assert!(!Path::new(&place.argument("log.3")).exists());
}
