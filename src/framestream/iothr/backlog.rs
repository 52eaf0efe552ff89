// SPDX-License-Identifier: MIT OR Apache-2.0
//! The frames that the writer thread has taken from the queues, but not sent yet: in wire format,
//! in chunks that are sent with one write each.

use std::collections::VecDeque;

use crate::frame::{LENGTH_SIZE, data_frames};

/// Size of a chunk in bytes. A frame is never split between chunks: a longer one gets a chunk of
/// its own.
pub(super) const CHUNK_SIZE: usize = 64 * 1024;

/// Maximum number of empty chunks that are kept for reuse.
const SPARE_CHUNKS: usize = 4;

/// A piece of memory for frames, which is filled from its beginning to its end.
#[derive(Default)]
struct Chunk {
    memory: Box<[u8]>,
    /// Bytes of `memory` that hold frames.
    len: usize,
    /// Frames in it that are not counted as sent yet.
    frames: usize,
}

impl Chunk {
    /// Allocates a chunk of `size` bytes; `None` if out of memory.
    fn new(size: usize) -> Option<Self> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(size).ok()?;
        memory.resize(size, 0);
        Some(Self { memory: memory.into_boxed_slice(), len: 0, frames: 0 })
    }

    /// Appends `payload` as a data frame, if there is room.
    #[inline(always)]
    fn push(&mut self, payload: &[u8]) -> bool {
        let Some((_, room)) = self.memory.split_at_mut_checked(self.len) else { return false };
        if room.len() < LENGTH_SIZE + payload.len() {
            return false;
        }
        let (length, room) = room.split_at_mut(LENGTH_SIZE);
        length.copy_from_slice(&(payload.len() as u32).to_be_bytes());
        room[..payload.len()].copy_from_slice(payload);
        self.len += LENGTH_SIZE + payload.len();
        self.frames += 1;
        true
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[..self.len]
    }
}

/// The unsent frames of the writer thread.
pub(super) struct Backlog {
    /// Chunks with frames, oldest first, except for the last one, which is `filling`.
    full: VecDeque<Chunk>,
    /// The chunk to which frames are appended. It may not have memory yet.
    filling: Chunk,
    spare: Vec<Chunk>,
    /// Bytes of the oldest chunk that were sent.
    sent: usize,
    /// Size of the chunks in `full`, in bytes.
    held: usize,
    limit: usize,
}

impl Backlog {
    /// Creates a backlog of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            full: VecDeque::new(),
            filling: Chunk::default(),
            spare: Vec::new(),
            sent: 0,
            held: 0,
            limit,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filling.len == 0 && self.full.is_empty()
    }

    /// Returns the number of frames that are not counted as sent yet.
    pub(super) fn frames(&self) -> usize {
        self.full.iter().map(|chunk| chunk.frames).sum::<usize>() + self.filling.frames
    }

    /// Appends `payload` as a data frame to the current chunk, if it has room.
    #[inline(always)]
    pub(super) fn push(&mut self, payload: &[u8]) -> bool {
        self.filling.push(payload)
    }

    /// Appends `payload` as the first frame of a new chunk. Returns `false` if that would exceed
    /// the limit, or if out of memory. The limit does not apply to an empty backlog.
    #[cold]
    #[inline(never)]
    pub(super) fn push_to_new_chunk(&mut self, payload: &[u8]) -> bool {
        let size = CHUNK_SIZE.max(LENGTH_SIZE + payload.len());
        if !self.is_empty() && self.held + self.filling.memory.len() + size > self.limit {
            return false;
        }
        let spare = if size == CHUNK_SIZE { self.spare.pop() } else { None };
        let Some(next) = spare.or_else(|| Chunk::new(size)) else { return false };
        let previous = std::mem::replace(&mut self.filling, next);
        if previous.len > 0 {
            self.held += previous.memory.len();
            self.full.push_back(previous);
        }
        self.filling.push(payload)
    }

    fn oldest(&self) -> &Chunk {
        self.full.front().unwrap_or(&self.filling)
    }

    fn oldest_mut(&mut self) -> &mut Chunk {
        self.full.front_mut().unwrap_or(&mut self.filling)
    }

    /// Returns the next bytes to send.
    pub(super) fn front(&self) -> Option<&[u8]> {
        (!self.is_empty()).then(|| &self.oldest().bytes()[self.sent..])
    }

    /// Marks `count` bytes of [`Backlog::front`] as sent. Returns the number of frames in the chunk
    /// once all of it is sent, otherwise 0.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        self.sent += count;
        if self.sent < self.oldest().len { 0 } else { self.drop_front() }
    }

    /// Goes back to the beginning of a frame that was sent in part, to send it again as a whole.
    /// Returns the number of frames of the chunk that were sent before it.
    pub(super) fn rewind(&mut self) -> usize {
        let sent = std::mem::take(&mut self.sent);
        let chunk = self.oldest_mut();
        let whole = data_frames(&chunk.bytes()[..sent]);
        let (start, frames) =
            whole.fold((0, 0), |(start, frames), frame| (start + frame.len(), frames + 1));
        chunk.memory.copy_within(start..chunk.len, 0);
        chunk.len -= start;
        chunk.frames -= frames;
        frames
    }

    /// Removes the oldest chunk. Returns the number of its frames.
    pub(super) fn drop_front(&mut self) -> usize {
        self.sent = 0;
        let Some(mut chunk) = self.full.pop_front() else {
            if self.filling.memory.len() > CHUNK_SIZE {
                return std::mem::take(&mut self.filling).frames;
            }
            self.filling.len = 0;
            return std::mem::take(&mut self.filling.frames);
        };
        self.held -= chunk.memory.len();
        let frames = std::mem::take(&mut chunk.frames);
        if chunk.memory.len() == CHUNK_SIZE && self.spare.len() < SPARE_CHUNKS {
            chunk.len = 0;
            self.spare.push(chunk);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(backlog: &mut Backlog, payload: &[u8]) -> bool {
        backlog.push(payload) || backlog.push_to_new_chunk(payload)
    }

    fn sent_all(backlog: &mut Backlog, max_len: usize) -> (Vec<u8>, usize) {
        let (mut bytes, mut frames) = (Vec::new(), 0);
        while let Some(front) = backlog.front() {
            let count = front.len().min(max_len);
            bytes.extend_from_slice(&front[..count]);
            frames += backlog.consume(count);
        }
        (bytes, frames)
    }

    #[test]
    fn pushed_frames_are_sent_in_writes_of_any_length() {
        for max_len in [1, 3, 4, 5, 1000, usize::MAX] {
            let mut backlog = Backlog::new(1 << 20);
            let mut expected = Vec::new();
            for length in [1, 2, 100, CHUNK_SIZE - 4, CHUNK_SIZE, 3 * CHUNK_SIZE, 7] {
                let payload = vec![length as u8; length];
                expected.extend_from_slice(&(length as u32).to_be_bytes());
                expected.extend_from_slice(&payload);
                assert!(push(&mut backlog, &payload));
            }
            assert_eq!(sent_all(&mut backlog, max_len), (expected, 7));
            assert_eq!((backlog.held, backlog.frames(), backlog.is_empty()), (0, 0, true));
        }
    }

    #[test]
    fn a_broken_stream_repeats_only_the_torn_frame() {
        for sent in 0..=36 {
            let mut backlog = Backlog::new(1 << 20);
            for byte in 0..3u8 {
                assert!(push(&mut backlog, &[byte; 8]));
            }
            let counted = backlog.consume(sent);
            let whole = counted + backlog.rewind();
            assert_eq!(whole, sent / 12);
            let (bytes, frames) = sent_all(&mut backlog, usize::MAX);
            assert_eq!((bytes.len(), frames), (36 - whole * 12, 3 - whole));
            assert_eq!(bytes.get(4).copied(), (whole < 3).then_some(whole as u8));
        }
    }

    #[test]
    fn the_limit_holds_except_for_a_single_frame() {
        let mut backlog = Backlog::new(2 * CHUNK_SIZE);
        assert!(push(&mut backlog, &vec![0; 5 * CHUNK_SIZE]), "refused by an empty backlog");
        assert!(!push(&mut backlog, &[0; 10]));
        assert_eq!(backlog.drop_front(), 1);
        let mut frames = 0;
        while push(&mut backlog, &[0; 1000]) {
            frames += 1;
        }
        assert!(frames * 1004 <= 2 * CHUNK_SIZE && frames >= 100, "{frames} frames");
    }
}
