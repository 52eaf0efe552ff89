// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues that feed the writer thread of an [`IoThr`](super::IoThr).

use std::io;
use std::sync::Arc;

use super::Payload;
use super::copied::Copied;
use super::in_place::{Batch, InPlace};
use crate::fork::Child;
use crate::queue::{Consumer, Ring};
use crate::sender::{Feed, Gathered, Source, Write};

pub(super) struct InputQueues<P> {
    pub(super) rings: Vec<Arc<Ring<P>>>,
    /// Entries of a queue that are worth waking the thread for.
    pub(super) wake_level: usize,
    /// Bytes that the thread may hold.
    pub(super) memory_limit: usize,
    /// Set if frames are written from the memory of the producers.
    pub(super) in_place: Option<Batch>,
}

impl<P: Payload> Feed for InputQueues<P> {
    type Source = QueuedFrames<P>;

    fn accepted(&self) -> u64 {
        self.rings.iter().map(|ring| ring.pushed() as u64).sum()
    }

    fn renew(&self, child: &Child) {
        for ring in &self.rings {
            ring.renew(child);
        }
    }

    fn source(&self) -> QueuedFrames<P> {
        let ends = ConsumerEnds::new(&self.rings, self.wake_level);
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

/// Does the same with either kind of [`QueuedFrames`].
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

    fn write_front(&mut self, max_len: usize, write: impl Write) -> Option<io::Result<usize>> {
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

/// The ends of the queues that the writer thread holds.
pub(super) struct ConsumerEnds<P> {
    consumers: Vec<Consumer<P>>,
    wake_level: usize,
}

impl<P: Payload> ConsumerEnds<P> {
    pub(super) fn new(rings: &[Arc<Ring<P>>], wake_level: usize) -> Self {
        Self { consumers: rings.iter().filter_map(Ring::claim).collect(), wake_level }
    }

    /// Has `take` take entries of one queue after the other, as long as it gets all of each.
    pub(super) fn gather(
        &mut self,
        mut take: impl FnMut(&mut Consumer<P>) -> Gathered,
    ) -> Gathered {
        let mut gathered = Gathered::All;
        for consumer in &mut self.consumers {
            gathered = take(consumer);
            if gathered != Gathered::All {
                break;
            }
        }
        // The next round begins with another queue, so that none has to wait for the rest.
        if self.consumers.len() > 1 {
            self.consumers.rotate_left(1);
        }
        gathered
    }

    /// Returns whether a queue holds so much that it is worth getting up for.
    pub(super) fn has_batch(&self) -> bool {
        self.consumers.iter().any(|consumer| consumer.ring().has(self.wake_level))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.consumers.iter().all(|consumer| consumer.ring().len() == 0)
    }

    /// Drops all entries. Returns their number.
    pub(super) fn discard(&mut self) -> usize {
        self.consumers.iter_mut().map(|consumer| consumer.drain(|_| true)).sum()
    }
}
