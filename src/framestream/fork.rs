// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forks of a process with threads: the child has the memory of the parent, but none of the threads
//! that were using it.
//!
//! A child detects by [`generation`] that the threads to which it has handles do not exist. Every
//! [`Lock`] is free in it, as [`prepare`] makes a fork wait until no thread holds one. If the
//! program has no fork handlers that call it, these locks are ordinary ones.
//!
//! # Order of locks
//! A thread that needs any of them takes them in this order, each at most once:
//!
//! 1. the gate, which blocks forks ([`Lock::lock`] takes it, too),
//! 2. the list of state that is reset in a child,
//! 3. one lock made by [`Lock::new`]: the state of a writer thread, or the queues of a sink,
//! 4. one lock made by [`Lock::leaf`].
//!
//! Debug builds check it. The gate comes first because a waiting fork blocks other threads: a
//! thread that took the gate a second time would wait for a fork that waits for this thread.
//! Submitting takes a lock only if it is free ([`Lock::try_lock`]): a fork may take long, and may
//! wait for a lock of the host that the submitting thread holds.

mod child;
mod descriptor;
mod gate;
mod order;

pub use child::{Child, InChild};
pub(crate) use child::{request_after_fork, watch};
pub(crate) use descriptor::ProcessFd;
pub(crate) use gate::{Hold, hold};

pub use gate::{Guard, InnerGuard, Lock, prepare};

use std::sync::atomic::{AtomicUsize, Ordering};

static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// Returns the number of forks between the first process and this one, as far as [`mark_child`] was
/// called for them.
#[inline]
pub fn generation() -> usize {
    GENERATION.load(Ordering::Relaxed)
}

/// Ends the effect of [`prepare`] in the parent, whether or not the fork succeeded.
pub fn in_parent() {
    gate::open();
    child::catch_up();
}

/// Marks this process as a child that has just been forked, resets all state that depends on the
/// process, and ends the effect of [`prepare`], if it was called.
///
/// # Safety
/// Call only in the child, before anything else of this crate runs in it: queues rely on their
/// consumers being gone.
pub unsafe fn mark_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    child::renew_all();
    gate::open();
}
