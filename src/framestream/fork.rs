// SPDX-License-Identifier: MIT OR Apache-2.0
//! Forks of a process with threads: the child finds the memory as it was, and none of the threads
//! that worked on it.
//!
//! A child can tell by [`generation`] that the threads it inherited handles to are not there. And
//! it finds every [`Lock`] free: [`prepare`] lets a fork wait for those who hold one. In a program
//! that has no fork handlers call it, locks are like any other.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// Held for reading by whoever must not be forked away from, for writing by who forks. Unlike a
/// lock of POSIX threads, one of std's may be released in the child on Linux: it is a number, and
/// the child is the thread that took it.
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The gate, while this thread forks. Without a destructor, so that no memory is needed to
    /// note one.
    static FORKING: Cell<Option<ManuallyDrop<RwLockWriteGuard<'static, ()>>>> =
        const { Cell::new(None) };
}

/// The number of forks that led to this process, as far as [`mark_child`] was told.
#[inline]
pub fn generation() -> usize {
    GENERATION.load(Ordering::Relaxed)
}

/// Waits until no thread holds a [`Lock`], and keeps it so until [`in_parent`] or [`mark_child`].
///
/// The three are meant for the handlers of `pthread_atfork`, and allocate nothing. A thread that
/// holds a `Lock` must not fork. Called again before the same fork, by handlers that are there
/// twice, it does nothing.
pub fn prepare() {
    let held = FORKING.take();
    let gate = held
        .unwrap_or_else(|| ManuallyDrop::new(GATE.write().unwrap_or_else(PoisonError::into_inner)));
    FORKING.set(Some(gate));
}

/// Ends in the parent what [`prepare`] began, whether there is a child or not.
pub fn in_parent() {
    drop(FORKING.take().map(ManuallyDrop::into_inner));
}

/// Says that this process is a child which has just been forked, and ends what [`prepare`] began,
/// if that was called.
///
/// # Safety
/// Only in the child, before it runs anything else of this crate: queues take it as proof that
/// their consumers are gone.
pub unsafe fn mark_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    in_parent();
}

/// Keeps forks off while it lives, for what a child must not find half done. Not to be held for
/// long, and not twice by a thread: the second one would wait for a fork that waits for the first.
pub(crate) struct Hold(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>);

/// Keeps forks off.
pub(crate) fn hold() -> Hold {
    Hold(GATE.read().unwrap_or_else(PoisonError::into_inner))
}

/// A mutex that a forked child finds free, if its process has the handlers of [`prepare`].
///
/// A thread must hold only one at a time, of all there are: a fork that waits for the first keeps
/// it from the second. Nor must it fork, or wait for anything, while it holds one.
#[derive(Debug, Default)]
pub struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    /// A lock on `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits for the value. What a thread left that panicked with it is taken as it is, so it has
    /// to be whole at every moment.
    pub fn lock(&self) -> Guard<'_, T> {
        let hold = hold();
        Guard { value: self.wait(), _hold: hold }
    }

    /// The same for one who keeps forks off already.
    pub(crate) fn lock_within<'a>(&'a self, _: &'a Hold) -> MutexGuard<'a, T> {
        self.wait()
    }

    fn wait(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of a [`Lock`], which is free again when this is dropped.
pub struct Guard<'a, T> {
    // In this order: forks are kept off until the mutex is free.
    value: MutexGuard<'a, T>,
    _hold: Hold,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
