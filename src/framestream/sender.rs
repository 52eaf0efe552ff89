// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread: sends the frames of a [`Source`] that other threads fill, keeps the connection
//! up, and accounts for every frame.
//!
//! What lies between the producers and the thread is not its business; `iothr` has queues of
//! pointers there.

mod counters;
mod drops;
mod events;
mod flush;
mod link;
mod wake;
mod worker;

pub use counters::{Failure, LinkState, SenderStats};
pub use drops::{Alarm, Dropped};
pub use events::{EVENTS_MAX, EventKind, SenderEvent};

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use nix::sys::signal::SigSet;

use crate::fork::{self, Child, Guard, InChild, Lock};
use crate::sync::Padded;
use crate::transport::{Transport, UNPOLLABLE_RETRY, deadline, poll_for};
use crate::writer::{StreamWriter, WriterOptions};
use counters::{Counters, add};
use drops::Drops;
use flush::Flush;
use link::Link;
use wake::Wake;
use worker::Worker;

/// Stack of the writer thread: the usual one of C programs, whose functions it may call.
const STACK_SIZE: usize = 8 << 20;

/// Extra time that a writer thread gets after its own deadline when it closes.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Steps of [`CLOSE_GRACE`], the last of which is always waited for. A machine that stands still,
/// as a virtual one may, takes a step from the thread and not all of its time.
const CLOSE_GRACE_STEPS: u32 = 5;

/// [`Shared::epoch`] of a writer thread that is closing.
const CLOSED: usize = usize::MAX;

/// The state that the producers of a writer thread share with it.
pub trait Feed: Send + Sync + 'static {
    /// The source that the thread takes frames from.
    type Source: Source;

    /// Returns the number of frames that this process has put in.
    fn accepted(&self) -> u64;

    /// Resets the source in a forked child, empty and with all counters 0: pending frames belong to
    /// the parent.
    fn renew(&self, child: &Child);

    /// Returns the alarm that is raised for each frame dropped before it was accepted; `None` if the
    /// thread does not report them.
    fn alarm(&self) -> Option<&Alarm> {
        None
    }

    /// Returns the frames that this process has dropped so far.
    fn dropped(&self) -> Dropped {
        Dropped::new()
    }

    /// Returns the source of this process. Called with a [`Lock`] held, so it must not take one.
    fn source(&self) -> Self::Source;
}

/// The result of gathering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// With all that was there.
    All,
    /// With one write's worth; there may be more.
    More,
    /// For want of room, before the end.
    Full,
}

/// A function that writes the beginning of some slices, and returns how many bytes that was.
pub trait Write: FnOnce(&[IoSlice<'_>]) -> io::Result<usize> {}

impl<T: FnOnce(&[IoSlice<'_>]) -> io::Result<usize>> Write for T {}

/// Frames on their way out, as they go on the wire.
pub trait Source: Send {
    /// Takes in what producers have left: one write's worth, or, while the peer is `blocked`,
    /// whatever there is room for.
    fn gather(&mut self, blocked: bool) -> Gathered;

    /// Returns whether producers have left so much that it is worth getting up for.
    fn has_batch(&self) -> bool;

    /// Returns whether nothing waits, neither here nor with the producers.
    fn is_empty(&self) -> bool;

    /// Returns the number of bytes that the next write is to send, up to the end of a frame; 0 if
    /// nothing is gathered.
    fn front_len(&self) -> usize;

    /// Hands the first `max_len` of these bytes, or all of them, to `write`, and returns its result;
    /// `None` if there are none. They are the same until they are consumed, but for more after
    /// them.
    fn write_front(&mut self, max_len: usize, write: impl Write) -> Option<io::Result<usize>>;

    /// `count` bytes of [`Source::write_front`] are sent. Returns the frames this completes, as far
    /// as they are counted already.
    fn consume(&mut self, count: usize) -> usize;

    /// The stream is over: a frame that was sent in part is to be sent again as a whole. Returns
    /// the frames before it that were sent and not counted yet.
    fn rewind(&mut self) -> usize;

    /// Gives up what the last write was to send. Returns its frames.
    fn give_up(&mut self) -> usize;

    /// Drops all that waits. Returns its frames.
    fn discard(&mut self) -> usize;
}

/// The settings of a writer thread.
#[derive(Clone, Debug)]
pub struct SenderOptions {
    /// The name of the thread, of which the system shows 15 bytes.
    pub thread_name: String,
    /// Longest time that a frame waits for others to be sent with.
    pub flush_timeout: Duration,
    /// Longest time between two tries to connect; the first come sooner.
    pub reopen_interval: Duration,
    /// Maximum time for closing, including sending the pending frames.
    pub close_timeout: Duration,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            thread_name: "fstrm-writer".into(),
            flush_timeout: Duration::from_secs(1),
            reopen_interval: Duration::from_secs(5),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// When a writer thread is to have ended, and whose it is.
#[derive(Clone, Copy)]
struct Closing {
    by: Instant,
    /// The fork generation of the thread.
    generation: usize,
}

/// The writer thread of this process, and the parts from which a forked child starts its own.
struct ThreadState {
    handle: Option<JoinHandle<()>>,
    /// Still closed; each child gets another one like it.
    transport: Box<dyn Transport>,
    options: WriterOptions,
}

/// The state that the threads share.
struct Shared<F: Feed> {
    /// The fork generation whose writer thread runs, or [`CLOSED`]. Changed under the lock of
    /// `thread`.
    epoch: AtomicUsize,
    options: SenderOptions,
    feed: F,
    /// True if the writer thread waits to be woken.
    sleeping: Padded<AtomicBool>,
    counters: Padded<Counters>,
    wake: Wake,
    /// True if the thread is to open the stream anew.
    reopen: AtomicBool,
    flush: Flush,
    /// Set to close.
    closing: OnceLock<Closing>,
    thread: Lock<ThreadState>,
    /// True if a forked child has to start its thread after a fork that is under way.
    put_off: AtomicBool,
    /// True once nothing is sent any more: pending frames are lost.
    over: AtomicBool,
    /// True once a forked child without a writer thread has reported the end.
    end_reported: AtomicBool,
    /// Readable for good once the thread ends. A condition would want a lock.
    ended: Wake,
}

impl<F: Feed> Shared<F> {
    fn stats(&self) -> SenderStats {
        self.counters.0.stats(self.is_over(), || self.feed.accepted())
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Starts the writer thread of this process.
    fn spawn(self: &Arc<Self>, thread: &mut ThreadState, link: Link) -> io::Result<()> {
        let worker = Worker::new(Arc::clone(self), self.feed.source(), link);
        // Signals are for the threads of the host. The mask is inherited, so that none can hit the
        // new thread before it sets its own.
        let mask = SigSet::thread_get_mask()?;
        SigSet::all().thread_set_mask()?;
        let started = std::thread::Builder::new()
            .name(self.options.thread_name.clone())
            .stack_size(STACK_SIZE)
            .spawn(|| worker.run());
        mask.thread_set_mask()?;
        thread.handle = Some(started?);
        Ok(())
    }

    /// Returns the thread of this process, if it is known without a lock.
    fn revival(&self) -> Option<Revival> {
        match self.epoch.load(Ordering::Acquire) {
            CLOSED => Some(Revival::Closed),
            epoch => (epoch == fork::generation()).then_some(Revival::Running),
        }
    }

    /// Starts the writer thread of a forked child, unless it runs or starting it would have to
    /// wait.
    fn revive(self: &Arc<Self>) -> Revival {
        if let Some(revival) = self.revival() {
            return revival;
        }
        for _ in 0..2 {
            if let Some(mut thread) = self.thread.try_lock() {
                return self.revive_with(&mut thread);
            }
            // A fork that is under way after this sees it at its end.
            self.put_off.store(true, Ordering::Release);
            fork::ask_after_fork();
        }
        Revival::Pending
    }

    /// Starts the writer thread of a forked child that has pending frames, unless it runs.
    fn revive_to_send(self: &Arc<Self>) {
        if self.revival().is_none() && self.stats().waiting > 0 {
            self.revive_with(&mut self.thread.lock());
        }
    }

    fn revive_with(self: &Arc<Self>, thread: &mut Guard<'_, ThreadState>) -> Revival {
        if let Some(revival) = self.revival() {
            return revival;
        }
        if self.start_in_child(thread).is_ok() {
            self.epoch.store(fork::generation(), Ordering::Release);
            return Revival::Running;
        }
        // Closing need not wait for a thread that never was.
        let generation = self.epoch.swap(CLOSED, Ordering::AcqRel);
        self.closing.get_or_init(|| Closing { by: Instant::now(), generation });
        self.over.store(true, Ordering::Release);
        Revival::Closed
    }

    /// Starts the thread of a child, with pipes of its own.
    fn start_in_child(self: &Arc<Self>, thread: &mut Guard<'_, ThreadState>) -> io::Result<()> {
        self.wake.renew(thread.hold())?;
        self.ended.renew(thread.hold())?;
        let (transport, options) = (thread.transport.for_child(), thread.options.clone());
        let link = Link::new(transport, options, false, self.options.reopen_interval);
        self.spawn(thread, link)
    }

    /// Waits until the writer thread of this process has ended, or until `deadline`. Returns
    /// whether it has.
    fn await_end(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let polled = if self.ended.is_open() {
                let mut fds = [PollFd::new(self.ended.fd(), PollFlags::POLLIN)];
                let polled = poll_for(&mut fds, left);
                let events = fds[0].revents().unwrap_or(PollFlags::empty());
                if polled.is_ok() && events.contains(PollFlags::POLLIN) && self.ended.is_open() {
                    return true;
                }
                polled
            } else {
                // The host has closed the pipe, so the end of the thread cannot be seen.
                if self.thread.lock().handle.as_ref().is_none_or(JoinHandle::is_finished) {
                    return true;
                }
                poll_for(&mut [], left.min(UNPOLLABLE_RETRY))
            };
            if left.is_zero() || polled.is_err() {
                return false;
            }
        }
    }
}

impl<F: Feed> InChild for Shared<F> {
    fn in_child(&self, child: &Child) {
        self.feed.renew(child);
        self.counters.0.renew(child);
        self.sleeping.0.store(false, Ordering::Relaxed);
        self.reopen.store(false, Ordering::Relaxed);
        self.flush.renew(child);
        self.put_off.store(false, Ordering::Relaxed);
        self.end_reported.store(false, Ordering::Relaxed);
        if let Some(mut thread) = self.thread.lock_in(child) {
            // The handle is of a thread of the parent, which cannot be joined or detached here.
            std::mem::forget(thread.handle.take());
        }
        if self.epoch.load(Ordering::Relaxed) == CLOSED {
            self.counters.0.set_state(LinkState::Closing);
            self.over.store(true, Ordering::Relaxed);
        }
    }

    fn after_fork(self: Arc<Self>) {
        if self.put_off.swap(false, Ordering::Acquire) && self.revival().is_none() {
            self.revive_with(&mut self.thread.lock());
        }
    }
}

/// The state of the writer thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revival {
    /// It runs.
    Running,
    /// It does not run yet: another thread starts it, or a fork is under way. Frames are taken, and
    /// sent once it runs; each process that submits has to ask again.
    Pending,
    /// It was closed, or the system is out of threads or descriptors.
    Closed,
}

/// A writer thread, and what feeds it. Clones are the same thread.
pub struct Sender<F: Feed>(Arc<Shared<F>>);

impl<F: Feed> Clone for Sender<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Feed> Sender<F> {
    /// Starts a thread that sends what `feed` gets, with `writer`.
    pub fn start(options: SenderOptions, writer: StreamWriter, feed: F) -> io::Result<Self> {
        let (transport, writer_options, open) = writer.into_parts();
        let thread = ThreadState {
            handle: None,
            transport: transport.for_child(),
            options: writer_options.clone(),
        };
        let link = Link::new(transport, writer_options, open, options.reopen_interval);
        // Create each under its own guard: if the second fails, the first is closed after its guard
        // is released.
        let wake = Wake::new(&fork::hold())?;
        let ended = Wake::new(&fork::hold())?;
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(fork::generation()),
            options,
            feed,
            sleeping: Padded(AtomicBool::new(false)),
            counters: Padded::default(),
            wake,
            reopen: AtomicBool::new(false),
            flush: Flush::default(),
            closing: OnceLock::new(),
            thread: Lock::new(thread),
            put_off: AtomicBool::new(false),
            over: AtomicBool::new(false),
            end_reported: AtomicBool::new(false),
            ended,
        });
        let watched: Weak<Shared<F>> = Arc::downgrade(&shared);
        fork::watch(watched);
        shared.spawn(&mut shared.thread.lock(), link)?;
        Ok(Self(shared))
    }

    /// Returns the feed of the thread.
    #[inline]
    pub fn feed(&self) -> &F {
        &self.0.feed
    }

    /// Returns whether the thread of this process takes frames: it was not told to close, and this
    /// is no new child.
    #[inline]
    pub fn is_running(&self) -> bool {
        self.0.epoch.load(Ordering::Relaxed) == fork::generation()
    }

    /// Returns whether nothing is sent any more, so that pending frames are lost.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Starts the writer thread of a forked child that submits, unless it runs. Never waits for
    /// another thread or a fork.
    pub fn revive(&self) -> Revival {
        self.0.revive()
    }

    /// Returns whether the thread waits to be woken by a producer with a batch.
    #[inline]
    pub fn is_sleeping(&self) -> bool {
        self.0.sleeping.0.load(Ordering::Relaxed)
    }

    /// Wakes the thread, if no other producer did.
    pub fn wake(&self) {
        if self.0.sleeping.0.swap(false, Ordering::Relaxed) {
            self.0.wake.wake();
        }
    }

    /// Counts a frame that there was no room for.
    pub fn count_refused(&self) {
        add(&self.0.counters.0.refused, 1);
    }

    /// The accounts at this moment.
    pub fn stats(&self) -> SenderStats {
        self.0.stats()
    }

    /// Raises the alarm of the feed: a frame was dropped, and is counted. Wakes the thread at the
    /// first frame of a series.
    pub fn raise_alarm(&self) {
        if self.0.feed.alarm().is_some_and(Alarm::raise) {
            self.0.wake.wake();
        }
    }

    /// What went wrong last, in one line, though it may be long over: where the thread sends to,
    /// what it was about to do, and why it could not.
    pub fn last_error(&self) -> Option<String> {
        self.last_failure().map(|failure| failure.text)
    }

    /// The same with its time.
    pub fn last_failure(&self) -> Option<Failure> {
        self.0.counters.0.last_failure()
    }

    /// Removes the oldest event that this process has not taken yet. A forked child begins with
    /// none.
    pub fn next_event(&self) -> Option<SenderEvent> {
        self.0.counters.0.events.next()
    }

    /// Returns a descriptor that is readable while there are events: only to be polled. It belongs
    /// to this process: it is closed in forked children, which ask for another one. The same holds
    /// if it was closed by mistake.
    pub fn event_fd(&self) -> io::Result<RawFd> {
        self.0.counters.0.events.fd()
    }

    /// Asks the thread to end the stream and to open another one at once: a new file where the old
    /// one was renamed, a new connection to a receiver. Any thread may call it; it does not wait.
    ///
    /// A frame that is sent in part is completed first, and what else waits goes on the new stream.
    /// A receiver that takes no more bytes for `io_timeout` is given up, and gets the frame again
    /// as a whole. A file that is still at its path goes on as it is: opening would truncate it. If
    /// there is no stream, the next try to open one is now.
    pub fn reopen(&self) {
        // In a child without a thread, the pipe leads to that of the parent.
        if self.is_running() {
            self.0.reopen.store(true, Ordering::Release);
            self.0.wake.wake();
        }
    }

    /// Sends pending frames at once, and connects first if there is no stream. Returns whether,
    /// within `timeout`, `is_sent` returned true or sending ended. The writer thread calls
    /// `is_sent`, which must not wait.
    pub fn flush(
        &self,
        timeout: Duration,
        is_sent: impl Fn() -> bool + Send + Sync + 'static,
    ) -> bool {
        let shared = &self.0;
        shared.revive_to_send();
        if shared.revival().is_none() {
            // A child without pending frames.
            return true;
        }
        let until = deadline(Instant::now(), timeout);
        let ticket = shared.flush.join(is_sent);
        // If the thread ends from here on, it notifies this one.
        if shared.is_over() {
            return true;
        }
        shared.wake.wake();
        let left = until.saturating_duration_since(Instant::now());
        ticket.done.recv_timeout(left).is_ok()
    }

    /// Refuses frames from here on (one that is being submitted right now may come too late, and is
    /// counted as lost), sends the pending ones, closes the stream and ends the thread,
    /// all within [`SenderOptions::close_timeout`]. Returns whether the thread ended: one that is held up
    /// in a caller's own function is left running.
    pub fn close(&self) -> bool {
        self.close_within(self.0.options.close_timeout)
    }

    /// The same within `timeout`, unless it closes already.
    pub fn close_within(&self, timeout: Duration) -> bool {
        let shared = &self.0;
        let closing = self.start_closing(timeout);
        if closing.generation != fork::generation() {
            return true;
        }
        let ended = shared.await_end(closing.by) || self.await_end_in_grace(closing.by);
        shared.over.store(true, Ordering::Release);
        let thread = shared.thread.lock().handle.take();
        if ended {
            // Its only remaining work is to end.
            thread.map(JoinHandle::join);
        }
        ended
    }

    /// Waits for the end of a thread that was to end `by` a time. Returns whether it has ended.
    fn await_end_in_grace(&self, by: Instant) -> bool {
        let is_over = Instant::now() >= by + CLOSE_GRACE;
        let steps = if is_over { 1 } else { CLOSE_GRACE_STEPS };
        let step = CLOSE_GRACE / CLOSE_GRACE_STEPS;
        (0..steps).any(|_| self.0.await_end(Instant::now() + step))
    }

    /// Begins [`Sender::close`] and returns at once; that call then waits for the rest of the time
    /// limit, which starts now.
    pub fn begin_close(&self) {
        self.start_closing(self.0.options.close_timeout);
    }

    /// Sets the deadline of closing, unless it is set already, and returns it.
    fn start_closing(&self, timeout: Duration) -> Closing {
        let shared = &self.0;
        shared.revive_to_send();
        let now = fork::generation();
        let closing = {
            // A child finds all of the following done, or none.
            let _thread = shared.thread.lock();
            let running = shared.epoch.swap(CLOSED, Ordering::AcqRel);
            *shared.closing.get_or_init(|| Closing {
                by: deadline(Instant::now(), timeout),
                generation: if running == CLOSED { now } else { running },
            })
        };
        if closing.generation == now {
            shared.wake.wake();
        } else {
            // A forked child that never submitted, or could not start a thread, or whose parent was
            // closing: the thread is the parent's.
            shared.over.store(true, Ordering::Release);
            shared.counters.0.set_state(LinkState::Closing);
            if !shared.end_reported.swap(true, Ordering::AcqRel) {
                Drops::default().end(&shared.feed, 0, &shared.counters.0.events);
            }
        }
        closing
    }
}
