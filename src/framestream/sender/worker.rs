// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer thread: gathers frames from its source, and sends them over the link.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};

use super::counters::{LinkState, add};
use super::drops::{Drops, Progress};
use super::link::Link;
use super::{Closing, Feed, Gathered, Shared, Source};
use crate::transport::{UNPOLLABLE_RETRY, deadline, poll_for};

pub(super) struct Worker<F: Feed> {
    shared: Arc<Shared<F>>,
    source: F::Source,
    link: Link,
    drops: Drops,
}

impl<F: Feed> Worker<F> {
    pub(super) fn new(shared: Arc<Shared<F>>, source: F::Source, link: Link) -> Self {
        Self { shared, source, link, drops: Drops::default() }
    }

    /// Runs until the writer thread is closed.
    pub(super) fn run(mut self) {
        let mut tried_once_more = false;
        loop {
            self.reopen_if_asked();
            if self.shared.flush.take_asked() {
                self.link.hurry();
            }
            let gathered = self.source.gather(self.link.is_blocked());
            let advanced = self.link.advance(&mut self.source, &self.shared.counters.0);
            self.shared.counters.0.set_state(self.link.state());
            self.check_drops();
            self.shared.flush.tell(false);
            if let Some(&Closing { by: until, .. }) = self.shared.closing.get() {
                let nothing_left = self.source.is_empty();
                if self.link.is_closed() || Instant::now() >= until {
                    break;
                }
                match self.link.state() {
                    LinkState::Disconnected if nothing_left || tried_once_more => break,
                    LinkState::Disconnected => {
                        self.link.hurry();
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
            // Frames that came in meanwhile wait for company: a write for each would cost more
            // than all of logging.
            if gathered != Gathered::More && !advanced {
                self.sleep(gathered);
            }
        }
        self.finish();
    }

    fn check_drops(&mut self) {
        let Self { shared, link, drops, .. } = self;
        let counters = &shared.counters.0;
        drops.check(&shared.feed, &counters.events, || Progress {
            blocked: link.is_blocked(),
            taken: counters.bytes_written.load(Ordering::Relaxed),
        });
    }

    /// Sees whether the stream is to be opened anew. What another thread did before it asked is
    /// done.
    fn reopen_if_asked(&mut self) {
        let asked = &self.shared.reopen;
        if asked.load(Ordering::Relaxed) && asked.swap(false, Ordering::Acquire) {
            self.link.reopen(&mut self.source, &self.shared.counters.0);
        }
    }

    /// Waits for a producer with a batch, for the peer, or for the next deadline.
    fn sleep(&mut self, gathered: Gathered) {
        let shared = &*self.shared;
        // Without room for more there is no point in being woken by a producer.
        if gathered != Gathered::Full {
            shared.sleeping.0.store(true, Ordering::Relaxed);
            // Either this thread sees the batch below, or its producer sees `sleeping`; if both
            // miss, the next frame or the flush timeout makes up for it.
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
        if let Some(check_at) = self.drops.deadline() {
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
        // The numbers may be those of descriptors of the host, which never become ready.
        closed |= !woken && !readable;
        if closed && !(shared.wake.replace_closed() & shared.ended.replace_closed()) {
            // Out of descriptors. Until there are some again, only the time wakes this thread.
            drop(poll_for(&mut [], UNPOLLABLE_RETRY));
        }
    }

    /// Counts what could not be sent, and lets those who close go on.
    fn finish(self) {
        let Self { shared, mut source, link, drops } = self;
        let counters = &shared.counters.0;
        add(&counters.written, source.rewind());
        let unsent = source.discard();
        add(&counters.lost_closing, unsent);
        counters.set_state(LinkState::Closing);
        // A frame that is put in from here on is never seen.
        shared.over.store(true, Ordering::Release);
        shared.flush.tell(true);
        // Whatever the transport calls at its end is over when they go on.
        drop(link);
        drops.end(&shared.feed, unsent as u64, &counters.events);
        shared.ended.wake();
    }
}
