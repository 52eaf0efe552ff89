// SPDX-License-Identifier: MIT OR Apache-2.0
//! The content of output files: their beginning and end, and the boundaries of their units.

use framestream::control::{ControlError, ControlFrame, ControlType, Header};
use framestream::walk::{Front, Walker};

/// A kind of file content.
#[derive(Clone, Debug)]
pub struct Content {
    /// The beginning of each file.
    pub start: Vec<u8>,
    /// The end of each complete file.
    pub stop: Vec<u8>,
    /// Returns the number of whole units at the beginning of some data, and their size: the part of
    /// an interrupted write to keep.
    pub whole: fn(&[u8]) -> (u64, usize),
    /// The word for units in messages.
    pub unit: &'static str,
    /// The content type of a file of frames, which can be continued after its last whole frame. Text
    /// is continued after the last whole line or document.
    pub content_type: Option<Box<[u8]>>,
    /// Whether opening and closing a file is logged.
    pub is_logged: bool,
    /// How to continue a file that another program changed.
    pub rejoin: Rejoin,
}

/// How to continue a file that another program truncated or wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejoin {
    /// After its last whole unit.
    Whole,
    /// From the beginning, if the file is empty.
    Beginning,
    /// Not at all: new data would refer to missing bytes.
    Never,
}

impl Content {
    /// Returns the content of Frame Streams files of `content_type`.
    pub fn frames(content_type: &[u8]) -> Result<Self, ControlError> {
        Ok(Self {
            start: ControlFrame::new(ControlType::Start, Some(content_type))
                .encode(Header::With)?,
            stop: ControlFrame::new(ControlType::Stop, None).encode(Header::With)?,
            whole: whole_frames,
            unit: "frames",
            content_type: Some(content_type.into()),
            is_logged: true,
            rejoin: Rejoin::Whole,
        })
    }

    /// Returns the content of text files with one line for each message. Losses are reported in messages.
    pub fn text() -> Self {
        Self {
            start: Vec::new(),
            stop: Vec::new(),
            whole: whole_lines,
            unit: "messages",
            content_type: None,
            is_logged: false,
            rejoin: Rejoin::Whole,
        }
    }

    /// Returns the content of YAML files with a document per message.
    pub fn documents() -> Self {
        Self { whole: whole_documents, ..Self::text() }
    }

    /// Returns the content of text files in which a line is not one message. Losses are reported in lines.
    pub fn lines() -> Self {
        Self { unit: "lines", ..Self::text() }
    }
}

/// Returns the number of whole data frames at the beginning of `bytes`, and their size.
fn whole_frames(bytes: &[u8]) -> (u64, usize) {
    match Walker::in_stream(usize::MAX).step(bytes) {
        Ok(Front::Frames { size, count }) => (count, size),
        _ => (0, 0),
    }
}

fn whole_lines(bytes: &[u8]) -> (u64, usize) {
    let size = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    (bytes[..size].iter().filter(|byte| **byte == b'\n').count() as u64, size)
}

/// Returns the number of whole documents, each of which ends with a line of three hyphens, and their
/// size.
fn whole_documents(bytes: &[u8]) -> (u64, usize) {
    const END: &[u8] = b"\n---\n";
    let (mut count, mut size) = (0, 0);
    for (at, _) in bytes.windows(END.len()).enumerate().filter(|(_, bytes)| *bytes == END) {
        count += 1;
        size = at + END.len();
    }
    (count, size)
}

#[cfg(test)]
mod tests {
    use super::{whole_documents, whole_frames, whole_lines};

    #[test]
    fn torn_frames_are_not_counted() {
        let frames = b"\0\0\0\x02ab\0\0\0\x03cde";
        assert_eq!(whole_frames(frames), (2, 13));
        for size in 6..13 {
            assert_eq!(whole_frames(&frames[..size]), (1, 6), "{size}");
        }
        assert_eq!(whole_frames(&frames[..5]), (0, 0));
    }

    #[test]
    fn torn_lines_are_not_counted() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), (2, 8));
        assert_eq!(whole_lines(b"on"), (0, 0));
        assert_eq!(whole_documents(b"a: 1\nb: |\n  ---\n---\nc: 1\n---\nd: 1\n---"), (2, 29));
        assert_eq!(whole_documents(b"a: 1\n"), (0, 0));
    }
}
