// SPDX-License-Identifier: MIT OR Apache-2.0
//! Frames that are submitted while the writer thread ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use framestream::fork::Child;
use framestream::sender::{Feed, Gathered, Sender, SenderOptions, Source, WriteFn};
use framestream::transport::FileSender;
use framestream::writer::{StreamWriter, WriterOptions};

/// A feed that counts frames, but never has any to send.
struct Counted(Arc<AtomicU64>);

/// A source without frames.
struct Nothing;

impl Feed for Counted {
    type Source = Nothing;

    fn accepted(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn renew(&self, _: &Child) {}

    fn source(&self) -> Nothing {
        Nothing
    }
}

impl Source for Nothing {
    fn gather(&mut self, _: bool) -> Gathered {
        Gathered::All
    }

    fn has_batch(&self) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn front_len(&self) -> usize {
        0
    }

    fn write_front(&mut self, _: usize, _: impl WriteFn) -> Option<io::Result<usize>> {
        None
    }

    fn consume(&mut self, _: usize) -> usize {
        0
    }

    fn rewind(&mut self) -> usize {
        0
    }

    fn give_up(&mut self) -> usize {
        0
    }

    fn discard(&mut self) -> usize {
        0
    }
}

#[test]
fn a_frame_that_is_submitted_too_late_counts_as_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let transport = Box::new(FileSender::new(&folder.path().join("frames")));
    let writer = StreamWriter::new(transport, WriterOptions::default());
    let accepted = Arc::new(AtomicU64::new(0));
    let feed = Counted(Arc::clone(&accepted));
    let sender = Sender::start(SenderOptions::default(), writer, feed).expect("a thread");
    accepted.fetch_add(1, Ordering::Release);
    let stats = sender.stats();
    assert_eq!((stats.accepted, stats.waiting, stats.lost_closing), (1, 1, 0));
    // As if the producer had queued the frame after the thread checked the queue for the last time.
    assert!(sender.close());
    accepted.fetch_add(1, Ordering::Release);
    let stats = sender.stats();
    assert_eq!((stats.accepted, stats.waiting, stats.lost_closing), (2, 0, 2));
}
