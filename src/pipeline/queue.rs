// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queue between those who read and the one who writes: batches of whole data frames, each
//! frame with its length in front. It holds a number of bytes at most; a reader waits for room, and
//! so in the end does who sends to it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use files::destination::{FrameIntake, Over};

use super::batch;

/// Bytes that wait at most, unless a single batch has more.
const CAPACITY: usize = 4 << 20;

/// A batch that waits is filled up to this size.
const BATCH_SIZE: usize = 256 << 10;

/// Buffers that are kept for the next batches.
const SPARE_BUFFERS: usize = 4;

/// Batches on their way.
#[derive(Debug, Default)]
pub struct BatchQueue {
    state: Mutex<BatchQueueState>,
    /// A batch has come, or none will.
    filled: Condvar,
    /// There is room, or nobody takes any more.
    taken: Condvar,
}

#[derive(Debug, Default)]
struct BatchQueueState {
    batches: VecDeque<(InputKind, Vec<u8>)>,
    bytes: usize,
    spare: Vec<Vec<u8>>,
    ended: bool,
    over: Option<Over>,
}

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// A file, which waits.
    File,
    /// A socket, whose sender cannot wait for long.
    Socket,
}

/// The result of [`BatchQueue::pop`].
#[derive(Debug)]
pub enum Popped {
    /// Data frames.
    Batch(InputKind, Vec<u8>),
    /// Nothing in time.
    Nothing,
    /// Nothing any more.
    End,
}

impl BatchQueue {
    fn lock(&self) -> MutexGuard<'_, BatchQueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds whole data frames, and waits for room before. Returns whether somebody will take them.
    pub fn push_from(&self, input: InputKind, frames: &[u8]) -> bool {
        let mut state = self.lock();
        while state.bytes > 0 && state.bytes + frames.len() > CAPACITY && state.over.is_none() {
            state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.over.is_some() {
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
        self.filled.notify_one();
        true
    }

    /// Takes the oldest batch; waits for it until `until`, or for as long as it takes.
    pub fn pop(&self, until: Option<Instant>) -> Popped {
        let mut state = self.lock();
        loop {
            if let Some((input, batch)) = state.batches.pop_front() {
                state.bytes -= batch.len();
                drop(state);
                self.taken.notify_all();
                return Popped::Batch(input, batch);
            }
            if state.ended {
                return Popped::End;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                Some(Duration::ZERO) => return Popped::Nothing,
                Some(left) => {
                    let waited = self.filled.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Returns whether a batch waits.
    pub fn is_empty(&self) -> bool {
        self.lock().batches.is_empty()
    }

    /// Gives the buffer of a batch back.
    pub fn give_back(&self, mut batch: Vec<u8>) {
        batch.clear();
        let mut state = self.lock();
        if state.spare.len() < SPARE_BUFFERS && batch.capacity() <= 2 * BATCH_SIZE {
            state.spare.push(batch);
        }
    }

    /// Says that nothing will be added.
    pub fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_all();
    }

    /// Says that nothing will be taken, and why. Returns the number of pending frames.
    pub fn abandon(&self, over: Over) -> u64 {
        let mut state = self.lock();
        state.over = Some(over);
        let batches = std::mem::take(&mut state.batches);
        state.bytes = 0;
        drop(state);
        self.taken.notify_all();
        batches.iter().map(|(_, batch)| batch::frames(batch).count() as u64).sum()
    }
}

impl FrameIntake for BatchQueue {
    fn push(&self, frames: &[u8]) -> bool {
        self.push_from(InputKind::File, frames)
    }

    fn over(&self) -> Option<Over> {
        self.lock().over
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_reader_waits_for_room_and_nothing_is_lost() {
        let queue = Arc::new(BatchQueue::default());
        let reader = Arc::clone(&queue);
        let piece = vec![7; 100_000];
        let pushes = 200;
        let thread = thread::spawn(move || {
            assert!((0..pushes).all(|_| reader.push(&piece)));
            reader.end();
        });
        let mut taken = 0;
        while let Popped::Batch(_, batch) = queue.pop(None) {
            assert!(queue.lock().bytes <= CAPACITY);
            taken += batch.len();
            queue.give_back(batch);
        }
        thread.join().unwrap();
        assert_eq!(taken, pushes * 100_000);
    }

    #[test]
    fn a_reader_without_a_writer_does_not_wait() {
        let queue = BatchQueue::default();
        let frames = b"\0\0\0\x01x".repeat(CAPACITY / 5);
        assert!(queue.push(&frames));
        assert_eq!(queue.abandon(Over::Failed), frames.len() as u64 / 5);
        assert!(!queue.push(b"more"));
        assert!(matches!(BatchQueue::default().pop(Some(Instant::now())), Popped::Nothing));
    }
}
