// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sink: one output, one writer thread, and a queue for each thread that logs.
//!
//! ```text
//! Queue::log -> ring --.
//! Queue::log -> ring ----> writer thread -> output
//! Queue::log -> ring --'
//! ```
//!
//! Logging takes no lock, allocates nothing, and makes no system call but, once a batch, the one
//! that wakes the writer thread.

mod registry;
mod sample;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use framestream::control::ControlError;
use framestream::sender::{self, LinkState, Sender};
use framestream::transport::{FileSender, HostSender, SocketSender, Transport};
use framestream::writer::{Writer, WriterOptions};
use thiserror::Error;

use crate::encode::{self, EncodeError, Encoder, Fields, Origin};
use crate::output::Output;
use crate::ring::{CAPACITY_MIN, Producer, Refusal, Ring};
use crate::schema::MessageType;
use registry::{Member, Registry, Rings, Settings};

/// The content type of dnstap streams.
pub const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// All message types, one bit each.
pub const ALL_MESSAGE_TYPES: u32 = ((1 << 15) - 1) & !1;

/// Bytes that wait in a ring before the writer thread is woken, unless the ring is small.
const WAKE_LEVEL: usize = 64 * 1024;

/// How a sink works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it sends to.
    pub output: Output,
    /// Who logs; `None` leaves it out.
    pub identity: Option<Vec<u8>>,
    /// What software that is; `None` leaves it out.
    pub version: Option<Vec<u8>>,
    /// The message types to log, bit `1 << type` each.
    pub message_types: u32,
    /// Log one message in so many, a query and its response both or neither. 1 logs all.
    pub sample_rate: u32,
    /// Bytes of the ring of each queue.
    pub queue_bytes: usize,
    /// How long the receiver may make no progress in connecting and in handshakes.
    pub io_timeout: Duration,
    /// How the writer thread works.
    pub sender: sender::Options,
}

impl Options {
    /// The defaults, for an output.
    pub fn new(output: Output) -> Self {
        Self {
            output,
            identity: None,
            version: None,
            message_types: ALL_MESSAGE_TYPES,
            sample_rate: 1,
            queue_bytes: 1 << 20,
            io_timeout: framestream::transport::IO_TIMEOUT_DEFAULT,
            sender: sender::Options {
                thread_name: "dnstap-writer".into(),
                ..sender::Options::default()
            },
        }
    }
}

/// Why a sink cannot be opened, or a queue made.
#[derive(Debug, Error)]
pub enum SinkError {
    /// The output cannot be used: a path that is too long, no thread or descriptor to be had.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Identity or version cannot be encoded.
    #[error(transparent)]
    Origin(#[from] EncodeError),
    /// The content type cannot be offered.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// No memory for a ring.
    #[error("no memory for a ring of {0} bytes")]
    Memory(usize),
    /// The list of queues was not to be had in time.
    #[error("the sink is busy")]
    Busy,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// It waits to be sent.
    Queued,
    /// Its type is not logged.
    Disabled,
    /// It is not in the sample.
    SampledOut,
    /// There was no room for it.
    Full,
    /// It is longer than half of the ring.
    TooLong,
    /// It cannot be encoded.
    Invalid(EncodeError),
    /// The sink is closed.
    Closed,
}

/// What became of the messages. At every moment
/// `logged = sent + waiting + dropped_full + dropped_too_long + dropped_invalid + lost_closing
/// + lost_fork`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages of enabled types, in the sample, that were logged.
    pub logged: u64,
    /// Messages handed over to the operating system.
    pub sent: u64,
    /// Messages in the rings.
    pub waiting: u64,
    /// Messages that found their ring full.
    pub dropped_full: u64,
    /// Messages longer than half of the ring.
    pub dropped_too_long: u64,
    /// Messages that cannot be encoded.
    pub dropped_invalid: u64,
    /// Messages that were not sent when the time for closing was over.
    pub lost_closing: u64,
    /// In a forked child: messages that waited at the fork. The parent sends them.
    pub lost_fork: u64,
    /// Bytes sent, without control frames.
    pub bytes_sent: u64,
    /// Streams opened.
    pub connects: u64,
    /// Tries to open a stream that failed.
    pub connect_failures: u64,
    /// Streams that broke off.
    pub disconnects: u64,
    /// Where the writer thread stands with the receiver.
    pub state: LinkState,
}

/// One output with its writer thread. Dropping it closes it.
pub struct Sink {
    sender: Sender<Rings>,
    registry: Arc<Registry>,
    queue_bytes: usize,
    sample_rate: u32,
}

impl Sink {
    /// Starts a writer thread, which connects. Never waits for the receiver.
    pub fn open(options: Options) -> Result<Self, SinkError> {
        let origin = Origin::new(options.identity.as_deref(), options.version.as_deref())?;
        let settings = Settings {
            origin: Arc::new(origin),
            message_types: options.message_types & ALL_MESSAGE_TYPES,
        };
        let capacity = options.queue_bytes.max(CAPACITY_MIN);
        let registry = Registry::new(settings, WAKE_LEVEL.min(capacity / 4));
        let mut writer_options = WriterOptions::default();
        writer_options.add_content_type(CONTENT_TYPE)?;
        writer_options.io_timeout = options.io_timeout;
        let transport = transport(&options)?;
        let writer = Writer::new(transport, writer_options);
        let sender = Sender::start(options.sender, writer, Rings(Arc::clone(&registry)))?;
        Ok(Self {
            sender,
            registry,
            queue_bytes: capacity,
            sample_rate: options.sample_rate.max(1),
        })
    }

    /// Makes a queue for one thread to log to.
    pub fn queue(&self) -> Result<Queue, SinkError> {
        let producer =
            Ring::allocate(self.queue_bytes).ok_or(SinkError::Memory(self.queue_bytes))?;
        let member = self.registry.add(Arc::clone(producer.ring())).ok_or(SinkError::Busy)?;
        let origin = self.registry.origin().ok_or(SinkError::Busy)?;
        Ok(Queue {
            enabled: Arc::clone(&member.enabled),
            producer,
            wake_level: self.registry.wake_level,
            sample_rate: self.sample_rate,
            encoder: Encoder::new(),
            origin: RefCell::new(origin),
            member,
            sender: self.sender.clone(),
            registry: Arc::clone(&self.registry),
        })
    }

    /// Sets the message types to log, bit `1 << type` each. Says whether it could.
    pub fn set_message_types(&self, message_types: u32) -> bool {
        self.registry.change(|settings| settings.message_types = message_types & ALL_MESSAGE_TYPES)
    }

    /// Sets who logs, from each queue's next message on. Says whether it could.
    pub fn set_origin(
        &self,
        identity: Option<&[u8]>,
        version: Option<&[u8]>,
    ) -> Result<bool, SinkError> {
        let origin = Arc::new(Origin::new(identity, version)?);
        Ok(self.registry.change(|settings| settings.origin = origin))
    }

    /// The accounts at this moment.
    pub fn stats(&self) -> Stats {
        let dropped = self.registry.dropped();
        let stats = self.sender.stats();
        Stats {
            logged: stats.accepted + dropped.full + dropped.too_long + dropped.invalid,
            sent: stats.written,
            waiting: stats.waiting,
            dropped_full: dropped.full,
            dropped_too_long: dropped.too_long,
            dropped_invalid: dropped.invalid,
            lost_closing: stats.lost_closing,
            lost_fork: stats.lost_fork,
            bytes_sent: stats.bytes_written,
            connects: stats.connects,
            connect_failures: stats.connect_failures,
            disconnects: stats.disconnects,
            state: stats.state,
        }
    }

    /// Sends what waits, closes the stream and ends the writer thread, within
    /// [`sender::Options::close_timeout`]. Returns whether the thread ended.
    pub fn close(&self) -> bool {
        self.sender.close()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.close();
    }
}

fn transport(options: &Options) -> Result<Box<dyn Transport>, SinkError> {
    Ok(match &options.output {
        Output::Unix(path) => Box::new(SocketSender::unix(path)?),
        Output::Tcp(host, port) => Box::new(HostSender::new(host, *port)),
        Output::File(path) => Box::new(FileSender::new(path)),
    })
}

/// The end of a sink that one thread logs to.
pub struct Queue {
    /// The message types to log. First, so that C can look at it without a call.
    enabled: Arc<AtomicU32>,
    producer: Producer,
    wake_level: usize,
    sample_rate: u32,
    encoder: Encoder,
    origin: RefCell<Arc<Origin>>,
    member: Arc<Member>,
    sender: Sender<Rings>,
    registry: Arc<Registry>,
}

impl Queue {
    /// Whether messages of this type are logged: if not, nothing need be prepared.
    #[inline]
    pub fn is_enabled(&self, message_type: MessageType) -> bool {
        self.enabled.load(Ordering::Relaxed) & bit(message_type) != 0
    }

    /// Where [`Queue::is_enabled`] looks.
    pub fn enabled(&self) -> &AtomicU32 {
        &self.enabled
    }

    /// Logs a message, with `extra` bytes if there are any. Never waits.
    #[inline]
    pub fn log(&self, message: &impl Fields, extra: Option<&[u8]>) -> Logged {
        if !self.is_enabled(message.message_type()) {
            return Logged::Disabled;
        }
        if self.sample_rate > 1 && !sample::is_chosen(message, self.sample_rate) {
            return Logged::SampledOut;
        }
        if !self.sender.is_running() && !self.sender.revive() {
            return Logged::Closed;
        }
        if self.member.stale.load(Ordering::Acquire) {
            self.refresh();
        }
        let origin = self.origin.borrow();
        let most = match encode::max_len(&origin, message, extra) {
            Ok(most) => most,
            Err(error) => return self.drop_message(Logged::Invalid(error)),
        };
        let mut invalid = None;
        let pushed = self.producer.push(most, |room| {
            let encoded = self.encoder.encode(&origin, message, extra, room);
            encoded.unwrap_or_else(|error| {
                invalid = Some(error);
                0
            })
        });
        match (pushed, invalid) {
            (Ok(waiting), None) => {
                if waiting >= self.wake_level && self.sender.is_sleeping() {
                    self.wake();
                }
                Logged::Queued
            }
            (_, Some(error)) => self.drop_message(Logged::Invalid(error)),
            (Err(Refusal::Full), _) => self.drop_message(Logged::Full),
            (Err(Refusal::TooLong), _) => self.drop_message(Logged::TooLong),
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_message(&self, fate: Logged) -> Logged {
        let counter = match fate {
            Logged::Full => &self.member.dropped_full,
            Logged::TooLong => &self.member.dropped_too_long,
            _ => &self.member.dropped_invalid,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        fate
    }

    /// Wakes the writer thread, once, if the ring is as full as it seemed.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if self.producer.waiting() >= self.wake_level {
            self.sender.wake();
        }
    }

    /// Takes over who logs now.
    #[cold]
    #[inline(never)]
    fn refresh(&self) {
        self.member.stale.store(false, Ordering::Relaxed);
        match self.registry.origin() {
            Some(origin) => *self.origin.borrow_mut() = origin,
            None => self.member.stale.store(true, Ordering::Relaxed),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.registry.free(&self.member);
    }
}

fn bit(message_type: MessageType) -> u32 {
    1u32.checked_shl(message_type.0).unwrap_or(0)
}
