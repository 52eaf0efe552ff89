// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counts the forks between the first process and this one, so that a child can tell that the
//! threads it inherited handles to are not there.

use std::sync::atomic::{AtomicUsize, Ordering};

static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// The number of forks that led to this process, as far as [`mark_child`] was told.
#[inline]
pub fn generation() -> usize {
    GENERATION.load(Ordering::Relaxed)
}

/// Says that this process is a child which has just been forked. Meant for the child handler of
/// `pthread_atfork`: it takes no lock and allocates nothing.
///
/// # Safety
/// Only in the child, before it runs anything else of this crate: queues take it as proof that
/// their consumers are gone.
pub unsafe fn mark_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
