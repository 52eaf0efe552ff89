// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing a stream from one thread, which waits until the transport has accepted the bytes.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

use crate::control::{CONTENT_TYPE_LENGTH_MAX, ControlError, ControlFrame, ControlType};
use crate::frame::LENGTH_SIZE;
use crate::handshake::{Direction, SenderClose, SenderOpen};
use crate::stream::{self, StreamError};
use crate::transport::{IO_TIMEOUT_DEFAULT, Transport, deadline};

/// Maximum number of frames in one write, each as two slices: its length and its payload.
pub(crate) const FRAMES_PER_WRITE: usize = 128;

/// The settings of a writer: the content types to offer, and timeouts.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    content_types: Vec<Box<[u8]>>,
    /// Maximum time that the receiver may make no progress.
    pub io_timeout: Duration,
    /// The direction of the stream; `None` for that of the transport.
    pub direction: Option<Direction>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { content_types: Vec::new(), io_timeout: IO_TIMEOUT_DEFAULT, direction: None }
    }
}

impl WriterOptions {
    /// Appends a content type to offer.
    pub fn add_content_type(&mut self, content_type: &[u8]) -> Result<(), ControlError> {
        if content_type.len() > CONTENT_TYPE_LENGTH_MAX {
            return Err(ControlError::ContentTypeTooLong(content_type.len()));
        }
        self.content_types.push(content_type.into());
        Ok(())
    }

    /// Returns the content types to offer, in order of preference.
    pub fn content_types(&self) -> &[Box<[u8]>] {
        &self.content_types
    }

    /// Returns the direction of a stream over `transport`.
    pub(crate) fn direction_over(&self, transport: &dyn Transport) -> Direction {
        self.direction.unwrap_or_else(|| transport.direction())
    }
}

/// The state of a [`StreamWriter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriterState {
    /// Never opened; the first write opens it.
    New,
    Open,
    Closed,
    /// A write failed, and may have left a torn frame. The stream must be opened again.
    Failed,
}

/// A stream to write to. It is opened by the first use, and can be opened again once closed.
/// Dropping it while it is open does not send STOP.
pub struct StreamWriter {
    transport: Box<dyn Transport>,
    options: WriterOptions,
    state: WriterState,
    open: Option<SenderOpen>,
    close: Option<SenderClose>,
}

impl StreamWriter {
    /// Creates a writer on `transport`, which must not be open yet.
    pub fn new(transport: Box<dyn Transport>, options: WriterOptions) -> Self {
        Self { transport, options, state: WriterState::New, open: None, close: None }
    }

    /// Connects and exchanges the control frames up to START.
    pub fn open(&mut self) -> Result<(), StreamError> {
        self.open_by(None)
    }

    /// Opens the stream like [`StreamWriter::open`], with one deadline for all steps.
    pub fn open_until(&mut self, until: Instant) -> Result<(), StreamError> {
        self.open_by(Some(until))
    }

    fn open_by(&mut self, until: Option<Instant>) -> Result<(), StreamError> {
        if self.state == WriterState::Open {
            return Ok(());
        }
        let result = self.try_open(until);
        match result {
            Ok(()) => self.state = WriterState::Open,
            // Otherwise, the next attempt would send READY a second time on the same connection.
            Err(_) => drop(self.transport.close()),
        }
        result
    }

    fn try_open(&mut self, until: Option<Instant>) -> Result<(), StreamError> {
        let step = |io_timeout| until.unwrap_or_else(|| deadline(Instant::now(), io_timeout));
        let transport = &mut *self.transport;
        stream::open(transport, step(self.options.io_timeout))?;
        let direction = self.options.direction_over(transport);
        let open = self.open.insert(SenderOpen::new(&self.options.content_types, direction)?);
        stream::shake(transport, open, step(self.options.io_timeout))
    }

    /// Opens the stream unless it was opened before.
    pub fn open_once(&mut self) -> Result<(), StreamError> {
        match self.state {
            WriterState::New => self.open(),
            _ => Ok(()),
        }
    }

    /// Writes one data frame of 1 to `u32::MAX` bytes.
    pub fn write(&mut self, payload: &[u8]) -> Result<(), StreamError> {
        self.write_frames(&[IoSlice::new(payload)])
    }

    /// Writes each of `payloads` as a data frame. After an error of the transport, the stream is
    /// closed, and some frames may have been written.
    pub fn write_frames(&mut self, payloads: &[IoSlice<'_>]) -> Result<(), StreamError> {
        if payloads.is_empty() {
            return Ok(());
        }
        let fits = |payload: &&IoSlice<'_>| (1..=u32::MAX as usize).contains(&payload.len());
        if let Some(wrong) = payloads.iter().find(|payload| !fits(payload)) {
            return Err(StreamError::FrameSize(wrong.len()));
        }
        self.open_once()?;
        if self.state != WriterState::Open {
            return Err(StreamError::NotOpen);
        }
        for batch in payloads.chunks(FRAMES_PER_WRITE) {
            let lengths: Vec<[u8; LENGTH_SIZE]> =
                batch.iter().map(|payload| (payload.len() as u32).to_be_bytes()).collect();
            let mut slices: Vec<IoSlice<'_>> = lengths
                .iter()
                .zip(batch)
                .flat_map(|(length, payload)| [IoSlice::new(length), IoSlice::new(payload)])
                .collect();
            let written =
                stream::write_all(&mut *self.transport, &mut slices, self.options.io_timeout);
            self.close_after_failure(written)?;
        }
        Ok(())
    }

    /// Writes data frames that already have length prefixes, all by `until`. After an error, the
    /// stream is closed, and some frames may have been written.
    pub fn write_encoded_until(
        &mut self,
        frames: &[u8],
        until: Instant,
    ) -> Result<(), StreamError> {
        if self.state != WriterState::Open {
            return Err(StreamError::NotOpen);
        }
        let written = stream::write_until(&mut *self.transport, frames, until);
        self.close_after_failure(written)
    }

    /// Closes the stream if a write failed, as it may end with a torn frame. Returns the same
    /// result.
    fn close_after_failure(&mut self, written: io::Result<()>) -> Result<(), StreamError> {
        if written.is_err() {
            self.state = WriterState::Failed;
            drop(self.transport.close());
        }
        Ok(written?)
    }

    /// Sends STOP, waits for FINISH if the stream is bidirectional, and closes the transport.
    pub fn close(&mut self) -> Result<(), StreamError> {
        self.close_until(deadline(Instant::now(), self.options.io_timeout))
    }

    /// Closes the stream like [`StreamWriter::close`], by `until`.
    pub fn close_until(&mut self, until: Instant) -> Result<(), StreamError> {
        if self.state != WriterState::Open {
            return Err(StreamError::NotOpen);
        }
        self.state = WriterState::Closed;
        let result = self.try_close(until);
        let closed = self.transport.close();
        result.and(closed.map_err(StreamError::Io))
    }

    fn try_close(&mut self, until: Instant) -> Result<(), StreamError> {
        let transport = &mut *self.transport;
        let direction = self.options.direction_over(transport);
        let close = self.close.insert(SenderClose::new(direction)?);
        stream::shake(transport, close, until)
    }

    /// Returns the peer or file of the stream, for messages; `None` if it is unknown.
    pub fn target(&self) -> Option<String> {
        self.transport.target()
    }

    /// Makes forked children close the descriptors of the stream, present and future.
    pub fn close_in_children(&mut self) {
        self.transport.close_in_children();
    }

    /// Returns the last control frame of this type that was exchanged. Opens the stream unless it
    /// was opened before.
    pub fn control(&mut self, which: ControlType) -> Result<Option<&ControlFrame>, StreamError> {
        self.open_once()?;
        Ok(match which {
            ControlType::Finish => self.close.as_ref().and_then(SenderClose::finish),
            ControlType::Stop => return Err(StreamError::NotOpen),
            _ => self.open.as_ref().and_then(|open| open.frames().get(which)),
        })
    }

    /// Returns [`Transport::wants_slices`] of the transport.
    pub(crate) fn wants_slices(&self) -> bool {
        self.transport.wants_slices()
    }

    /// Splits the writer, for a writer thread, into transport, options and whether it is open.
    pub(crate) fn into_parts(self) -> (Box<dyn Transport>, WriterOptions, bool) {
        (self.transport, self.options, self.state == WriterState::Open)
    }
}
