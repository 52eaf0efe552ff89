// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queue of many producers and one consumer: a ring in which each slot stores the index that it
//! is ready for (D. Vyukov's bounded queue, with the consumer's half simplified to one thread).
//! Indices count all entries since the queue was created, and wrap with the integer.

use std::collections::TryReserveError;
use std::mem::MaybeUninit;

use super::{DrainPosition, RELEASE_EVERY};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Padded, UnsafeCell};

/// A queue of many producers and one consumer.
pub(super) struct Mpsc<T> {
    /// Index of the next free slot.
    tail: Padded<AtomicUsize>,
    /// Index of the oldest entry.
    head: Padded<AtomicUsize>,
    slots: Box<[Slot<T>]>,
}

/// A slot of the ring.
struct Slot<T> {
    /// The index whose producer may fill the slot; one more once it is filled.
    turn: AtomicUsize,
    entry: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: a slot is accessed only by the one producer that took its index, then by the consumer;
// the release of `turn` and its acquire on the other side order these accesses.
unsafe impl<T: Send> Sync for Mpsc<T> {}
// SAFETY: the ring owns its entries.
unsafe impl<T: Send> Send for Mpsc<T> {}

impl<T> Mpsc<T> {
    /// Creates a ring of `capacity` slots, a power of two.
    pub(super) fn new(capacity: usize) -> Result<Self, TryReserveError> {
        debug_assert!(capacity.is_power_of_two());
        let mut slots = Vec::new();
        slots.try_reserve_exact(capacity)?;
        slots.extend((0..capacity).map(|index| Slot {
            turn: AtomicUsize::new(index),
            entry: UnsafeCell::new(MaybeUninit::uninit()),
        }));
        Ok(Self {
            tail: Padded::default(),
            head: Padded::default(),
            slots: slots.into_boxed_slice(),
        })
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> &Slot<T> {
        let index = index & (self.slots.len() - 1);
        // SAFETY: the length is a power of two, so the mask keeps the index below it.
        unsafe { self.slots.get_unchecked(index) }
    }

    /// Pushes `entry`. Returns an upper bound of the number of pending entries, or the entry if
    /// there is no room.
    #[inline(always)]
    pub(super) fn push(&self, entry: T) -> Result<usize, T> {
        let mut tail = self.tail.0.load(Ordering::Relaxed);
        loop {
            let slot = self.slot(tail);
            let turn = slot.turn.load(Ordering::Acquire);
            if turn == tail {
                let next = tail.wrapping_add(1);
                let order = Ordering::Relaxed;
                match self.tail.0.compare_exchange_weak(tail, next, order, order) {
                    Ok(_) => {
                        // SAFETY: the exchange reserved this index, and with it the slot whose turn
                        // it is, for this thread alone.
                        slot.entry.with_mut(|cell| unsafe { (*cell).write(entry) });
                        slot.turn.store(next, Ordering::Release);
                        return Ok(next.wrapping_sub(self.head.0.load(Ordering::Relaxed)));
                    }
                    Err(now) => tail = now,
                }
            } else if (turn.wrapping_sub(tail) as isize) < 0 {
                // The slot still holds the entry of the last round.
                return Err(entry);
            } else {
                tail = self.tail.0.load(Ordering::Relaxed);
            }
        }
    }

    /// Calls `take` with each pending entry, oldest first, until it returns `false`. Drops the
    /// entries that were taken, and returns their number.
    ///
    /// # Safety
    /// Only one thread at a time.
    #[inline]
    pub(super) unsafe fn drain(&self, mut take: impl FnMut(&T) -> bool) -> usize {
        let mut position = DrainPosition::new(&self.head.0);
        let first = position.at;
        // At most one round: fast producers must not keep the consumer here endlessly.
        while position.at.wrapping_sub(first) < self.slots.len() {
            let slot = self.slot(position.at);
            let filled = position.at.wrapping_add(1);
            if slot.turn.load(Ordering::Acquire) != filled {
                break;
            }
            // SAFETY: the turn shows that the producer has filled the slot, and this thread is the
            // only consumer.
            if !slot.entry.with(|cell| take(unsafe { (*cell).assume_init_ref() })) {
                break;
            }
            // SAFETY: the same; the entry is moved out once, as the turn advances.
            let entry = slot.entry.with_mut(|cell| unsafe { (*cell).assume_init_read() });
            slot.turn.store(position.at.wrapping_add(self.slots.len()), Ordering::Release);
            position.at = filled;
            drop(entry);
            if filled.wrapping_sub(first) % RELEASE_EVERY == 0 {
                position.release();
            }
        }
        position.at.wrapping_sub(first)
    }

    /// Removes and returns the oldest entry, if there is one and `condition` returns `true` for it.
    ///
    /// # Safety
    /// Only one thread at a time.
    pub(super) unsafe fn take_if(&self, condition: impl FnOnce(&T) -> bool) -> Option<T> {
        let head = self.head.0.load(Ordering::Relaxed);
        let slot = self.slot(head);
        let filled = head.wrapping_add(1);
        if slot.turn.load(Ordering::Acquire) != filled {
            return None;
        }
        // SAFETY: as in `drain`.
        if !slot.entry.with(|cell| condition(unsafe { (*cell).assume_init_ref() })) {
            return None;
        }
        // SAFETY: the same; the entry is moved out once, as the turn advances.
        let entry = slot.entry.with_mut(|cell| unsafe { (*cell).assume_init_read() });
        slot.turn.store(head.wrapping_add(self.slots.len()), Ordering::Release);
        self.head.0.store(filled, Ordering::Release);
        Some(entry)
    }

    pub(super) fn pushed(&self) -> usize {
        self.tail.0.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        let head = self.head.0.load(Ordering::Acquire);
        self.pushed().wrapping_sub(head)
    }

    /// Returns whether the oldest entry can be taken: its producer may still be filling the slot.
    pub(super) fn is_ready(&self) -> bool {
        let head = self.head.0.load(Ordering::Relaxed);
        self.slot(head).turn.load(Ordering::Acquire) == head.wrapping_add(1)
    }

    /// Empties the ring without dropping the entries, including those that a producer was still
    /// filling. Returns the number of entries that were ever pushed.
    pub(super) fn forget_all(&self) -> usize {
        let tail = self.tail.0.load(Ordering::Relaxed);
        for index in 0..self.slots.len() {
            let index = tail.wrapping_add(index);
            self.slot(index).turn.store(index, Ordering::Relaxed);
        }
        self.head.0.store(tail, Ordering::Release);
        tail
    }
}

impl<T> Drop for Mpsc<T> {
    fn drop(&mut self) {
        // SAFETY: with `&mut`, no other thread uses it.
        unsafe { self.drain(|_| true) };
    }
}
