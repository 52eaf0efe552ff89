// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frame Streams as bytes, taken apart without the library that is tested.

use std::fs;
use std::path::Path;

/// Types of control frames.
pub(crate) const ACCEPT: u32 = 1;
pub(crate) const START: u32 = 2;
pub(crate) const STOP: u32 = 3;
pub(crate) const READY: u32 = 4;
pub(crate) const FINISH: u32 = 5;

/// Field type of control frames.
const CONTENT_TYPE: u32 = 1;

/// A frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    /// With its payload.
    Data(Vec<u8>),
    /// With its type.
    Control(u32),
}

/// Bytes of a stream, of which the whole frames are taken.
#[derive(Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    taken: usize,
}

impl Stream {
    /// More of the stream.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the next frame, if all of it is there.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        let rest = &self.bytes[self.taken..];
        let (length, rest) = split_number(rest)?;
        if length > 0 {
            let payload = rest.get(..length as usize)?.to_vec();
            self.taken += 4 + payload.len();
            return Some(Frame::Data(payload));
        }
        let (length, rest) = split_number(rest)?;
        let frame = rest.get(..length as usize)?;
        let (kind, _) = split_number(frame).expect("a control frame has a type");
        self.taken += 8 + frame.len();
        Some(Frame::Control(kind))
    }

    /// Bytes that are left: the front of a frame.
    pub(crate) fn torn(&self) -> usize {
        self.bytes.len() - self.taken
    }
}

fn split_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

/// A control frame with a content type, or without.
pub(crate) fn control(kind: u32, content_type: Option<&str>) -> Vec<u8> {
    let mut frame = kind.to_be_bytes().to_vec();
    if let Some(content_type) = content_type {
        frame.extend(CONTENT_TYPE.to_be_bytes());
        frame.extend((content_type.len() as u32).to_be_bytes());
        frame.extend(content_type.as_bytes());
    }
    let length = (frame.len() as u32).to_be_bytes();
    [&[0; 4], &length[..], &frame].concat()
}

/// The payloads in a file that goes from START to STOP.
pub(crate) fn complete_file(path: &Path) -> Vec<Vec<u8>> {
    let (payloads, end) = file(path);
    assert_eq!(end, Some(Frame::Control(STOP)), "the end of {}", path.display());
    payloads
}

/// The payloads in a file from START on, and the control frame they end with. The last frame may be
/// torn.
pub(crate) fn file(path: &Path) -> (Vec<Vec<u8>>, Option<Frame>) {
    let mut stream = Stream::default();
    stream.push(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    assert_eq!(stream.next(), Some(Frame::Control(START)), "the beginning of {}", path.display());
    let mut payloads = Vec::new();
    while let Some(frame) = stream.next() {
        match frame {
            Frame::Data(payload) => payloads.push(payload),
            Frame::Control(_) => {
                assert_eq!(stream.torn(), 0, "bytes behind the end of {}", path.display());
                return (payloads, Some(frame));
            }
        }
    }
    (payloads, None)
}
