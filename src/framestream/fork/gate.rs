// SPDX-License-Identifier: MIT OR Apache-2.0
//! The gate, through which forks wait for threads that hold a lock, and the locks.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::sync::{
    Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError,
};

use super::order::{self, Held, Rank};

/// Held for reading by threads during which no fork may happen, and for writing by the thread that
/// forks. Unlike a lock of POSIX threads, a lock of std can be released in the child on Linux,
/// where it is just a number, and the child is the thread that took it.
static GATE: RwLock<()> = RwLock::new(());

thread_local! {
    /// The guard of the gate, while this thread forks. Without a destructor, whose registration
    /// would allocate memory.
    static FORKING: Cell<Option<ManuallyDrop<RwLockWriteGuard<'static, ()>>>> =
        const { Cell::new(None) };
}

/// Waits until no thread holds a [`Lock`], and prevents threads from taking one until
/// [`in_parent`](super::in_parent) or [`mark_child`](super::mark_child) is called.
///
/// The three functions are meant for the handlers of `pthread_atfork`, and allocate nothing. A
/// thread that holds a `Lock` must not fork. A second call before the same fork, by handlers that
/// are registered twice, does nothing.
pub fn prepare() {
    order::assert_nothing_held();
    let held = FORKING.take();
    let gate = held
        .unwrap_or_else(|| ManuallyDrop::new(GATE.write().unwrap_or_else(PoisonError::into_inner)));
    FORKING.set(Some(gate));
}

/// Lets threads take locks again.
pub(super) fn open() {
    drop(FORKING.take().map(ManuallyDrop::into_inner));
}

/// A guard that blocks forks, while state is changed that a child must see completely or not at
/// all. It must not be held for long.
pub(crate) struct Hold {
    // In this order: the gate must be free before the next lock is recorded.
    /// `None` in a fork handler of the host, whose own fork blocks all others.
    _gate: Option<RwLockReadGuard<'static, ()>>,
    _held: Held,
}

/// Blocks forks.
pub(crate) fn hold() -> Hold {
    let held = Held::take(Rank::Gate);
    let gate =
        if is_forking() { None } else { Some(GATE.read().unwrap_or_else(PoisonError::into_inner)) };
    Hold { _gate: gate, _held: held }
}

/// Returns whether this thread is forking, which is after [`prepare`].
fn is_forking() -> bool {
    let gate = FORKING.take();
    let is_forking = gate.is_some();
    FORKING.set(gate);
    is_forking
}

/// Blocks forks, unless one is in progress or waiting.
fn try_hold() -> Option<Hold> {
    let held = Held::take(Rank::Gate);
    let gate = match GATE.try_read() {
        Ok(gate) => gate,
        Err(TryLockError::Poisoned(gate)) => gate.into_inner(),
        Err(TryLockError::WouldBlock) => return None,
    };
    Some(Hold { _gate: Some(gate), _held: held })
}

/// A mutex that is free in a forked child, if the process has fork handlers that call [`prepare`].
///
/// A thread must not fork, or wait for anything, while it holds one. Several must be taken in the
/// [order of locks](super#order-of-locks).
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

    /// Creates a lock on `value` that a thread can take while it holds another one.
    pub const fn leaf(value: T) -> Self {
        Self { mutex: Mutex::new(value), rank: Rank::Leaf }
    }

    /// Waits for the lock. Poisoning is ignored, so the value must be consistent at every moment.
    pub fn lock(&self) -> Guard<'_, T> {
        let hold = hold();
        let value = self.wait();
        Guard { value, hold }
    }

    /// Takes the lock if no other thread holds it, and no fork is in progress. Never waits.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let hold = try_hold()?;
        let value = self.take()?;
        Some(Guard { value, hold })
    }

    /// Waits for the lock while forks are already blocked.
    pub(crate) fn lock_within<'a>(&'a self, _: &'a Hold) -> InnerGuard<'a, T> {
        self.wait()
    }

    /// Waits for a leaf lock in a thread that holds another lock.
    pub fn lock_inside<'a, U>(&'a self, _: &'a Guard<'_, U>) -> InnerGuard<'a, T> {
        self.wait()
    }

    fn wait(&self) -> InnerGuard<'_, T> {
        let held = Held::take(self.rank);
        let value = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        InnerGuard { value, _held: held }
    }

    pub(super) fn take(&self) -> Option<InnerGuard<'_, T>> {
        let held = Held::take(self.rank);
        let value = match self.mutex.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(value)) => value.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(InnerGuard { value, _held: held })
    }
}

/// A guard of a [`Lock`] that was taken while forks were already blocked, and stay so when it is
/// dropped.
pub struct InnerGuard<'a, T> {
    value: MutexGuard<'a, T>,
    _held: Held,
}

impl<T> Deref for InnerGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for InnerGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// A guard of a [`Lock`], which also blocks forks.
pub struct Guard<'a, T> {
    // In this order: forks are blocked until the mutex is free.
    value: InnerGuard<'a, T>,
    hold: Hold,
}

impl<T> Guard<'_, T> {
    /// Returns the guard that blocks forks.
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
