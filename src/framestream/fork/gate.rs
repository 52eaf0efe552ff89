// SPDX-License-Identifier: MIT OR Apache-2.0
//! The gate, which forks and threads that hold a lock pass in turn, and the locks within.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};

use super::order::{self, Held, Rank};

/// Held for reading by threads that must not be forked away, for writing by the thread that forks.
/// Unlike a lock of POSIX threads, one of std's may be released in the child on Linux: it is a
/// number, and the child is the thread that took it.
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The gate, while this thread forks. Without a destructor, so that no memory is needed to
    /// note one.
    static FORKING: Cell<Option<ManuallyDrop<RwLockWriteGuard<'static, ()>>>> =
        const { Cell::new(None) };
}

/// Waits until no thread holds a [`Lock`], and keeps it so until
/// [`in_parent`](super::in_parent) or [`mark_child`](super::mark_child).
///
/// The three are meant for the handlers of `pthread_atfork`, and allocate nothing. A thread that
/// holds a `Lock` must not fork. Called again before the same fork, by handlers that are there
/// twice, it does nothing.
pub fn prepare() {
    order::assert_nothing_held();
    let held = FORKING.take();
    let gate = held
        .unwrap_or_else(|| ManuallyDrop::new(GATE.write().unwrap_or_else(PoisonError::into_inner)));
    FORKING.set(Some(gate));
}

/// Lets others pass again.
pub(super) fn open() {
    drop(FORKING.take().map(ManuallyDrop::into_inner));
}

/// Keeps forks off while it lives, for what a child must not find half done. Not to be held for
/// long.
pub(crate) struct Hold {
    // In this order: the next lock is taken once this one is free.
    /// `None` in a fork handler of the host: its own fork keeps all others off.
    _gate: Option<RwLockReadGuard<'static, ()>>,
    _held: Held,
}

/// Keeps forks off.
pub(crate) fn hold() -> Hold {
    let held = Held::take(Rank::Gate);
    let gate =
        if is_forking() { None } else { Some(GATE.read().unwrap_or_else(PoisonError::into_inner)) };
    Hold { _gate: gate, _held: held }
}

/// Returns whether this thread is forking: between [`prepare`] and its end.
fn is_forking() -> bool {
    let gate = FORKING.take();
    let is_forking = gate.is_some();
    FORKING.set(gate);
    is_forking
}

/// Keeps forks off, unless one is under way or waits for its turn.
fn try_hold() -> Option<Hold> {
    let held = Held::take(Rank::Gate);
    let gate = match GATE.try_read() {
        Ok(gate) => gate,
        Err(TryLockError::Poisoned(gate)) => gate.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    Some(Hold { _gate: Some(gate), _held: held })
}

/// A mutex that a forked child finds free, if its process has the handlers of [`prepare`].
///
/// A thread must not fork, or wait for anything, while it holds one. For the order of several, see
/// [above](super#order-of-locks).
#[derive(Debug, Default)]
pub struct Lock<T> {
    mutex: Mutex<T>,
    rank: Rank,
}

impl<T> Lock<T> {
    /// Creates a lock on `value`.
    pub const fn new(value: T) -> Self {
        Self { mutex: Mutex::new(value), rank: Rank::State }
    }

    /// Creates a lock on the list of state that is reset in a child, each with locks of its own.
    pub(super) const fn watched(value: T) -> Self {
        Self { mutex: Mutex::new(value), rank: Rank::Watched }
    }

    /// Creates a lock on `value` that a thread can take while it holds another.
    pub const fn leaf(value: T) -> Self {
        Self { mutex: Mutex::new(value), rank: Rank::Leaf }
    }

    /// Waits for the value. A poisoned lock is used as it is, so the value must be consistent at
    /// every moment.
    pub fn lock(&self) -> Guard<'_, T> {
        let hold = hold();
        let value = self.wait();
        Guard { value, hold }
    }

    /// Takes the value if no other thread has it, and no fork is under way. Never waits.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let hold = try_hold()?;
        let value = self.take()?;
        Some(Guard { value, hold })
    }

    /// Waits for the value while forks are kept off already.
    pub(crate) fn lock_within<'a>(&'a self, _: &'a Hold) -> Inner<'a, T> {
        self.wait()
    }

    /// Waits for the value of a leaf, as the holder of another lock.
    pub fn lock_inside<'a, U>(&'a self, _: &'a Guard<'_, U>) -> Inner<'a, T> {
        self.wait()
    }

    fn wait(&self) -> Inner<'_, T> {
        let held = Held::take(self.rank);
        let value = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        Inner { value, _held: held }
    }

    pub(super) fn take(&self) -> Option<Inner<'_, T>> {
        let held = Held::take(self.rank);
        let value = match self.mutex.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(value)) => value.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Inner { value, _held: held })
    }
}

/// The value of a [`Lock`], which is free again when this is dropped, while forks are still kept
/// off.
pub struct Inner<'a, T> {
    value: MutexGuard<'a, T>,
    _held: Held,
}

impl<T> Deref for Inner<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Inner<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// The value of a [`Lock`], which is free again when this is dropped.
pub struct Guard<'a, T> {
    // In this order: forks are kept off until the mutex is free.
    value: Inner<'a, T>,
    hold: Hold,
}

impl<T> Guard<'_, T> {
    /// Returns the guard that keeps forks off.
    pub(crate) fn hold(&self) -> &Hold {
        &self.hold
    }
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
