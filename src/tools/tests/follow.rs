// SPDX-License-Identifier: MIT OR Apache-2.0
//! Following a file by its name and past its end, like `tail -F`.

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;

use framestream::control::ControlType::Start;
use support::{DNSTAP, Peer, Place, Running, TYPE, control, data, payloads, recording, run, until};

/// Follows the file `in`, and prints to the file `quiet`.
fn follow(place: &Place) -> Running {
    let (input, output) = (place.argument("in"), format!("quiet:{}", place.argument("quiet")));
    Running::dnstap(&["--follow", "-r", &input, "-w", &output])
}

/// Waits until `count` messages are printed.
fn printed(place: &Place, count: usize) {
    let quiet = place.path("quiet");
    until(|| fs::read_to_string(&quiet).is_ok_and(|text| text.lines().count() >= count));
    assert_eq!(fs::read_to_string(&quiet).unwrap().lines().count(), count);
}

#[test]
fn a_file_is_followed_past_its_end() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    // More bytes than STOP has, fewer, and none.
    for payloads in [payloads(300), vec![vec![7]], Vec::new(), payloads(3)] {
        count += payloads.len();
        let more = place.file("more", recording(&payloads));
        assert!(run(DNSTAP, &["-r", &more, "-a", "-w", &input]).status.success());
        printed(&place, count);
        // Another stream follows.
        count += 1;
        let mut file = OpenOptions::new().append(true).open(&input).unwrap();
        file.write_all(&recording(["behind"])).unwrap();
        printed(&place, count);
    }
    // The only message is about the payloads.
    assert_eq!(following.stop(), [format!("dnstap: {count} frames are not dnstap messages")]);
}

#[test]
fn a_capture_is_followed_over_a_restart() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let socket = place.argument("socket");
    let following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    for _ in 0..3 {
        let mut capture = Running::dnstap(&["-u", &socket, "-a", "-w", &input]);
        capture.line("opened output file");
        let mut peer = Peer::open(&place.socket);
        for payload in [&b"x"[..], &[7; 5000], b"y"] {
            peer.send(data(payload));
            count += 1;
            printed(&place, count);
        }
        capture.stop();
    }
    // The only message is about the payloads.
    assert_eq!(following.stop(), [format!("dnstap: {count} frames are not dnstap messages")]);
}

/// Encodes a capture file without STOP.
fn open_recording(count: usize) -> Vec<u8> {
    let mut bytes = control(Start, Some(TYPE));
    bytes.extend(payloads(count).iter().flat_map(data));
    bytes
}

#[test]
fn a_replaced_file_is_followed_by_the_new_one() {
    let place = Place::new();
    let input = place.file("in", recording(payloads(9)));
    let mut following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    for (number, more) in
        [recording(payloads(5)), open_recording(7), recording(payloads(2))].into_iter().enumerate()
    {
        fs::rename(&input, place.path(&format!("moved-{number}"))).unwrap();
        place.file("next", more);
        fs::rename(place.path("next"), &input).unwrap();
        count += [5, 7, 2][number];
        printed(&place, count);
        following.line("another file has this name now");
    }
    following.stop();
}

#[test]
fn a_moved_file_is_read_until_the_new_one_has_content() {
    let place = Place::new();
    let input = place.file("in", open_recording(9));
    let following = follow(&place);
    printed(&place, 9);
    let mut writer = OpenOptions::new().append(true).open(&input).unwrap();
    fs::rename(&input, place.path("moved")).unwrap();
    writer.write_all(&data("after the move")).unwrap();
    printed(&place, 10);
    // logrotate creates the new file before it sends a signal.
    place.file("in", "");
    writer.write_all(&data("beside an empty one")).unwrap();
    printed(&place, 11);
    writer.write_all(&data("last")).unwrap();
    place.file("in", recording(payloads(2)));
    printed(&place, 14);
    following.stop();
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let place = Place::new();
    let input = place.file("in", open_recording(9));
    let mut following = follow(&place);
    printed(&place, 9);
    let mut count = 9;
    // Fewer frames than before, and more.
    for more in [3, 20] {
        fs::write(&input, recording(vec![[more; 50]; more.into()])).unwrap();
        count += usize::from(more);
        printed(&place, count);
        following.line("truncated; reading from the beginning again");
    }
    following.stop();
}

#[test]
fn a_missing_file_is_waited_for() {
    let place = Place::new();
    let mut following = follow(&place);
    following.line("is not there yet; waiting for it");
    place.file("next", zstd::encode_all(&recording(payloads(9))[..], 0).unwrap());
    fs::rename(place.path("next"), place.path("in")).unwrap();
    printed(&place, 9);
    // Compressed files may be replaced as well.
    place.file("next", zstd::encode_all(&recording(payloads(3))[..], 0).unwrap());
    fs::rename(place.path("next"), place.path("in")).unwrap();
    printed(&place, 12);
    following.stop();
}

#[test]
fn a_running_capture_is_followed_from_file_to_file() {
    let place = Place::new();
    let socket = place.argument("socket");
    let mut capture = Running::dnstap(&["-u", &socket, "-w", &place.argument("in")]);
    capture.line("opened output file");
    let mut following = follow(&place);
    following.line("which is being written");
    let mut count = 0;
    for round in 0..3 {
        place.send(vec!["x"; 3]);
        count += 3;
        printed(&place, count);
        if round < 2 {
            capture.signal("USR1");
            capture.line("opened output file");
            following.line("which is being written");
        }
    }
    // The next run writes files with other names, whose frames come after all of these.
    capture.stop();
    let mut capture = Running::dnstap(&["-u", &socket, "-w", &place.argument("in")]);
    capture.line("opened output file");
    following.line("which is being written");
    place.send(vec!["x"; 2]);
    printed(&place, count + 2);
    following.stop();
    capture.stop();
}
