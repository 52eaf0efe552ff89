// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order of locks, checked in debug builds.

#[cfg(debug_assertions)]
use std::cell::Cell;

/// The locks that a thread can hold, in the order in which it must take them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Gate,
    Watched,
    #[default]
    State,
    Leaf,
}

#[cfg(debug_assertions)]
thread_local! {
    /// The rank of the last lock that this thread has taken and still holds.
    static LAST: Cell<Option<Rank>> = const { Cell::new(None) };
}

/// A record that this thread holds a lock.
#[derive(Debug)]
pub(super) struct Held {
    #[cfg(debug_assertions)]
    before: Option<Rank>,
}

impl Held {
    /// Records that this thread is about to take a lock.
    #[inline(always)]
    pub(super) fn take(rank: Rank) -> Self {
        #[cfg(not(debug_assertions))]
        let _ = rank;
        #[cfg(debug_assertions)]
        let before = LAST.get();
        #[cfg(debug_assertions)]
        assert!(before < Some(rank), "{rank:?} after {before:?}: see the order of locks");
        #[cfg(debug_assertions)]
        LAST.set(Some(rank));
        Self {
            #[cfg(debug_assertions)]
            before,
        }
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        LAST.set(self.before);
    }
}

/// Checks that this thread holds no lock, as it is about to wait for all holders.
#[inline(always)]
pub(super) fn assert_nothing_held() {
    #[cfg(debug_assertions)]
    assert_eq!(LAST.get(), None, "a thread that holds a lock must not fork");
}
