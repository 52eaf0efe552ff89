// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues of a sink: they come and go while the writer thread runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use framestream::sender::{Feed, Gathered, Source};
use parking_lot::{Mutex, MutexGuard};

use crate::encode::Origin;
use crate::ring::{Consumer, Ring};

/// How long to wait for the list of queues. It is held for moments only, but a fork can leave it
/// held by a thread that is not there.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a queue and its sink say to each other, beside the ring.
pub(super) struct Member {
    pub(super) ring: Arc<Ring>,
    /// The message types that are logged, one bit each.
    pub(super) enabled: Arc<AtomicU32>,
    /// Whether the producer has to look at the registry before it goes on.
    pub(super) stale: AtomicBool,
    /// Whether the producer is gone.
    pub(super) freed: AtomicBool,
    /// Messages that found the ring full.
    pub(super) dropped_full: AtomicU64,
    /// Messages that are too long for the ring.
    pub(super) dropped_too_long: AtomicU64,
    /// Messages that cannot be encoded.
    pub(super) dropped_invalid: AtomicU64,
}

impl Member {
    fn dropped(&self) -> Dropped {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Dropped {
            full: count(&self.dropped_full),
            too_long: count(&self.dropped_too_long),
            invalid: count(&self.dropped_invalid),
        }
    }
}

/// What can be changed while queues are in use.
pub(super) struct Settings {
    pub(super) origin: Arc<Origin>,
    pub(super) message_types: u32,
}

struct Members {
    list: Vec<Arc<Member>>,
    settings: Settings,
    /// Accounts of the queues that are gone.
    frames: u64,
    dropped: Dropped,
}

/// All queues of a sink.
pub(super) struct Registry {
    members: Mutex<Members>,
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
}

impl Dropped {
    fn add(&mut self, other: Self) {
        self.full += other.full;
        self.too_long += other.too_long;
        self.invalid += other.invalid;
    }
}

impl Registry {
    pub(super) fn new(settings: Settings, wake_level: usize) -> Arc<Self> {
        let members =
            Members { list: Vec::new(), settings, frames: 0, dropped: Dropped::default() };
        Arc::new(Self { members: Mutex::new(members), changes: AtomicUsize::new(0), wake_level })
    }

    fn lock(&self) -> Option<MutexGuard<'_, Members>> {
        self.members.try_lock_for(PATIENCE)
    }

    /// Takes in a new queue. `None` if the list cannot be had.
    pub(super) fn add(&self, ring: Arc<Ring>) -> Option<Arc<Member>> {
        let mut members = self.lock()?;
        let member = Arc::new(Member {
            ring,
            enabled: Arc::new(AtomicU32::new(members.settings.message_types)),
            stale: AtomicBool::new(true),
            freed: AtomicBool::new(false),
            dropped_full: AtomicU64::new(0),
            dropped_too_long: AtomicU64::new(0),
            dropped_invalid: AtomicU64::new(0),
        });
        members.list.push(Arc::clone(&member));
        self.changes.fetch_add(1, Ordering::Release);
        Some(member)
    }

    /// Changes settings, and makes every queue look at them before its next message.
    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) -> bool {
        let Some(mut members) = self.lock() else { return false };
        change(&mut members.settings);
        for member in &members.list {
            member.enabled.store(members.settings.message_types, Ordering::Relaxed);
            member.stale.store(true, Ordering::Release);
        }
        true
    }

    /// Who logs, as of now.
    pub(super) fn origin(&self) -> Option<Arc<Origin>> {
        Some(Arc::clone(&self.lock()?.settings.origin))
    }

    /// The queue's producer is gone; the writer thread sends what it left.
    pub(super) fn free(&self, member: &Member) {
        member.freed.store(true, Ordering::Release);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// What was dropped before it was in a ring.
    pub(super) fn dropped(&self) -> Dropped {
        let Some(members) = self.lock() else { return Dropped::default() };
        let mut dropped = members.dropped;
        for member in &members.list {
            dropped.add(member.dropped());
        }
        dropped
    }
}

/// The registry as what feeds a writer thread.
pub(super) struct Rings(pub(super) Arc<Registry>);

impl Feed for Rings {
    type Source = Spans;

    fn accepted(&self) -> u64 {
        let Some(members) = self.0.lock() else { return 0 };
        members.frames + members.list.iter().map(|member| member.ring.frames()).sum::<u64>()
    }

    fn source(&self, generation: usize) -> Spans {
        Spans {
            registry: Arc::clone(&self.0),
            generation,
            seen: None,
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
    consumers: Vec<(Arc<Member>, Consumer)>,
    /// The ring whose turn it is.
    current: usize,
}

impl Spans {
    /// Takes in the rings that are new, and lets go of those whose producer is gone, once they are
    /// empty.
    fn update(&mut self) {
        let changes = self.registry.changes.load(Ordering::Acquire);
        if self.seen == Some(changes) {
            return;
        }
        let Some(mut members) = self.registry.lock() else { return };
        for member in &members.list {
            if let Some(consumer) = member.ring.claim(self.generation) {
                self.consumers.push((Arc::clone(member), consumer));
            }
        }
        let is_over =
            |member: &Member| member.freed.load(Ordering::Acquire) && member.ring.waiting() == 0;
        // Whether one is still to go: then it is looked at again.
        let mut leaving = false;
        let Members { list, frames, dropped, .. } = &mut *members;
        list.retain(|member| {
            let over = is_over(member);
            leaving |= !over && member.freed.load(Ordering::Relaxed);
            if over {
                *frames += member.ring.frames();
                dropped.add(member.dropped());
            }
            !over
        });
        self.consumers.retain(|(member, _)| !is_over(member));
        self.current = 0;
        self.seen = (!leaving).then_some(changes);
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
