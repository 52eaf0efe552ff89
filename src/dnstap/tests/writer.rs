// SPDX-License-Identifier: MIT OR Apache-2.0
//! Streams written from one thread, and read with the reader of the crate.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use dnstap::encode::Envelope;
use dnstap::message::{Event, Message};
use dnstap::output::Output;
use dnstap::reader::Reader;
use dnstap::schema::MessageType;
use dnstap::sink::SinkOptions;
use dnstap::writer::{OpenWriterError, WriteError, Writer};
use framestream::handshake::Direction;

const PATIENCE: Duration = Duration::from_secs(20);

fn options(output: Output) -> SinkOptions {
    SinkOptions { identity: Some(b"options".to_vec()), ..SinkOptions::new(output) }
}

/// Reads a stream to its end, and calls `check` for each event.
fn read(mut reader: Reader, mut check: impl FnMut(usize, &[u8])) -> usize {
    let mut count = 0;
    while let Some(frame) = reader.next(PATIENCE).expect("a whole stream") {
        check(count, frame);
        count += 1;
    }
    count
}

fn write_all(writer: &mut Writer, count: usize) {
    let wire = [7; 300];
    for index in 0..count {
        let message = Message {
            query_message: Some(&wire[..index % 300]),
            ..Message::new(MessageType::TOOL_QUERY)
        };
        assert!(writer.write(&message, Envelope::EMPTY).expect("written"));
    }
}

fn check(index: usize, frame: &[u8]) {
    let mut event = Event::new();
    event.decode_into(frame).expect("an event");
    assert_eq!(event.identity, Some(&b"options"[..]));
    let message = event.message.expect("a message");
    assert_eq!(message.query_message, Some(&[7; 300][..index % 300]), "message {index}");
}

#[test]
fn a_file_contains_the_written_messages() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tap");
    let mut writer = Writer::open(&options(Output::File(path.clone()))).expect("a writer");
    write_all(&mut writer, 10_000);
    writer.close().expect("written");
    assert_eq!(read(Reader::open(&path).expect("a file"), check), 10_000);
}

#[test]
fn a_receiver_gets_the_written_messages_and_confirms_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let receiver = thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a sender");
        read(Reader::from_fd(stream.into()).expect("a stream"), check)
    });
    let mut writer = Writer::open(&options(Output::Unix(path))).expect("a writer");
    write_all(&mut writer, 10_000);
    writer.close().expect("confirmed");
    assert_eq!(receiver.join().expect("a receiver"), 10_000);
}

#[test]
fn refused_frames_and_messages_do_not_affect_the_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tap");
    let mut options = options(Output::File(path.clone()));
    options.message_types = 1 << MessageType::TOOL_QUERY.0;
    let mut writer = Writer::open(&options).expect("a writer");
    let long = [0; 65_536];
    let message = Message { query_message: Some(&long), ..Message::new(MessageType::TOOL_QUERY) };
    for _ in 0..100 {
        let disabled = Message::new(MessageType::AUTH_QUERY);
        assert!(!writer.write(&disabled, Envelope::EMPTY).expect("not written"));
        let refused = writer.write(&message, Envelope::EMPTY);
        assert!(matches!(refused, Err(WriteError::Encode(_))), "{refused:?}");
        assert!(matches!(writer.write_frame(b""), Err(WriteError::FrameLength(0))));
        writer.write_frame(b"frame").expect("written");
    }
    writer.close().expect("written");
    let count = read(Reader::open(&path).expect("a file"), |_, frame| assert_eq!(frame, b"frame"));
    assert_eq!(count, 100);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").expect("a file");
    let missing = folder.path().join("missing");
    for (parent, reason) in [(missing, "No such file or directory"), (file, "not a directory")] {
        let output = Output::File(parent.join("x.tap"));
        let error = options(output).check().expect_err("no folder").to_string();
        assert!(error.starts_with(&format!("{}: {reason}", parent.display())), "{error}");
    }
}

#[test]
fn a_failure_names_the_output_and_is_final() {
    let missing = Writer::open(&options(Output::Unix("/nonexistent/x.sock".into())));
    let error = missing.err().expect("no receiver");
    assert!(matches!(error, OpenWriterError::Stream(_)));
    assert_eq!(error.to_string(), "/nonexistent/x.sock: No such file or directory");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut options = options(Output::Unix(path.clone()));
    options.direction = Some(Direction::Unidirectional);
    options.io_timeout = Duration::from_secs(1);
    let mut writer = Writer::open(&options).expect("a writer");
    let _stalled = listener.accept().expect("a sender");
    let frame = vec![0; 1 << 20];
    let (error, took) = loop {
        let start = Instant::now();
        if let Err(error) = writer.write_frame(&frame) {
            break (error.to_string(), start.elapsed());
        }
    };
    assert_eq!(error, format!("{}: the receiver took more than 1 s", path.display()));
    assert!(took < PATIENCE, "{took:?}");
    assert_eq!(writer.flush().expect_err("the same error").to_string(), error);
    assert_eq!(writer.close().expect_err("the same error").to_string(), error);
}

#[test]
fn only_a_closed_writer_completes_the_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.tap");
    drop(Writer::open(&options(Output::File(path.clone()))).expect("a writer"));
    let opened = length(&path);
    let mut writer = Writer::open(&options(Output::File(path.clone()))).expect("a writer");
    write_all(&mut writer, 1);
    assert_eq!(length(&path), opened);
    writer.flush().expect("written");
    let flushed = length(&path);
    assert!(flushed > opened);
    writer.close().expect("written");
    assert!(length(&path) > flushed);
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).expect("a file").len()
}
