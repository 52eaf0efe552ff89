// SPDX-License-Identifier: MIT OR Apache-2.0
//! The content of output files: their beginning and end, and the boundaries of their units.

use framestream::control::{ControlError, ControlFrame, ControlType, Header};
use framestream::walk::{Front, Walker};

/// A kind of files.
#[derive(Clone, Debug)]
pub struct Content {
    /// Stands at the beginning of a file.
    pub start: Vec<u8>,
    /// Stands at the end of a complete file.
    pub stop: Vec<u8>,
    /// Says how many whole units the front of some data has, and their size: what may stay of a
    /// write that was cut off.
    pub whole: fn(&[u8]) -> (u64, usize),
    /// The name of units.
    pub unit: &'static str,
    /// The content type of files of frames, which can be continued after their last whole frame.
    /// Others are continued after the last whole line or document of their text.
    pub content_type: Option<Box<[u8]>>,
    /// True if it is told which files are opened and closed.
    pub told: bool,
    /// Returns the place where data continues in a file that another program changed.
    pub rejoin: Rejoin,
}

/// The place where data continues in a file that another program truncated or wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejoin {
    /// After its complete part.
    Whole,
    /// At the beginning, if nothing is left.
    Beginning,
    /// Nowhere: new data would refer to the missing bytes.
    Never,
}

impl Content {
    /// Frame Streams of `content_type`.
    pub fn frames(content_type: &[u8]) -> Result<Self, ControlError> {
        Ok(Self {
            start: ControlFrame::new(ControlType::Start, Some(content_type))
                .encode(Header::With)?,
            stop: ControlFrame::new(ControlType::Stop, None).encode(Header::With)?,
            whole: whole_frames,
            unit: "frames",
            content_type: Some(content_type.into()),
            told: true,
            rejoin: Rejoin::Whole,
        })
    }

    /// Lines of text, each for a message.
    pub fn text() -> Self {
        Self {
            start: Vec::new(),
            stop: Vec::new(),
            whole: whole_lines,
            unit: "messages",
            content_type: None,
            told: false,
            rejoin: Rejoin::Whole,
        }
    }

    /// Documents of YAML, each for a message.
    pub fn documents() -> Self {
        Self { whole: whole_documents, ..Self::text() }
    }

    /// Lines of text that stand for several messages.
    pub fn lines() -> Self {
        Self { unit: "lines", ..Self::text() }
    }
}

/// Returns the number of data frames at the front of `bytes`, and their size.
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

/// Each ends with a line of three hyphens.
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
    fn a_torn_frame_is_not_whole() {
        let frames = b"\0\0\0\x02ab\0\0\0\x03cde";
        assert_eq!(whole_frames(frames), (2, 13));
        for size in 6..13 {
            assert_eq!(whole_frames(&frames[..size]), (1, 6), "{size}");
        }
        assert_eq!(whole_frames(&frames[..5]), (0, 0));
    }

    #[test]
    fn a_torn_line_is_not_whole() {
        assert_eq!(whole_lines(b"one\ntwo\nthr"), (2, 8));
        assert_eq!(whole_lines(b"on"), (0, 0));
        assert_eq!(whole_documents(b"a: 1\nb: |\n  ---\n---\nc: 1\n---\nd: 1\n---"), (2, 29));
        assert_eq!(whole_documents(b"a: 1\n"), (0, 0));
    }
}
