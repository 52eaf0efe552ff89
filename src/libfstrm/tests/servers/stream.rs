// SPDX-License-Identifier: MIT OR Apache-2.0
//! A decoder of Frame Streams that is independent of the tested library.

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
    /// A data frame with this payload.
    Data(Vec<u8>),
    /// A control frame of this type.
    Control(u32),
}

/// The received bytes of a stream.
#[derive(Default)]
pub(crate) struct Stream {
    bytes: Vec<u8>,
    taken: usize,
}

impl Stream {
    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// Removes and returns the next frame, if it is complete.
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

    /// Returns the number of remaining bytes, which are the beginning of a frame.
    pub(crate) fn torn(&self) -> usize {
        self.bytes.len() - self.taken
    }
}

fn split_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(number, rest)| (u32::from_be_bytes(*number), rest))
}

/// Encodes a control frame, with or without a content type.
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

/// Returns the payloads in a file that begins with START and ends with STOP.
pub(crate) fn complete_file(path: &Path) -> Vec<Vec<u8>> {
    let (payloads, end) = file(path);
    assert_eq!(end, Some(Frame::Control(STOP)), "the end of {}", path.display());
    payloads
}

/// Returns the payloads in a file that begins with START, and the control frame after them. The
/// last frame may be torn.
pub(crate) fn file(path: &Path) -> (Vec<Vec<u8>>, Option<Frame>) {
    let mut stream = Stream::default();
    stream.push(&fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    assert_eq!(stream.next(), Some(Frame::Control(START)), "the beginning of {}", path.display());
    let mut payloads = Vec::new();
    while let Some(frame) = stream.next() {
        match frame {
            Frame::Data(payload) => payloads.push(payload),
            Frame::Control(_) => {
                assert_eq!(stream.torn(), 0, "bytes after the end of {}", path.display());
                return (payloads, Some(frame));
            }
        }
    }
    (payloads, None)
}
