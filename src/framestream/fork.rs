// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forks of a process with threads: the child finds the memory as it was, and none of the threads
//! that worked on it.
//!
//! A child can tell by [`generation`] that the threads it inherited handles to are not there. And
//! it finds every [`Lock`] free: [`prepare`] lets a fork wait for those who hold one. In a program
//! that has no fork handlers call it, locks are like any other.
//!
//! # Order of locks
//! A thread that needs any of them takes them in this order, each at most once:
//!
//! 1. the gate, which keeps forks off ([`Lock::lock`] takes it too),
//! 2. the list of state that is reset in a child,
//! 3. one lock made by [`Lock::new`]: the state of a writer thread, or the queues of a sink,
//! 4. one lock made by [`Lock::leaf`].
//!
//! Debug builds check it. The gate comes first because a waiting fork lets no other thread in: one
//! that took the gate a second time would wait for a fork that waits for it. Submitting takes locks
//! only where they are free at once ([`Lock::try_lock`]): a fork may take long, and may wait for a
//! lock of the host that the submitting thread holds.

mod child;
mod descriptor;
mod gate;
mod order;

pub use child::{Child, InChild};
pub(crate) use child::{ask_after_fork, watch};
pub(crate) use descriptor::ProcessFd;
pub(crate) use gate::{Hold, hold};

pub use gate::{Guard, Inner, Lock, prepare};

use std::sync::atomic::{AtomicUsize, Ordering};

static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// Returns the number of forks that led to this process, counting those for which [`mark_child`]
/// was called.
#[inline]
pub fn generation() -> usize {
    GENERATION.load(Ordering::Relaxed)
}

/// Ends in the parent what [`prepare`] began, whether there is a child or not.
pub fn in_parent() {
    gate::open();
    child::catch_up();
}

/// Marks this process as a child that has just been forked, resets all state that depends on the
/// process, and ends what [`prepare`] began, if it was called.
///
/// # Safety
/// Only in the child, before it runs anything else of this crate: queues take it as proof that
/// their consumers are gone.
pub unsafe fn mark_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    child::renew_all();
    gate::open();
}
