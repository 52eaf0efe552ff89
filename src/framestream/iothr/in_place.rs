// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames that are written directly from the memory of their producers, and freed once written.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::mem::size_of;

use super::Payload;
use super::consumer_ends::ConsumerEnds;
use crate::frame::LENGTH_SIZE;
use crate::sender::{Gathered, Source, WriteFn};
use crate::writer::FRAMES_PER_WRITE;

/// Limits of a batch of frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch {
    pub(super) frames: usize,
    /// Exclusive limit, including the length prefixes. A single frame may be longer.
    pub(super) bytes: usize,
}

/// A frame with its length prefix.
struct PrefixedFrame<P> {
    length: [u8; LENGTH_SIZE],
    payload: P,
}

impl<P: Payload> PrefixedFrame<P> {
    fn new(payload: P) -> Self {
        Self { length: (payload.bytes().len() as u32).to_be_bytes(), payload }
    }

    fn len(&self) -> usize {
        LENGTH_SIZE + u32::from_be_bytes(self.length) as usize
    }
}

/// A source that keeps the frames of the queues in the memory of their producers.
pub(super) struct InPlace<P> {
    ends: ConsumerEnds<P>,
    batch: Batch,
    memory_limit: usize,
    frames: VecDeque<PrefixedFrame<P>>,
    /// Size of `frames` on the wire, in bytes.
    bytes: usize,
    /// Bytes of the first frame that have been sent.
    sent: usize,
    /// Frames of the current batch that have not been sent.
    left: usize,
}

impl<P: Payload> InPlace<P> {
    /// Creates a source that takes frames from `ends`, and holds at most `memory_limit` bytes of
    /// them.
    pub(super) fn new(ends: ConsumerEnds<P>, batch: Batch, memory_limit: usize) -> Self {
        let frames = VecDeque::new();
        Self { ends, batch, memory_limit, frames, bytes: 0, sent: 0, left: 0 }
    }

    /// Returns the number of frames in the batch that begins with the first frame.
    fn next_batch(&self) -> usize {
        let mut bytes = 0;
        let fits = |frame: &&PrefixedFrame<P>| {
            bytes += frame.len();
            bytes < self.batch.bytes
        };
        let count = self.frames.iter().take(self.batch.frames).take_while(fits).count();
        count.max(1).min(self.frames.len())
    }

    /// Returns the frames of the next write, which may have been sent in part.
    fn next_write(&self) -> impl Iterator<Item = &PrefixedFrame<P>> {
        let left = if self.left > 0 { self.left } else { self.next_batch() };
        self.frames.iter().take(left.min(FRAMES_PER_WRITE))
    }

    /// Drops the first frame.
    fn pop(&mut self) {
        if let Some(frame) = self.frames.pop_front() {
            self.bytes -= frame.len();
            self.left = self.left.saturating_sub(1);
        }
    }
}

impl<P: Payload> Source for InPlace<P> {
    fn gather(&mut self, blocked: bool) -> Gathered {
        let Self { ends, batch, memory_limit, frames, bytes, .. } = self;
        ends.gather(|consumer| {
            let mut gathered = Gathered::All;
            // Do not loop forever if producers are as fast as this thread.
            for _ in 0..consumer.queue().len() {
                let fits = |payload: &P| {
                    let count = frames.len();
                    let total = *bytes + LENGTH_SIZE + payload.bytes().len();
                    let held = total + (count + 1) * size_of::<PrefixedFrame<P>>();
                    if !blocked && count > 0 && (count >= batch.frames || total >= batch.bytes) {
                        gathered = Gathered::More;
                    } else if count > 0 && held > *memory_limit || frames.try_reserve(1).is_err() {
                        gathered = Gathered::Full;
                    }
                    gathered == Gathered::All
                };
                let Some(payload) = consumer.take_if(fits) else { break };
                let frame = PrefixedFrame::new(payload);
                *bytes += frame.len();
                frames.push_back(frame);
            }
            gathered
        })
    }

    fn has_batch(&self) -> bool {
        self.ends.has_batch()
    }

    fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.ends.is_empty()
    }

    fn front_len(&self) -> usize {
        self.next_write().map(PrefixedFrame::len).sum::<usize>() - self.sent
    }

    fn write_front(&mut self, max_len: usize, write: impl WriteFn) -> Option<io::Result<usize>> {
        if self.frames.is_empty() {
            return None;
        }
        if self.left == 0 {
            self.left = self.next_batch();
        }
        let (mut sent, mut room) = (self.sent, max_len);
        let mut slices = Vec::with_capacity(2 * self.left.min(FRAMES_PER_WRITE));
        for frame in self.next_write() {
            for piece in [&frame.length[..], frame.payload.bytes()] {
                let begin = piece.len().min(sent);
                let end = piece.len().min(begin.saturating_add(room));
                if begin < end {
                    slices.push(IoSlice::new(&piece[begin..end]));
                }
                sent -= begin;
                room -= end - begin;
            }
        }
        Some(write(&slices))
    }

    fn consume(&mut self, count: usize) -> usize {
        self.sent += count;
        let before = self.frames.len();
        while let Some(len) =
            self.frames.front().map(PrefixedFrame::len).filter(|len| *len <= self.sent)
        {
            self.sent -= len;
            self.pop();
        }
        before - self.frames.len()
    }

    fn rewind(&mut self) -> usize {
        // Frames have been counted when they were sent.
        (self.sent, self.left) = (0, 0);
        0
    }

    fn give_up(&mut self) -> usize {
        let frames = self.next_write().count();
        (0..frames).for_each(|_| self.pop());
        (self.sent, self.left) = (0, 0);
        frames
    }

    fn discard(&mut self) -> usize {
        let frames = self.frames.len();
        self.frames.clear();
        (self.bytes, self.sent, self.left) = (0, 0, 0);
        frames + self.ends.discard()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::queue::{Queue, QueueModel, QueueProducer};

    const BATCH: Batch = Batch { frames: 4, bytes: 200 };

    fn source(
        model: QueueModel,
        memory_limit: usize,
    ) -> (QueueProducer<Vec<u8>>, InPlace<Vec<u8>>) {
        let (queue, producer) = Queue::new(model, 64).expect("memory");
        (producer, InPlace::new(ConsumerEnds::new(&[queue], 64), BATCH, memory_limit))
    }

    /// Sends the gathered frames, in writes of at most `max_len` bytes, of which half are accepted.
    /// Returns the bytes, the frames, and the greatest number of slices.
    fn send(source: &mut InPlace<Vec<u8>>, max_len: usize) -> (Vec<u8>, usize, usize) {
        let (mut bytes, mut frames, mut slices_max) = (Vec::new(), 0, 0);
        loop {
            let front = source.front_len().min(max_len);
            let written = source.write_front(max_len, |slices: &[IoSlice<'_>]| {
                assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), front);
                let count = front.div_ceil(2);
                bytes.extend(slices.iter().flat_map(|slice| slice.iter()).take(count));
                slices_max = slices_max.max(slices.len());
                Ok(count)
            });
            let Some(count) = written else { return (bytes, frames, slices_max) };
            frames += source.consume(count.expect("written"));
        }
    }

    fn wire(payloads: &[Vec<u8>]) -> Vec<u8> {
        let frame =
            |payload: &Vec<u8>| [&(payload.len() as u32).to_be_bytes()[..], payload].concat();
        payloads.iter().flat_map(frame).collect()
    }

    #[test]
    fn frames_are_sent_whole_and_in_order_in_writes_of_any_length() {
        let payloads: Vec<Vec<u8>> =
            (0..20).map(|size| vec![size; 1 + 17 * size as usize]).collect();
        for model in [QueueModel::Spsc, QueueModel::Mpsc] {
            for max_len in [1, 3, 4, 5, 100, usize::MAX] {
                let (producer, mut source) = source(model, 1 << 20);
                for payload in &payloads {
                    producer.push(payload.clone()).expect("room");
                }
                let (mut bytes, mut frames, mut gathered) = (Vec::new(), 0, Gathered::More);
                while gathered == Gathered::More {
                    gathered = source.gather(false);
                    let (sent, completed, slices) = send(&mut source, max_len);
                    assert!(slices <= 2 * BATCH.frames, "{slices} slices");
                    bytes.extend(sent);
                    frames += completed;
                }
                assert_eq!((bytes, frames), (wire(&payloads), payloads.len()));
                assert!(source.is_empty() && source.bytes == 0);
            }
        }
    }

    #[test]
    fn a_broken_stream_repeats_only_the_torn_frame() {
        let payloads: Vec<Vec<u8>> = (0..3).map(|byte| vec![byte; 8]).collect();
        for sent in 0..=36 {
            let (producer, mut source) = source(QueueModel::Spsc, 1 << 20);
            for payload in &payloads {
                producer.push(payload.clone()).expect("room");
            }
            source.gather(false);
            assert!(source.write_front(sent, |_: &[IoSlice<'_>]| Ok(sent)).is_some());
            let whole = source.consume(sent) + source.rewind();
            assert_eq!(whole, sent / 12);
            assert_eq!(send(&mut source, usize::MAX).0, wire(&payloads[whole..]));
        }
    }

    #[test]
    fn a_failed_write_gives_up_its_frames() {
        let (producer, mut source) = source(QueueModel::Spsc, 1 << 20);
        for _ in 0..10 {
            producer.push(vec![1; 10]).expect("room");
        }
        source.gather(true);
        let failed =
            source.write_front(usize::MAX, |_: &[IoSlice<'_>]| Err(io::ErrorKind::Other.into()));
        assert!(failed.is_some_and(|written| written.is_err()));
        assert_eq!(source.give_up(), BATCH.frames);
        assert_eq!(source.discard(), 10 - BATCH.frames);
        assert!(source.is_empty());
    }

    #[test]
    fn the_limit_holds_except_for_a_single_frame() {
        let (producer, mut source) = source(QueueModel::Spsc, 1000);
        producer.push(vec![0; 5000]).expect("room");
        producer.push(vec![0; 100]).expect("room");
        assert_eq!(source.gather(true), Gathered::Full);
        assert_eq!(source.frames.len(), 1, "a single frame may have any length");
        send(&mut source, usize::MAX);
        while producer.push(vec![0; 100]).is_ok() {}
        assert_eq!(source.gather(true), Gathered::Full);
        let held = source.frames.len();
        assert!((2..10).contains(&held), "{held} frames");
    }
}
