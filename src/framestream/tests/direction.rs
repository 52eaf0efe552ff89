// SPDX-License-Identifier: MIT OR Apache-2.0
//! Unidirectional streams over a socket.

mod patience;
mod receiver;

use std::io::Read;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread::{self, JoinHandle};

use framestream::control::{ControlFrame, ControlType, Header};
use framestream::handshake::Direction;
use framestream::iothr::{IoThr, IoThrOptions};
use framestream::transport::SocketSender;
use framestream::writer::{StreamWriter, WriterOptions};
use patience::PATIENCE;
use receiver::connection;

fn writer(path: &Path) -> StreamWriter {
    let mut options = WriterOptions::default();
    options.add_content_type(b"numbers").expect("short");
    // A writer that waits for an answer fails.
    options.io_timeout = PATIENCE;
    options.direction = Some(Direction::Unidirectional);
    StreamWriter::new(Box::new(SocketSender::unix(path).expect("a short path")), options)
}

/// Reads everything that a sender sends, without a reply.
fn listen(path: &Path) -> JoinHandle<Vec<u8>> {
    let listener = UnixListener::bind(path).expect("a socket");
    thread::spawn(move || {
        let mut stream = connection(&listener);
        stream.set_read_timeout(Some(PATIENCE / 2)).expect("a timeout");
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("the end of the stream");
        bytes
    })
}

/// Returns a stream of one frame.
fn expected() -> Vec<u8> {
    let content_type = b"numbers".as_slice();
    let start = ControlFrame::new(ControlType::Start, Some(content_type)).encode(Header::With);
    let stop = ControlFrame::new(ControlType::Stop, None).encode(Header::With);
    [start.expect("short"), b"\0\0\0\x03one".to_vec(), stop.expect("short")].concat()
}

#[test]
fn a_unidirectional_writer_expects_no_reply() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = listen(&path);
    let mut writer = writer(&path);
    writer.write(b"one").expect("a frame");
    writer.close().expect("no wait for FINISH");
    assert_eq!(receiving.join().expect("the receiver"), expected());
}

#[test]
fn a_unidirectional_writer_thread_expects_no_reply() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let receiving = listen(&path);
    let (iothr, producers) =
        IoThr::start(IoThrOptions::default(), writer(&path)).expect("a thread");
    producers[0].submit(b"one".to_vec()).expect("room");
    assert!(iothr.close());
    assert_eq!(receiving.join().expect("the receiver"), expected());
    assert_eq!((iothr.stats().written, iothr.last_error()), (1, None));
}
