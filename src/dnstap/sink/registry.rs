// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues of a sink: they come and go while the writer thread runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use framestream::fork::{Child, Lock};
use framestream::sender::Alarm;

use super::MESSAGE_TYPES;
use super::member::{DropCounts, Member};
use crate::encode::Origin;
use crate::ring::{Consumer, Ring};

/// Settings that can be changed while queues are in use.
pub(super) struct Settings {
    pub(super) identity: Option<Vec<u8>>,
    pub(super) version: Option<Vec<u8>>,
    /// Both of them, encoded, with the sample rate.
    pub(super) origin: Arc<Origin>,
    pub(super) message_types: u32,
}

/// The queues and settings of a sink.
struct Members {
    /// Queues with a producer.
    list: Vec<Arc<Member>>,
    /// Queues without a producer that have pending messages, oldest first.
    freed: VecDeque<Arc<Member>>,
    /// Bytes that the rings of `freed` hold.
    freed_bytes: usize,
    settings: Settings,
    retired: RetiredCounts,
}

/// The sums of the counters of queues that no longer exist.
#[derive(Default)]
struct RetiredCounts {
    logged: [u64; MESSAGE_TYPES],
    dropped: DropCounts,
}

impl RetiredCounts {
    fn add(&mut self, member: &Member) {
        member.add_logged(&mut self.logged);
        self.dropped.add(member.dropped());
    }
}

impl Members {
    fn all(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.list.iter().chain(&self.freed)
    }

    /// Removes freed queues whose messages are all sent or dropped.
    fn retire(&mut self) {
        let Self { freed, freed_bytes, retired, .. } = self;
        freed.retain(|member| {
            let over = member.is_over();
            if over {
                retired.add(member);
                *freed_bytes -= member.ring.held();
            }
            !over
        });
    }

    /// Drops messages of freed queues, oldest first, until the rest holds at most `limit` bytes.
    /// Queues that the writer thread has claimed are left to it. Returns whether messages were
    /// dropped.
    fn drop_freed(&mut self, limit: usize) -> bool {
        let Self { freed, freed_bytes, retired, .. } = self;
        let before = retired.dropped.full;
        let mut index = 0;
        while *freed_bytes > limit {
            let Some(member) = freed.get(index) else { break };
            match member.ring.claim() {
                Some(mut consumer) => member.drop_pending(&mut consumer),
                None if member.is_over() => (),
                None => {
                    index += 1;
                    continue;
                }
            }
            retired.add(member);
            *freed_bytes -= member.ring.held();
            freed.remove(index);
        }
        retired.dropped.full != before
    }
}

/// All queues of a sink.
pub(super) struct Registry {
    members: Lock<Members>,
    /// True once logging is disabled for good. Set under the lock.
    closed: AtomicBool,
    /// Number of changes of the list, by which the writer thread detects them.
    changes: AtomicUsize,
    /// Raised for dropped messages.
    pub(super) alarm: Alarm,
    /// Number of pending bytes in a ring at which the writer thread is woken.
    pub(super) wake_level: usize,
    /// Maximum number of bytes that the rings of freed queues hold.
    freed_limit: usize,
}

/// The state of the freed queues.
pub(super) struct FreedState {
    /// True if there are any.
    pub(super) any: bool,
    /// Bytes that they hold beyond the limit.
    pub(super) excess: usize,
}

/// The position of the end of a ring at some moment.
pub(super) struct Mark {
    ring: Arc<Ring>,
    at: usize,
}

impl Mark {
    fn new(ring: Arc<Ring>) -> Self {
        Self { at: ring.end(), ring }
    }

    /// Returns whether all messages that were in the ring at that moment are sent or dropped.
    pub(super) fn is_passed(&self) -> bool {
        self.ring.is_past(self.at)
    }
}

/// The initial state of a new queue.
pub(super) struct Joined {
    pub(super) member: Arc<Member>,
    pub(super) origin: Arc<Origin>,
    /// True if messages of freed queues were dropped to make room for it.
    pub(super) has_dropped: bool,
}

impl Registry {
    pub(super) fn new(settings: Settings, wake_level: usize, freed_limit: usize) -> Arc<Self> {
        let members = Members {
            list: Vec::new(),
            freed: VecDeque::new(),
            freed_bytes: 0,
            settings,
            retired: RetiredCounts::default(),
        };
        Arc::new(Self {
            members: Lock::new(members),
            closed: AtomicBool::new(false),
            changes: AtomicUsize::new(0),
            alarm: Alarm::default(),
            wake_level,
            freed_limit,
        })
    }

    /// Adds a new queue; `None` once the sink is closed. If freed queues hold too much memory, some
    /// of their messages are dropped.
    pub(super) fn add(&self, member: Member) -> Option<Joined> {
        let mut members = self.members.lock();
        if self.is_closed() {
            return None;
        }
        let has_dropped = members.drop_freed(self.freed_limit);
        member.enable(members.settings.message_types);
        let member = Arc::new(member);
        members.list.push(Arc::clone(&member));
        self.changes.fetch_add(1, Ordering::Release);
        Some(Joined { member, origin: Arc::clone(&members.settings.origin), has_dropped })
    }

    /// Changes settings, and makes every queue apply them before its next message.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut Settings) -> R) -> R {
        let mut members = self.members.lock();
        let result = change(&mut members.settings);
        let settings = &members.settings;
        let message_types = if self.is_closed() { 0 } else { settings.message_types };
        for member in &members.list {
            member.offer(&settings.origin, message_types, &members);
        }
        result
    }

    /// Disables logging for good.
    pub(super) fn close(&self) {
        self.change(|_| self.closed.store(true, Ordering::Release));
    }

    /// Returns whether the sink is closed, so that nothing more is logged.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Removes a queue without a producer. An empty ring is released immediately; otherwise, the
    /// writer thread sends its messages first. Returns whether it should be woken for that.
    pub(super) fn free(&self, member: &Arc<Member>) -> bool {
        let mut members = self.members.lock();
        let place = members.list.iter().position(|other| Arc::ptr_eq(other, member));
        let Some(place) = place else { return false };
        let member = members.list.swap_remove(place);
        member.free();
        if member.is_over() {
            members.retired.add(&member);
        } else {
            members.freed_bytes += member.ring.held();
            members.freed.push_back(member);
        }
        self.changes.fetch_add(1, Ordering::Release);
        members.freed_bytes > self.freed_limit / 2
    }

    /// Drops the pending messages of a freed queue, in the writer thread, which has the consumer.
    /// The lock prevents other threads from removing the queue before the messages are counted.
    pub(super) fn drop_pending(&self, member: &Member, consumer: &mut Consumer) {
        let _members = self.members.lock();
        member.drop_pending(consumer);
        self.alarm.raise();
    }

    /// Returns the number of times that a queue was added or removed.
    pub(super) fn changes(&self) -> usize {
        self.changes.load(Ordering::Acquire)
    }

    /// Calls `visit` with each queue, and then removes those that are finished.
    pub(super) fn sweep(&self, visit: impl FnMut(&Arc<Member>)) -> FreedState {
        let mut members = self.members.lock();
        members.all().for_each(visit);
        members.retire();
        FreedState {
            any: !members.freed.is_empty(),
            excess: members.freed_bytes.saturating_sub(self.freed_limit),
        }
    }

    /// Resets the registry in a forked child: no messages are pending, and all counters are 0.
    pub(super) fn renew(&self, child: &Child) {
        self.alarm.lower();
        let Some(mut members) = self.members.lock_in(child) else { return };
        members.retired = RetiredCounts::default();
        for member in members.all() {
            member.renew_in(child);
        }
    }

    /// Returns marks in all rings that have pending messages.
    pub(super) fn marks(&self) -> Vec<Mark> {
        let members = self.members.lock();
        let with_messages = members.all().filter(|member| member.ring.waiting() > 0);
        with_messages.map(|member| Mark::new(Arc::clone(&member.ring))).collect()
    }

    /// Returns the numbers of dropped messages.
    pub(super) fn dropped(&self) -> DropCounts {
        let members = self.members.lock();
        let mut dropped = members.retired.dropped;
        for member in members.all() {
            dropped.add(member.dropped());
        }
        dropped
    }

    /// Returns the numbers of logged messages by type.
    pub(super) fn logged_by_type(&self) -> [u64; MESSAGE_TYPES] {
        let members = self.members.lock();
        let mut logged = members.retired.logged;
        for member in members.all() {
            member.add_logged(&mut logged);
        }
        logged
    }
}
