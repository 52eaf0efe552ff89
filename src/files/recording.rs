// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a capture file: as many whole frames at a time as one read brings, and where in the
//! file reading ends.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use framestream::control::{ControlFrame, ControlType};
use framestream::frame::{FrameError, LENGTH_SIZE, data_frames};
use framestream::walk::{Front, Walker};

use crate::STANDARD_INPUT;
use crate::read_ahead::ReadAhead;

/// Largest data frame that is read, or passed over; a larger one is taken for damage.
pub(crate) const MAX_FRAME_SIZE: usize = 64 * 1024 * 1024;

/// A capture file that is read from its beginning to its end.
#[derive(Debug)]
pub struct Recording {
    file: File,
    buffer: ReadAhead,
    walker: Walker,
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
            walker: Walker::new(MAX_FRAME_SIZE),
            offset: 0,
            lent: 0,
            start: ControlFrame::default(),
        };
        let ending = loop {
            match recording.walker.step(recording.buffer.bytes()) {
                Ok(Front::Start(frame, size)) => {
                    recording.lent = size;
                    recording.start = frame;
                    return Ok(recording);
                }
                Ok(Front::Control(other, ..)) => break EndKind::OutOfTurn(other),
                Ok(Front::Needs(size)) => recording.fill(size)?,
                Ok(_) => break EndKind::NoStop,
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

    /// Returns the payloads of the next data frames, at least one. Control frames between them that
    /// do not end the stream are passed over, as fstrm does.
    pub fn read(&mut self) -> Result<impl Iterator<Item = &[u8]> + Clone, RecordingEnd> {
        loop {
            self.recycle();
            match self.walker.step(self.buffer.bytes()) {
                Ok(Front::Frames { size, .. }) => {
                    self.lent = size;
                    let frames = data_frames(&self.buffer.bytes()[..size]);
                    return Ok(frames.map(|frame| &frame[LENGTH_SIZE..]));
                }
                Ok(Front::Stop(..)) => return Err(self.end(EndKind::Stop)),
                Ok(Front::Needs(size)) => self.fill(size)?,
                Ok(Front::Start(_, size) | Front::Control(.., size) | Front::Skipped(size)) => {
                    self.lent = size;
                }
                Err(error) => return Err(self.end(EndKind::Frame(error))),
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
