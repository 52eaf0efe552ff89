// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queue from the input threads to the worker: batches of whole data frames with their length
//! prefixes. It is bounded in bytes; when it is full, the inputs block, which slows down their senders.
//!
//! A channel of batches, which was measured, is not faster. It limits their number instead of their bytes:
//! small reads from sockets would fill it early, unless each input collected them in a buffer of its own and
//! used a timer to send the rest.

use std::collections::VecDeque;
use std::time::Instant;

use files::destination::{FrameConsumer, StopReason};
use framestream::frame::data_frames;
use parking_lot::{Condvar, Mutex};

/// Maximum number of pending bytes, unless a single batch has more.
const CAPACITY: usize = 4 << 20;

/// Size up to which frames are appended to the last pending batch.
const BATCH_SIZE: usize = 256 << 10;

/// Number of buffers that are kept for reuse.
const SPARE_BUFFERS: usize = 4;

/// A bounded queue of batches.
#[derive(Debug, Default)]
pub struct BatchQueue {
    state: Mutex<BatchQueueState>,
    /// Signalled when a batch is added or the queue is closed.
    not_empty: Condvar,
    /// Signalled when a batch is removed or the worker stops.
    not_full: Condvar,
}

#[derive(Debug, Default)]
struct BatchQueueState {
    batches: VecDeque<(InputKind, Vec<u8>)>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
    closed: bool,
    stopped: Option<StopReason>,
}

/// The kind of input that frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A file, which can be read at any speed.
    File,
    /// A socket, whose sender drops messages if it is blocked for long.
    Socket,
}

/// The result of [`BatchQueue::pop`].
#[derive(Debug)]
pub enum Popped {
    /// Data frames.
    Batch(InputKind, Vec<u8>),
    /// No batch arrived before the deadline.
    TimedOut,
    /// The queue is empty and closed.
    Closed,
}

impl BatchQueue {
    /// Waits for room and adds whole data frames. Returns false if the worker has stopped.
    pub(crate) fn push_from(&self, input: InputKind, frames: &[u8]) -> bool {
        let mut state = self.state.lock();
        while state.bytes > 0 && state.bytes + frames.len() > CAPACITY && state.stopped.is_none() {
            self.not_full.wait(&mut state);
        }
        if state.stopped.is_some() {
            return false;
        }
        state.bytes += frames.len();
        match state.batches.back_mut() {
            Some((of, last)) if *of == input && last.len() + frames.len() <= BATCH_SIZE => {
                last.extend_from_slice(frames);
            }
            _ => {
                let mut batch = state.spare.pop().unwrap_or_default();
                batch.extend_from_slice(frames);
                state.batches.push_back((input, batch));
            }
        }
        drop(state);
        self.not_empty.notify_one();
        true
    }

    /// Removes the oldest batch, waiting for one until `deadline`, or indefinitely without one.
    pub fn pop(&self, deadline: Option<Instant>) -> Popped {
        let mut state = self.state.lock();
        loop {
            if let Some((input, batch)) = state.batches.pop_front() {
                state.bytes -= batch.len();
                drop(state);
                self.not_full.notify_all();
                return Popped::Batch(input, batch);
            }
            if state.closed {
                return Popped::Closed;
            }
            match deadline {
                Some(deadline) if deadline <= Instant::now() => return Popped::TimedOut,
                Some(deadline) => drop(self.not_empty.wait_until(&mut state, deadline)),
                None => self.not_empty.wait(&mut state),
            }
        }
    }

    /// Returns whether no batch is pending.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.lock().batches.is_empty()
    }

    /// Returns the buffer of a batch for reuse.
    pub(crate) fn recycle(&self, mut batch: Vec<u8>) {
        batch.clear();
        let mut state = self.state.lock();
        if state.spare.len() < SPARE_BUFFERS && batch.capacity() <= 2 * BATCH_SIZE {
            state.spare.push(batch);
        }
    }

    /// Closes the queue for inputs: no more frames will be added.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.not_empty.notify_all();
    }

    /// Refuses further frames because the worker stops. Returns the number of discarded pending frames.
    pub(crate) fn abandon(&self, reason: StopReason) -> u64 {
        let mut state = self.state.lock();
        state.stopped = Some(reason);
        let batches = std::mem::take(&mut state.batches);
        state.bytes = 0;
        drop(state);
        self.not_full.notify_all();
        batches.iter().map(|(_, batch)| data_frames(batch).count() as u64).sum()
    }
}

impl FrameConsumer for BatchQueue {
    fn push(&self, frames: &[u8]) -> bool {
        self.push_from(InputKind::File, frames)
    }

    fn stop_reason(&self) -> Option<StopReason> {
        self.state.lock().stopped
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn an_input_waits_for_room_and_no_frame_is_lost() {
        let queue = Arc::new(BatchQueue::default());
        let reader = Arc::clone(&queue);
        let piece = vec![7; 100_000];
        let pushes = 200;
        let thread = thread::spawn(move || {
            assert!((0..pushes).all(|_| reader.push(&piece)));
            reader.close();
        });
        let mut taken = 0;
        while let Popped::Batch(_, batch) = queue.pop(None) {
            assert!(queue.state.lock().bytes <= CAPACITY);
            taken += batch.len();
            queue.recycle(batch);
        }
        thread.join().unwrap();
        assert_eq!(taken, pushes * 100_000);
    }

    #[test]
    fn an_input_does_not_wait_for_a_stopped_worker() {
        let queue = BatchQueue::default();
        let frames = b"\0\0\0\x01x".repeat(CAPACITY / 5);
        assert!(queue.push(&frames));
        assert_eq!(queue.abandon(StopReason::Failed), frames.len() as u64 / 5);
        assert!(!queue.push(b"more"));
        assert!(matches!(BatchQueue::default().pop(Some(Instant::now())), Popped::TimedOut));
    }
}
