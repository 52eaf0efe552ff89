// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the writer thread has taken out of the queues and not yet sent: frames as they go on the
//! wire, in chunks that one write sends.

use std::collections::VecDeque;

use crate::frame::LENGTH_SIZE;

/// Bytes in a chunk. A frame is never spread over two: a longer one has a chunk of its own.
pub(super) const CHUNK_SIZE: usize = 64 * 1024;

/// Empty chunks that are kept for reuse.
const SPARE_CHUNKS: usize = 4;

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Frames in it that have not been counted as sent.
    frames: usize,
}

pub(super) struct Backlog {
    chunks: VecDeque<Chunk>,
    spare: Vec<Chunk>,
    /// Bytes of the first chunk that are sent.
    sent: usize,
    /// Bytes of all chunks' memory in use.
    held: usize,
    limit: usize,
}

impl Backlog {
    /// A backlog of at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { chunks: VecDeque::new(), spare: Vec::new(), sent: 0, held: 0, limit }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether a whole chunk waits, so that more would not make the next write longer.
    pub(super) fn is_worth_writing(&self) -> bool {
        self.held >= CHUNK_SIZE
    }

    /// Frames that wait.
    pub(super) fn frames(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.frames).sum()
    }

    /// Appends `payload` as a data frame; `false` if that would go over the limit. A backlog that
    /// is empty takes any frame that memory can be had for.
    #[inline]
    pub(super) fn push(&mut self, payload: &[u8]) -> bool {
        let size = LENGTH_SIZE + payload.len();
        let fits = self.chunks.back().is_some_and(|chunk| {
            size <= chunk.bytes.capacity() - chunk.bytes.len()
        });
        if !fits && !self.add_chunk(size) {
            return false;
        }
        let Some(chunk) = self.chunks.back_mut() else { return false };
        chunk.bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        chunk.bytes.extend_from_slice(payload);
        chunk.frames += 1;
        self.held += size;
        true
    }

    /// Opens a new last chunk for a frame of `size` bytes.
    #[cold]
    fn add_chunk(&mut self, size: usize) -> bool {
        if self.held + size.max(CHUNK_SIZE) > self.limit && !self.is_empty() {
            return false;
        }
        let mut chunk = self.spare.pop().unwrap_or_default();
        if chunk.bytes.try_reserve_exact(size.max(CHUNK_SIZE)).is_err() {
            return false;
        }
        self.chunks.push_back(chunk);
        true
    }

    /// The next bytes to send.
    pub(super) fn front(&self) -> Option<&[u8]> {
        self.chunks.front().map(|chunk| &chunk.bytes[self.sent..])
    }

    /// `count` bytes of [`Backlog::front`] are sent. Returns the frames this completes, as far as
    /// they are counted: when their chunk is through.
    pub(super) fn consume(&mut self, count: usize) -> usize {
        self.sent += count;
        let done = self.chunks.pop_front_if(|chunk| chunk.bytes.len() == self.sent);
        done.map_or(0, |chunk| self.retire(chunk))
    }

    /// The stream broke: a frame that was sent in part is to be sent again as a whole. Returns the
    /// frames of the chunk that went before it.
    pub(super) fn rewind(&mut self) -> usize {
        let Some(chunk) = self.chunks.front_mut() else { return 0 };
        let mut start = 0;
        let mut frames = 0;
        while let Some(length) = chunk.bytes[start..].first_chunk::<LENGTH_SIZE>() {
            let end = start + LENGTH_SIZE + u32::from_be_bytes(*length) as usize;
            if end > self.sent {
                break;
            }
            start = end;
            frames += 1;
        }
        self.sent = 0;
        self.held -= start;
        chunk.bytes.drain(..start);
        chunk.frames -= frames;
        frames
    }

    /// Gives up the first chunk. Returns the frames lost with it.
    pub(super) fn drop_front(&mut self) -> usize {
        self.chunks.pop_front().map_or(0, |chunk| self.retire(chunk))
    }

    fn retire(&mut self, mut chunk: Chunk) -> usize {
        let frames = std::mem::take(&mut chunk.frames);
        self.held -= chunk.bytes.len();
        self.sent = 0;
        if chunk.bytes.capacity() <= 2 * CHUNK_SIZE && self.spare.len() < SPARE_CHUNKS {
            chunk.bytes.clear();
            self.spare.push(chunk);
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_all(backlog: &mut Backlog, most: usize) -> (Vec<u8>, usize) {
        let (mut bytes, mut frames) = (Vec::new(), 0);
        while let Some(front) = backlog.front() {
            let count = front.len().min(most);
            bytes.extend_from_slice(&front[..count]);
            frames += backlog.consume(count);
        }
        (bytes, frames)
    }

    #[test]
    fn sends_what_was_pushed_in_writes_of_any_length() {
        for most in [1, 3, 4, 5, 1000, usize::MAX] {
            let mut backlog = Backlog::new(1 << 20);
            let mut expected = Vec::new();
            for length in [1, 2, 100, CHUNK_SIZE - 4, CHUNK_SIZE, 3 * CHUNK_SIZE, 7] {
                let payload = vec![length as u8; length];
                expected.extend_from_slice(&(length as u32).to_be_bytes());
                expected.extend_from_slice(&payload);
                assert!(backlog.push(&payload));
            }
            assert_eq!(sent_all(&mut backlog, most), (expected, 7));
            assert_eq!((backlog.held, backlog.frames()), (0, 0));
        }
    }

    #[test]
    fn a_broken_stream_repeats_only_the_torn_frame() {
        for sent in 0..=36 {
            let mut backlog = Backlog::new(1 << 20);
            for byte in 0..3u8 {
                assert!(backlog.push(&[byte; 8]));
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
    fn the_limit_holds_but_for_one_frame() {
        let mut backlog = Backlog::new(2 * CHUNK_SIZE);
        assert!(backlog.push(&vec![0; 5 * CHUNK_SIZE]), "an empty backlog takes any frame");
        assert!(!backlog.push(&[0; 10]));
        assert_eq!(backlog.drop_front(), 1);
        let mut taken = 0;
        while backlog.push(&[0; 1000]) {
            taken += 1;
        }
        assert!(taken * 1004 <= 2 * CHUNK_SIZE && taken >= 100, "{taken} frames");
    }
}
