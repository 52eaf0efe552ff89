// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread with input queues: producers hand over frames and never wait; the thread sends
//! them, keeps them through short outages of the receiver, and accounts for every one.

mod backlog;
mod copied;
mod in_place;
mod queues;

pub use crate::sender::{LinkState, SenderStats};

use std::collections::TryReserveError;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::queue::{self, Model, Ring};
use crate::sender::{Revival, Sender, SenderOptions};
use crate::writer::StreamWriter;
use in_place::Batch;
use queues::InputQueues;

/// Fewest entries of a queue, whatever size is asked for: room for what a busy producer submits
/// while the writer thread waits for its turn on the processor.
const QUEUE_CAPACITY_MIN: usize = 4096;

/// Something that can be sent as a data frame. Dropped by the writer thread once it is copied,
/// or written where [`Transport::wants_slices`](crate::transport::Transport::wants_slices).
pub trait Payload: Send + 'static {
    /// The bytes of the frame: at least one, and at most `u32::MAX`.
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
    /// Fewest entries that each queue holds.
    pub input_queue_size: usize,
    /// The number of threads that use one queue at a time.
    pub queue_model: Model,
    /// The thread is woken when only so many of `input_queue_size` entries are free, and no later
    /// than when the queue is half full.
    pub queue_notify_threshold: usize,
    /// Bytes that the thread holds, beside the queues, of what the receiver has not taken.
    pub memory_limit: usize,
    /// Most frames of one batch to a transport that wants slices.
    pub batch_frames: usize,
    /// Bytes that one batch to a transport that wants slices stays below, unless it is one frame.
    pub batch_bytes: usize,
}

impl Default for IoThrOptions {
    fn default() -> Self {
        Self {
            sender: SenderOptions::default(),
            num_input_queues: 1,
            input_queue_size: 512,
            queue_model: Model::Spsc,
            queue_notify_threshold: 32,
            memory_limit: 16 << 20,
            batch_frames: 64,
            batch_bytes: 8192,
        }
    }
}

/// The error of starting a writer thread.
#[derive(Debug, Error)]
pub enum StartError {
    /// No memory for the queues.
    #[error(transparent)]
    Memory(#[from] TryReserveError),
    /// No thread, or no pipe to wake it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A frame that was not accepted, with the reason.
#[derive(Debug)]
pub enum Refused<P> {
    /// The queue is full.
    Full(P),
    /// The writer thread closes, or is gone.
    Closed(P),
}

/// A writer thread with queues. Dropping it closes it.
pub struct IoThr<P: Payload>(Sender<InputQueues<P>>);

impl<P: Payload> IoThr<P> {
    /// Starts a thread that sends with `writer`. Returns with it the ends to submit frames to, one
    /// for each queue.
    pub fn start(
        options: IoThrOptions,
        writer: StreamWriter,
    ) -> Result<(Self, Vec<FrameProducer<P>>), StartError> {
        let capacity = options.input_queue_size.max(QUEUE_CAPACITY_MIN);
        let mut rings = Vec::new();
        let mut ends = Vec::new();
        rings.try_reserve_exact(options.num_input_queues)?;
        ends.try_reserve_exact(options.num_input_queues)?;
        for _ in 0..options.num_input_queues {
            let (ring, end) = Ring::new(options.queue_model, capacity)?;
            rings.push(ring);
            ends.push(end);
        }
        // A large queue is half empty when the thread is woken, to take what comes meanwhile.
        let wanted = options.input_queue_size.saturating_sub(options.queue_notify_threshold);
        let wake_level = wanted.clamp(1, capacity / 2);
        let batch = Batch { frames: options.batch_frames, bytes: options.batch_bytes };
        let in_place = writer.wants_slices().then_some(batch);
        let queues =
            InputQueues { rings, wake_level, memory_limit: options.memory_limit, in_place };
        let sender = Sender::start(options.sender, writer, queues)?;
        let producer = |end| FrameProducer { end, wake_level, sender: sender.clone() };
        let producers = ends.into_iter().map(producer).collect();
        Ok((Self(sender), producers))
    }

    /// The accounts at this moment.
    pub fn stats(&self) -> SenderStats {
        self.0.stats()
    }

    /// Returns the last error: see [`Sender::last_error`].
    pub fn last_error(&self) -> Option<String> {
        self.0.last_error()
    }

    /// Opens the stream anew: see [`Sender::reopen`].
    pub fn reopen(&self) {
        self.0.reopen();
    }

    /// Closes as [`Sender::close`] does.
    pub fn close(&self) -> bool {
        self.0.close()
    }

    /// Closes as [`Sender::close_within`] does.
    pub fn close_within(&self, timeout: Duration) -> bool {
        self.0.close_within(timeout)
    }
}

impl<P: Payload> Drop for IoThr<P> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The end of a queue that frames are submitted to.
pub struct FrameProducer<P: Payload> {
    end: queue::Producer<P>,
    wake_level: usize,
    sender: Sender<InputQueues<P>>,
}

impl<P: Payload> FrameProducer<P> {
    /// Hands `payload` over to be sent. Never waits.
    #[inline]
    pub fn submit(&self, payload: P) -> Result<(), Refused<P>> {
        if self.sender.is_running() { self.enqueue(payload) } else { self.submit_in_child(payload) }
    }

    /// Submits for a process that has no writer thread yet, or no more. Apart from `submit` to keep
    /// that short.
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
            Ok(waiting) => {
                if waiting >= self.wake_level && self.sender.is_sleeping() {
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

    /// Wakes the writer thread, once, if the queue is as full as it seemed.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        if self.end.len() >= self.wake_level {
            self.sender.wake();
        }
    }
}
