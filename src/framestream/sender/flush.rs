// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that wait until their frames are sent. The writer thread checks whether they are, once
//! it has counted all that it has sent.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::fork::{Child, Lock};

/// A thread that waits.
struct Waiting {
    is_sent: Box<dyn Fn() -> bool + Send + Sync>,
    done: SyncSender<()>,
}

/// All threads that wait.
#[derive(Default)]
pub(super) struct Flush {
    waiting: Lock<Vec<Arc<Waiting>>>,
    /// True if there may be any.
    any: AtomicBool,
    /// True if one of them is new.
    asked: AtomicBool,
}

/// The registration of a waiting thread, removed on drop.
pub(super) struct Ticket<'a> {
    flush: &'a Flush,
    waiting: Arc<Waiting>,
    /// Gets a message, or disconnects, when the wait is over.
    pub(super) done: Receiver<()>,
}

impl Flush {
    /// Registers the caller to be notified once `is_sent` returns true. The writer thread must
    /// still be woken.
    pub(super) fn join(&self, is_sent: impl Fn() -> bool + Send + Sync + 'static) -> Ticket<'_> {
        let (sender, done) = sync_channel(1);
        let waiting = Arc::new(Waiting { is_sent: Box::new(is_sent), done: sender });
        self.waiting.lock().push(Arc::clone(&waiting));
        self.any.store(true, Ordering::Release);
        self.asked.store(true, Ordering::Release);
        Ticket { flush: self, waiting, done }
    }

    /// Returns whether another thread waits since the last call.
    pub(super) fn take_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::Acquire)
    }

    /// Notifies the threads whose frames are all sent; or all threads if sending is `over`.
    pub(super) fn tell(&self, over: bool) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut waiting = self.waiting.lock();
        waiting.retain(|waiting| {
            let is_done = over || (waiting.is_sent)();
            // There is room for one message, and one is sent.
            !is_done || waiting.done.try_send(()).is_err()
        });
        self.any.store(!waiting.is_empty(), Ordering::Relaxed);
    }

    /// Resets the list in a forked child: the waiting threads are the parent's.
    pub(super) fn renew(&self, child: &Child) {
        if let Some(mut waiting) = self.waiting.lock_in(child) {
            // Dropping them would free memory.
            mem::forget(mem::take(&mut *waiting));
        }
        self.any.store(false, Ordering::Relaxed);
        self.asked.store(false, Ordering::Relaxed);
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.flush.waiting.lock().retain(|other| !Arc::ptr_eq(other, &self.waiting));
    }
}
