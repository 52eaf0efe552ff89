// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounded, lock-free queues from producing threads to one consumer. The only module of the crate
//! with `unsafe` blocks.
//!
//! `Queue` is either of two kinds, each in a file of its own.

#[cfg(all(test, loom))]
mod loom;
mod mpsc;
mod spsc;

use std::cell::Cell;
use std::collections::TryReserveError;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::fork::Child;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use mpsc::Mpsc;
use spsc::Spsc;

/// Number of entries after which a draining consumer releases their slots to the producers.
const RELEASE_EVERY: usize = 64;

/// The position of a consumer that is draining a queue. When it is dropped, the slots before it are
/// released to the producers, even if the caller's code panics, so that no entry is taken twice.
struct DrainPosition<'a> {
    head: &'a AtomicUsize,
    at: usize,
}

impl<'a> DrainPosition<'a> {
    fn new(head: &'a AtomicUsize) -> Self {
        Self { head, at: head.load(Ordering::Relaxed) }
    }

    fn release(&self) {
        self.head.store(self.at, Ordering::Release);
    }
}

impl Drop for DrainPosition<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// The number of threads that may push to one queue at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueueModel {
    /// One.
    #[default]
    Spsc,
    /// Any number.
    Mpsc,
}

/// A queue of either kind.
enum QueueKind<T> {
    Spsc(Spsc<T>),
    Mpsc(Mpsc<T>),
}

/// A bounded queue, shared by its two ends.
pub(crate) struct Queue<T> {
    kind: QueueKind<T>,
    /// Entries that were pushed before this process was forked.
    inherited: AtomicUsize,
    /// True once the consumer's end is taken.
    claimed: AtomicBool,
}

impl<T: Send> Queue<T> {
    /// Creates a queue with room for at least `capacity` entries, and its only producer's end.
    pub(crate) fn new(
        model: QueueModel,
        capacity: usize,
    ) -> Result<(Arc<Self>, QueueProducer<T>), TryReserveError> {
        // Allocating the largest power of two fails in any case.
        let capacity = capacity.clamp(2, 1 << (usize::BITS - 1)).next_power_of_two();
        let kind = match model {
            QueueModel::Spsc => QueueKind::Spsc(Spsc::new(capacity)?),
            QueueModel::Mpsc => QueueKind::Mpsc(Mpsc::new(capacity)?),
        };
        let (inherited, claimed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let queue = Arc::new(Self { kind, inherited, claimed });
        let producer = QueueProducer { queue: Arc::clone(&queue), not_sync: PhantomData };
        Ok((queue, producer))
    }

    /// Returns the number of entries that this process has pushed, including those taken since.
    pub(crate) fn pushed(&self) -> usize {
        let pushed = match &self.kind {
            QueueKind::Spsc(queue) => queue.pushed(),
            QueueKind::Mpsc(queue) => queue.pushed(),
        };
        pushed.wrapping_sub(self.inherited.load(Ordering::Relaxed))
    }

    /// Returns the number of pending entries.
    pub(crate) fn len(&self) -> usize {
        match &self.kind {
            QueueKind::Spsc(queue) => queue.len(),
            QueueKind::Mpsc(queue) => queue.len(),
        }
    }

    /// Returns whether at least `count` entries are pending, and the oldest can be taken now.
    pub(crate) fn has(&self, count: usize) -> bool {
        self.len() >= count
            && match &self.kind {
                QueueKind::Spsc(_) => true,
                QueueKind::Mpsc(queue) => queue.is_ready(),
            }
    }

    /// Returns the consumer's end, once in each process.
    pub(crate) fn claim(self: &Arc<Self>) -> Option<QueueConsumer<T>> {
        let claimed = self.claimed.swap(true, Ordering::AcqRel);
        (!claimed).then(|| QueueConsumer(Arc::clone(self)))
    }

    /// Resets the queue in a forked child: empty, and without a consumer. The parent sends the
    /// entries that it had queued. The child does not drop them either, because the parent's
    /// consumer may have been in the middle of dropping one.
    pub(crate) fn renew(&self, _: &Child) {
        let pushed = match &self.kind {
            QueueKind::Spsc(queue) => queue.forget_all(),
            QueueKind::Mpsc(queue) => queue.forget_all(),
        };
        self.inherited.store(pushed, Ordering::Relaxed);
        self.claimed.store(false, Ordering::Release);
    }
}

/// The producing end of a queue. Although it is not `Sync`, threads may share it by reference if
/// the model of the queue is [`QueueModel::Mpsc`].
pub(crate) struct QueueProducer<T> {
    queue: Arc<Queue<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Send> QueueProducer<T> {
    /// Pushes `entry`. Returns an upper bound of the number of pending entries, or the entry if
    /// there is no room.
    #[inline]
    pub(crate) fn push(&self, entry: T) -> Result<usize, T> {
        match &self.queue.kind {
            // SAFETY: this is the queue's only producer, and it is not `Sync`.
            QueueKind::Spsc(queue) => unsafe { queue.push(entry) },
            QueueKind::Mpsc(queue) => queue.push(entry),
        }
    }

    /// Returns the number of pending entries.
    pub(crate) fn len(&self) -> usize {
        match &self.queue.kind {
            // SAFETY: as in `push`.
            QueueKind::Spsc(queue) => unsafe { queue.current_len() },
            QueueKind::Mpsc(queue) => queue.len(),
        }
    }
}

/// The consuming end of a queue.
pub(crate) struct QueueConsumer<T>(Arc<Queue<T>>);

impl<T: Send> QueueConsumer<T> {
    /// Calls `take` with each pending entry, oldest first, until it returns `false`, which leaves
    /// that entry in the queue. Drops the entries that were taken, and returns their number.
    pub(crate) fn drain(&mut self, take: impl FnMut(&T) -> bool) -> usize {
        match &self.0.kind {
            // SAFETY: `claim` returns one consumer in a process, and `&mut` makes this its only
            // use.
            QueueKind::Spsc(queue) => unsafe { queue.drain(take) },
            // SAFETY: the same.
            QueueKind::Mpsc(queue) => unsafe { queue.drain(take) },
        }
    }

    /// Removes and returns the oldest entry, if there is one and `condition` returns `true` for it.
    pub(crate) fn take_if(&mut self, condition: impl FnOnce(&T) -> bool) -> Option<T> {
        match &self.0.kind {
            // SAFETY: as in `drain`.
            QueueKind::Spsc(queue) => unsafe { queue.take_if(condition) },
            // SAFETY: the same.
            QueueKind::Mpsc(queue) => unsafe { queue.take_if(condition) },
        }
    }

    pub(crate) fn queue(&self) -> &Queue<T> {
        &self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// An entry that counts how often it is dropped, in its place of the list. Dropping the third
    /// panics.
    struct Entry<'a>(&'a [AtomicUsize], usize);

    impl Drop for Entry<'_> {
        fn drop(&mut self) {
            self.0[self.1].fetch_add(1, Ordering::Relaxed);
            assert!(self.1 != 2 || std::thread::panicking(), "the third");
        }
    }

    fn counts(drops: &[AtomicUsize]) -> Vec<usize> {
        drops.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn an_entry_is_dropped_once_even_if_its_drop_or_the_callback_panics() {
        for model in [QueueModel::Spsc, QueueModel::Mpsc] {
            let drops: [AtomicUsize; 5] = Default::default();
            let (queue, producer) = Queue::new(model, 8).expect("memory");
            for place in 0..5 {
                assert!(producer.push(Entry(&drops, place)).is_ok());
            }
            let mut consumer = queue.claim().expect("the first");
            let drained = catch_unwind(AssertUnwindSafe(|| consumer.drain(|_| true)));
            assert!(drained.is_err(), "the third");
            assert_eq!(counts(&drops), [1, 1, 1, 0, 0]);
            assert_eq!(queue.len(), 2);
            let taken = catch_unwind(AssertUnwindSafe(|| {
                consumer.drain(|entry| entry.1 != 4 || panic!("the last"))
            }));
            assert!(taken.is_err(), "the last");
            assert_eq!(queue.len(), 1);
            drop((queue, producer, consumer));
            assert_eq!(counts(&drops), [1; 5]);
        }
    }

    #[test]
    fn a_queue_that_does_not_fit_into_memory_is_an_error() {
        for model in [QueueModel::Spsc, QueueModel::Mpsc] {
            assert!(Queue::<u64>::new(model, usize::MAX).is_err());
        }
    }
}
