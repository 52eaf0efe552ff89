// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread with input queues: producers submit frames without waiting; the thread sends
//! them, keeps them during short outages of the receiver, and accounts for each.

mod backlog;
mod consumer_ends;
mod copied;
mod in_place;
mod queues;

pub use crate::sender::{LinkState, SenderStats};

use std::collections::TryReserveError;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::queue::{Queue, QueueModel, QueueProducer};
use crate::sender::{Revival, Sender, SenderOptions};
use crate::writer::StreamWriter;
use in_place::Batch;
use queues::InputQueues;

/// Minimum capacity of a queue, so that there is room for the frames that a busy producer submits
/// before the writer thread is scheduled.
const QUEUE_CAPACITY_MIN: usize = 4096;

/// A payload of a data frame. The writer thread drops it once it is copied or, if
/// [`Transport::wants_slices`](crate::transport::Transport::wants_slices), once it is written.
pub trait Payload: Send + 'static {
    /// Returns the bytes of the frame: at least one, and at most `u32::MAX`.
    fn bytes(&self) -> &[u8];
}

impl Payload for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// The settings of a writer thread and its queues.
#[derive(Clone, Debug)]
pub struct IoThrOptions {
    /// The settings of the thread.
    pub sender: SenderOptions,
    /// Number of queues.
    pub num_input_queues: usize,
    /// Minimum capacity of each queue in frames.
    pub input_queue_size: usize,
    /// The number of threads that use one queue at a time.
    pub queue_model: QueueModel,
    /// The thread is woken when no more than this number of `input_queue_size` entries are free,
    /// and no later than when the queue is half full.
    pub queue_notify_threshold: usize,
    /// Maximum memory of the thread, in addition to the queues, for frames that the receiver has
    /// not accepted yet, in bytes.
    pub memory_limit: usize,
    /// Maximum number of frames in one batch to a transport that wants slices.
    pub batch_frames: usize,
    /// Exclusive limit of the size of a batch to a transport that wants slices, in bytes. A single
    /// frame may be longer.
    pub batch_bytes: usize,
}

impl Default for IoThrOptions {
    fn default() -> Self {
        Self {
            sender: SenderOptions::default(),
            num_input_queues: 1,
            input_queue_size: 512,
            queue_model: QueueModel::Spsc,
            queue_notify_threshold: 32,
            memory_limit: 16 << 20,
            batch_frames: 64,
            batch_bytes: 8192,
        }
    }
}

/// The reason why a writer thread could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// Out of memory for the queues.
    #[error(transparent)]
    Memory(#[from] TryReserveError),
    /// Out of threads, or of descriptors to wake the thread.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A frame that was not accepted, with the reason.
#[derive(Debug)]
pub enum Refused<P> {
    /// The queue is full.
    Full(P),
    /// The writer thread is closing, or has ended.
    Closed(P),
}

/// A writer thread with queues. Dropping it closes it.
pub struct IoThr<P: Payload>(Sender<InputQueues<P>>);

impl<P: Payload> IoThr<P> {
    /// Starts a thread that sends with `writer`. Also returns the producing ends of the queues.
    pub fn start(
        options: IoThrOptions,
        writer: StreamWriter,
    ) -> Result<(Self, Vec<FrameProducer<P>>), StartError> {
        let capacity = options.input_queue_size.max(QUEUE_CAPACITY_MIN);
        let mut queues = Vec::new();
        let mut ends = Vec::new();
        queues.try_reserve_exact(options.num_input_queues)?;
        ends.try_reserve_exact(options.num_input_queues)?;
        for _ in 0..options.num_input_queues {
            let (queue, end) = Queue::new(options.queue_model, capacity)?;
            queues.push(queue);
            ends.push(end);
        }
        // When the thread is woken, at least half of a large queue is free for further frames.
        let level = options.input_queue_size.saturating_sub(options.queue_notify_threshold);
        let wake_level = level.clamp(1, capacity / 2);
        let batch = Batch { frames: options.batch_frames, bytes: options.batch_bytes };
        let in_place = writer.wants_slices().then_some(batch);
        let input =
            InputQueues { queues, wake_level, memory_limit: options.memory_limit, in_place };
        let sender = Sender::start(options.sender, writer, input)?;
        let producer = |end| FrameProducer { end, wake_level, sender: sender.clone() };
        let producers = ends.into_iter().map(producer).collect();
        Ok((Self(sender), producers))
    }

    /// Returns the current counters.
    pub fn stats(&self) -> SenderStats {
        self.0.stats()
    }

    /// Returns the last error, as [`Sender::last_error`] does.
    pub fn last_error(&self) -> Option<String> {
        self.0.last_error()
    }

    /// Ends the stream and opens a new one, as [`Sender::reopen`] does.
    pub fn reopen(&self) {
        self.0.reopen();
    }

    /// Closes the thread, as [`Sender::close`] does.
    pub fn close(&self) -> bool {
        self.0.close()
    }

    /// Closes the thread, as [`Sender::close_within`] does.
    pub fn close_within(&self, timeout: Duration) -> bool {
        self.0.close_within(timeout)
    }
}

impl<P: Payload> Drop for IoThr<P> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The end of a queue to which frames are submitted.
pub struct FrameProducer<P: Payload> {
    end: QueueProducer<P>,
    wake_level: usize,
    sender: Sender<InputQueues<P>>,
}

impl<P: Payload> FrameProducer<P> {
    /// Submits a frame to be sent. Never waits.
    #[inline]
    pub fn submit(&self, payload: P) -> Result<(), Refused<P>> {
        if self.sender.is_running() { self.enqueue(payload) } else { self.submit_in_child(payload) }
    }

    /// Submits a frame in a process without a writer thread: a new child, or one in which the
    /// thread was closed. Separate from `submit` to keep that short.
    #[cold]
    #[inline(never)]
    fn submit_in_child(&self, payload: P) -> Result<(), Refused<P>> {
        match self.sender.revive() {
            Revival::Running | Revival::Pending => self.enqueue(payload),
            Revival::Closed => Err(Refused::Closed(payload)),
        }
    }

    #[inline(always)]
    fn enqueue(&self, payload: P) -> Result<(), Refused<P>> {
        match self.end.push(payload) {
            Ok(pending) => {
                if pending >= self.wake_level && self.sender.is_sleeping() {
                    self.wake();
                }
                Ok(())
            }
            Err(payload) => {
                self.sender.count_refused();
                Err(Refused::Full(payload))
            }
        }
    }

    /// Wakes the writer thread, unless the consumer has taken enough entries meanwhile.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if self.end.len() >= self.wake_level {
            self.sender.wake();
        }
    }
}
