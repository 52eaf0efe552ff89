// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver of Frame Streams, for tests of this crate and of dnstap.

#![allow(dead_code, reason = "no test program uses all of it")]

use std::io::{Read, Write};
use std::iter;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, JoinHandle};

use framestream::frame::{LENGTH_SIZE, MAX_FRAME_SIZE_DEFAULT};
use framestream::handshake::{Handshake, Opening, ReceiverOpen, Step};
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::transport::FileReceiver;
use framestream::walk::{Front, Walker};

use crate::patience::{PATIENCE, wait_for};

/// FINISH in wire format.
const FINISH: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5];

/// Accepts a connection.
pub(crate) fn connection(listener: &UnixListener) -> UnixStream {
    listener.set_nonblocking(true).expect("a socket");
    let (stream, _) = wait_for(|| listener.accept().ok());
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Performs the handshake up to START.
pub(crate) fn accept(stream: &mut (impl Read + Write)) {
    let mut open = ReceiverOpen::new(&[], Opening::Ready);
    let mut piece = [0; 512];
    loop {
        match open.step() {
            Step::Send(bytes) => {
                let count = stream.write(bytes).expect("a sender that reads");
                open.sent(count);
            }
            Step::Receive(count) => {
                let count = stream.read(&mut piece[..count]).expect("a control frame");
                assert_ne!(count, 0, "the sender hung up during the handshake");
                open.received(&piece[..count]).expect("a handshake");
            }
            Step::Done => return,
        }
    }
}

/// Accepts a connection, and performs the handshake up to START.
pub(crate) fn accept_from(listener: &UnixListener) -> UnixStream {
    let mut stream = connection(listener);
    accept(&mut stream);
    stream
}

/// Reads the next data frame; `None` at STOP.
pub(crate) fn next_frame(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match Walker::in_stream(MAX_FRAME_SIZE_DEFAULT).step(&bytes).expect("a well-formed frame") {
            Front::Needs(size) => {
                let start = bytes.len();
                bytes.resize(size, 0);
                stream.read_exact(&mut bytes[start..]).expect("a whole frame");
            }
            Front::Frames { .. } => return Some(bytes.split_off(LENGTH_SIZE)),
            other => {
                assert!(matches!(other, Front::Stop(..)), "{other:?} among data frames");
                return None;
            }
        }
    }
}

/// Reads data frames up to STOP, and replies with FINISH.
pub(crate) fn receive(stream: &mut (impl Read + Write)) -> Vec<Vec<u8>> {
    let frames = iter::from_fn(|| next_frame(stream)).collect();
    stream.write_all(&FINISH).expect("a sender that waits for FINISH");
    frames
}

/// Receives one stream in a thread.
pub(crate) fn receive_from(listener: UnixListener) -> JoinHandle<Vec<Vec<u8>>> {
    thread::spawn(move || receive(&mut accept_from(&listener)))
}

/// Returns the frames of a file that ends with STOP.
pub(crate) fn read_file(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = StreamReader::new(Box::new(FileReceiver::new(path)), ReaderOptions::default());
    let mut frames = Vec::new();
    while let Some(frame) = reader.read().expect("a frame or STOP") {
        frames.push(frame.to_vec());
    }
    frames
}
