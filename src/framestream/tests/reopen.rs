// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams that are reopened at run time: rotated files, and sockets whose receiver is fast, slow
//! or silent. The receivers get each frame once, as a whole.

mod patience;
mod receiver;
mod writer_thread;

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, thread};

use framestream::iothr::{FrameProducer, IoThr, LinkState};
use framestream::transport::{FileSender, SocketSender};
use patience::{PATIENCE, wait_for};
use receiver::{accept_from, connection, read_file, receive};
use tempfile::TempDir;
use writer_thread::{reopen_repeatedly, start, until};

/// A frame length that exceeds the buffer of a Unix socket.
const LARGE: usize = 300_000;

fn socket(path: &Path) -> SocketSender {
    SocketSender::unix(path).expect("a short path")
}

/// Returns a listener on a Unix socket, in a temporary folder, and its path.
fn listen() -> (TempDir, PathBuf, UnixListener) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    (folder, path, listener)
}

/// Closes a writer thread, and returns the numbers of the frames that a receiver gets meanwhile.
fn close_and_receive(iothr: &IoThr<Vec<u8>>, mut stream: UnixStream) -> Vec<u32> {
    let receiving = thread::spawn(move || receive(&mut stream));
    assert!(iothr.close());
    numbers(&receiving.join().expect("the receiver"))
}

/// Returns a frame that begins and ends with its number.
fn frame(number: u32, length: usize) -> Vec<u8> {
    let mut frame = vec![0; length];
    frame[..4].copy_from_slice(&number.to_be_bytes());
    frame[length - 4..].copy_from_slice(&number.to_be_bytes());
    frame
}

/// Checks that frames are intact, and returns their numbers.
fn numbers(frames: &[Vec<u8>]) -> Vec<u32> {
    let number = |bytes: Option<&[u8; 4]>| u32::from_be_bytes(*bytes.expect("a number"));
    let check = |frame: &Vec<u8>| {
        assert_eq!(number(frame.first_chunk()), number(frame.last_chunk()));
        number(frame.first_chunk())
    };
    frames.iter().map(check).collect()
}

/// Submits `count` numbered frames, each as soon as there is room.
fn submit_all(producer: &FrameProducer<Vec<u8>>, count: u32, length: impl Fn(u32) -> usize) {
    for number in 0..count {
        wait_for(|| producer.submit(frame(number, length(number))).ok());
    }
}

#[test]
fn rotated_files_contain_every_frame_once_and_in_order() {
    const COUNT: u32 = 200_000;
    const ROTATIONS: u64 = 20;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let (iothr, producer) = start(FileSender::new(&path), PATIENCE);
    let producing = thread::spawn(move || submit_all(&producer, COUNT, |_| 100));
    let mut files = Vec::new();
    for rotation in 1..=ROTATIONS {
        until(&iothr, |stats| stats.written >= rotation * 1000);
        files.push(folder.path().join(format!("frames.{rotation}")));
        fs::rename(&path, files.last().expect("pushed")).expect("a file");
        iothr.reopen();
        until(&iothr, |stats| stats.connects == rotation + 1);
    }
    producing.join().expect("the producer");
    assert!(iothr.close());
    files.push(path);
    let stats = iothr.stats();
    assert_eq!((stats.accepted, stats.written, stats.waiting), (COUNT.into(), COUNT.into(), 0));
    assert_eq!((stats.connects, stats.disconnects, stats.connect_failures), (21, 0, 0));
    assert_eq!(iothr.last_error(), None);
    let frames: Vec<_> = files.iter().flat_map(|file| read_file(file)).collect();
    assert_eq!(numbers(&frames), (0..COUNT).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_still_at_its_path_is_continued() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let (iothr, producer) = start(FileSender::new(&path), PATIENCE);
    let send = |number: u32| {
        producer.submit(frame(number, 8)).expect("room");
        until(&iothr, |stats| stats.written == u64::from(number) + 1);
    };
    send(0);
    let inode = fs::metadata(&path).expect("a file").ino();
    iothr.reopen();
    // The thread has handled the request before it sends the second of these frames.
    send(1);
    send(2);
    assert_eq!(iothr.stats().connects, 1);
    assert_eq!(fs::metadata(&path).expect("a file").ino(), inode);
    assert!(iothr.close());
    assert_eq!(numbers(&read_file(&path)), [0, 1, 2]);
}

#[test]
fn a_removed_file_is_created_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let (iothr, producer) = start(FileSender::new(&path), PATIENCE);
    until(&iothr, |stats| stats.connects == 1);
    fs::remove_file(&path).expect("a file");
    iothr.reopen();
    until(&iothr, |stats| stats.connects == 2);
    producer.submit(frame(0, 8)).expect("room");
    assert!(iothr.close());
    assert_eq!(numbers(&read_file(&path)), [0]);
}

#[test]
fn a_socket_that_reconnects_under_load_loses_nothing() {
    const COUNT: u32 = 20_000;
    const TIMES: u64 = 20;
    let (_folder, path, listener) = listen();
    let receiving = thread::spawn(move || {
        let mut frames = Vec::new();
        for _ in 0..=TIMES {
            frames.extend(receive(&mut accept_from(&listener)));
        }
        frames
    });
    let (iothr, producer) = start(socket(&path), PATIENCE);
    let length = |number: u32| 8 + (number as usize * 7919) % 40_000;
    let producing = thread::spawn(move || submit_all(&producer, COUNT, length));
    reopen_repeatedly(&iothr, TIMES);
    producing.join().expect("the producer");
    assert!(iothr.close());
    let frames = receiving.join().expect("the receiver");
    assert_eq!(numbers(&frames), (0..COUNT).collect::<Vec<_>>());
    let stats = iothr.stats();
    assert_eq!((stats.written, stats.waiting), (COUNT.into(), 0));
    assert_eq!((stats.connects, stats.disconnects, stats.connect_failures), (21, 0, 0));
}

/// Sends three frames to a receiver that does not read, so that the first one is torn, and requests
/// to reopen the stream.
fn reopen_within_a_frame(
    listener: &UnixListener,
    path: &Path,
    io_timeout: Duration,
) -> (IoThr<Vec<u8>>, UnixStream) {
    let (iothr, producer) = start(socket(path), io_timeout);
    let stream = accept_from(listener);
    for number in 0..3 {
        producer.submit(frame(number, LARGE)).expect("room");
    }
    until(&iothr, |stats| stats.bytes_written > 0);
    iothr.reopen();
    (iothr, stream)
}

#[test]
fn a_frame_that_was_sent_in_part_is_completed_first() {
    let (_folder, path, listener) = listen();
    let (iothr, mut first) = reopen_within_a_frame(&listener, &path, PATIENCE);
    until(&iothr, |stats| stats.state == LinkState::Closing);
    assert_eq!(numbers(&receive(&mut first)), [0]);
    assert_eq!(close_and_receive(&iothr, accept_from(&listener)), [1, 2]);
    let stats = iothr.stats();
    assert_eq!((stats.written, stats.connects, stats.disconnects), (3, 2, 0));
    assert_eq!(iothr.last_error(), None);
}

#[test]
fn a_receiver_that_does_not_read_is_disconnected_and_gets_the_whole_frame_again() {
    let (_folder, path, listener) = listen();
    let (iothr, mut first) = reopen_within_a_frame(&listener, &path, Duration::from_secs(2));
    assert_eq!(close_and_receive(&iothr, accept_from(&listener)), [0, 1, 2]);
    let stats = iothr.stats();
    assert_eq!((stats.accepted, stats.written, stats.waiting), (3, 3, 0));
    assert_eq!((stats.connects, stats.disconnects), (2, 1));
    let error = iothr.last_error().expect("an error of the first stream");
    let socket = path.display();
    assert_eq!(
        error,
        format!("{socket}: the stream broke: the receiver did not answer within 2 s")
    );
    let mut left = Vec::new();
    first.read_to_end(&mut left).expect("the sent data, and the end");
    assert!((1..LARGE).contains(&left.len()), "{} bytes", left.len());
}

#[test]
fn without_a_stream_the_next_attempt_is_made_immediately() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let (iothr, producer) = start(socket(&path), PATIENCE);
    producer.submit(frame(0, 8)).expect("room");
    // With the usual delays, this number of attempts would take minutes.
    until(&iothr, |stats| {
        iothr.reopen();
        stats.connect_failures >= 2000
    });
    let listener = UnixListener::bind(&path).expect("a socket");
    iothr.reopen();
    assert_eq!(close_and_receive(&iothr, accept_from(&listener)), [0]);
    assert_eq!((iothr.stats().connects, iothr.stats().disconnects), (1, 0));
}

#[test]
fn a_handshake_with_a_replaced_receiver_is_aborted() {
    let (_folder, path, silent) = listen();
    let (iothr, producer) = start(socket(&path), PATIENCE * 2);
    producer.submit(frame(0, 8)).expect("room");
    let _stream = connection(&silent);
    fs::remove_file(&path).expect("a socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    iothr.reopen();
    assert_eq!(close_and_receive(&iothr, accept_from(&listener)), [0]);
    assert_eq!((iothr.stats().connects, iothr.stats().connect_failures), (1, 0));
}

#[test]
fn a_receiver_that_does_not_reply_to_stop_does_not_block_the_next_stream() {
    let (_folder, path, listener) = listen();
    let (iothr, producer) = start(socket(&path), Duration::from_secs(2));
    let mut first = accept_from(&listener);
    until(&iothr, |stats| stats.connects == 1);
    iothr.reopen();
    producer.submit(frame(0, 8)).expect("room");
    assert_eq!(close_and_receive(&iothr, accept_from(&listener)), [0]);
    let stats = iothr.stats();
    assert_eq!((stats.connects, stats.disconnects), (2, 0));
    let error = iothr.last_error().expect("an error about FINISH");
    assert!(error.ends_with(": closing: the receiver did not answer within 2 s"), "{error}");
    let mut stop = Vec::new();
    first.read_to_end(&mut stop).expect("STOP, and the end");
    assert_eq!(stop, [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3]);
}
