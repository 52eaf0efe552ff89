// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer thread: gathers frames from its source, and sends them over the link.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};

use super::counters::{LinkState, add};
use super::drops::{DropMonitor, Progress};
use super::link::Link;
use super::{Closing, Feed, Gathered, Shared, Source};
use crate::fork;
use crate::transport::{UNPOLLABLE_RETRY, deadline, poll_for};

/// Time after which a wait checks whether the host closed descriptors just before it began.
const CHECK_AFTER: Duration = Duration::from_millis(100);

/// Time between noticing that the host closes descriptors and opening new ones.
const SETTLING: Duration = Duration::from_millis(10);

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
        if self.replace_lost() {
            return;
        }
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
        let first = until.min(now + CHECK_AFTER).saturating_duration_since(now);
        let mut polled = poll_for(&mut fds, first);
        let is_quiet = polled.is_ok() && fds.iter().all(|fd| fd.any() == Some(false));
        if is_quiet && until > now + CHECK_AFTER && !self.has_lost_any() {
            polled = poll_for(&mut fds, until.saturating_duration_since(Instant::now()));
        }
        shared.sleeping.0.store(false, Ordering::Relaxed);
        let ready = |index: usize, flags: PollFlags| {
            let events = fds.get(index).and_then(PollFd::revents);
            polled.is_ok() && events.is_some_and(|events| events.intersects(flags))
        };
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
        let (woken, readable) = (ready(0, PollFlags::POLLIN), ready(1, PollFlags::POLLIN | gone));
        if readable {
            self.link.readable(&mut self.source, &shared.counters.0);
        }
        if woken {
            shared.wake.take();
        }
        if polled.is_err() {
            // The host may have set its limit for descriptors to 0.
            drop(poll_for(&mut [], UNPOLLABLE_RETRY));
        }
    }

    /// Returns whether the host has closed a descriptor. Closing one that is polled wakes this
    /// thread, as it ends the pair of the wake, but closing it before does not, if its number
    /// belongs to a file of the host by then.
    fn has_lost_any(&self) -> bool {
        self.link.is_lost() || !self.shared.wake.is_open()
    }

    /// Detects whether the host has closed descriptors. Ends the stream, or lets the next step of
    /// connecting or closing fail, and replaces the others.
    fn replace_lost(&mut self) -> bool {
        if !self.has_lost_any() {
            return false;
        }
        // The host may be closing one descriptor after the other. It must not close the new ones,
        // and open its own files under their numbers, before they are known by their inodes.
        drop(poll_for(&mut [], SETTLING));
        if self.link.is_lost() {
            self.link.readable(&mut self.source, &self.shared.counters.0);
        }
        let wake = &self.shared.wake;
        if !wake.is_open() && wake.renew(&fork::hold()).is_err() {
            // Out of descriptors. Until some are free, this thread has to check periodically.
            drop(poll_for(&mut [], UNPOLLABLE_RETRY));
        }
        true
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
        shared.ended.store(true, Ordering::Release);
        shared.closers.notify(true);
    }
}
