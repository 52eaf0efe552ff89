// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that wait for the writer thread: until their frames are sent, or until it ends. They need
//! no descriptor for it, which the host might close.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::fork::{Child, Lock};

/// A waiting thread.
struct Waiter {
    is_over: Box<dyn Fn() -> bool + Send + Sync>,
    done: SyncSender<()>,
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
    /// Receives a message, or disconnects, when the wait is over.
    pub(super) done: Receiver<()>,
}

impl Waiters {
    /// Registers the caller to be notified once `is_over` returns true. The writer thread must
    /// still be woken.
    pub(super) fn join(&self, is_over: impl Fn() -> bool + Send + Sync + 'static) -> Ticket<'_> {
        let (sender, done) = sync_channel(1);
        let waiter = Arc::new(Waiter { is_over: Box::new(is_over), done: sender });
        self.all.lock().push(Arc::clone(&waiter));
        self.any.store(true, Ordering::Release);
        self.requested.store(true, Ordering::Release);
        Ticket { waiters: self, waiter, done }
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
            // The channel has room for the only message.
            !is_done || waiter.done.try_send(()).is_err()
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
