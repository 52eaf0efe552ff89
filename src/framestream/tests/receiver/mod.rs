// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver over whatever reads and writes: its side of the handshake, and the frames.

use std::io::{Read, Write};
use std::iter;

use framestream::frame::{LENGTH_SIZE, MAX_FRAME_SIZE_DEFAULT};
use framestream::handshake::{Handshake, Opening, ReceiverOpen, Step};
use framestream::walk::{Front, Walker};

/// FINISH, as it goes on the wire.
const FINISH: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 5];

/// Takes a sender's stream up to START.
pub fn accept(stream: &mut (impl Read + Write)) {
    let mut open = ReceiverOpen::new(&[], Opening::Ready);
    let mut piece = [0; 512];
    loop {
        match open.step() {
            Step::Send(bytes) => {
                let count = stream.write(bytes).expect("the sender listens");
                open.sent(count);
            }
            Step::Receive(count) => {
                let count = stream.read(&mut piece[..count]).expect("the sender speaks");
                assert_ne!(count, 0, "the sender hung up in the handshake");
                open.received(&piece[..count]).expect("a handshake");
            }
            Step::Done => return,
        }
    }
}

/// Reads the next data frame; `None` at STOP.
pub fn next_frame(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match Walker::in_stream(MAX_FRAME_SIZE_DEFAULT).step(&bytes).expect("a well-formed frame") {
            Front::Needs(size) => {
                let have = bytes.len();
                bytes.resize(size, 0);
                stream.read_exact(&mut bytes[have..]).expect("a whole frame");
            }
            Front::Frames { .. } => return Some(bytes.split_off(LENGTH_SIZE)),
            other => {
                assert!(matches!(other, Front::Stop(..)), "{other:?} comes among data");
                return None;
            }
        }
    }
}

/// Reads data frames up to STOP, and answers that with FINISH.
pub fn receive(stream: &mut (impl Read + Write)) -> Vec<Vec<u8>> {
    let frames = iter::from_fn(|| next_frame(stream)).collect();
    stream.write_all(&FINISH).expect("the sender waits");
    frames
}
