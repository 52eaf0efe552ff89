// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer thread's side of the queues.

use std::sync::Arc;

use super::Payload;
use crate::queue::{Queue, QueueConsumer};
use crate::sender::Gathered;

/// The consuming ends of all queues of a writer thread.
pub(super) struct ConsumerEnds<P> {
    consumers: Vec<QueueConsumer<P>>,
    wake_level: usize,
}

impl<P: Payload> ConsumerEnds<P> {
    pub(super) fn new(queues: &[Arc<Queue<P>>], wake_level: usize) -> Self {
        Self { consumers: queues.iter().filter_map(Queue::claim).collect(), wake_level }
    }

    /// Calls `take` with one queue after the other, until it leaves frames in one.
    pub(super) fn gather(
        &mut self,
        mut take: impl FnMut(&mut QueueConsumer<P>) -> Gathered,
    ) -> Gathered {
        let mut gathered = Gathered::All;
        for consumer in &mut self.consumers {
            gathered = take(consumer);
            if gathered != Gathered::All {
                break;
            }
        }
        // The next round starts with another queue, so that none starves.
        if self.consumers.len() > 1 {
            self.consumers.rotate_left(1);
        }
        gathered
    }

    /// Returns whether a queue has enough frames to wake the thread.
    pub(super) fn has_batch(&self) -> bool {
        self.consumers.iter().any(|consumer| consumer.queue().has(self.wake_level))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.consumers.iter().all(|consumer| consumer.queue().len() == 0)
    }

    /// Drops all frames. Returns their number.
    pub(super) fn discard(&mut self) -> usize {
        self.consumers.iter_mut().map(|consumer| consumer.drain(|_| true)).sum()
    }
}
