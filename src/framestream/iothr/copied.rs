// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames that the writer thread copies into chunks, each of which is sent with one write.

use std::io::{self, IoSlice};

use super::Payload;
use super::backlog::Backlog;
use super::consumer_ends::ConsumerEnds;
use crate::queue::QueueConsumer;
use crate::sender::{Gathered, Source, WriteFn};

/// A source that copies the frames of the queues.
pub(super) struct Copied<P> {
    ends: ConsumerEnds<P>,
    backlog: Backlog,
}

impl<P: Payload> Copied<P> {
    /// Creates a source that takes frames from `ends`, and holds at most `memory_limit` bytes of
    /// them.
    pub(super) fn new(ends: ConsumerEnds<P>, memory_limit: usize) -> Self {
        Self { ends, backlog: Backlog::new(memory_limit) }
    }
}

impl<P: Payload> Source for Copied<P> {
    fn gather(&mut self, blocked: bool) -> Gathered {
        let Self { ends, backlog } = self;
        ends.gather(|consumer| copy(consumer, backlog, blocked))
    }

    fn has_batch(&self) -> bool {
        self.ends.has_batch()
    }

    fn is_empty(&self) -> bool {
        self.backlog.is_empty() && self.ends.is_empty()
    }

    fn front_len(&self) -> usize {
        self.backlog.front().map_or(0, <[u8]>::len)
    }

    fn write_front(&mut self, max_len: usize, write: impl WriteFn) -> Option<io::Result<usize>> {
        let front = self.backlog.front()?;
        Some(write(&[IoSlice::new(&front[..front.len().min(max_len)])]))
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
        let frames = self.backlog.frames();
        self.backlog = Backlog::new(0);
        frames + self.ends.discard()
    }
}

/// Copies the frames of one queue, as [`Source::gather`] does for all queues.
fn copy<P: Payload>(
    consumer: &mut QueueConsumer<P>,
    backlog: &mut Backlog,
    blocked: bool,
) -> Gathered {
    let mut gathered = Gathered::All;
    consumer.drain(|payload| {
        let bytes = payload.bytes();
        if backlog.push(bytes) {
            return true;
        }
        gathered = make_room(backlog, bytes, blocked);
        gathered == Gathered::All
    });
    gathered
}

/// Starts a new chunk with `bytes`, unless the frames in the backlog already fill one write.
#[cold]
#[inline(never)]
fn make_room(backlog: &mut Backlog, bytes: &[u8], blocked: bool) -> Gathered {
    match blocked || backlog.is_empty() {
        false => Gathered::More,
        true if backlog.push_to_new_chunk(bytes) => Gathered::All,
        true => Gathered::Full,
    }
}
