// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writer thread: takes frames out of the queues, and sends them over the link.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags};

use super::backlog::Backlog;
use super::counters::{LinkState, add};
use super::link::Link;
use super::{Payload, Shared};
use crate::queue::Consumer;
use crate::transport::poll_for;

pub(super) struct Worker<P: Payload> {
    shared: Arc<Shared<P>>,
    consumers: Vec<Consumer<P>>,
    backlog: Backlog,
    link: Link,
    /// Whether the last look left entries in a queue because the backlog is full.
    full: bool,
}

impl<P: Payload> Worker<P> {
    pub(super) fn new(shared: Arc<Shared<P>>, consumers: Vec<Consumer<P>>, link: Link) -> Self {
        let backlog = Backlog::new(shared.options.memory_limit);
        Self { shared, consumers, backlog, link, full: false }
    }

    /// Runs until the writer thread is told to close.
    pub(super) fn run(mut self) {
        let mut tried_once_more = false;
        loop {
            let more = self.take_in();
            let advanced = self.link.advance(&mut self.backlog, &self.shared.counters.0);
            self.shared.counters.0.set_state(self.link.state());
            if let Some(&until) = self.shared.close_by.get() {
                let nothing_left = self.backlog.is_empty() && self.queues_are_empty();
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
            // Entries that came in meanwhile wait for company: a write for each would cost more
            // than all of logging.
            if !more && !advanced {
                self.sleep();
            }
        }
        self.finish();
    }

    /// Moves frames from the queues to the backlog: one write's worth while the peer takes them,
    /// whatever fits while it does not. Returns whether another write's worth may be there.
    fn take_in(&mut self) -> bool {
        let Self { consumers, backlog, link, .. } = self;
        let blocked = link.is_blocked();
        let mut more = false;
        self.full = false;
        for consumer in consumers {
            consumer.drain(|payload| {
                let bytes = payload.bytes();
                if backlog.push(bytes) {
                    return true;
                }
                more = !blocked && !backlog.is_empty();
                self.full = !more && !backlog.push_to_new_chunk(bytes);
                !more && !self.full
            });
            if more || self.full {
                break;
            }
        }
        // The next round begins with another queue, so that none has to wait for the rest.
        if self.consumers.len() > 1 {
            self.consumers.rotate_left(1);
        }
        more
    }

    fn queues_are_empty(&self) -> bool {
        self.consumers.iter().all(|consumer| consumer.ring().len() == 0)
    }

    /// Waits for a producer with a batch, for the peer, or for the next deadline.
    fn sleep(&mut self) {
        let shared = &*self.shared;
        if !self.full {
            shared.sleeping.0.store(true, Ordering::Relaxed);
            // Either this thread sees the batch below, or its producer sees `sleeping`; if both
            // miss, the next entry or the flush timeout makes up for it.
            fence(Ordering::SeqCst);
            if self.consumers.iter().any(|consumer| consumer.ring().len() >= shared.wake_level) {
                shared.sleeping.0.store(false, Ordering::Relaxed);
                return;
            }
        }
        let now = Instant::now();
        let flush_at = now + shared.options.flush_timeout;
        let close_by = shared.close_by.get().copied();
        let deadlines = [self.link.deadline(), close_by];
        let until = deadlines.into_iter().flatten().fold(flush_at, Instant::min);

        let mut fds = vec![PollFd::new(shared.wake.fd(), PollFlags::POLLIN)];
        fds.extend(self.link.poll().map(|(fd, flags)| PollFd::new(fd, flags)));
        let polled = poll_for(&mut fds, until.saturating_duration_since(now));
        shared.sleeping.0.store(false, Ordering::Relaxed);
        let ready = |index: usize, flags: PollFlags| {
            let events = fds.get(index).and_then(PollFd::revents);
            polled.is_ok() && events.is_some_and(|events| events.intersects(flags))
        };
        let woken = ready(0, PollFlags::POLLIN);
        let readable = ready(1, PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR);
        if woken {
            shared.wake.take();
        }
        if readable {
            self.link.readable(&mut self.backlog, &shared.counters.0);
        }
    }

    /// Counts what could not be sent, and lets the closer go on.
    fn finish(self) {
        let Self { shared, mut consumers, mut backlog, link, .. } = self;
        let counters = &shared.counters.0;
        add(&counters.written, backlog.rewind());
        let mut lost = backlog.frames();
        for consumer in &mut consumers {
            lost += consumer.drain(|_| true);
        }
        add(&counters.lost_closing, lost);
        counters.set_state(LinkState::Closing);
        // Whatever the transport calls at its end is over when the closer goes on.
        drop(link);
        shared.finished();
    }
}
