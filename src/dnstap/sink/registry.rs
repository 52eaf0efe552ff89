// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queues of a sink: they come and go while the writer thread runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use framestream::fork::Lock;

use super::MESSAGE_TYPES;
use super::member::{Dropped, Member};
use crate::encode::Origin;

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
    pub(super) fn add(&self, member: Member) -> Option<Joined> {
        let mut members = self.members.lock();
        if self.is_closed() {
            return None;
        }
        member.let_through(members.settings.message_types);
        let member = Arc::new(member);
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
            member.renew(&settings.origin, message_types, &members);
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

    /// The queue's producer is gone; the writer thread sends what it left.
    pub(super) fn free(&self, member: &Member) {
        member.free();
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often queues have come and gone.
    pub(super) fn changes(&self) -> usize {
        self.changes.load(Ordering::Acquire)
    }

    /// Shows every queue to `look`, and then lets go of those that are over. Returns whether one is
    /// left whose producer is gone.
    pub(super) fn sweep(&self, look: impl FnMut(&Arc<Member>)) -> bool {
        let mut members = self.members.lock();
        members.list.iter().for_each(look);
        let Members { list, logged, dropped, .. } = &mut *members;
        let mut leaving = false;
        list.retain(|member| {
            let over = member.is_over();
            leaving |= !over && member.is_freed();
            if over {
                member.add_logged(logged);
                dropped.add(member.dropped());
            }
            !over
        });
        leaving
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
