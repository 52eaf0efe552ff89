// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames of a file, passed on to the queue as they are, as many at a time as one read brings.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

use framestream::control::{ControlFrame, ControlType};
use framestream::frame::{DecodedFrame, FrameError, Front, LENGTH_SIZE, front};

use super::Reading;
use super::error::InputError;
use super::source::STOP;
use crate::destination::FrameIntake;
use crate::foreign::{HEAD_SIZE, recognise};
use crate::read_ahead::ReadAhead;
use crate::recording::MAX_FRAME_SIZE;

/// Reads one file. It may hold several streams, one after the other.
pub struct FileFrames<'a, R> {
    file: R,
    /// Its name in errors.
    name: String,
    reading: &'a Reading,
    queue: &'a dyn FrameIntake,
    /// See [`FileFrames::new`].
    at_stop: &'a Cell<bool>,
    buffer: ReadAhead,
    /// Where the buffer begins in the file.
    offset: u64,
    /// Bytes from there that belong to a frame over the limit.
    to_skip: usize,
    /// Data frames that were passed on.
    frames: u64,
    place: StreamPosition,
}

/// Where in a file the reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamPosition {
    /// Before the first START.
    Beginning,
    /// Behind START.
    Stream,
    /// Behind STOP.
    AfterStop,
}

/// The frames at the front of the buffer.
struct Scanned {
    /// Bytes of whole frames that can be passed on.
    size: usize,
    /// The number of data frames among them.
    count: u64,
    /// The reason that the scan ended.
    end: ScanEnd,
}

/// The reason that a scan of the buffer ended.
enum ScanEnd {
    /// START or STOP, with its size in bytes.
    Edge(usize),
    /// Part of a frame, with the minimum number of bytes of the whole frame.
    Needs(usize),
    /// A control frame that cannot be there, for this reason.
    Misplaced(String),
    /// No frame that is taken.
    Bad(FrameError),
}

impl<'a, R: Read> FileFrames<'a, R> {
    /// Begins to read `file`, called `name` in errors. `at_stop` is set while the next bytes
    /// follow STOP, and cleared by `file` when it sees that they replace STOP.
    pub fn new(
        file: R,
        name: String,
        reading: &'a Reading,
        queue: &'a dyn FrameIntake,
        at_stop: &'a Cell<bool>,
    ) -> Self {
        Self {
            file,
            name,
            reading,
            queue,
            at_stop,
            buffer: ReadAhead::default(),
            offset: 0,
            to_skip: 0,
            frames: 0,
            place: StreamPosition::Beginning,
        }
    }

    /// Passes on all that is in the file, or as much as is wanted.
    pub fn pass_on(mut self) -> Result<(), InputError> {
        loop {
            self.skip();
            let Scanned { size, count, end } = self.scan();
            if count > 0 && !self.queue.push(&self.buffer.bytes()[..size]) {
                return self.stopped(self.reading.is_over(self.queue).unwrap_or(true));
            }
            self.frames += count;
            self.reading.progress.frames.fetch_add(count, Ordering::Relaxed);
            self.use_up(size);
            let needs = self.take(end)?;
            if needs == 0 && !self.buffer.bytes().is_empty() {
                continue;
            }
            if !self.fill(needs)? {
                return Ok(());
            }
        }
    }

    /// Leaves out what is there of a frame over the limit.
    fn skip(&mut self) {
        let count = self.buffer.bytes().len().min(self.to_skip);
        self.use_up(count);
        self.to_skip -= count;
    }

    /// Finds the frames at the front of the buffer, up to the next edge of a stream.
    fn scan(&mut self) -> Scanned {
        let bytes = self.buffer.bytes();
        let (mut size, mut count) = (0, 0);
        let end = loop {
            // Before START no data frame is small enough.
            let limit =
                if self.place == StreamPosition::Stream { self.reading.frame_limit } else { 0 };
            match front(&bytes[size..], limit) {
                Ok(Front::Whole(DecodedFrame::Data(_), whole)) => {
                    size += whole;
                    count += 1;
                }
                Ok(Front::Whole(DecodedFrame::Control(frame), whole)) => {
                    match next_place(self.place, &frame) {
                        // Others are passed over, as fstrm does.
                        Ok(place) if place == self.place => size += whole,
                        Ok(place) => {
                            self.place = place;
                            break ScanEnd::Edge(whole);
                        }
                        Err(reason) => break ScanEnd::Misplaced(reason),
                    }
                }
                Ok(Front::Needs(size)) => break ScanEnd::Needs(size),
                Err(error) => break ScanEnd::Bad(error),
            }
        };
        Scanned { size, count, end }
    }

    /// Handles the end of a scan. Returns the minimum size of the next frame, 0 if that is not
    /// known yet.
    fn take(&mut self, end: ScanEnd) -> Result<usize, InputError> {
        match (end, self.place) {
            (ScanEnd::Needs(size), _) => Ok(size),
            (ScanEnd::Edge(size), _) => {
                self.use_up(size);
                Ok(0)
            }
            (ScanEnd::Misplaced(reason), _) => Err(self.damaged(reason)),
            (ScanEnd::Bad(_), StreamPosition::AfterStop) => {
                Err(self.damaged("no START after STOP".into()))
            }
            (ScanEnd::Bad(FrameError::TooLarge(length)), StreamPosition::Stream)
                if length as usize <= MAX_FRAME_SIZE =>
            {
                self.reading.progress.over_limit.fetch_add(1, Ordering::Relaxed);
                self.to_skip = LENGTH_SIZE + length as usize;
                Ok(0)
            }
            (ScanEnd::Bad(FrameError::TooLarge(_)), StreamPosition::Beginning) => {
                Err(self.foreign())
            }
            (ScanEnd::Bad(error), _) => Err(self.damaged(error.to_string())),
        }
    }

    /// Reads on; the frame at the front has `needs` bytes at least. Returns whether there was more.
    fn fill(&mut self, needs: usize) -> Result<bool, InputError> {
        self.buffer.make_room(needs);
        let is_at_stop = self.is_at_stop();
        self.at_stop.set(is_at_stop);
        let filled = self.buffer.fill(&mut self.file);
        if is_at_stop && !self.at_stop.get() {
            self.place = StreamPosition::Stream;
            self.offset -= STOP.len() as u64;
        }
        if matches!(filled, Ok(1..)) {
            return Ok(true);
        }
        if let Some(lossy) = self.reading.is_over(self.queue) {
            return self.stopped(lossy && !self.is_at_stop()).map(|()| false);
        }
        match filled {
            Ok(_) => self.ended().map(|()| false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn use_up(&mut self, count: usize) {
        self.buffer.use_up(count);
        self.offset += count as u64;
    }

    /// Returns whether the bytes read so far end with STOP.
    fn is_at_stop(&self) -> bool {
        self.place == StreamPosition::AfterStop && self.buffer.bytes().is_empty()
    }

    /// Returns the result of stopping before the end; `lossy` if more was to come.
    fn stopped(&self, lossy: bool) -> Result<(), InputError> {
        let Self { offset, frames, .. } = *self;
        if lossy { Err(InputError::Stopped { name: self.name(), offset, frames }) } else { Ok(()) }
    }

    /// Returns the result of reaching the end of the file.
    fn ended(&self) -> Result<(), InputError> {
        let Self { offset, frames, .. } = *self;
        match self.buffer.bytes().len() {
            0 if self.is_at_stop() => Ok(()),
            0 => Err(InputError::NoStop { name: self.name(), offset, frames }),
            size => Err(InputError::Torn { name: self.name(), offset, size, frames }),
        }
    }

    /// Returns the error of a failed read.
    fn failed(&self, error: io::Error) -> InputError {
        let Self { offset, frames, .. } = *self;
        let (name, size) = (self.name(), self.buffer.bytes().len());
        match error.kind() {
            _ if self.is_at_stop() => InputError::Behind { name, offset, error, frames },
            // Compressed data that ends early is a file that ends early.
            io::ErrorKind::UnexpectedEof if size == 0 => {
                InputError::CutOff { name, offset, frames }
            }
            io::ErrorKind::UnexpectedEof => InputError::Torn { name, offset, size, frames },
            _ => InputError::Io { name, error },
        }
    }

    /// Returns the error of a file that does not begin with a control frame.
    fn foreign(&mut self) -> InputError {
        while self.buffer.bytes().len() < HEAD_SIZE
            && self.buffer.fill(&mut self.file).is_ok_and(|count| count > 0)
        {}
        let head = &self.buffer.bytes()[..self.buffer.bytes().len().min(HEAD_SIZE)];
        InputError::Foreign { name: self.name(), reason: recognise(head) }
    }

    fn damaged(&self, reason: String) -> InputError {
        let Self { offset, frames, .. } = *self;
        InputError::Damaged { name: self.name(), offset, reason, frames }
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Returns the position after this control frame, or the reason that it is misplaced.
fn next_place(place: StreamPosition, frame: &ControlFrame) -> Result<StreamPosition, String> {
    match frame.control_type {
        Some(ControlType::Start) if place != StreamPosition::Stream => {
            if frame.matches(Some(dnstap::sink::CONTENT_TYPE)) {
                return Ok(StreamPosition::Stream);
            }
            let other = frame.content_types[0].escape_ascii();
            Err(format!("the content type is \"{other}\""))
        }
        Some(other) if place != StreamPosition::Stream => {
            Err(format!("{other:?}, but Start was expected"))
        }
        Some(ControlType::Stop) => Ok(StreamPosition::AfterStop),
        _ => Ok(place),
    }
}
