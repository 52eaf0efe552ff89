// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writing dnstap from one thread, which waits for the receiver: for converters and short-lived
//! programs. No message is dropped, and no thread is started, except to look up a host name.
//!
//! ```no_run
//! use dnstap::encode::Envelope;
//! use dnstap::message::Message;
//! use dnstap::schema::MessageType;
//! use dnstap::sink::SinkOptions;
//! use dnstap::writer::Writer;
//!
//! let options = SinkOptions::new("unix:/run/dnstap.sock".parse()?);
//! let mut writer = Writer::open(&options)?;
//! writer.write(&Message::new(MessageType::TOOL_QUERY), Envelope::EMPTY)?;
//! writer.close()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framestream::frame::LENGTH_SIZE;
use framestream::transport::deadline;
use framestream::writer::StreamWriter;
use framestream::{Seconds, StreamError, fork, plain_error};
use thiserror::Error;

use crate::encode::{self, EncodeError, Encoder, Envelope, Fields, Origin};
use crate::message_types;
use crate::sink::{ALL_MESSAGE_TYPES, OpenError, SinkOptions};

/// Bytes of frames above which the buffer is written.
const BATCH: usize = 64 * 1024;

/// Maximum size of the buffer that is kept after a long frame.
const KEPT: usize = 4 * BATCH;

/// A stream to write to. Each call takes at most [`SinkOptions::io_timeout`], except for writing to
/// a regular file. Dropping a writer discards the buffered data, and does not send STOP.
pub struct Writer {
    stream: StreamWriter,
    origin: Origin,
    encoder: Encoder,
    /// The message types that are written, bit `1 << type` each.
    message_types: u32,
    /// Frames with their length prefixes, up to `used`.
    buffer: Vec<u8>,
    used: usize,
    io_timeout: Duration,
    /// The fork generation of the process that opened it.
    generation: usize,
    /// The failure that ended the stream.
    failure: Option<WriteError>,
}

impl Writer {
    /// Connects, and performs the handshake. Uses the output, identity, version, message types,
    /// direction, TLS and I/O timeout of the options.
    pub fn open(options: &SinkOptions) -> Result<Self, OpenWriterError> {
        let until = deadline(Instant::now(), options.io_timeout);
        let mut stream = options.prepare()?.writer;
        // A message that was sampled already has its rate in `extra`.
        let (identity, version) = (options.identity.as_deref(), options.version.as_deref());
        let origin = Origin::new(identity, version, 1).map_err(OpenError::from)?;
        stream.close_in_children();
        stream.open_until(until).map_err(|error| failure(&stream, options.io_timeout, error))?;
        Ok(Self {
            stream,
            origin,
            encoder: Encoder::new(),
            message_types: options.message_types & ALL_MESSAGE_TYPES,
            buffer: Vec::new(),
            used: 0,
            io_timeout: options.io_timeout,
            generation: fork::generation(),
            failure: None,
        })
    }

    /// Writes a message with its envelope. Returns whether its type is one of
    /// [`SinkOptions::message_types`]; if not, it is not written.
    pub fn write(
        &mut self,
        message: &impl Fields,
        envelope: Envelope<'_>,
    ) -> Result<bool, WriteError> {
        let is_enabled = self.buffer(message, envelope)?;
        self.flush_full()?;
        Ok(is_enabled)
    }

    /// Writes an event that is already encoded, unchanged.
    pub fn write_frame(&mut self, frame: &[u8]) -> Result<(), WriteError> {
        self.buffer_frame(frame)?;
        self.flush_full()
    }

    fn flush_full(&mut self) -> Result<(), WriteError> {
        if self.is_full() { self.flush() } else { Ok(()) }
    }

    /// Buffers a message without handing it to the system. If the buffer
    /// [is full](Writer::is_full) afterwards, the caller has to call [`Writer::flush`].
    pub fn buffer(
        &mut self,
        message: &impl Fields,
        envelope: Envelope<'_>,
    ) -> Result<bool, WriteError> {
        self.check()?;
        if !message_types::contains(self.message_types, message.message_type()) {
            return Ok(false);
        }
        let max_len = encode::max_len(&self.origin, message, envelope)?;
        self.reserve(max_len)?;
        let payload = &mut self.buffer[self.used + LENGTH_SIZE..][..max_len];
        let length = self.encoder.encode(&self.origin, message, envelope, payload)?;
        self.commit(length);
        Ok(true)
    }

    /// Buffers an event that is already encoded, likewise.
    pub fn buffer_frame(&mut self, frame: &[u8]) -> Result<(), WriteError> {
        self.check()?;
        if !(1..=u32::MAX as usize).contains(&frame.len()) {
            return Err(WriteError::FrameLength(frame.len()));
        }
        self.reserve(frame.len())?;
        self.buffer[self.used + LENGTH_SIZE..][..frame.len()].copy_from_slice(frame);
        self.commit(frame.len());
        Ok(())
    }

    /// Returns whether the buffer should be written.
    pub fn is_full(&self) -> bool {
        self.used >= BATCH
    }

    /// Hands the buffered data to the system.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.flush_until(deadline(Instant::now(), self.io_timeout))
    }

    fn flush_until(&mut self, until: Instant) -> Result<(), WriteError> {
        self.check()?;
        let written = self.stream.write_encoded_until(&self.buffer[..self.used], until);
        self.used = 0;
        if self.buffer.len() > KEPT {
            self.buffer = Vec::new();
        }
        self.keep_failure(written)
    }

    /// Writes the buffered data and ends the stream: sends STOP and, unless the stream is
    /// unidirectional, waits for FINISH. If this succeeds, the receiver has read everything.
    pub fn close(mut self) -> Result<(), WriteError> {
        let until = deadline(Instant::now(), self.io_timeout);
        self.flush_until(until)?;
        let closed = self.stream.close_until(until);
        self.keep_failure(closed)
    }

    /// Fails if the stream has ended, or belongs to another process.
    fn check(&self) -> Result<(), WriteError> {
        if self.generation != fork::generation() {
            return Err(WriteError::Forked);
        }
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// Stores a failure, which all later calls return.
    fn keep_failure(&mut self, done: Result<(), StreamError>) -> Result<(), WriteError> {
        done.map_err(|error| {
            let failure =
                WriteError::Stream(Arc::new(failure(&self.stream, self.io_timeout, error)));
            self.failure = Some(failure.clone());
            failure
        })
    }

    /// Makes room for a frame of `max_len` bytes.
    fn reserve(&mut self, max_len: usize) -> Result<(), WriteError> {
        let end = self.used.saturating_add(LENGTH_SIZE).saturating_add(max_len);
        if end <= self.buffer.len() {
            return Ok(());
        }
        // Most frames are short, and begin before the limit of the batch.
        let length = end.max(BATCH + BATCH / 4);
        let more = length - self.buffer.len();
        self.buffer.try_reserve_exact(more).map_err(|_| WriteError::Memory(max_len))?;
        self.buffer.resize(length, 0);
        Ok(())
    }

    /// Adds a frame of `length` bytes, whose payload is already in place.
    fn commit(&mut self, length: usize) {
        let prefix = (length as u32).to_be_bytes();
        self.buffer[self.used..][..LENGTH_SIZE].copy_from_slice(&prefix);
        self.used += LENGTH_SIZE + length;
    }
}

/// The reason why a writer cannot be opened.
#[derive(Debug, Error)]
pub enum OpenWriterError {
    /// The options cannot be used.
    #[error(transparent)]
    Options(#[from] OpenError),
    /// The receiver cannot be reached, or does not accept the stream.
    #[error(transparent)]
    Stream(#[from] StreamFailure),
}

/// The reason why a message was not written.
#[derive(Clone, Debug, Error)]
pub enum WriteError {
    /// The message cannot be encoded. The stream goes on without it.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A frame is empty, or longer than 4 GiB - 1. The stream goes on without it.
    #[error("a frame must have from 1 to 4294967295 bytes, not {0}")]
    FrameLength(usize),
    /// Out of memory for a frame. The stream goes on without it.
    #[error("out of memory for a frame of {0} bytes")]
    Memory(usize),
    /// The stream belongs to the process that opened it, not to its forked child.
    #[error("the writer belongs to the process that opened it, not to a forked child")]
    Forked,
    /// The stream has failed. All later calls fail as well.
    #[error(transparent)]
    Stream(Arc<StreamFailure>),
}

/// A failure of a stream, with its target.
#[derive(Debug, Error)]
#[error("{target}: {text}")]
pub struct StreamFailure {
    target: String,
    text: String,
    /// The failure.
    #[source]
    pub error: StreamError,
}

fn failure(stream: &StreamWriter, io_timeout: Duration, error: StreamError) -> StreamFailure {
    let text = match &error {
        StreamError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            format!("the receiver took more than {}", Seconds(io_timeout))
        }
        error => plain_error(error),
    };
    StreamFailure { target: stream.target().unwrap_or_default(), text, error }
}
