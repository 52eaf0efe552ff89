// SPDX-License-Identifier: MIT OR Apache-2.0
//! A sink: one output, one writer thread, and a queue for each thread that logs.
//!
//! ```text
//! Queue::log -> ring --.
//! Queue::log -> ring ----> writer thread -> output
//! Queue::log -> ring --'
//! ```
//!
//! Logging takes no lock and allocates nothing. It makes system calls only to wake the writer
//! thread: once per batch, and for the first message of a series of dropped ones.

mod member;
mod options;
mod queue;
mod registry;
mod spans;
mod stats;
mod switch;

pub use framestream::sender::{EVENTS_MAX, EventKind, Failure, SenderEvent};
pub use options::{OpenError, SinkOptions};
pub use queue::{Logged, Queue};
pub use stats::SinkStats;
pub use switch::Switch;

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use framestream::sender::Sender;

use crate::encode::{EncodeError, Origin};
use crate::ring::{CAPACITY_MIN, Ring};
use crate::schema::MessageType;
use member::Member;
use options::Prepared;
use registry::{Mark, Registry, Settings};
use spans::Rings;

/// The content type of dnstap streams.
pub const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// All message types, bit `1 << type` each.
pub const ALL_MESSAGE_TYPES: u32 = ((1 << MESSAGE_TYPES) - 1) & !1;

/// The length of an array by message type.
pub const MESSAGE_TYPES: usize = MessageType::LIMIT;

const _: () = assert!(MESSAGE_TYPES <= u32::BITS as usize, "message types are bits of a u32");

/// Number of pending bytes in a ring at which the writer thread is woken, unless the ring is small.
const WAKE_LEVEL: usize = 64 * 1024;

/// One output with its writer thread. Dropping it closes it.
pub struct Sink {
    sender: Sender<Rings>,
    registry: Arc<Registry>,
    queue_bytes: usize,
}

impl Sink {
    /// Starts a writer thread, which connects. Never waits for the receiver.
    pub fn open(options: SinkOptions) -> Result<Self, OpenError> {
        let Prepared { origin, writer } = options.prepare()?;
        let settings = Settings {
            identity: options.identity,
            version: options.version,
            origin: Arc::new(origin),
            message_types: options.message_types & ALL_MESSAGE_TYPES,
        };
        let capacity = options.queue_bytes.max(CAPACITY_MIN);
        let wake_level = WAKE_LEVEL.min(capacity / 4);
        let registry = Registry::new(settings, wake_level, options.freed_queue_bytes);
        let sender = Sender::start(options.sender, writer, Rings(Arc::clone(&registry)))?;
        Ok(Self { sender, registry, queue_bytes: capacity })
    }

    /// Creates a queue, to which one thread logs.
    pub fn queue(&self) -> Result<Queue, OpenError> {
        self.queue_with(Switch::default())
    }

    /// Creates a queue whose switch is part of a value of the caller, where it can be read without
    /// the queue. Each queue needs a switch of its own.
    pub fn queue_with<S>(&self, switch: S) -> Result<Queue<S>, OpenError>
    where
        S: AsRef<Switch> + Send + Sync + 'static,
    {
        let producer = Ring::allocate(self.queue_bytes);
        let producer = producer.ok_or(OpenError::Memory(self.queue_bytes))?;
        let switch = Arc::new(switch);
        let member = Member::new(Arc::clone(producer.ring()), Arc::<S>::clone(&switch));
        let joined = self.registry.add(member).ok_or(OpenError::Closed)?;
        if joined.has_dropped {
            self.sender.raise_alarm();
        }
        Ok(Queue::new(switch, producer, joined, Arc::clone(&self.registry), self))
    }

    /// Sets the message types to log, bit `1 << type` each.
    pub fn set_message_types(&self, message_types: u32) {
        self.registry.change(|settings| settings.message_types = message_types & ALL_MESSAGE_TYPES);
    }

    /// Sets the name of the server, from each queue's next message on; `None` for none.
    pub fn set_identity(&self, identity: Option<&[u8]>) -> Result<(), EncodeError> {
        self.registry.change(|settings| {
            let (version, rate) = (settings.version.as_deref(), settings.origin.sample_rate());
            settings.origin = Arc::new(Origin::new(identity, version, rate)?);
            settings.identity = identity.map(Vec::from);
            Ok(())
        })
    }

    /// Sets the software and version of the server, from each queue's next message on; `None` for
    /// none.
    pub fn set_version(&self, version: Option<&[u8]>) -> Result<(), EncodeError> {
        self.registry.change(|settings| {
            let (identity, rate) = (settings.identity.as_deref(), settings.origin.sample_rate());
            settings.origin = Arc::new(Origin::new(identity, version, rate)?);
            settings.version = version.map(Vec::from);
            Ok(())
        })
    }

    /// Sets the sample rate N, from each queue's next message on: one in N messages is logged, and
    /// its event records the rate.
    pub fn set_sample_rate(&self, sample_rate: u32) -> Result<(), EncodeError> {
        self.registry.change(|settings| {
            let (identity, version) = (settings.identity.as_deref(), settings.version.as_deref());
            settings.origin = Arc::new(Origin::new(identity, version, sample_rate.max(1))?);
            Ok(())
        })
    }

    /// Ends the stream after the current frame, and begins a new one. If a file was renamed before,
    /// a new file is created under the old name; otherwise the file is continued.
    pub fn reopen(&self) {
        self.sender.reopen();
    }

    /// Sends the messages that were logged before this call, without waiting for the flush
    /// interval. Returns whether all of them were sent or dropped within `timeout`.
    pub fn flush(&self, timeout: Duration) -> bool {
        let marks = self.registry.marks();
        if marks.is_empty() && self.stats().waiting == 0 {
            return true;
        }
        self.sender.flush(timeout, move || marks.iter().all(Mark::is_passed))
    }

    /// Returns the current counters.
    pub fn stats(&self) -> SinkStats {
        stats::take(&self.registry, &self.sender)
    }

    /// Returns the time and the reason of the last failure to connect or break of the stream;
    /// `None` if there was none. It is kept when the sink reconnects.
    pub fn last_failure(&self) -> Option<Failure> {
        self.sender.last_failure()
    }

    /// Removes and returns the oldest pending event. A forked child starts without events.
    pub fn next_event(&self) -> Option<SenderEvent> {
        self.sender.next_event()
    }

    /// Returns a descriptor that is readable while events are pending, and must only be polled. It
    /// is closed in forked children, where this function returns another one, as it does if the
    /// descriptor was closed by mistake.
    pub fn event_fd(&self) -> io::Result<RawFd> {
        self.sender.event_fd()
    }

    /// Begins to close the sink, and returns immediately. Messages are refused from here on, and
    /// the time limit of [`Sink::close`] starts: several sinks are closed within a single limit if
    /// this is called on all of them first.
    pub fn begin_close(&self) {
        self.registry.close();
        self.sender.begin_close();
    }

    /// Sends the pending messages, closes the stream and ends the writer thread, within
    /// [`framestream::sender::SenderOptions::close_timeout`]. Returns whether the thread ended.
    pub fn close(&self) -> bool {
        self.registry.close();
        self.sender.close()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.close();
    }
}
