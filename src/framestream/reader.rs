// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading a stream from one thread.

use std::io;
use std::time::{Duration, Instant};

use crate::control::{
    CONTENT_TYPE_LENGTH_MAX, CONTROL_FRAME_LENGTH_MAX, ControlError, ControlFrame, ControlType,
    Header,
};
use crate::frame::{FrameError, LENGTH_SIZE, MAX_FRAME_SIZE_DEFAULT};
use crate::handshake::{Direction, Opening, ReceiverOpen};
use crate::stream::{self, StreamError};
use crate::transport::{IO_TIMEOUT_DEFAULT, Transport, deadline};
use crate::walk::{Front, Walker};

/// Maximum wait of a reader for the next frame: practically unlimited, as a stream may be idle.
const PATIENCE: Duration = Duration::MAX;

/// Number of bytes for which memory is allocated before they arrive.
const PIECE_SIZE: usize = LENGTH_SIZE + MAX_FRAME_SIZE_DEFAULT;

/// The settings of a reader.
#[derive(Clone, Debug)]
pub struct ReaderOptions {
    content_types: Vec<Box<[u8]>>,
    max_frame_size: usize,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { content_types: Vec::new(), max_frame_size: MAX_FRAME_SIZE_DEFAULT }
    }
}

impl ReaderOptions {
    /// Adds an accepted content type. A reader without content types accepts all.
    pub fn add_content_type(&mut self, content_type: &[u8]) -> Result<(), ControlError> {
        if content_type.len() > CONTENT_TYPE_LENGTH_MAX {
            return Err(ControlError::ContentTypeTooLong(content_type.len()));
        }
        self.content_types.push(content_type.into());
        Ok(())
    }

    /// Sets the maximum size of a data frame in bytes, from [`CONTROL_FRAME_LENGTH_MAX`] to
    /// `u32::MAX - 1`. Returns false, and changes nothing, for another size.
    pub fn set_max_frame_size(&mut self, bytes: usize) -> bool {
        let fits = (CONTROL_FRAME_LENGTH_MAX..u32::MAX as usize).contains(&bytes);
        if fits {
            self.max_frame_size = bytes;
        }
        fits
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReaderState {
    /// Never opened: the first use opens it.
    New,
    Open,
    /// STOP was read.
    Stopped,
    Closed,
    Failed,
}

/// A stream to read from. The first use opens it. Dropping it does not send FINISH.
pub struct StreamReader {
    transport: Box<dyn Transport>,
    options: ReaderOptions,
    state: ReaderState,
    open: Option<ReceiverOpen>,
    stop: Option<ControlFrame>,
    walker: Walker,
    /// The frame that is being read, with its length.
    frame: Vec<u8>,
}

impl StreamReader {
    /// Creates a reader of `transport`, which is not open yet.
    pub fn new(transport: Box<dyn Transport>, options: ReaderOptions) -> Self {
        let walker = Walker::in_stream(options.max_frame_size);
        Self {
            transport,
            options,
            state: ReaderState::New,
            open: None,
            stop: None,
            walker,
            frame: Vec::new(),
        }
    }

    /// Opens the transport and exchanges the control frames up to START.
    pub fn open(&mut self) -> Result<(), StreamError> {
        if self.state == ReaderState::Open {
            return Err(StreamError::NotOpen);
        }
        let result = self.try_open();
        match result {
            Ok(()) => self.state = ReaderState::Open,
            Err(_) => drop(self.transport.close()),
        }
        result
    }

    fn try_open(&mut self) -> Result<(), StreamError> {
        self.walker = Walker::in_stream(self.options.max_frame_size);
        let transport = &mut *self.transport;
        stream::open(transport, deadline(Instant::now(), IO_TIMEOUT_DEFAULT))?;
        let opening = match transport.direction() {
            Direction::Bidirectional => Opening::Ready,
            Direction::Unidirectional => Opening::Start,
        };
        let open = self.open.insert(ReceiverOpen::new(&self.options.content_types, opening));
        stream::shake(transport, open, deadline(Instant::now(), PATIENCE))
    }

    /// Opens the stream if it never was.
    pub fn open_once(&mut self) -> Result<(), StreamError> {
        match self.state {
            ReaderState::New => self.open(),
            _ => Ok(()),
        }
    }

    /// Reads the next data frame; `None` at STOP, and after [`StreamReader::close`]. Bytes that end
    /// before STOP are [`StreamError::End`].
    pub fn read(&mut self) -> Result<Option<&[u8]>, StreamError> {
        self.open_once()?;
        match self.state {
            ReaderState::Open => (),
            ReaderState::Closed => return Ok(None),
            _ => return Err(StreamError::NotOpen),
        }
        match self.next_data() {
            Ok(Some(size)) => Ok(Some(&self.frame[LENGTH_SIZE..size])),
            Ok(None) => {
                self.state = ReaderState::Stopped;
                Ok(None)
            }
            Err(error) => {
                self.state = ReaderState::Failed;
                Err(error)
            }
        }
    }

    /// Reads up to and including the next data frame. Returns its size, including the length.
    fn next_data(&mut self) -> Result<Option<usize>, StreamError> {
        let (mut read, mut needs) = (0, LENGTH_SIZE);
        loop {
            while read < needs {
                // Do not trust the length: allocate as the bytes arrive.
                let end = needs.min(self.frame.len().max(2 * read).max(PIECE_SIZE));
                if end > self.frame.len() {
                    let more = end - self.frame.len();
                    self.frame.try_reserve_exact(more).map_err(io::Error::from)?;
                    self.frame.resize(end, 0);
                }
                stream::read_exact(&mut *self.transport, &mut self.frame[read..end], PATIENCE)?;
                read = end;
            }
            let bytes = &self.frame[..read];
            if let Some(size) = self.walker.data_frame(bytes) {
                return Ok(Some(size));
            }
            match self.walker.step(bytes)? {
                Front::Stop(frame, _) => {
                    self.stop = Some(frame);
                    return Ok(None);
                }
                Front::Needs(size) => needs = size,
                // Other control frames are ignored, as in fstrm.
                _ => (read, needs) = (0, LENGTH_SIZE),
            }
        }
    }

    /// Answers STOP with FINISH if the transport is bidirectional, and closes it.
    pub fn close(&mut self) -> Result<(), StreamError> {
        if !matches!(self.state, ReaderState::Open | ReaderState::Stopped) {
            return Err(StreamError::NotOpen);
        }
        self.state = ReaderState::Closed;
        let answered = self.send_finish();
        let closed = self.transport.close();
        answered.and(closed.map_err(StreamError::Io))
    }

    fn send_finish(&mut self) -> Result<(), StreamError> {
        if self.transport.direction() == Direction::Unidirectional {
            return Ok(());
        }
        let finish = ControlFrame::new(ControlType::Finish, None).encode(Header::With);
        let finish = finish.map_err(FrameError::from)?;
        let until = deadline(Instant::now(), IO_TIMEOUT_DEFAULT);
        Ok(stream::write_until(&mut *self.transport, &finish, until)?)
    }

    /// Returns the control frame of this type that was last exchanged. Opens the stream if it was
    /// never open.
    pub fn control(&mut self, which: ControlType) -> Result<Option<&ControlFrame>, StreamError> {
        self.open_once()?;
        Ok(match which {
            ControlType::Stop => self.stop.as_ref(),
            ControlType::Finish => return Err(StreamError::NotOpen),
            _ => self.open.as_ref().and_then(|open| open.frames().get(which)),
        })
    }
}
