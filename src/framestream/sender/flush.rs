// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that wait until what they have put in is sent. The writer thread sees for itself whether
//! it is, once all that it has sent is counted.

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
    /// Whether there may be any.
    any: AtomicBool,
    /// Whether one of them is new.
    asked: AtomicBool,
}

/// The place of a thread that waits, which ends with it.
pub(super) struct Ticket<'a> {
    flush: &'a Flush,
    waiting: Arc<Waiting>,
    /// Gets a message, or hangs up, when there is nothing left to wait for.
    pub(super) done: Receiver<()>,
}

impl Flush {
    /// Has the caller told once `is_sent`. The writer thread is still to be woken.
    pub(super) fn join(&self, is_sent: impl Fn() -> bool + Send + Sync + 'static) -> Ticket<'_> {
        let (sender, done) = sync_channel(1);
        let waiting = Arc::new(Waiting { is_sent: Box::new(is_sent), done: sender });
        self.waiting.lock().push(Arc::clone(&waiting));
        self.any.store(true, Ordering::Release);
        self.asked.store(true, Ordering::Release);
        Ticket { flush: self, waiting, done }
    }

    /// Whether another thread waits since this was last called.
    pub(super) fn take_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) && self.asked.swap(false, Ordering::Acquire)
    }

    /// Tells those for whom all is sent; or all, as nothing more is sent once it is `over`.
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

    /// Begins anew in a forked child: the threads that wait are the parent's.
    pub(super) fn renew(&self, child: &Child) {
        if let Some(mut waiting) = self.waiting.lock_in(child) {
            // To drop them would free memory.
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
