// SPDX-License-Identifier: MIT OR Apache-2.0
//! A receiver over whatever reads and writes: its side of the handshake, and the frames.

use std::io::{Read, Write};

use framestream::frame::{DecodedFrame, Decoder, MAX_FRAME_SIZE_DEFAULT};
use framestream::handshake::{Handshake, Opening, ReceiverOpen, Step};

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

/// Reads data frames up to STOP, and answers that with FINISH.
pub fn receive(stream: &mut (impl Read + Write)) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::new(MAX_FRAME_SIZE_DEFAULT);
    let mut frames = Vec::new();
    loop {
        let mut piece = vec![0; decoder.needs()];
        stream.read_exact(&mut piece).expect("a whole frame");
        match decoder.advance(&piece).expect("a well-formed frame") {
            Some(DecodedFrame::Data(payload)) => frames.push(payload.to_vec()),
            Some(DecodedFrame::Control(_)) => break,
            None => (),
        }
    }
    stream.write_all(&FINISH).expect("the sender waits");
    frames
}
