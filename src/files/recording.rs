// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a capture file, as many whole frames at a time as one read returns.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::{fmt, io};

use framestream::control::ControlFrame;
use framestream::frame::{LENGTH_SIZE, data_frames};
use framestream::walk::{Front, Walker};

use crate::STANDARD_INPUT;
use crate::damage::Damage;
use crate::read_ahead::ReadAhead;

/// Maximum size of a data frame. A larger one counts as damage.
pub(crate) const MAX_FRAME_SIZE: usize = 64 * 1024 * 1024;

/// A reader of a capture file.
#[derive(Debug)]
pub struct Recording {
    file: File,
    buffer: ReadAhead,
    walker: Walker,
    /// The offset of the buffer in the file.
    offset: u64,
    /// Number of bytes of the buffer that were returned.
    lent: usize,
    start: ControlFrame,
}

/// How a recording ended.
#[derive(Debug)]
pub enum EndKind {
    /// With STOP.
    Stop,
    /// After a frame without STOP.
    NoStop,
    /// Within a frame, with the number of its bytes in the file.
    Torn(usize),
    /// With bytes that are not the next frame.
    Damaged(Damage),
    /// With a read error.
    Io(io::Error),
}

/// The end of a recording.
#[derive(Debug)]
pub struct RecordingEnd {
    /// The offset of the end of the last frame.
    pub(crate) offset: u64,
    /// How it ended.
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
            EndKind::Damaged(damage) => write!(f, "at offset {offset}: {damage}"),
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
                Ok(Front::Control(other, ..)) => break EndKind::Damaged(Damage::NoStart(other)),
                Ok(Front::Needs(size)) => recording.fill(size)?,
                Ok(_) => break EndKind::NoStop,
                Err(error) => break EndKind::Damaged(error.into()),
            }
        };
        Err(recording.end(ending))
    }

    /// Returns the START frame.
    pub fn start(&self) -> &ControlFrame {
        &self.start
    }

    /// Returns the file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns the payloads of the next data frames, at least one. Ignores control frames that do not
    /// end the stream, as fstrm does.
    pub fn read(&mut self) -> Result<impl Iterator<Item = &[u8]> + Clone, RecordingEnd> {
        loop {
            self.consume_returned();
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
                Err(error) => return Err(self.end(EndKind::Damaged(error.into()))),
            }
        }
    }

    /// Consumes the frames returned before.
    fn consume_returned(&mut self) {
        self.buffer.consume(self.lent);
        self.offset += self.lent as u64;
        self.lent = 0;
    }

    /// Reads more; the first frame has at least `size` bytes.
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
