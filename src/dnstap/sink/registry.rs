// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues of a sink: they come and go while the writer thread runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use framestream::fork::Lock;
use framestream::sender::{Feed, Gathered, Source};

use super::MESSAGE_TYPES;
use super::queue::Switch;
use crate::encode::Origin;
use crate::ring::{Consumer, Ring};
use crate::schema::MessageType;

/// Counters by message type: a power of two, so that no index is out of bounds.
const LOGGED: usize = MESSAGE_TYPES.next_power_of_two();

/// What a queue and its sink say to each other, beside the ring.
pub(super) struct Member {
    pub(super) ring: Arc<Ring>,
    /// The message types that are logged.
    pub(super) switch: Arc<Switch>,
    /// Whether the producer has not seen the latest origin.
    stale: AtomicBool,
    /// Whether the producer is gone.
    freed: AtomicBool,
    /// Messages that were logged, by type. Written by the producer alone.
    logged: [AtomicU64; LOGGED],
    /// Messages that found the ring full.
    pub(super) dropped_full: AtomicU64,
    /// Messages that are too long for the ring.
    pub(super) dropped_too_long: AtomicU64,
    /// Messages that cannot be encoded.
    pub(super) dropped_invalid: AtomicU64,
    /// Messages that no writer thread was to be had for.
    pub(super) dropped_closed: AtomicU64,
    /// Messages that are not in the sample.
    pub(super) sampled_out: AtomicU64,
}

impl Member {
    fn new(ring: Arc<Ring>, message_types: u32) -> Self {
        Self {
            ring,
            switch: Arc::new(Switch::new(message_types)),
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

    /// Counts a message. Nobody else counts here, so it takes no atomic addition.
    #[inline(always)]
    pub(super) fn count_logged(&self, message_type: MessageType) {
        let counter = &self.logged[message_type.0 as usize % LOGGED];
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
    }

    fn dropped(&self) -> Dropped {
        let count = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        Dropped {
            full: count(&self.dropped_full),
            too_long: count(&self.dropped_too_long),
            invalid: count(&self.dropped_invalid),
            closed: count(&self.dropped_closed),
            sampled_out: count(&self.sampled_out),
        }
    }

    fn add_logged(&self, sums: &mut [u64; MESSAGE_TYPES]) {
        for (sum, counter) in sums.iter_mut().zip(&self.logged) {
            *sum += counter.load(Ordering::Acquire);
        }
    }
}

/// What can be changed while queues are in use.
pub(super) struct Settings {
    pub(super) identity: Option<Vec<u8>>,
    pub(super) version: Option<Vec<u8>>,
    /// Both of them, encoded.
    pub(super) origin: Arc<Origin>,
    pub(super) message_types: u32,
}

struct Members {
    list: Vec<Arc<Member>>,
    settings: Settings,
    /// Accounts of the queues that are gone.
    logged: [u64; MESSAGE_TYPES],
    dropped: Dropped,
}

/// All queues of a sink.
pub(super) struct Registry {
    members: Lock<Members>,
    /// Whether nothing is logged any more. Set under the lock.
    closed: AtomicBool,
    /// Counts changes of the list, for the writer thread to notice.
    changes: AtomicUsize,
    /// Bytes in a ring that are worth waking the writer thread for.
    pub(super) wake_level: usize,
}

/// Messages that were not put into a ring, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) full: u64,
    pub(super) too_long: u64,
    pub(super) invalid: u64,
    pub(super) closed: u64,
    /// Not dropped, but left out before they were logged.
    pub(super) sampled_out: u64,
}

impl Dropped {
    fn add(&mut self, other: Self) {
        self.full += other.full;
        self.too_long += other.too_long;
        self.invalid += other.invalid;
        self.closed += other.closed;
        self.sampled_out += other.sampled_out;
    }

    /// All that was logged and then dropped.
    pub(super) fn all(&self) -> u64 {
        self.full + self.too_long + self.invalid + self.closed
    }
}

/// What a new queue begins with.
pub(super) struct Joined {
    pub(super) member: Arc<Member>,
    pub(super) origin: Arc<Origin>,
}

impl Registry {
    pub(super) fn new(settings: Settings, wake_level: usize) -> Arc<Self> {
        let members = Members {
            list: Vec::new(),
            settings,
            logged: Default::default(),
            dropped: Dropped::default(),
        };
        Arc::new(Self {
            members: Lock::new(members),
            closed: AtomicBool::new(false),
            changes: AtomicUsize::new(0),
            wake_level,
        })
    }

    /// Takes in a new queue; `None` once the sink is closed.
    pub(super) fn add(&self, ring: Arc<Ring>) -> Option<Joined> {
        let mut members = self.members.lock();
        if self.is_closed() {
            return None;
        }
        let member = Arc::new(Member::new(ring, members.settings.message_types));
        members.list.push(Arc::clone(&member));
        self.changes.fetch_add(1, Ordering::Release);
        Some(Joined { member, origin: Arc::clone(&members.settings.origin) })
    }

    /// Changes settings, and makes every queue look at them before its next message.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        let mut members = self.members.lock();
        let result = change(&mut members.settings);
        let settings = &members.settings;
        let message_types = if self.is_closed() { 0 } else { settings.message_types };
        for member in &members.list {
            member.stale.store(true, Ordering::Relaxed);
            member.switch.set(message_types);
        }
        result
    }

    /// Lets nothing be logged any more.
    pub(super) fn close(&self) {
        self.change(|_| self.closed.store(true, Ordering::Release));
    }

    /// Whether nothing is logged any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Who logs, if that has changed since the queue last asked.
    pub(super) fn news(&self, member: &Member) -> Option<Arc<Origin>> {
        let stale = member.stale.swap(false, Ordering::Acquire);
        stale.then(|| Arc::clone(&self.members.lock().settings.origin))
    }

    /// The queue's producer is gone; the writer thread sends what it left.
    pub(super) fn free(&self, member: &Member) {
        member.freed.store(true, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What was dropped before it was in a ring.
    pub(super) fn dropped(&self) -> Dropped {
        let members = self.members.lock();
        let mut dropped = members.dropped;
        for member in &members.list {
            dropped.add(member.dropped());
        }
        dropped
    }

    /// What was logged, by type.
    pub(super) fn logged_by_type(&self) -> [u64; MESSAGE_TYPES] {
        let members = self.members.lock();
        let mut logged = members.logged;
        for member in &members.list {
            member.add_logged(&mut logged);
        }
        logged
    }
}

/// The registry as what feeds a writer thread.
pub(super) struct Rings(pub(super) Arc<Registry>);

impl Feed for Rings {
    type Source = Spans;

    fn accepted(&self) -> u64 {
        // In this order, so that nothing is dropped that was not logged.
        let dropped = self.0.dropped().all();
        self.0.logged_by_type().iter().sum::<u64>() - dropped
    }

    fn source(&self, generation: usize) -> Spans {
        Spans {
            registry: Arc::clone(&self.0),
            generation,
            seen: None,
            leaving: false,
            consumers: Vec::new(),
            current: 0,
        }
    }
}

/// The writer thread's side: spans of whole frames, sent from where they were encoded, the rings in
/// turn.
pub(super) struct Spans {
    registry: Arc<Registry>,
    generation: usize,
    /// [`Registry::changes`] at the last look.
    seen: Option<usize>,
    /// Whether a queue without a producer was there at the last look, with frames to send.
    leaving: bool,
    consumers: Vec<(Arc<Member>, Consumer)>,
    /// The ring whose turn it is.
    current: usize,
}

impl Spans {
    /// Takes in the rings that are new, and lets go of those whose producer is gone, once they are
    /// empty.
    fn update(&mut self) {
        let changes = self.registry.changes.load(Ordering::Acquire);
        if self.seen == Some(changes) && !self.leaving {
            return;
        }
        let mut members = self.registry.members.lock();
        for member in &members.list {
            if let Some(consumer) = member.ring.claim(self.generation) {
                self.consumers.push((Arc::clone(member), consumer));
            }
        }
        let is_over =
            |member: &Member| member.freed.load(Ordering::Acquire) && member.ring.waiting() == 0;
        // Whether one is still to go: then it is looked at again.
        self.leaving = false;
        let Members { list, logged, dropped, .. } = &mut *members;
        list.retain(|member| {
            let over = is_over(member);
            self.leaving |= !over && member.freed.load(Ordering::Relaxed);
            if over {
                member.add_logged(logged);
                dropped.add(member.dropped());
            }
            !over
        });
        self.consumers.retain(|(member, _)| !is_over(member));
        self.current = 0;
        self.seen = Some(changes);
    }

    /// Moves on to a ring with frames, if the current one has none left.
    fn advance(&mut self) {
        let count = self.consumers.len();
        for step in 0..count {
            let next = (self.current + step) % count;
            if self.consumers[next].1.front().is_some() {
                self.current = next;
                return;
            }
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut Consumer) -> usize) -> usize {
        self.consumers.iter_mut().map(|(_, consumer)| act(consumer)).sum()
    }
}

impl Source for Spans {
    fn gather(&mut self, blocked: bool) -> Gathered {
        // A ring that is in the middle of a frame must not be passed over for another.
        if self.front().is_none() {
            self.update();
        }
        for (_, consumer) in &mut self.consumers {
            consumer.look();
        }
        if self.front().is_none() {
            self.advance();
        }
        // While the peer takes nothing, there is nothing to be done with more: it is where it can
        // stay.
        if blocked { Gathered::Full } else { Gathered::All }
    }

    fn has_batch(&self) -> bool {
        let level = self.registry.wake_level;
        self.consumers.iter().any(|(_, consumer)| consumer.ring().waiting() >= level)
    }

    fn is_empty(&self) -> bool {
        self.seen == Some(self.registry.changes.load(Ordering::Acquire))
            && self.consumers.iter().all(|(_, consumer)| consumer.ring().waiting() == 0)
    }

    fn front(&self) -> Option<&[u8]> {
        self.consumers.get(self.current).and_then(|(_, consumer)| consumer.front())
    }

    fn consume(&mut self, count: usize) -> usize {
        let Some((_, consumer)) = self.consumers.get_mut(self.current) else { return 0 };
        let frames = consumer.consume(count);
        if frames > 0 {
            // The span is through: the next ring has its turn.
            self.current = (self.current + 1) % self.consumers.len();
            self.advance();
        }
        frames
    }

    fn rewind(&mut self) -> usize {
        self.each(Consumer::rewind)
    }

    fn give_up(&mut self) -> usize {
        let Some((_, consumer)) = self.consumers.get_mut(self.current) else { return 0 };
        let frames = consumer.give_up();
        self.advance();
        frames
    }

    fn discard(&mut self) -> usize {
        self.seen = None;
        self.update();
        self.each(Consumer::discard)
    }
}
