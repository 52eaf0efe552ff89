// SPDX-License-Identifier: MIT OR Apache-2.0
//! What feeds the writer thread of an [`IoThr`](super::IoThr): queues of payloads, which it copies
//! into its backlog.

use std::sync::Arc;

use super::Payload;
use super::backlog::Backlog;
use crate::fork::Child;
use crate::queue::{Consumer, Ring};
use crate::sender::{Feed, Gathered, Source};

pub(super) struct Queues<P> {
    pub(super) rings: Vec<Arc<Ring<P>>>,
    /// Entries of a queue that are worth waking the thread for.
    pub(super) wake_level: usize,
    /// Bytes that the backlog may hold.
    pub(super) memory_limit: usize,
}

impl<P: Payload> Feed for Queues<P> {
    type Source = Copier<P>;

    fn accepted(&self) -> u64 {
        self.rings.iter().map(|ring| ring.pushed() as u64).sum()
    }

    fn renew(&self, child: &Child) {
        for ring in &self.rings {
            ring.renew(child);
        }
    }

    fn source(&self) -> Copier<P> {
        Copier {
            consumers: self.rings.iter().filter_map(Ring::claim).collect(),
            backlog: Backlog::new(self.memory_limit),
            wake_level: self.wake_level,
        }
    }
}

/// The writer thread's side of [`Queues`].
pub(super) struct Copier<P> {
    consumers: Vec<Consumer<P>>,
    backlog: Backlog,
    wake_level: usize,
}

impl<P: Payload> Source for Copier<P> {
    fn gather(&mut self, blocked: bool) -> Gathered {
        let Self { consumers, backlog, .. } = self;
        let mut gathered = Gathered::All;
        for consumer in consumers {
            consumer.drain(|payload| {
                let bytes = payload.bytes();
                if backlog.push(bytes) {
                    return true;
                }
                if !blocked && !backlog.is_empty() {
                    gathered = Gathered::More;
                } else if !backlog.push_to_new_chunk(bytes) {
                    gathered = Gathered::Full;
                }
                gathered == Gathered::All
            });
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

    fn has_batch(&self) -> bool {
        self.consumers.iter().any(|consumer| consumer.ring().has(self.wake_level))
    }

    fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.consumers.iter().all(|consumer| consumer.ring().len() == 0)
    }

    fn front(&self) -> Option<&[u8]> {
        self.backlog.front()
    }

    fn consume(&mut self, count: usize) -> usize {
        self.backlog.consume(count)
    }

    fn rewind(&mut self) -> usize {
        self.backlog.rewind()
    }

    fn give_up(&mut self) -> usize {
        self.backlog.drop_front()
    }

    fn discard(&mut self) -> usize {
        let mut frames = self.backlog.frames();
        self.backlog = Backlog::new(0);
        for consumer in &mut self.consumers {
            frames += consumer.drain(|_| true);
        }
        frames
    }
}
