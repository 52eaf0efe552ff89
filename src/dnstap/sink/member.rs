// SPDX-License-Identifier: MIT OR Apache-2.0
//! The state that a queue shares with its sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use framestream::fork::{Child, Guard, Lock};
use framestream::sender::DroppedByReason;

use super::MESSAGE_TYPES;
use super::switch::Switch;
use crate::encode::Origin;
use crate::ring::{Consumer, Ring};
use crate::schema::MessageType;

/// Number of counters by message type: one for each bit of a switch, so that no index is out of
/// bounds.
const LOGGED: usize = u32::BITS as usize;

/// The state that a queue shares with its sink, besides the ring.
pub(super) struct Member {
    pub(super) ring: Arc<Ring>,
    /// The message types that are logged.
    switch: Arc<dyn AsRef<Switch> + Send + Sync>,
    offer: Lock<Offer>,
    /// True if the producer has not taken the latest origin.
    stale: AtomicBool,
    /// True once the producer was dropped.
    freed: AtomicBool,
    /// Messages that were logged, by type. Written by the producer alone.
    logged: [AtomicU64; LOGGED],
    /// Messages for which the ring was full, or that were pending when freed queues held too much
    /// memory.
    pub(super) dropped_full: AtomicU64,
    /// Messages that are too long for the ring.
    pub(super) dropped_too_long: AtomicU64,
    /// Messages that cannot be encoded.
    pub(super) dropped_invalid: AtomicU64,
    /// Messages of a child that could not start a writer thread.
    pub(super) dropped_closed: AtomicU64,
    /// Messages that are not in the sample.
    pub(super) sampled_out: AtomicU64,
}

/// An origin for the producer, which leaves its own in exchange, so that the logging path frees
/// nothing.
struct Offer {
    origin: Option<Arc<Origin>>,
    is_new: bool,
}

impl Member {
    pub(super) fn new(ring: Arc<Ring>, switch: Arc<dyn AsRef<Switch> + Send + Sync>) -> Self {
        Self {
            ring,
            switch,
            offer: Lock::leaf(Offer { origin: None, is_new: false }),
            stale: AtomicBool::new(false),
            freed: AtomicBool::new(false),
            logged: Default::default(),
            dropped_full: AtomicU64::new(0),
            dropped_too_long: AtomicU64::new(0),
            dropped_invalid: AtomicU64::new(0),
            dropped_closed: AtomicU64::new(0),
            sampled_out: AtomicU64::new(0),
        }
    }

    /// Enables these message types, and no others.
    pub(super) fn enable(&self, message_types: u32) {
        (*self.switch).as_ref().set(message_types);
    }

    /// Stores `origin` for the producer to take before its next message, and enables these types.
    /// The caller holds the lock of the registry.
    pub(super) fn offer<T>(&self, origin: &Arc<Origin>, message_types: u32, outer: &Guard<'_, T>) {
        *self.offer.lock_inside(outer) = Offer { origin: Some(Arc::clone(origin)), is_new: true };
        self.stale.store(true, Ordering::Release);
        self.enable(message_types);
    }

    /// Replaces the producer's origin by the latest one, if there is a new one. Returns whether the
    /// producer has the latest: if not, another thread is changing it or forking, and the producer
    /// has to retry before its next message. Never waits.
    pub(super) fn exchange_origin(&self, origin: &mut Arc<Origin>) -> bool {
        if !self.stale.load(Ordering::Relaxed) || !self.stale.swap(false, Ordering::Acquire) {
            return true;
        }
        let Some(mut offer) = self.offer.try_lock() else {
            self.stale.store(true, Ordering::Relaxed);
            return false;
        };
        if std::mem::take(&mut offer.is_new) {
            if let Some(latest) = &mut offer.origin {
                std::mem::swap(latest, origin);
            }
        }
        true
    }

    /// Resets the queue in a forked child: no messages are pending, and all counters are 0.
    pub(super) fn renew_in(&self, child: &Child) {
        self.ring.renew(child);
        let dropped = [
            &self.dropped_full,
            &self.dropped_too_long,
            &self.dropped_invalid,
            &self.dropped_closed,
            &self.sampled_out,
        ];
        for counter in self.logged.iter().chain(dropped) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Records that the producer was dropped.
    pub(super) fn free(&self) {
        self.freed.store(true, Ordering::Release);
    }

    /// Returns whether the producer was dropped.
    pub(super) fn is_freed(&self) -> bool {
        self.freed.load(Ordering::Acquire)
    }

    /// Returns whether the producer was dropped, and no frames are pending.
    pub(super) fn is_over(&self) -> bool {
        self.is_freed() && self.ring.waiting() == 0
    }

    /// Drops the pending frames of the ring, whose consumer is passed, to save memory. The caller
    /// holds the lock of the registry, because the counters count as final once the ring is empty.
    pub(super) fn drop_pending(&self, consumer: &mut Consumer) {
        self.dropped_full.fetch_add(consumer.discard() as u64, Ordering::SeqCst);
    }

    /// Counts a message. Only the producer calls it, so an atomic addition is not needed.
    #[inline(always)]
    pub(super) fn count_logged(&self, message_type: MessageType) {
        let counter = &self.logged[message_type.0 as usize % LOGGED];
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    pub(super) fn dropped(&self) -> DropCounts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        DropCounts {
            full: count(&self.dropped_full),
            too_long: count(&self.dropped_too_long),
            invalid: count(&self.dropped_invalid),
            closed: count(&self.dropped_closed),
            sampled_out: count(&self.sampled_out),
        }
    }

    pub(super) fn add_logged(&self, sums: &mut [u64; MESSAGE_TYPES]) {
        for (sum, counter) in sums.iter_mut().zip(&self.logged) {
            *sum += counter.load(Ordering::Acquire);
        }
    }
}

/// Numbers of messages that were not sent, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DropCounts {
    pub(super) full: u64,
    pub(super) too_long: u64,
    pub(super) invalid: u64,
    pub(super) closed: u64,
    /// Not logged, as they are not in the sample.
    pub(super) sampled_out: u64,
}

impl DropCounts {
    pub(super) fn add(&mut self, other: Self) {
        self.full += other.full;
        self.too_long += other.too_long;
        self.invalid += other.invalid;
        self.closed += other.closed;
        self.sampled_out += other.sampled_out;
    }

    /// Returns the numbers of logged messages that were dropped, with the reasons as text.
    pub(super) fn by_reason(&self) -> DroppedByReason {
        let Self { full, too_long, invalid, closed, sampled_out: _ } = *self;
        vec![
            ("queue full", full),
            ("too long", too_long),
            ("invalid", invalid),
            ("no writer thread", closed),
        ]
    }

    /// Returns the number of logged messages that were dropped.
    pub(super) fn all(&self) -> u64 {
        self.full + self.too_long + self.invalid + self.closed
    }
}
