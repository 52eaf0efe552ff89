// SPDX-License-Identifier: MIT OR Apache-2.0
//! Threads that wait until their frames are sent. The writer thread checks whether they are, after
//! it has counted the frames that it has sent.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crate::fork::{Child, Lock};

/// A waiting thread.
struct FlushWaiter {
    is_sent: Box<dyn Fn() -> bool + Send + Sync>,
    done: SyncSender<()>,
}

/// All waiting threads.
#[derive(Default)]
pub(super) struct Flush {
    waiters: Lock<Vec<Arc<FlushWaiter>>>,
    /// True if there may be any.
    any: AtomicBool,
    /// True if one of them is new.
    requested: AtomicBool,
}

/// The registration of a waiting thread, removed on drop.
pub(super) struct FlushTicket<'a> {
    flush: &'a Flush,
    waiter: Arc<FlushWaiter>,
    /// Receives a message, or disconnects, when the wait is over.
    pub(super) done: Receiver<()>,
}

impl Flush {
    /// Registers the caller to be notified once `is_sent` returns true. The writer thread must
    /// still be woken.
    pub(super) fn join(
        &self,
        is_sent: impl Fn() -> bool + Send + Sync + 'static,
    ) -> FlushTicket<'_> {
        let (sender, done) = sync_channel(1);
        let waiter = Arc::new(FlushWaiter { is_sent: Box::new(is_sent), done: sender });
        self.waiters.lock().push(Arc::clone(&waiter));
        self.any.store(true, Ordering::Release);
        self.requested.store(true, Ordering::Release);
        FlushTicket { flush: self, waiter, done }
    }

    /// Returns whether a thread has registered since the last call.
    pub(super) fn take_request(&self) -> bool {
        self.requested.load(Ordering::Relaxed) && self.requested.swap(false, Ordering::Acquire)
    }

    /// Notifies the threads whose frames are all sent; or all threads if sending is `over`.
    pub(super) fn notify(&self, over: bool) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut waiters = self.waiters.lock();
        waiters.retain(|waiter| {
            let is_done = over || (waiter.is_sent)();
            // The channel has room for the only message.
            !is_done || waiter.done.try_send(()).is_err()
        });
        self.any.store(!waiters.is_empty(), Ordering::Relaxed);
    }

    /// Resets the list in a forked child: the waiting threads are the parent's.
    pub(super) fn renew(&self, child: &Child) {
        if let Some(mut waiters) = self.waiters.lock_in(child) {
            // Dropping them would free memory.
            mem::forget(mem::take(&mut *waiters));
        }
        self.any.store(false, Ordering::Relaxed);
        self.requested.store(false, Ordering::Relaxed);
    }
}

impl Drop for FlushTicket<'_> {
    fn drop(&mut self) {
        self.flush.waiters.lock().retain(|other| !Arc::ptr_eq(other, &self.waiter));
    }
}
