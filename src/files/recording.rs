// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a capture file: as many whole frames at a time as one read brings, and where in the
//! file reading ends.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsFd;
use std::path::Path;

use framestream::control::{ControlFrame, ControlType};
use framestream::frame::{DecodedFrame, FrameError, Front, front};

use crate::STANDARD_INPUT;
use crate::read_ahead::ReadAhead;

/// Largest data frame that is read, or passed over; a larger one is taken for damage.
pub(crate) const MAX_FRAME_SIZE: usize = 64 * 1024 * 1024;

/// A capture file that is read from its beginning to its end.
#[derive(Debug)]
pub struct Recording {
    file: File,
    buffer: ReadAhead,
    /// Where the buffer begins in the file.
    offset: u64,
    /// Bytes of the buffer that were handed out.
    lent: usize,
    start: ControlFrame,
}

/// The way that a recording ended.
#[derive(Debug)]
pub enum EndKind {
    /// With STOP.
    Stop,
    /// After a frame, without STOP.
    NoStop,
    /// Within a frame, with the number of its bytes that are there.
    Torn(usize),
    /// With bytes that are no frame.
    Frame(FrameError),
    /// With a control frame that does not belong there.
    OutOfTurn(ControlType),
    /// With an error of the system.
    Io(io::Error),
}

/// Where a recording ended, and how.
#[derive(Debug)]
pub struct RecordingEnd {
    /// The offset after the last frame that was read.
    pub(crate) offset: u64,
    /// The way that it ended.
    pub ending: EndKind,
}

impl fmt::Display for RecordingEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset;
        match &self.ending {
            EndKind::Stop => write!(f, "ends at offset {offset} with STOP"),
            EndKind::NoStop => write!(f, "ends at offset {offset} without STOP"),
            EndKind::Torn(size) => {
                write!(f, "the frame at offset {offset} is cut off after {size} bytes")
            }
            EndKind::Frame(error) => write!(f, "at offset {offset}: {error}"),
            EndKind::OutOfTurn(got) => {
                write!(f, "at offset {offset}: {got:?}, but Start was expected")
            }
            EndKind::Io(error) => write!(f, "at offset {offset}: {error}"),
        }
    }
}

impl Recording {
    /// Opens the file `path` and reads its START; `-` is the standard input.
    pub fn open(path: &Path) -> Result<Self, RecordingEnd> {
        let file = if path == Path::new(STANDARD_INPUT) {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open(path)
        };
        let file = file.map_err(|error| RecordingEnd { offset: 0, ending: EndKind::Io(error) })?;
        let mut recording = Self {
            file,
            buffer: ReadAhead::default(),
            offset: 0,
            lent: 0,
            start: ControlFrame::default(),
        };
        let ending = loop {
            match front(recording.buffer.bytes(), 0) {
                Ok(Front::Needs(size)) => recording.fill(size)?,
                Ok(Front::Whole(DecodedFrame::Control(frame), size)) => match frame.control_type {
                    Some(other) if other != ControlType::Start => break EndKind::OutOfTurn(other),
                    _ => {
                        recording.lent = size;
                        recording.start = frame;
                        return Ok(recording);
                    }
                },
                // No data frame is small enough here.
                Ok(Front::Whole(DecodedFrame::Data(_), _)) => break EndKind::NoStop,
                Err(error) => break EndKind::Frame(error),
            }
        };
        Err(recording.end(ending))
    }

    /// Its START.
    pub fn start(&self) -> &ControlFrame {
        &self.start
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The payloads of the next data frames, at least one. Control frames between them that do not
    /// end the stream are passed over, as fstrm does.
    pub fn read(&mut self) -> Result<Vec<&[u8]>, RecordingEnd> {
        loop {
            self.recycle();
            let (payloads, size, end) = scan(self.buffer.bytes());
            self.lent = size;
            if !payloads.is_empty() {
                let bytes = self.buffer.bytes();
                return Ok(payloads.into_iter().map(|payload| &bytes[payload]).collect());
            }
            self.recycle();
            match end {
                Ok(size) => self.fill(size)?,
                Err(ending) => return Err(self.end(ending)),
            }
        }
    }

    /// Uses up what was handed out.
    fn recycle(&mut self) {
        self.buffer.use_up(self.lent);
        self.offset += self.lent as u64;
        self.lent = 0;
    }

    /// Reads on; the frame at the front has `size` bytes at least.
    fn fill(&mut self, size: usize) -> Result<(), RecordingEnd> {
        self.buffer.make_room(size);
        let ending = match (self.buffer.fill(&mut self.file), self.buffer.bytes().len()) {
            (Ok(0), 0) => EndKind::NoStop,
            (Ok(0), size) => EndKind::Torn(size),
            (Ok(_), _) => return Ok(()),
            (Err(error), _) => EndKind::Io(error),
        };
        Err(self.end(ending))
    }

    fn end(&self, ending: EndKind) -> RecordingEnd {
        RecordingEnd { offset: self.offset, ending }
    }
}

/// Where the payloads of the whole frames at the front of `bytes` are, how many bytes those frames
/// take, and what is after them: a frame of so many bytes at least, or the end.
fn scan(bytes: &[u8]) -> (Vec<Range<usize>>, usize, Result<usize, EndKind>) {
    let mut payloads = Vec::new();
    let mut at = 0;
    let end = loop {
        match front(&bytes[at..], MAX_FRAME_SIZE) {
            Ok(Front::Whole(DecodedFrame::Data(payload), size)) => {
                at += size;
                payloads.push(at - payload.len()..at);
            }
            Ok(Front::Whole(DecodedFrame::Control(frame), size)) => match frame.control_type {
                Some(ControlType::Stop) => break Err(EndKind::Stop),
                _ => at += size,
            },
            Ok(Front::Needs(size)) => break Ok(size),
            Err(error) => break Err(EndKind::Frame(error)),
        }
    };
    (payloads, at, end)
}
