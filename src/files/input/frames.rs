// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames of a file, passed to the intake unchanged, as many at a time as one read returns.

use std::cell::Cell;
use std::io::{self, Read};
use std::sync::atomic::Ordering;

use framestream::control::ControlFrame;
use framestream::frame::{FrameError, LENGTH_SIZE};
use framestream::walk::{Front, Place, Walker};

use super::FileReader;
use super::error::{InputError, ReadUpTo};
use super::source::STOP;
use crate::damage::Damage;
use crate::destination::FrameConsumer;
use crate::foreign::{HEAD_SIZE, recognise};
use crate::read_ahead::ReadAhead;
use crate::recording::MAX_FRAME_SIZE;

/// A reader of one file, which may contain several streams.
pub struct FileFrames<'a, R> {
    file: R,
    /// Its name in errors.
    name: String,
    reader: &'a FileReader,
    queue: &'a dyn FrameConsumer,
    /// See [`FileFrames::new`].
    at_stop: &'a Cell<bool>,
    buffer: ReadAhead,
    /// The offset of the buffer in the file.
    offset: u64,
    /// Number of data frames passed on.
    frames: u64,
    walker: Walker,
}

impl<'a, R: Read> FileFrames<'a, R> {
    /// Creates a reader of `file`, named `name` in errors. It sets `at_stop` while the next bytes
    /// follow STOP; `file` clears it when they replace STOP.
    pub fn new(
        file: R,
        name: String,
        reader: &'a FileReader,
        queue: &'a dyn FrameConsumer,
        at_stop: &'a Cell<bool>,
    ) -> Self {
        Self {
            file,
            name,
            reader,
            queue,
            at_stop,
            buffer: ReadAhead::default(),
            offset: 0,
            frames: 0,
            walker: Walker::new(reader.frame_limit),
        }
    }

    /// Passes on the frames of the file until its end, or until the intake stops.
    pub fn pass_on(mut self) -> Result<(), InputError> {
        loop {
            let place = self.walker.place();
            let size = match self.walker.step(self.buffer.bytes()) {
                Ok(Front::Needs(size)) => {
                    if !self.fill(size)? {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Front::Frames { size, count }) => {
                    if !self.queue.push(&self.buffer.bytes()[..size]) {
                        return self.stopped(self.reader.is_over(self.queue).unwrap_or(true));
                    }
                    self.frames += count;
                    self.reader.progress.frames.fetch_add(count, Ordering::Relaxed);
                    size
                }
                Ok(Front::Start(frame, size)) => {
                    self.check_content_type(&frame)?;
                    size
                }
                Ok(Front::Control(other, ..)) if place != Place::InStream => {
                    return Err(self.damaged(Damage::NoStart(other)));
                }
                // Other control frames in a stream are ignored, as by fstrm.
                Ok(Front::Stop(_, size) | Front::Control(.., size) | Front::Skipped(size)) => size,
                Err(_) if place == Place::AfterStop => {
                    return Err(self.damaged(Damage::NotAStream));
                }
                Err(FrameError::Data(_)) => return Err(self.foreign()),
                Err(FrameError::TooLarge(length)) if length as usize <= MAX_FRAME_SIZE => {
                    self.reader.progress.over_limit.fetch_add(1, Ordering::Relaxed);
                    LENGTH_SIZE
                }
                Err(error) => return Err(self.damaged(error.into())),
            };
            self.consume(size);
        }
    }

    fn check_content_type(&self, start: &ControlFrame) -> Result<(), InputError> {
        if start.matches(Some(dnstap::sink::CONTENT_TYPE)) {
            return Ok(());
        }
        let other = start.content_types[0].escape_ascii().to_string();
        Err(self.damaged(Damage::ContentType(other)))
    }

    /// Reads more; the first frame has at least `needs` bytes. Returns whether there was more.
    fn fill(&mut self, needs: usize) -> Result<bool, InputError> {
        self.buffer.make_room(needs);
        let is_at_stop = self.is_at_stop();
        self.at_stop.set(is_at_stop);
        let filled = self.buffer.fill(&mut self.file);
        if is_at_stop && !self.at_stop.get() {
            self.walker = Walker::in_stream(self.reader.frame_limit);
            self.offset -= STOP.len() as u64;
        }
        if matches!(filled, Ok(1..)) {
            return Ok(true);
        }
        if let Some(lossy) = self.reader.is_over(self.queue) {
            return self.stopped(lossy && !self.is_at_stop()).map(|()| false);
        }
        match filled {
            Ok(_) => self.ended().map(|()| false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn consume(&mut self, count: usize) {
        self.buffer.consume(count);
        self.offset += count as u64;
    }

    /// Returns whether the bytes read so far end with STOP.
    fn is_at_stop(&self) -> bool {
        self.walker.place() == Place::AfterStop && self.buffer.bytes().is_empty()
    }

    /// Returns the result of stopping early; `lossy` if frames are lost.
    fn stopped(&self, lossy: bool) -> Result<(), InputError> {
        if lossy { Err(InputError::Stopped(self.read_up_to())) } else { Ok(()) }
    }

    /// Returns the result of reaching the end of the file.
    fn ended(&self) -> Result<(), InputError> {
        match self.buffer.bytes().len() {
            0 if self.is_at_stop() => Ok(()),
            0 => Err(InputError::NoStop(self.read_up_to())),
            size => Err(InputError::Torn(self.read_up_to(), size)),
        }
    }

    /// Returns the error of a failed read.
    fn failed(&self, error: io::Error) -> InputError {
        let (place, size) = (self.read_up_to(), self.buffer.bytes().len());
        match error.kind() {
            _ if self.is_at_stop() => InputError::Behind(place, error),
            // Truncated compressed data is reported as a truncated file.
            io::ErrorKind::UnexpectedEof if size == 0 => InputError::CutOff(place),
            io::ErrorKind::UnexpectedEof => InputError::Torn(place, size),
            _ => InputError::Io(place.name, error),
        }
    }

    /// Returns the error of a file that does not begin with a control frame.
    fn foreign(&mut self) -> InputError {
        while self.buffer.bytes().len() < HEAD_SIZE
            && self.buffer.fill(&mut self.file).is_ok_and(|count| count > 0)
        {}
        let head = &self.buffer.bytes()[..self.buffer.bytes().len().min(HEAD_SIZE)];
        InputError::Foreign(self.name.clone(), recognise(head))
    }

    fn damaged(&self, source: Damage) -> InputError {
        InputError::Damaged(self.read_up_to(), source)
    }

    fn read_up_to(&self) -> ReadUpTo {
        ReadUpTo { name: self.name.clone(), offset: self.offset, frames: self.frames }
    }
}
