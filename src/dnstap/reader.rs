// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading dnstap streams: the frames of a file, a pipe or a socket, one after the other.
//!
//! ```text
//! descriptor -> buffer -> frame, borrowed -> Event::decode
//! ```
//!
//! A reader fills its buffer with one large read and returns frames that borrow from it: no frame
//! needs a system call, an allocation or a copy of its own. The reader is also the receiver in the
//! handshake. A refused control frame stays in the buffer, so the next call returns the same error.

mod error;
mod foreign;

pub use error::ReadError;
pub use foreign::Foreign;

use std::fs::OpenOptions;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use framestream::control::{CONTROL_FRAME_LENGTH_MAX, ControlFrame, ControlType, Header};
use framestream::frame::{FrameError, LENGTH_SIZE, MAX_FRAME_SIZE_DEFAULT};
use framestream::handshake::Direction;
use framestream::transport::{FdReceiver, Interest, Transport, deadline};
use framestream::walk::{Front, Place, Walker};

use crate::sink::CONTENT_TYPE;

/// Initial size of the buffer.
const BUFFER_SIZE: usize = 64 * 1024;

/// Number of bytes that a call reads even after its deadline if they are ready: enough for one
/// frame of the default limit in a call without patience.
const ALWAYS_READ: usize = MAX_FRAME_SIZE_DEFAULT + LENGTH_SIZE;

/// Size of the shortest frame that opens a stream: escape, length and type.
const OPENING_SIZE: usize = 3 * LENGTH_SIZE;

/// A reader of one stream, for one thread.
#[derive(Debug)]
pub struct Reader {
    transport: FdReceiver,
    walker: Walker,
    buffer: Vec<u8>,
    /// The range of the unused bytes in the buffer.
    start: usize,
    end: usize,
    /// The offset of the unused bytes in the stream.
    position: u64,
    /// The sender began with READY, and waits for answers.
    answers: bool,
    /// The last answer, and the number of bytes of it that were sent.
    answer: Vec<u8>,
    answered: usize,
    frames: u64,
    skipped: u64,
    /// The offset in the stream of the last frame over the limit.
    skipped_at: u64,
    offset: u64,
}

impl Reader {
    /// Opens a file or a FIFO. Does not wait for a writer of the FIFO; [`Reader::next`] does.
    pub fn open(path: &Path) -> io::Result<Self> {
        // O_NONBLOCK has no effect on a regular file.
        let file = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path)?;
        Self::from_fd(file.into())
    }

    /// Reads from `fd`, a file, a pipe or a connected stream socket, and closes it when dropped.
    /// Its status flags stay as they are.
    pub fn from_fd(fd: OwnedFd) -> io::Result<Self> {
        let mut buffer = Vec::new();
        enlarge(&mut buffer, BUFFER_SIZE)?;
        Ok(Self {
            transport: FdReceiver::new(fd)?,
            walker: Walker::new(MAX_FRAME_SIZE_DEFAULT),
            buffer,
            start: 0,
            end: 0,
            position: 0,
            answers: false,
            answer: Vec::new(),
            answered: 0,
            frames: 0,
            skipped: 0,
            skipped_at: 0,
            offset: 0,
        })
    }

    /// Sets the maximum size of a frame in bytes, from 512 to 2 GiB - 1. Returns false, and changes
    /// nothing, for another size. The buffer grows only when a frame needs it.
    pub fn set_max_frame_size(&mut self, bytes: usize) -> bool {
        let fits = (CONTROL_FRAME_LENGTH_MAX..=i32::MAX as usize).contains(&bytes);
        if fits {
            self.walker.set_max_payload(bytes);
        }
        fits
    }

    /// Returns the number of frames that were returned so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Returns the number of frames over the limit so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns the offset in the stream of the last returned frame, in bytes: there is its length,
    /// and 4 bytes later its payload. 0 before the first frame.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the payload of the next data frame, which is valid until the next call; `None` after
    /// STOP. The call takes no longer than `patience`, even if the sender never pauses and no frame
    /// is complete. Reading a regular file has no time limit.
    ///
    /// After [`ReadError::TimedOut`] and [`ReadError::TooLarge`] the next call continues. The other
    /// errors end the stream, and the next call returns them again; but when a file ends, the next
    /// call reads the data that was appended to it since.
    #[inline]
    pub fn next(&mut self, patience: Duration) -> Result<Option<&[u8]>, ReadError> {
        let payload = match self.whole_frame() {
            Some(payload) => payload,
            None => match self.read_on(patience)? {
                Some(payload) => payload,
                None => return Ok(None),
            },
        };
        Ok(Some(&self.buffer[payload]))
    }

    /// Takes the data frame at the front of the buffer, if all of it is there. Returns the range of
    /// its payload.
    #[inline]
    fn whole_frame(&mut self) -> Option<Range<usize>> {
        let size = self.walker.data_frame(self.bytes())?;
        let payload = self.start + LENGTH_SIZE..self.start + size;
        self.frames += 1;
        self.offset = self.position;
        self.use_up(size);
        Some(payload)
    }

    /// Reads up to and including the next data frame. Returns the range of its payload.
    #[inline(never)]
    fn read_on(&mut self, patience: Duration) -> Result<Option<Range<usize>>, ReadError> {
        let mut deadline = Deadline { until: deadline(Instant::now(), patience), read: 0 };
        loop {
            self.send_answer(&mut deadline)?;
            if self.walker.place() == Place::AfterStop {
                return Ok(None);
            }
            if let Some(payload) = self.whole_frame() {
                return Ok(Some(payload));
            }
            self.take_other(&mut deadline)?;
        }
    }

    /// Takes anything but a whole data frame from the front of the buffer, or reads more.
    fn take_other(&mut self, deadline: &mut Deadline) -> Result<(), ReadError> {
        let place = self.walker.place();
        if place == Place::BeforeStart && self.bytes().len() < OPENING_SIZE {
            return self.fill(OPENING_SIZE, deadline);
        }
        let offset = self.position;
        let mut walker = self.walker.clone();
        let size = match walker.step(self.bytes()) {
            Ok(Front::Needs(size)) => return self.fill(size, deadline),
            Ok(Front::Start(frame, size)) => {
                self.check_content_type(frame)?;
                size
            }
            Ok(Front::Control(got, frame, size)) => {
                // In the stream they are ignored, as in fstrm.
                if place == Place::BeforeStart {
                    self.take_ready(got, frame)?;
                }
                size
            }
            Ok(Front::Stop(_, size)) => {
                if self.answers {
                    self.answer_with(&ControlFrame::new(ControlType::Finish, None))?;
                }
                size
            }
            Ok(Front::Skipped(size)) => size,
            // `whole_frame` takes them.
            Ok(Front::Frames { .. }) => 0,
            Err(FrameError::TooLarge(size)) => {
                self.walker = walker;
                self.use_up(LENGTH_SIZE);
                self.skipped += 1;
                self.skipped_at = offset;
                return Err(ReadError::TooLarge { offset, size });
            }
            Err(FrameError::Data(_)) => return Err(self.no_control_frame()),
            Err(FrameError::Control(error)) => return Err(ReadError::Control { offset, error }),
        };
        self.walker = walker;
        self.use_up(size);
        Ok(())
    }

    /// Answers READY, if `frame` is one and READY is expected.
    fn take_ready(&mut self, got: ControlType, frame: ControlFrame) -> Result<(), ReadError> {
        let wanted = match self.transport.direction() {
            Direction::Bidirectional if !self.answers => ControlType::Ready,
            _ => ControlType::Start,
        };
        if wanted != ControlType::Ready || got != wanted {
            return Err(ReadError::OutOfTurn { offset: self.position, wanted, got });
        }
        self.check_content_type(frame)?;
        self.answers = true;
        self.answer_with(&ControlFrame::new(ControlType::Accept, [CONTENT_TYPE]))
    }

    /// Returns the error for other bytes than a control frame before START. It does not depend on
    /// how many of them have arrived.
    fn no_control_frame(&self) -> ReadError {
        let head = self.bytes();
        match self.position {
            0 => ReadError::Foreign(Foreign::recognise(&head[..head.len().min(OPENING_SIZE)])),
            offset => ReadError::Data { offset },
        }
    }

    /// Checks the content type of `frame`, which is READY or START.
    fn check_content_type(&self, mut frame: ControlFrame) -> Result<(), ReadError> {
        if frame.matches(Some(CONTENT_TYPE)) {
            return Ok(());
        }
        let content_type = frame.content_types.swap_remove(0);
        Err(ReadError::ContentType { offset: self.position, content_type })
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    #[inline]
    fn use_up(&mut self, count: usize) {
        self.start += count;
        self.position += count as u64;
    }

    /// Reads once, to the end of the unused bytes. The frame at their front has at least `size`
    /// bytes.
    fn fill(&mut self, size: usize, deadline: &mut Deadline) -> Result<(), ReadError> {
        if !self.transport.is_always_ready() {
            deadline.check()?;
        }
        self.make_room(size)?;
        loop {
            match self.transport.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => {
                    self.end += count;
                    deadline.read += count;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    deadline.wait(&self.transport, Interest::Read)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Makes room after the unused bytes. Doubles the buffer at most, because the length of a frame
    /// may be wrong: memory is allocated only as its bytes arrive.
    fn make_room(&mut self, size: usize) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            let more = self.end.min(size - self.end);
            enlarge(&mut self.buffer, more)?;
        }
        Ok(())
    }

    /// Returns the error for the end of the stream.
    fn ended(&self) -> ReadError {
        let (offset, frames) = (self.position, self.frames);
        let size = self.bytes().len() as u64;
        let is_opening = self.walker.place() == Place::BeforeStart;
        if self.walker.is_skipping() {
            let (offset, size) = (self.skipped_at, offset - self.skipped_at + size);
            ReadError::Torn { offset, size, frames }
        } else if size == 0 && is_opening {
            ReadError::NoStart { offset }
        } else if size == 0 {
            ReadError::NoStop { offset, frames }
        } else if is_opening && self.bytes().iter().take(LENGTH_SIZE).any(|byte| *byte != 0) {
            self.no_control_frame()
        } else {
            ReadError::Torn { offset, size, frames }
        }
    }

    fn answer_with(&mut self, frame: &ControlFrame) -> Result<(), ReadError> {
        let offset = self.position;
        let encoded = frame.encode(Header::With);
        self.answer = encoded.map_err(|error| ReadError::Control { offset, error })?;
        self.answered = 0;
        Ok(())
    }

    /// Sends the rest of the answer.
    fn send_answer(&mut self, deadline: &mut Deadline) -> Result<(), ReadError> {
        while self.answered < self.answer.len() {
            match self.transport.write(&[IoSlice::new(&self.answer[self.answered..])]) {
                Ok(count) => self.answered += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    deadline.wait(&self.transport, Interest::Write)?;
                }
                // The sender may not wait for FINISH. It has sent everything nevertheless.
                Err(_) if self.walker.place() == Place::AfterStop => {
                    self.answered = self.answer.len()
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Extends `buffer` by `more` bytes, if there is memory for them.
fn enlarge(buffer: &mut Vec<u8>, more: usize) -> io::Result<()> {
    buffer.try_reserve_exact(more)?;
    buffer.resize(buffer.len() + more, 0);
    Ok(())
}

/// The deadline of a call, and the number of bytes that it has read.
struct Deadline {
    until: Instant,
    read: usize,
}

impl Deadline {
    fn check(&self) -> Result<(), ReadError> {
        if self.read >= ALWAYS_READ && Instant::now() >= self.until {
            return Err(ReadError::TimedOut);
        }
        Ok(())
    }

    fn wait(&self, transport: &FdReceiver, what: Interest) -> Result<(), ReadError> {
        transport.wait(what, self.until).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => ReadError::TimedOut,
            _ => error.into(),
        })
    }
}
