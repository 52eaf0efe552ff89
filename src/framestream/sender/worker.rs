// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer thread: gathers frames from its source, and sends them over the link.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};

use super::counters::{LinkState, add};
use super::drops::{DropMonitor, Progress};
use super::link::Link;
use super::{Closing, Feed, Gathered, Shared, Source};
use crate::transport::{UNPOLLABLE_RETRY, deadline, poll_for};

/// The state of the writer thread.
pub(super) struct Worker<F: Feed> {
    shared: Arc<Shared<F>>,
    source: F::Source,
    link: Link,
    monitor: DropMonitor,
}

impl<F: Feed> Worker<F> {
    pub(super) fn new(shared: Arc<Shared<F>>, source: F::Source, link: Link) -> Self {
        Self { shared, source, link, monitor: DropMonitor::default() }
    }

    /// Runs until the writer thread is closed.
    pub(super) fn run(mut self) {
        let mut tried_once_more = false;
        loop {
            self.reopen_if_requested();
            if self.shared.flush.take_request() {
                self.link.retry_now();
            }
            let gathered = self.source.gather(self.link.is_blocked());
            let advanced = self.link.advance(&mut self.source, &self.shared.counters.0);
            self.shared.counters.0.set_state(self.link.state());
            self.check_drops();
            self.shared.flush.notify(false);
            if let Some(&Closing { by: until, .. }) = self.shared.closing.get() {
                let nothing_left = self.source.is_empty();
                if self.link.is_closed() || Instant::now() >= until {
                    break;
                }
                match self.link.state() {
                    LinkState::Disconnected if nothing_left || tried_once_more => break,
                    LinkState::Disconnected => {
                        self.link.retry_now();
                        tried_once_more = true;
                        continue;
                    }
                    LinkState::Connecting if nothing_left && !advanced => break,
                    LinkState::Connected if nothing_left => {
                        self.link.close(until);
                        continue;
                    }
                    _ => (),
                }
            }
            // Frames that were submitted meanwhile wait for a batch: one write for each would cost
            // more than logging it.
            if gathered != Gathered::More && !advanced {
                self.sleep(gathered);
            }
        }
        self.finish();
    }

    fn check_drops(&mut self) {
        let Self { shared, link, monitor, .. } = self;
        let counters = &shared.counters.0;
        monitor.check(&shared.feed, &counters.events, || Progress {
            blocked: link.is_blocked(),
            bytes_accepted: counters.bytes_written.load(Ordering::Relaxed),
        });
    }

    /// Reopens the stream if a thread has requested it. The changes that it made before, such as
    /// renaming a file, are visible.
    fn reopen_if_requested(&mut self) {
        let requested = &self.shared.reopen;
        if requested.load(Ordering::Relaxed) && requested.swap(false, Ordering::Acquire) {
            self.link.reopen(&mut self.source, &self.shared.counters.0);
        }
    }

    /// Waits for a producer with a batch, for the peer, or for the next deadline.
    fn sleep(&mut self, gathered: Gathered) {
        let shared = &*self.shared;
        // Without room for more frames, a producer must not wake this thread.
        if gathered != Gathered::Full {
            shared.sleeping.0.store(true, Ordering::Relaxed);
            // Either this thread sees the batch below, or its producer sees `sleeping`. Should both
            // miss, the next frame or the flush timeout wakes this thread.
            fence(Ordering::SeqCst);
            if self.source.has_batch() {
                shared.sleeping.0.store(false, Ordering::Relaxed);
                return;
            }
        }
        let now = Instant::now();
        let flush_at = deadline(now, shared.options.flush_timeout);
        let close_by = shared.closing.get().map(|closing| closing.by);
        let deadlines = [self.link.deadline(), close_by];
        let mut until = deadlines.into_iter().flatten().fold(flush_at, Instant::min);
        if let Some(check_at) = self.monitor.deadline() {
            until = until.min(check_at);
        }

        let mut fds = vec![PollFd::new(shared.wake.fd(), PollFlags::POLLIN)];
        fds.extend(self.link.poll().map(|(fd, flags)| PollFd::new(fd, flags)));
        let polled = poll_for(&mut fds, until.saturating_duration_since(now));
        shared.sleeping.0.store(false, Ordering::Relaxed);
        let ready = |index: usize, flags: PollFlags| {
            let events = fds.get(index).and_then(PollFd::revents);
            polled.is_ok() && events.is_some_and(|events| events.intersects(flags))
        };
        let woken = ready(0, PollFlags::POLLIN);
        // A descriptor that the host has closed is detected by reading from it.
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        let readable = ready(1, PollFlags::POLLIN | gone);
        let mut closed = ready(0, PollFlags::POLLNVAL) || ready(1, PollFlags::POLLNVAL);
        if woken {
            closed |= !shared.wake.take();
        }
        if readable {
            self.link.readable(&mut self.source, &shared.counters.0);
        }
        // The numbers may belong to descriptors of the host by now, which never become ready.
        closed |= !woken && !readable;
        if closed && !(shared.wake.replace_closed() & shared.ended.replace_closed()) {
            // Out of descriptors. Until some are free, this thread has to check periodically.
            drop(poll_for(&mut [], UNPOLLABLE_RETRY));
        }
    }

    /// Counts the frames that could not be sent, and notifies the waiting threads.
    fn finish(self) {
        let Self { shared, mut source, link, monitor } = self;
        let counters = &shared.counters.0;
        add(&counters.written, source.rewind());
        let unsent = source.discard();
        add(&counters.lost_closing, unsent);
        counters.set_state(LinkState::Closing);
        // Frames that are submitted from here on are never sent.
        shared.over.store(true, Ordering::Release);
        shared.flush.notify(true);
        // Dropped first, because it may call functions of the host, which must have returned when
        // `close` does.
        drop(link);
        monitor.end(&shared.feed, unsent as u64, &counters.events);
        shared.ended.wake();
    }
}
