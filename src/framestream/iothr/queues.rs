// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues that feed the writer thread of an [`IoThr`](super::IoThr).

use std::io;
use std::sync::Arc;

use super::Payload;
use super::consumer_ends::ConsumerEnds;
use super::copied::Copied;
use super::in_place::{Batch, InPlace};
use crate::fork::Child;
use crate::queue::Queue;
use crate::sender::{Feed, Gathered, Source, WriteFn};

/// The input queues, which the producers share with the writer thread.
pub(super) struct InputQueues<P> {
    pub(super) queues: Vec<Arc<Queue<P>>>,
    /// Number of entries in a queue at which the thread is woken.
    pub(super) wake_level: usize,
    /// Maximum size of the frames that the thread holds, in bytes.
    pub(super) memory_limit: usize,
    /// The limits of a batch, if frames are written from the memory of the producers.
    pub(super) in_place: Option<Batch>,
}

impl<P: Payload> Feed for InputQueues<P> {
    type Source = QueuedFrames<P>;

    fn accepted(&self) -> u64 {
        self.queues.iter().map(|queue| queue.pushed() as u64).sum()
    }

    fn renew(&self, child: &Child) {
        for queue in &self.queues {
            queue.renew(child);
        }
    }

    fn source(&self) -> QueuedFrames<P> {
        let ends = ConsumerEnds::new(&self.queues, self.wake_level);
        match self.in_place {
            Some(batch) => QueuedFrames::InPlace(InPlace::new(ends, batch, self.memory_limit)),
            None => QueuedFrames::Copied(Copied::new(ends, self.memory_limit)),
        }
    }
}

/// The frames that the writer thread takes from the queues.
pub(super) enum QueuedFrames<P> {
    Copied(Copied<P>),
    InPlace(InPlace<P>),
}

/// Calls the same function of either kind of [`QueuedFrames`].
macro_rules! with {
    ($frames:ident, $kind:ident => $act:expr) => {
        match $frames {
            QueuedFrames::Copied($kind) => $act,
            QueuedFrames::InPlace($kind) => $act,
        }
    };
}

impl<P: Payload> Source for QueuedFrames<P> {
    fn gather(&mut self, blocked: bool) -> Gathered {
        with!(self, frames => frames.gather(blocked))
    }

    fn has_batch(&self) -> bool {
        with!(self, frames => frames.has_batch())
    }

    fn is_empty(&self) -> bool {
        with!(self, frames => frames.is_empty())
    }

    fn front_len(&self) -> usize {
        with!(self, frames => frames.front_len())
    }

    fn write_front(&mut self, max_len: usize, write: impl WriteFn) -> Option<io::Result<usize>> {
        with!(self, frames => frames.write_front(max_len, write))
    }

    fn consume(&mut self, count: usize) -> usize {
        with!(self, frames => frames.consume(count))
    }

    fn rewind(&mut self) -> usize {
        with!(self, frames => frames.rewind())
    }

    fn give_up(&mut self) -> usize {
        with!(self, frames => frames.give_up())
    }

    fn discard(&mut self) -> usize {
        with!(self, frames => frames.discard())
    }
}
