// SPDX-License-Identifier: MIT OR Apache-2.0
//! `fstrm_dump` compared with Debian's.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use framestream::control::ControlType::{Accept, Finish, Ready, Start, Stop};
use support::{
    DUMP, Place, Running, TYPE, assert_fails, c, control, data, payloads, quoted, recording, run,
    same_status,
};

#[test]
fn complete_files_are_printed_like_debians() {
    let place = Place::new();
    let empty: [&[u8]; 0] = [];
    let every_byte: Vec<u8> = (0..=255).collect();
    let odd_type = "a\"b\\c\u{e9}\n";
    let untyped = [control(Start, None), data("x"), control(Stop, None)].concat();
    let interrupted = [
        control(Start, Some(odd_type)),
        data("one"),
        control(Ready, Some("x")),
        control(Start, None),
        data("two"),
        control(Finish, None),
        control(Accept, None),
        data("three"),
        control(Stop, None),
        data("after the end"),
    ]
    .concat();
    for (name, content) in [
        ("empty", recording(empty)),
        ("every byte", recording([every_byte])),
        ("many", recording(payloads(2000))),
        ("large", recording([vec![b'"'; 1024 * 1024], vec![0; 700_000]])),
        ("untyped", untyped),
        ("interrupted", interrupted),
    ] {
        let file = place.file(name, content);
        let (ours, theirs) = (run(DUMP, &[&file]), run(c("fstrm_dump"), &[&file]));
        assert!(
            same_status(ours.status, theirs.status),
            "{name}: {} {}",
            ours.status,
            theirs.status
        );
        assert!(ours.stdout == theirs.stdout, "{name}");
        assert!(ours.stderr == theirs.stderr, "{name}");
    }
}

#[test]
fn damaged_files_are_printed_as_far_as_by_debians() {
    let place = Place::new();
    let whole = recording(["one", "second", "3"]);
    let mut damaged: Vec<Vec<u8>> = (0..whole.len()).map(|size| whole[..size].to_vec()).collect();
    let start = control(Start, Some(TYPE));
    for rest in [
        &b"\0\0\0\0\0\0\0\x04\0\0\0\x09"[..],
        b"\0\0\0\0\0\0\0\x03\0\0\x03",
        b"\0\0\0\0\0\0\x02\x01\0\0\0\x03",
        b"\0\0\0\0\xff\xff\xff\xff\0\0\0\x03",
    ] {
        damaged.push([&start, &data("one")[..], rest].concat());
    }
    damaged.push(whole[42..].to_vec());
    damaged.push(b"GET / HTTP/1.1\r\n\r\n".to_vec());
    damaged.push([control(Ready, None), whole.clone()].concat());
    for content in damaged {
        let file = place.file("damaged", &content);
        let (ours, theirs) = (run(DUMP, &[&file]), run(c("fstrm_dump"), &[&file]));
        let notes = String::from_utf8_lossy(&ours.stderr).into_owned();
        let about = format!("{content:?}\n{notes}");
        assert!(
            same_status(ours.status, theirs.status),
            "{} {} {about}",
            ours.status,
            theirs.status
        );
        assert_eq!(ours.stdout, theirs.stdout, "{about}");
        // The last line has the offset and reason instead of a STOP.
        let last = notes.lines().last().unwrap();
        assert!(last.contains("offset"), "{about}");
        assert!(!notes.contains("CONTROL_STOP"), "{about}");
    }
}

#[test]
fn errors_have_the_offset_of_the_frame() {
    let place = Place::new();
    let whole = recording(["one", "second"]);
    for (content, end) in [
        (&whole[..42 + 7], "ends at offset 49 without STOP"),
        (&whole[..42 + 7 + 6], "the frame at offset 49 is cut off after 6 bytes"),
        (&whole[..41], "the frame at offset 0 is cut off after 41 bytes"),
        (b"", "ends at offset 0 without STOP"),
        (&[&whole[..49], &[0xff; 50]].concat(), "at offset 49: data frame of 4294967295 bytes"),
        (&[&whole[..49], &[0; 50]].concat(), "at offset 49: control frame is cut short"),
    ] {
        let file = place.file("file", content);
        let notes = String::from_utf8(run(DUMP, &[&file]).stderr).unwrap();
        assert!(notes.contains(&format!("fstrm_dump: {file}: {end}")), "{notes}");
    }
}

#[test]
fn output_and_errors_in_one_file_are_in_order() {
    let place = Place::new();
    let file = place.file("file", recording(payloads(500)));
    let both = |program: &str| {
        let script = "\"$0\" \"$1\" 2>&1";
        let output = Command::new("sh").args(["-c", script, program, &file]).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    assert!(both(DUMP) == both(&c("fstrm_dump")));
}

#[test]
fn copies_equal_debians() {
    let place = Place::new();
    let untyped = [control(Start, None), data("x"), control(Stop, None)].concat();
    let torn = &recording(payloads(50))[..5000];
    for content in [&recording(payloads(3000))[..], &untyped, torn] {
        let file = place.file("file", content);
        let copy = |program: &str| {
            let copy = place.file("copy", "replaced content");
            let output = run(program, &[&file, &copy]);
            assert!(output.status.success(), "{output:?}");
            fs::read(copy).unwrap()
        };
        assert!(copy(DUMP) == copy(&c("fstrm_dump")));
    }
}

#[test]
fn a_file_is_not_copied_over_itself() {
    let place = Place::new();
    let content = recording(["one"]);
    let file = place.file("file", &content);
    assert_fails(DUMP, &[&file, &file], 1, "same file");
    assert_eq!(fs::read(&file).unwrap(), content);
}

#[test]
fn frames_are_printed_as_they_arrive() {
    let mut dump = Command::new(DUMP)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = dump.stdin.take().unwrap();
    let mut output = dump.stdout.take().unwrap();
    input.write_all(&control(Start, Some(TYPE))).unwrap();
    for text in ["one", "two", "three"] {
        input.write_all(&data(text)).unwrap();
        let expected = quoted([text]);
        let mut line = vec![0; expected.len()];
        output.read_exact(&mut line).unwrap();
        assert_eq!(line, expected.as_bytes());
    }
    input.write_all(&control(Stop, None)).unwrap();
    assert!(dump.wait().unwrap().success());
}

#[test]
fn a_closed_output_ends_it_with_sigpipe() {
    let place = Place::new();
    let file = place.file("file", recording(payloads(20_000)));
    let mut dump = Running::start(Command::new(DUMP).arg(file).stdout(Stdio::piped()));
    drop(dump.child.stdout.take());
    let (status, lines) = dump.end();
    assert_eq!(status.signal(), Some(13), "{status} {:?}", lines.last());
}

#[test]
fn usage_and_open_errors_equal_debians() {
    for arguments in [&[][..], &["a", "b", "c"], &["/nonexistent"], &["/"]] {
        let (ours, theirs) = (run(DUMP, arguments), run(c("fstrm_dump"), arguments));
        assert_eq!(ours.status.code(), theirs.status.code(), "{arguments:?}");
        let first = |text: &[u8]| String::from_utf8_lossy(text).lines().next().map(String::from);
        let same = first(&theirs.stderr).unwrap().replace(&c("fstrm_dump"), DUMP);
        assert_eq!(first(&ours.stderr), Some(same), "{arguments:?}");
    }
}
