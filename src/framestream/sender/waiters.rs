// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that wait for the writer thread: until their frames are sent, or until it ends. They need
//! no descriptor for it, which the host might close, and no channel of the standard library: that
//! makes a handle of the waiting thread, which is never freed if that is the main thread.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::fork::{Child, Lock};

/// A waiting thread.
struct Waiter {
    is_over: Box<dyn Fn() -> bool + Send + Sync>,
    /// True once the wait is over. Held for a moment only, and in no order with other locks.
    done: Mutex<bool>,
    changed: Condvar,
}

impl Waiter {
    fn lock_done(&self) -> MutexGuard<'_, bool> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All threads that wait for the same thing.
#[derive(Default)]
pub(super) struct Waiters {
    all: Lock<Vec<Arc<Waiter>>>,
    /// True if there may be any.
    any: AtomicBool,
    /// True if one of them is new.
    requested: AtomicBool,
}

/// The registration of a waiting thread, removed on drop.
pub(super) struct Ticket<'a> {
    waiters: &'a Waiters,
    waiter: Arc<Waiter>,
}

impl Ticket<'_> {
    /// Waits until the wait is over, or for `timeout`. Returns whether it is over.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let done = self.waiter.lock_done();
        let waited = self.waiter.changed.wait_timeout_while(done, timeout, |done| !*done);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Waiters {
    /// Registers the caller to be notified once `is_over` returns true. The writer thread must
    /// still be woken.
    pub(super) fn join(&self, is_over: impl Fn() -> bool + Send + Sync + 'static) -> Ticket<'_> {
        let (done, changed) = (Mutex::new(false), Condvar::new());
        let waiter = Arc::new(Waiter { is_over: Box::new(is_over), done, changed });
        self.all.lock().push(Arc::clone(&waiter));
        self.any.store(true, Ordering::Release);
        self.requested.store(true, Ordering::Release);
        Ticket { waiters: self, waiter }
    }

    /// Returns whether a thread has registered since the last call.
    pub(super) fn take_request(&self) -> bool {
        self.requested.load(Ordering::Relaxed) && self.requested.swap(false, Ordering::Acquire)
    }

    /// Notifies the threads whose waits are over; or `all`, which a thread that is registering
    /// itself notices afterwards.
    pub(super) fn notify(&self, all: bool) {
        if !all && !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut waiters = self.all.lock();
        waiters.retain(|waiter| {
            let is_done = all || (waiter.is_over)();
            if is_done {
                *waiter.lock_done() = true;
                waiter.changed.notify_one();
            }
            !is_done
        });
        self.any.store(!waiters.is_empty(), Ordering::Relaxed);
    }

    /// Resets the list in a forked child: the waiting threads are the parent's.
    pub(super) fn renew(&self, child: &Child) {
        if let Some(mut waiters) = self.all.lock_in(child) {
            // Dropping them would free memory.
            mem::forget(mem::take(&mut *waiters));
        }
        self.any.store(false, Ordering::Relaxed);
        self.requested.store(false, Ordering::Relaxed);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.waiters.all.lock().retain(|other| !Arc::ptr_eq(other, &self.waiter));
    }
}
