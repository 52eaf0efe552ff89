// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ring between one logging thread and the writer thread: frames in wire format. The only
//! module of the crate with `unsafe` blocks.
//!
//! A frame is encoded where it will be sent from: its length, then its payload, in one piece. If
//! the memory ends too early for that, a mark tells the consumer to continue at the beginning.
//! Positions count all bytes since the ring was created, and wrap with the integer.
//!
//! ```text
//!          head                     tail
//!   free    | frame | frame | frame  |    free    | end of memory
//! ```

mod memory;

#[cfg(all(test, loom))]
mod loom;

use std::sync::Arc;

use framestream::fork::Child;
use framestream::frame::LENGTH_SIZE;
use framestream::sync::Padded;
use framestream::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use memory::Memory;

/// The mark in place of a length: the next frame is at the beginning of the memory. No frame has
/// this length.
const SKIP: [u8; LENGTH_SIZE] = [0xff; LENGTH_SIZE];

/// Size from which on a span is not extended, in bytes. The room of a span is released once it is
/// sent.
const SPAN_SIZE: usize = 128 * 1024;

/// Minimum number of bytes that a ring counts for while it holds memory.
const HELD_MIN: usize = 64 * 1024;

/// Minimum size of a ring in bytes.
pub(crate) const CAPACITY_MIN: usize = if cfg!(loom) { 16 } else { 4096 };

/// The reason why there is no room for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReserveError {
    /// There is no room now.
    Full,
    /// There may never be room, as the frame is longer than half of the ring.
    TooLong,
}

/// A ring, shared by its two ends.
pub(crate) struct Ring {
    /// Position of the next frame.
    tail: Padded<AtomicUsize>,
    /// Position of the oldest frame.
    head: Padded<AtomicUsize>,
    memory: Memory,
    /// True once the consumer's end is taken.
    claimed: AtomicBool,
}

impl Ring {
    /// Allocates a ring of at least `capacity` bytes, and returns its producing end; `None` if out
    /// of memory.
    pub(crate) fn allocate(capacity: usize) -> Option<Producer> {
        let capacity = capacity.max(CAPACITY_MIN).checked_next_power_of_two()?;
        let ring = Arc::new(Self {
            tail: Padded::default(),
            head: Padded::default(),
            memory: Memory::new(capacity)?,
            claimed: AtomicBool::new(false),
        });
        Some(Producer { ring, tail: 0, room_end: capacity, wake_at: 0 })
    }

    /// Returns the number of pending bytes.
    pub(crate) fn waiting(&self) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        self.tail.0.load(Ordering::Acquire).wrapping_sub(head)
    }

    /// Returns the position of the next frame.
    pub(crate) fn end(&self) -> usize {
        self.tail.0.load(Ordering::Acquire)
    }

    /// Returns whether all frames before `position` are sent or dropped.
    pub(crate) fn is_past(&self, position: usize) -> bool {
        self.head.0.load(Ordering::Acquire).wrapping_sub(position) as isize >= 0
    }

    /// Returns the number of bytes that it counts for: its memory, but at least several pages,
    /// since the number of mappings of a process is limited.
    pub(crate) fn held(&self) -> usize {
        match self.memory.mapped() {
            0 => 0,
            mapped => mapped.max(HELD_MIN),
        }
    }

    /// Returns whether this process has taken the consumer's end.
    pub(crate) fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// Returns the consuming end, once in each process.
    pub(crate) fn claim(self: &Arc<Self>) -> Option<Consumer> {
        if self.claimed.swap(true, Ordering::AcqRel) {
            return None;
        }
        let head = self.head.0.load(Ordering::Relaxed);
        let ring = Arc::clone(self);
        Some(Consumer { ring, seen: head, span: Span::empty_at(head), sent: 0 })
    }

    /// Resets the ring in a forked child: empty, and without a consumer. The parent sends the
    /// pending frames. The producer must call [`Producer::renew`] before its next frame.
    pub(crate) fn renew(&self, _: &Child) {
        self.reset();
    }

    fn reset(&self) {
        self.head.0.store(self.tail.0.load(Ordering::Relaxed), Ordering::Relaxed);
        self.claimed.store(false, Ordering::Release);
    }
}

/// The producing end of a ring. It has copies of positions, so that it rarely loads those that it
/// shares with the consumer.
pub(crate) struct Producer {
    ring: Arc<Ring>,
    /// Position of the next frame: that of the ring, or after a mark.
    tail: usize,
    /// End of the contiguous free space that begins at `tail`.
    room_end: usize,
    /// Position from which on [`Room::commit`] requests a wake-up.
    wake_at: usize,
}

impl Producer {
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Reloads the position of the next frame and the free space. Called in a forked child before
    /// its first frame, as a frame may have been written in part at the fork.
    pub(crate) fn renew(&mut self) {
        self.tail = self.ring.tail.0.load(Ordering::Relaxed);
        self.room_end = self.tail;
        self.wake_at = self.tail;
    }

    /// Reserves room for a frame of at most `max_len` bytes.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, max_len: usize) -> Result<Room<'_>, ReserveError> {
        let size = max_len + LENGTH_SIZE;
        if size > self.room_end.wrapping_sub(self.tail) {
            self.make_room(size)?;
        }
        let Self { ring, tail, wake_at, .. } = self;
        // SAFETY: the memory from `tail` to `room_end` is free and contiguous: the consumer
        // released it with the `head` that was loaded, and this is the only producer.
        let frame = unsafe { ring.memory.get_mut(*tail, size) };
        // SAFETY: its size is `LENGTH_SIZE + max_len`.
        let (length, payload) = unsafe { frame.split_at_mut_unchecked(LENGTH_SIZE) };
        Ok(Room { length, payload, tail, shared_tail: &ring.tail.0, wake_at })
    }

    /// Reloads the position of the consumer, and continues at the beginning of the memory if its
    /// end is too close.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, size: usize) -> Result<(), ReserveError> {
        let capacity = self.ring.memory.len();
        let waiting = self.tail.wrapping_sub(self.ring.head.0.load(Ordering::Acquire));
        let to_end = capacity - (self.tail & (capacity - 1));
        let skip = if size <= to_end { 0 } else { to_end };
        if waiting + skip + size > capacity {
            // Depending on the position, a longer frame may not even fit into an empty ring.
            let is_too_long = size > capacity / 2;
            return Err(if is_too_long { ReserveError::TooLong } else { ReserveError::Full });
        }
        if skip >= LENGTH_SIZE {
            // SAFETY: the skipped memory is free, like the memory after it.
            let mark = unsafe { self.ring.memory.get_mut(self.tail, LENGTH_SIZE) };
            mark.copy_from_slice(&SKIP);
        }
        self.tail = self.tail.wrapping_add(skip);
        let free = capacity - waiting - skip;
        let in_one_piece = if skip > 0 { free } else { free.min(to_end) };
        self.room_end = self.tail.wrapping_add(in_one_piece);
        Ok(())
    }

    /// Makes [`Room::commit`] request a wake-up after `bytes` more.
    pub(crate) fn wake_after(&mut self, bytes: usize) {
        self.wake_at = self.tail.wrapping_add(bytes);
    }
}

impl Drop for Producer {
    /// Releases the memory, except for that of pending frames.
    fn drop(&mut self) {
        let tail = self.ring.tail.0.load(Ordering::Relaxed);
        let is_empty = self.ring.head.0.load(Ordering::Acquire) == tail;
        let used = if is_empty { 0 } else { tail.min(self.ring.memory.len()) };
        // SAFETY: this was the only producer. The consumer accesses only the bytes from `head` to
        // `tail`: none if they are equal, and none after `tail` in the first round.
        unsafe { self.ring.memory.keep(used) };
    }
}

/// Reserved room for a frame. Dropping it without [`Room::commit`] discards the frame.
pub(crate) struct Room<'a> {
    length: &'a mut [u8],
    /// The memory for the payload.
    pub(crate) payload: &'a mut [u8],
    tail: &'a mut usize,
    shared_tail: &'a AtomicUsize,
    wake_at: &'a usize,
}

impl Room<'_> {
    /// Adds a frame with the first `length` bytes of the payload. Returns whether it is time for a
    /// wake-up, as set by [`Producer::wake_after`].
    #[inline(always)]
    pub(crate) fn commit(self, length: usize) -> bool {
        let length = length.min(self.payload.len());
        self.length.copy_from_slice(&(length as u32).to_be_bytes());
        *self.tail = self.tail.wrapping_add(LENGTH_SIZE + length);
        self.shared_tail.store(*self.tail, Ordering::Release);
        self.tail.wrapping_sub(*self.wake_at) as isize >= 0
    }
}

/// Contiguous frames.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    frames: usize,
}

impl Span {
    fn empty_at(position: usize) -> Self {
        Self { start: position, end: position, frames: 0 }
    }
}

/// The consuming end of a ring.
pub(crate) struct Consumer {
    ring: Arc<Ring>,
    /// `tail` at the last [`Consumer::refresh`].
    seen: usize,
    /// The frames that are being sent.
    span: Span,
    /// Bytes of the span that were sent.
    sent: usize,
}

impl Consumer {
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Makes the frames available that the producer has added since the last call.
    pub(crate) fn refresh(&mut self) {
        self.seen = self.ring.tail.0.load(Ordering::Acquire);
        if self.span.frames == 0 {
            self.next_span();
        }
    }

    /// Returns the next bytes to send; `None` if all available frames are sent.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        if self.span.frames == 0 {
            return None;
        }
        let start = self.span.start.wrapping_add(self.sent);
        let length = self.span.end.wrapping_sub(start);
        // SAFETY: the span is contiguous and between `head` and the `tail` that was loaded: the
        // producer does not write to it until this consumer, the only one, advances `head`.
        Some(unsafe { self.ring.memory.get(start, length) })
    }

    /// Marks `count` bytes of [`Consumer::front`] as sent. Returns the number of frames in the span
    /// once all of it is sent, otherwise 0.
    pub(crate) fn consume(&mut self, count: usize) -> usize {
        self.sent += count;
        if self.sent < self.span.end.wrapping_sub(self.span.start) {
            return 0;
        }
        self.give_up()
    }

    /// Removes the span that is being sent. Returns the number of its frames.
    pub(crate) fn give_up(&mut self) -> usize {
        let frames = self.span.frames;
        self.ring.head.0.store(self.span.end, Ordering::Release);
        self.span = Span::empty_at(self.span.end);
        self.sent = 0;
        self.next_span();
        frames
    }

    /// Goes back to the beginning of a frame that was sent in part. Returns the number of frames of
    /// the span that were sent before it.
    pub(crate) fn rewind(&mut self) -> usize {
        let sent_to = self.span.start.wrapping_add(std::mem::take(&mut self.sent));
        let mut at = self.span.start;
        let mut frames = 0;
        while frames < self.span.frames {
            let next = at.wrapping_add(LENGTH_SIZE + self.length(at));
            if next.wrapping_sub(self.span.start) > sent_to.wrapping_sub(self.span.start) {
                break;
            }
            at = next;
            frames += 1;
        }
        self.ring.head.0.store(at, Ordering::Release);
        self.span = Span { start: at, frames: self.span.frames - frames, ..self.span };
        if self.span.frames == 0 {
            self.next_span();
        }
        frames
    }

    /// Drops all pending frames. Returns their number.
    pub(crate) fn discard(&mut self) -> usize {
        let mut frames = 0;
        self.refresh();
        while self.span.frames > 0 {
            frames += self.give_up();
        }
        frames
    }

    /// Returns the length at `at`, where at least [`LENGTH_SIZE`] bytes are available.
    fn length(&self, at: usize) -> usize {
        // SAFETY: as in `front`.
        let bytes = unsafe { self.ring.memory.get(at, LENGTH_SIZE) };
        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    }

    /// Gathers the frames after the span, up to the end of the memory.
    fn next_span(&mut self) {
        let capacity = self.ring.memory.len();
        let mut span = Span::empty_at(self.span.end);
        while span.end != self.seen && span.end.wrapping_sub(span.start) < SPAN_SIZE {
            let to_end = capacity - (span.end & (capacity - 1));
            let length = if to_end < LENGTH_SIZE { None } else { Some(self.length(span.end)) };
            match length.filter(|length| *length != u32::MAX as usize) {
                Some(length) => {
                    span.end = span.end.wrapping_add(LENGTH_SIZE + length);
                    span.frames += 1;
                }
                None if span.frames > 0 => break,
                None => {
                    span = Span::empty_at(span.end.wrapping_add(to_end));
                    self.ring.head.0.store(span.start, Ordering::Release);
                }
            }
        }
        self.span = span;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn ring(capacity: usize) -> (Producer, Consumer) {
        let producer = Ring::allocate(capacity).expect("memory");
        let consumer = producer.ring().claim().expect("the only consumer");
        assert!(producer.ring().claim().is_none());
        (producer, consumer)
    }

    fn push(producer: &mut Producer, payload: &[u8], max_len: usize) -> Result<bool, ReserveError> {
        let room = producer.reserve(max_len)?;
        room.payload[..payload.len()].copy_from_slice(payload);
        Ok(room.commit(payload.len()))
    }

    /// Sends all pending frames in writes of `max_len` bytes. Returns the bytes, and the number of
    /// frames.
    fn drain(consumer: &mut Consumer, max_len: usize) -> (Vec<u8>, usize) {
        let (mut bytes, mut frames) = (Vec::new(), 0);
        consumer.refresh();
        while let Some(front) = consumer.front() {
            let count = front.len().min(max_len);
            bytes.extend_from_slice(&front[..count]);
            frames += consumer.consume(count);
        }
        (bytes, frames)
    }

    #[test]
    fn frames_are_intact_wherever_the_memory_ends() {
        for (length, max_len, write) in
            [(1, 1, 7), (5, 40, 1), (100, 117, 64), (1000, 1500, 1 << 20)]
        {
            let (mut producer, mut consumer) = ring(4096);
            let mut expected = Vec::new();
            let mut sent = (Vec::new(), 0);
            for number in 0..5000u32 {
                let payload = vec![number as u8; length];
                while push(&mut producer, &payload, max_len) == Err(ReserveError::Full) {
                    let (bytes, frames) = drain(&mut consumer, write);
                    sent.0.extend(bytes);
                    sent.1 += frames;
                }
                expected.extend_from_slice(&(length as u32).to_be_bytes());
                expected.extend_from_slice(&payload);
            }
            let (bytes, frames) = drain(&mut consumer, write);
            sent.0.extend(bytes);
            assert!(sent.0 == expected, "frames of {length} bytes");
            assert_eq!((sent.1 + frames, consumer.ring().waiting()), (5000, 0));
        }
    }

    #[test]
    fn a_broken_stream_repeats_only_the_torn_frame() {
        for sent in 0..=36 {
            let (mut producer, mut consumer) = ring(4096);
            for byte in 0..3 {
                push(&mut producer, &[byte; 8], 8).expect("room");
            }
            consumer.refresh();
            let counted = consumer.consume(sent);
            let whole = counted + consumer.rewind();
            assert_eq!(whole, sent / 12);
            let (bytes, frames) = drain(&mut consumer, usize::MAX);
            assert_eq!((bytes.len(), frames), (36 - whole * 12, 3 - whole));
            assert_eq!(bytes.get(4).copied(), (whole < 3).then_some(whole as u8));
        }
    }

    #[test]
    fn a_frame_of_half_the_ring_fits_into_an_empty_ring_and_a_longer_one_is_refused() {
        let (mut producer, mut consumer) = ring(4096);
        for _ in 0..100 {
            push(&mut producer, &[1; 10], 10).expect("room");
            drain(&mut consumer, usize::MAX);
            push(&mut producer, &[2; 2044], 2044).expect("half of the ring");
            assert_eq!(drain(&mut consumer, usize::MAX).1, 1);
        }
        push(&mut producer, &[1; 10], 10).expect("room");
        assert_eq!(push(&mut producer, &[3; 2040], 2040), Ok(true));
        assert_eq!(push(&mut producer, &[3; 2044], 2044), Err(ReserveError::Full));
        assert_eq!(push(&mut producer, &[3; 4000], 4000), Err(ReserveError::TooLong));
        drain(&mut consumer, usize::MAX);
        assert_eq!(push(&mut producer, &[3; 4093], 4093), Err(ReserveError::TooLong));
    }

    #[test]
    fn a_frame_that_is_not_committed_leaves_no_trace() {
        let (mut producer, mut consumer) = ring(4096);
        producer.reserve(100).expect("room").payload.fill(1);
        push(&mut producer, b"next", 4).expect("room");
        assert_eq!(drain(&mut consumer, usize::MAX), (b"\0\0\0\x04next".to_vec(), 1));
    }

    #[test]
    fn a_ring_without_a_producer_holds_only_its_frames() {
        let capacity = 1 << 20;
        let (producer, _consumer) = ring(capacity);
        assert_eq!(producer.ring().held(), capacity);
        let ring_of = |producer: &Producer| Arc::clone(producer.ring());
        let empty = ring_of(&producer);
        drop(producer);
        assert_eq!(empty.held(), 0);

        let (mut producer, mut consumer) = ring(capacity);
        push(&mut producer, b"a frame", 7).expect("room");
        let begun = ring_of(&producer);
        drop(producer);
        assert_eq!(begun.held(), HELD_MIN);
        assert!((1..=1 << 16).contains(&begun.memory.mapped()), "a page");
        assert_eq!(drain(&mut consumer, usize::MAX), (b"\0\0\0\x07a frame".to_vec(), 1));

        // In the second round, the frame may be anywhere.
        let (mut producer, mut consumer) = ring(4096);
        for _ in 0..10 {
            push(&mut producer, &[1; 1000], 1000).expect("room");
            drain(&mut consumer, usize::MAX);
        }
        push(&mut producer, b"a frame", 7).expect("room");
        drop(producer);
        assert_eq!(drain(&mut consumer, usize::MAX).1, 1);
    }

    #[test]
    fn a_child_starts_with_an_empty_ring() {
        for (is_claimed, is_torn) in [(false, false), (true, false), (true, true)] {
            let (mut producer, consumer) = ring(4096);
            let parents = is_claimed.then_some(consumer);
            // The rest of the memory is too short for the next frame, which leaves a mark there.
            push(&mut producer, &[1; 3000], 3000).expect("room");
            if is_torn {
                // At the fork, the thread was about to add another frame.
                producer.tail = producer.tail.wrapping_add(LENGTH_SIZE + 100);
            }
            producer.ring().reset();
            producer.renew();
            // The child may log before it has a consumer, and can use the whole ring.
            push(&mut producer, &[2; 2000], 2000).expect("room");
            let mut consumer = producer.ring().claim().expect("the consumer of the child");
            assert!(producer.ring().claim().is_none(), "a second consumer");
            push(&mut producer, b"child's", 7).expect("room");
            let (bytes, frames) = drain(&mut consumer, usize::MAX);
            assert_eq!((bytes.len(), frames), (2004 + 11, 2));
            assert!(bytes.ends_with(b"\0\0\0\x07child's"));
            drop(parents);
        }
    }
}
