// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bounded queues from producing threads to one consumer, without locks. The only module of the
//! crate with `unsafe` blocks.
//!
//! `Ring` is the choice between the two kinds; each has its own file.

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

/// Entries after which a consumer that is still busy gives room back to the producers.
const RELEASE_EVERY: usize = 64;

/// Where a consumer stands while it takes entries. What lies before it is given back to the
/// producers in the end, also if a caller's code panics: no entry is taken twice.
struct Place<'a> {
    head: &'a AtomicUsize,
    at: usize,
}

impl<'a> Place<'a> {
    fn new(head: &'a AtomicUsize) -> Self {
        Self { head, at: head.load(Ordering::Relaxed) }
    }

    fn give_back(&self) {
        self.head.store(self.at, Ordering::Release);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// How many threads put entries into one queue at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// One.
    #[default]
    Spsc,
    /// Any number.
    Mpsc,
}

enum Kind<T> {
    Spsc(Spsc<T>),
    Mpsc(Mpsc<T>),
}

/// A queue, seen from both ends.
pub(crate) struct Ring<T> {
    kind: Kind<T>,
    /// Entries that were put in before this process was forked.
    before: AtomicUsize,
    /// True once the consumer's end is taken.
    claimed: AtomicBool,
}

impl<T: Send> Ring<T> {
    /// A queue with room for at least `capacity` entries, and its one producer's end.
    pub(crate) fn new(
        model: Model,
        capacity: usize,
    ) -> Result<(Arc<Self>, Producer<T>), TryReserveError> {
        // For the largest power of two there is no memory in any case.
        let capacity = capacity.clamp(2, 1 << (usize::BITS - 1)).next_power_of_two();
        let kind = match model {
            Model::Spsc => Kind::Spsc(Spsc::new(capacity)?),
            Model::Mpsc => Kind::Mpsc(Mpsc::new(capacity)?),
        };
        let ring =
            Arc::new(Self { kind, before: AtomicUsize::new(0), claimed: AtomicBool::new(false) });
        let producer = Producer { ring: Arc::clone(&ring), not_sync: PhantomData };
        Ok((ring, producer))
    }

    /// Returns the number of entries that this process has put in, including those taken out again.
    pub(crate) fn pushed(&self) -> usize {
        let pushed = match &self.kind {
            Kind::Spsc(ring) => ring.pushed(),
            Kind::Mpsc(ring) => ring.pushed(),
        };
        pushed.wrapping_sub(self.before.load(Ordering::Relaxed))
    }

    /// Entries that wait.
    pub(crate) fn len(&self) -> usize {
        match &self.kind {
            Kind::Spsc(ring) => ring.len(),
            Kind::Mpsc(ring) => ring.len(),
        }
    }

    /// Whether `wanted` entries wait, and the oldest of them can be taken now.
    pub(crate) fn has(&self, wanted: usize) -> bool {
        self.len() >= wanted
            && match &self.kind {
                Kind::Spsc(_) => true,
                Kind::Mpsc(ring) => ring.is_ready(),
            }
    }

    /// Returns the consumer's end, once in each process.
    pub(crate) fn claim(self: &Arc<Self>) -> Option<Consumer<T>> {
        let claimed = self.claimed.swap(true, Ordering::AcqRel);
        (!claimed).then(|| Consumer(Arc::clone(self)))
    }

    /// Resets the queue in a forked child: empty, and without a consumer. The parent sends the
    /// entries that it had queued. The child does not drop them either, because the parent's
    /// consumer may have been in the middle of dropping one.
    pub(crate) fn renew(&self, _: &Child) {
        let pushed = match &self.kind {
            Kind::Spsc(ring) => ring.forget_all(),
            Kind::Mpsc(ring) => ring.forget_all(),
        };
        self.before.store(pushed, Ordering::Relaxed);
        self.claimed.store(false, Ordering::Release);
    }
}

/// The end of a queue that a producing thread holds. Threads can share it by reference, against
/// what its type says, if the queue is of [`Model::Mpsc`].
pub(crate) struct Producer<T> {
    ring: Arc<Ring<T>>,
    not_sync: PhantomData<Cell<()>>,
}

impl<T: Send> Producer<T> {
    /// Puts `entry` in, and says how many wait at most; gives it back if there is no room.
    #[inline]
    pub(crate) fn push(&self, entry: T) -> Result<usize, T> {
        match &self.ring.kind {
            // SAFETY: this is the ring's only producer, and it is not `Sync`.
            Kind::Spsc(ring) => unsafe { ring.push(entry) },
            Kind::Mpsc(ring) => ring.push(entry),
        }
    }

    /// How many entries wait.
    pub(crate) fn len(&self) -> usize {
        match &self.ring.kind {
            // SAFETY: as in `push`.
            Kind::Spsc(ring) => unsafe { ring.current_len() },
            Kind::Mpsc(ring) => ring.len(),
        }
    }
}

/// The end of a queue that the consuming thread holds.
pub(crate) struct Consumer<T>(Arc<Ring<T>>);

impl<T: Send> Consumer<T> {
    /// Shows the entries that wait to `take`, oldest first, until it returns `false`, which leaves
    /// the entry in the queue. Returns how many were taken; those are dropped.
    pub(crate) fn drain(&mut self, take: impl FnMut(&T) -> bool) -> usize {
        match &self.0.kind {
            // SAFETY: `claim` gives out one consumer in a process, and `&mut` makes this its only
            // use.
            Kind::Spsc(ring) => unsafe { ring.drain(take) },
            // SAFETY: the same.
            Kind::Mpsc(ring) => unsafe { ring.drain(take) },
        }
    }

    /// Takes the oldest entry, if there is one and `wants` returns `true` for it.
    pub(crate) fn take_if(&mut self, wants: impl FnOnce(&T) -> bool) -> Option<T> {
        match &self.0.kind {
            // SAFETY: as in `drain`.
            Kind::Spsc(ring) => unsafe { ring.take_if(wants) },
            // SAFETY: the same.
            Kind::Mpsc(ring) => unsafe { ring.take_if(wants) },
        }
    }

    pub(crate) fn ring(&self) -> &Ring<T> {
        &self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Counts its end in its place of the list; that of the third is a panic.
    struct Entry<'a>(&'a [AtomicUsize], usize);

    impl Drop for Entry<'_> {
        fn drop(&mut self) {
            self.0[self.1].fetch_add(1, Ordering::Relaxed);
            assert!(self.1 != 2 || std::thread::panicking(), "the third");
        }
    }

    fn counts(ends: &[AtomicUsize]) -> Vec<usize> {
        ends.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    #[test]
    fn an_entry_is_dropped_once_also_if_its_end_or_the_taker_panics() {
        for model in [Model::Spsc, Model::Mpsc] {
            let ends: [AtomicUsize; 5] = Default::default();
            let (ring, producer) = Ring::new(model, 8).expect("memory");
            for place in 0..5 {
                assert!(producer.push(Entry(&ends, place)).is_ok());
            }
            let mut consumer = ring.claim().expect("the first");
            let drained = catch_unwind(AssertUnwindSafe(|| consumer.drain(|_| true)));
            assert!(drained.is_err(), "the third");
            assert_eq!(counts(&ends), [1, 1, 1, 0, 0]);
            assert_eq!(ring.len(), 2);
            let taken = catch_unwind(AssertUnwindSafe(|| {
                consumer.drain(|entry| entry.1 != 4 || panic!("the last"))
            }));
            assert!(taken.is_err(), "the last");
            assert_eq!(ring.len(), 1);
            drop((ring, producer, consumer));
            assert_eq!(counts(&ends), [1; 5]);
        }
    }

    #[test]
    fn a_queue_that_no_memory_can_hold_is_an_error() {
        for model in [Model::Spsc, Model::Mpsc] {
            assert!(Ring::<u64>::new(model, usize::MAX).is_err());
        }
    }
}
