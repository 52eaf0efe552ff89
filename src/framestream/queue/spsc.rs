// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queue of one producer and one consumer: a ring with an index for each side, which only that
//! side writes. Indices count all entries since the queue was created, and wrap with the integer.

use std::collections::TryReserveError;
use std::mem::MaybeUninit;

use super::{DrainPosition, RELEASE_EVERY};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Padded, UnsafeCell};

/// A queue of one producer and one consumer.
pub(super) struct Spsc<T> {
    producer: Padded<ProducerSide>,
    /// Index of the oldest entry.
    head: Padded<AtomicUsize>,
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
}

/// The state that the producer writes.
#[derive(Default)]
struct ProducerSide {
    /// Index of the next free slot.
    tail: AtomicUsize,
    /// `head` when the producer last loaded it, which it does only when the ring seems full. Used
    /// by the producer alone, so it needs no ordering.
    head_seen: AtomicUsize,
}

// SAFETY: a slot is accessed by the producer while it is free and by the consumer while it is not;
// the release of `tail` and `head` and the acquire on the other side order these accesses.
unsafe impl<T: Send> Sync for Spsc<T> {}
// SAFETY: the ring owns its entries.
unsafe impl<T: Send> Send for Spsc<T> {}

impl<T> Spsc<T> {
    /// Creates a ring of `capacity` slots, a power of two.
    pub(super) fn new(capacity: usize) -> Result<Self, TryReserveError> {
        debug_assert!(capacity.is_power_of_two());
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity)?;
        slots.resize_with(capacity, || UnsafeCell::new(MaybeUninit::uninit()));
        Ok(Self {
            producer: Padded::default(),
            head: Padded::default(),
            slots: slots.into_boxed_slice(),
        })
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> &UnsafeCell<MaybeUninit<T>> {
        let index = index & (self.slots.len() - 1);
        // SAFETY: the length is a power of two, so the mask keeps the index below it.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// Pushes `entry`. Returns an upper bound of the number of pending entries, or the entry if
    /// there is no room.
    ///
    /// # Safety
    /// Only one thread at a time.
    #[inline(always)]
    pub(super) unsafe fn push(&self, entry: T) -> Result<usize, T> {
        let producer = &self.producer.0;
        let tail = producer.tail.load(Ordering::Relaxed);
        let mut waiting = tail.wrapping_sub(producer.head_seen.load(Ordering::Relaxed));
        if waiting >= self.slots.len() {
            let head = self.head.0.load(Ordering::Acquire);
            producer.head_seen.store(head, Ordering::Relaxed);
            waiting = tail.wrapping_sub(head);
            if waiting >= self.slots.len() {
                return Err(entry);
            }
        }
        // SAFETY: the slot is free: the consumer released it with the `head` that was loaded, and
        // this thread is the only producer.
        self.slot(tail).with_mut(|slot| unsafe { (*slot).write(entry) });
        producer.tail.store(tail.wrapping_add(1), Ordering::Release);
        Ok(waiting + 1)
    }

    /// Returns the number of pending entries, after reloading the position of the consumer.
    ///
    /// # Safety
    /// Only the thread that may push.
    pub(super) unsafe fn current_len(&self) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        self.producer.0.head_seen.store(head, Ordering::Relaxed);
        self.producer.0.tail.load(Ordering::Relaxed).wrapping_sub(head)
    }

    /// Calls `take` with each pending entry, oldest first, until it returns `false`. Drops the
    /// entries that were taken, and returns their number.
    ///
    /// # Safety
    /// Only one thread at a time.
    #[inline]
    pub(super) unsafe fn drain(&self, mut take: impl FnMut(&T) -> bool) -> usize {
        let tail = self.producer.0.tail.load(Ordering::Acquire);
        let mut position = DrainPosition::new(&self.head.0);
        let first = position.at;
        'queue: while position.at != tail {
            let count = RELEASE_EVERY.min(tail.wrapping_sub(position.at));
            let release_at = position.at.wrapping_add(count);
            while position.at != release_at {
                let slot = self.slot(position.at);
                // SAFETY: the entry is initialised: the producer released it with the `tail` that
                // was loaded, this thread is the only consumer, and it has not passed the entry.
                if !slot.with(|slot| take(unsafe { (*slot).assume_init_ref() })) {
                    break 'queue;
                }
                position.at = position.at.wrapping_add(1);
                // SAFETY: the same; the position has advanced, so that the entry is dropped once.
                slot.with_mut(|slot| unsafe { (*slot).assume_init_drop() });
            }
            position.release();
        }
        position.at.wrapping_sub(first)
    }

    /// Removes and returns the oldest entry, if there is one and `condition` returns `true` for it.
    ///
    /// # Safety
    /// Only one thread at a time.
    pub(super) unsafe fn take_if(&self, condition: impl FnOnce(&T) -> bool) -> Option<T> {
        let head = self.head.0.load(Ordering::Relaxed);
        if head == self.producer.0.tail.load(Ordering::Acquire) {
            return None;
        }
        let slot = self.slot(head);
        // SAFETY: the slots from `head` to `tail` hold entries, and this thread is the only
        // consumer.
        if !slot.with(|slot| condition(unsafe { (*slot).assume_init_ref() })) {
            return None;
        }
        // SAFETY: the same; the entry is moved out once, as `head` advances.
        let entry = slot.with_mut(|slot| unsafe { (*slot).assume_init_read() });
        self.head.0.store(head.wrapping_add(1), Ordering::Release);
        Some(entry)
    }

    pub(super) fn pushed(&self) -> usize {
        self.producer.0.tail.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        self.pushed().wrapping_sub(head)
    }

    /// Empties the ring without dropping the entries. Returns the number of entries that were ever
    /// pushed.
    pub(super) fn forget_all(&self) -> usize {
        let tail = self.pushed();
        self.head.0.store(tail, Ordering::Release);
        tail
    }
}

impl<T> Drop for Spsc<T> {
    fn drop(&mut self) {
        // SAFETY: with `&mut`, no other thread uses it.
        unsafe { self.drain(|_| true) };
    }
}
