// SPDX-License-Identifier: MIT OR Apache-2.0
//! Work to be done in a forked child before anything else runs in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::{InnerGuard, Lock, descriptor};

/// A proof that this is the only thread of a child that has just been forked.
pub struct Child(());

/// State that has to be reset in a forked child.
pub trait InChild: Send + Sync {
    /// Resets the state. Called in a child before `fork` returns there: except for holding a
    /// [`Lock`], the other threads may have been in the middle of anything. Must not allocate.
    fn in_child(&self, child: &Child);

    /// Performs the work that was deferred by `request_after_fork`. Called in the process that has
    /// forked, with no lock held.
    fn after_fork(self: Arc<Self>);
}

/// True if work was deferred because of a fork.
static DEFERRED: AtomicBool = AtomicBool::new(false);

static WATCHED: Lock<Vec<Weak<dyn InChild>>> = Lock::watched(Vec::new());

/// Registers `watched`, so that [`InChild::in_child`] is called in each child as long as it exists.
pub(crate) fn watch(watched: Weak<dyn InChild>) {
    let mut all = WATCHED.lock();
    all.retain(|watched| watched.strong_count() > 0);
    all.push(watched);
}

/// Requests a call of [`InChild::after_fork`] at the end of the current fork, if there is one.
pub(crate) fn request_after_fork() {
    DEFERRED.store(true, Ordering::Release);
}

/// Calls [`InChild::after_fork`] of all registered values, if it was requested.
pub(super) fn catch_up() {
    if DEFERRED.load(Ordering::Relaxed) && DEFERRED.swap(false, Ordering::Acquire) {
        let all: Vec<_> = WATCHED.lock().iter().filter_map(Weak::upgrade).collect();
        all.into_iter().for_each(InChild::after_fork);
    }
}

/// Closes the descriptors that are private to the parent, and calls [`InChild::in_child`] of all
/// registered values.
pub(super) fn renew_all() {
    let child = Child(());
    descriptor::close_private(&child);
    // `None` only if the parent has no handler, and one of its threads held the lock.
    let Some(all) = WATCHED.lock_in(&child) else { return };
    for watched in all.iter().filter_map(Weak::upgrade) {
        watched.in_child(&child);
    }
}

impl<T> Lock<T> {
    /// Takes the lock in a forked child. `None` if a thread of the parent held it, which cannot
    /// happen if [`prepare`](super::prepare) was called.
    pub fn lock_in(&self, _: &Child) -> Option<InnerGuard<'_, T>> {
        self.take()
    }
}
