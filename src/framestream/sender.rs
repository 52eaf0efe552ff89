// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread, which sends the frames of a [`Source`] that other threads fill, reconnects when
//! necessary, and accounts for each frame.
//!
//! It does not depend on how frames get from the producers to the thread; `iothr` uses queues of
//! pointers.

mod counters;
mod drops;
mod events;
mod link;
mod waiters;
mod wake;
mod worker;

pub use counters::{Failure, LinkState, SenderStats};
pub use drops::{Alarm, DroppedByReason};
pub use events::{EVENTS_MAX, EventKind, SenderEvent};

use std::io::{self, IoSlice};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::background;
use crate::fork::{self, Child, Guard, InChild, Lock};
use crate::sync::Padded;
use crate::transport::{Transport, deadline};
use crate::writer::{StreamWriter, WriterOptions};
use counters::{Counters, add};
use drops::DropMonitor;
use link::Link;
use waiters::Waiters;
use wake::Wake;
use worker::Worker;

/// Stack size of the writer thread: the default of C programs, whose functions it may call.
const STACK_SIZE: usize = 8 << 20;

/// Extra time for a writer thread to end after its close deadline.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// Number of steps of [`CLOSE_GRACE`], of which at least one is always waited for. If the machine
/// is suspended, as a virtual one may be, the thread loses only the time of one step.
const CLOSE_GRACE_STEPS: u32 = 5;

/// Value of [`Shared::epoch`] once the writer thread is closing.
const CLOSED: usize = usize::MAX;

/// The state that the producers of a writer thread share with it.
pub trait Feed: Send + Sync + 'static {
    /// The source from which the thread takes frames.
    type Source: Source;

    /// Returns the number of frames that this process has accepted.
    fn accepted(&self) -> u64;

    /// Resets the source in a forked child, empty and with all counters 0: pending frames belong to
    /// the parent.
    fn renew(&self, child: &Child);

    /// Returns the alarm that is raised for each frame dropped before it was accepted; `None` if
    /// the thread does not report them.
    fn alarm(&self) -> Option<&Alarm> {
        None
    }

    /// Returns the number of frames that this process has dropped so far.
    fn dropped(&self) -> DroppedByReason {
        DroppedByReason::new()
    }

    /// Returns the source of this process. Called with a [`Lock`] held, so it must not take one.
    fn source(&self) -> Self::Source;
}

/// The result of gathering frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathered {
    /// All pending frames were taken.
    All,
    /// There are enough frames for one write, and there may be more.
    More,
    /// There is no room for more frames.
    Full,
}

/// A function that writes some bytes of slices, in order, and returns their number.
pub trait WriteFn: FnOnce(&[IoSlice<'_>]) -> io::Result<usize> {}

impl<T: FnOnce(&[IoSlice<'_>]) -> io::Result<usize>> WriteFn for T {}

/// The unsent frames of a writer thread, in wire format.
pub trait Source: Send {
    /// Takes frames from the producers: enough for one write or, while the peer is `blocked`, as
    /// many as there is room for.
    fn gather(&mut self, blocked: bool) -> Gathered;

    /// Returns whether the producers have enough frames to wake the thread.
    fn has_batch(&self) -> bool;

    /// Returns whether no frames are pending, neither here nor with the producers.
    fn is_empty(&self) -> bool;

    /// Returns the number of bytes that the next write has to send, up to the end of a frame; 0 if
    /// no frames are gathered.
    fn front_len(&self) -> usize;

    /// Calls `write` with at most `max_len` of these bytes, and returns its result; `None` if there
    /// are none. Until they are consumed, the next call begins with the same bytes.
    fn write_front(&mut self, max_len: usize, write: impl WriteFn) -> Option<io::Result<usize>>;

    /// Marks `count` bytes of [`Source::write_front`] as sent. Returns the number of frames that
    /// are now counted as sent, which may be fewer than were completed.
    fn consume(&mut self, count: usize) -> usize;

    /// Goes back, at the end of a stream, to the beginning of a frame that was sent in part, to
    /// send it again as a whole. Returns the number of sent frames that were not counted yet.
    fn rewind(&mut self) -> usize;

    /// Drops the frames of the last write. Returns their number.
    fn give_up(&mut self) -> usize;

    /// Drops all pending frames. Returns their number.
    fn discard(&mut self) -> usize;
}

/// The settings of a writer thread.
#[derive(Clone, Debug)]
pub struct SenderOptions {
    /// The name of the thread, of which the system shows 15 bytes.
    pub thread_name: String,
    /// Maximum time that a frame waits for further frames, to be sent together with them.
    pub flush_timeout: Duration,
    /// Maximum delay between two attempts to connect; the first retries come sooner.
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

/// The deadline for a writer thread to end, and its process.
#[derive(Clone, Copy)]
struct Closing {
    by: Instant,
    /// The fork generation of the thread.
    generation: usize,
}

/// The writer thread of this process, and the parts from which a forked child starts its own.
struct ThreadState {
    handle: Option<JoinHandle<()>>,
    /// Never opened; each child gets another one like it.
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
    /// True while the writer thread waits to be woken.
    sleeping: Padded<AtomicBool>,
    counters: Padded<Counters>,
    wake: Wake,
    /// True if the thread has to end the stream and open a new one.
    reopen: AtomicBool,
    /// Threads that wait until their frames are sent.
    flush: Waiters,
    /// Set when the thread has to close.
    closing: OnceLock<Closing>,
    thread: Lock<ThreadState>,
    /// True if a forked child has to start its thread once a fork in progress has finished.
    start_after_fork: AtomicBool,
    /// True once nothing more is sent: pending frames are lost.
    over: AtomicBool,
    /// True once a forked child without a writer thread has reported the end.
    end_reported: AtomicBool,
    /// True once the thread has ended.
    ended: AtomicBool,
    /// Threads that wait for that.
    closers: Waiters,
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
        let builder = Builder::new().name(self.options.thread_name.clone()).stack_size(STACK_SIZE);
        thread.handle = Some(background::spawn(builder, || worker.run())?);
        Ok(())
    }

    /// Returns the state of the thread of this process, if it is known without taking a lock.
    fn revival(&self) -> Option<Revival> {
        match self.epoch.load(Ordering::Acquire) {
            CLOSED => Some(Revival::Closed),
            epoch => (epoch == fork::generation()).then_some(Revival::Running),
        }
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
        // Closing must not wait for a thread that was never started.
        let generation = self.epoch.swap(CLOSED, Ordering::AcqRel);
        self.closing.get_or_init(|| Closing { by: Instant::now(), generation });
        self.over.store(true, Ordering::Release);
        Revival::Closed
    }

    /// Starts the thread of a forked child, with a descriptor of its own.
    fn start_in_child(self: &Arc<Self>, thread: &mut Guard<'_, ThreadState>) -> io::Result<()> {
        self.wake.renew(thread.hold())?;
        let (transport, options) = (thread.transport.for_child(), thread.options.clone());
        let link = Link::new(transport, options, false, self.options.reopen_interval);
        self.spawn(thread, link)
    }

    /// Waits until the writer thread of this process has ended, or until `deadline`. Returns
    /// whether it has.
    fn await_end(&self, deadline: Instant) -> bool {
        let ticket = self.closers.join(|| false);
        // If the thread ends after this check, it notifies this one.
        self.ended.load(Ordering::Acquire) || {
            let left = deadline.saturating_duration_since(Instant::now());
            ticket.wait(left)
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
        self.closers.renew(child);
        self.start_after_fork.store(false, Ordering::Relaxed);
        self.end_reported.store(false, Ordering::Relaxed);
        if let Some(mut thread) = self.thread.lock_in(child) {
            // The handle belongs to a thread of the parent, which cannot be joined or detached
            // here.
            std::mem::forget(thread.handle.take());
        }
        if self.epoch.load(Ordering::Relaxed) == CLOSED {
            self.counters.0.set_state(LinkState::Closing);
            self.over.store(true, Ordering::Relaxed);
        }
    }

    fn after_fork(self: Arc<Self>) {
        if self.start_after_fork.swap(false, Ordering::Acquire) && self.revival().is_none() {
            self.revive_with(&mut self.thread.lock());
        }
    }
}

/// The state of the writer thread of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revival {
    /// The thread is running.
    Running,
    /// The thread is not running yet: another thread is starting it, or a fork is in progress.
    /// Frames are accepted, and sent once it runs. The producer has to call [`Sender::revive`]
    /// again before its next frame.
    Pending,
    /// The thread was closed, or the system is out of threads or descriptors.
    Closed,
}

/// A handle to a writer thread and its feed. Clones refer to the same thread.
pub struct Sender<F: Feed>(Arc<Shared<F>>);

impl<F: Feed> Clone for Sender<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Feed> Sender<F> {
    /// Starts a thread that sends the frames of `feed` with `writer`.
    pub fn start(options: SenderOptions, writer: StreamWriter, feed: F) -> io::Result<Self> {
        let (transport, writer_options, open) = writer.into_parts();
        let thread = ThreadState {
            handle: None,
            transport: transport.for_child(),
            options: writer_options.clone(),
        };
        let link = Link::new(transport, writer_options, open, options.reopen_interval);
        let wake = Wake::new(&fork::hold())?;
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(fork::generation()),
            options,
            feed,
            sleeping: Padded(AtomicBool::new(false)),
            counters: Padded::default(),
            wake,
            reopen: AtomicBool::new(false),
            flush: Waiters::default(),
            closing: OnceLock::new(),
            thread: Lock::new(thread),
            start_after_fork: AtomicBool::new(false),
            over: AtomicBool::new(false),
            end_reported: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            closers: Waiters::default(),
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

    /// Returns whether the thread of this process accepts frames: it is not closing, and this is
    /// not a new child.
    #[inline]
    pub fn is_running(&self) -> bool {
        self.0.epoch.load(Ordering::Relaxed) == fork::generation()
    }

    /// Returns whether nothing more is sent, so that pending frames are lost.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Starts the writer thread of a forked child, unless it runs. Never waits for another thread
    /// or a fork.
    pub fn revive(&self) -> Revival {
        let shared = &self.0;
        if let Some(revival) = shared.revival() {
            return revival;
        }
        for _ in 0..2 {
            if let Some(mut thread) = shared.thread.try_lock() {
                return shared.revive_with(&mut thread);
            }
            // A fork that is in progress after this checks it at its end.
            shared.start_after_fork.store(true, Ordering::Release);
            fork::request_after_fork();
        }
        Revival::Pending
    }

    /// Returns whether the thread waits to be woken by a producer with a batch.
    #[inline]
    pub fn is_sleeping(&self) -> bool {
        self.0.sleeping.0.load(Ordering::Relaxed)
    }

    /// Wakes the thread, unless another producer has done so.
    pub fn wake(&self) {
        if self.0.sleeping.0.swap(false, Ordering::Relaxed) {
            self.0.wake.wake();
        }
    }

    /// Counts a frame that was refused because the queue was full.
    pub fn count_refused(&self) {
        add(&self.0.counters.0.refused, 1);
    }

    /// Returns the current counters.
    pub fn stats(&self) -> SenderStats {
        self.0.stats()
    }

    /// Raises the alarm of the feed, after a frame was dropped and counted. Wakes the thread for
    /// the first frame of a series.
    pub fn raise_alarm(&self) {
        if self.0.feed.alarm().is_some_and(Alarm::raise) {
            self.0.wake.wake();
        }
    }

    /// Returns the last error, even if it has been resolved since: one line with the target, the
    /// operation that failed, and the reason.
    pub fn last_error(&self) -> Option<String> {
        self.last_failure().map(|failure| failure.text)
    }

    /// Returns the last error with its time.
    pub fn last_failure(&self) -> Option<Failure> {
        self.0.counters.0.last_failure()
    }

    /// Removes and returns the oldest pending event. A forked child starts without events.
    pub fn next_event(&self) -> Option<SenderEvent> {
        self.0.counters.0.events.next()
    }

    /// Returns a descriptor that is readable while events are pending, and must only be polled. It
    /// is closed in forked children, where this function returns another one, as it does if the
    /// descriptor was closed by mistake.
    pub fn event_fd(&self) -> io::Result<RawFd> {
        self.0.counters.0.events.fd()
    }

    /// Requests the thread to end the stream and to open a new one: a new file if the old one was
    /// renamed, or a new connection. Any thread may call it; it does not wait.
    ///
    /// A frame that was sent in part is completed first; other pending frames are sent on the new
    /// stream. If the receiver accepts no bytes for `io_timeout`, the connection is closed, and the
    /// frame is sent again as a whole. A file that is still at its path is continued, as opening it
    /// would truncate it. If there is no stream, an attempt to open one is made immediately.
    pub fn reopen(&self) {
        // In a child without a thread, the descriptor is that of the parent.
        if self.is_running() {
            self.0.reopen.store(true, Ordering::Release);
            self.0.wake.wake();
        }
    }

    /// Sends pending frames immediately, and connects first if there is no stream. Returns whether,
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
        // If the thread ends after this check, it notifies this one.
        if shared.is_over() {
            return true;
        }
        shared.wake.wake();
        let left = until.saturating_duration_since(Instant::now());
        ticket.wait(left)
    }

    /// Refuses further frames, sends the pending ones, closes the stream and ends the thread, all
    /// within [`SenderOptions::close_timeout`]. A frame that is submitted at the same time may be
    /// too late, and is counted as lost. Returns whether the thread has ended: a thread that is
    /// blocked in a caller's own function is left running.
    pub fn close(&self) -> bool {
        self.close_within(self.0.options.close_timeout)
    }

    /// Closes like [`Sender::close`], within `timeout` unless closing has already begun.
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
            // The thread has nothing left to do, so joining it does not wait.
            thread.map(JoinHandle::join);
        }
        ended
    }

    /// Waits for the end of a thread after its deadline `by`. Returns whether it has ended.
    fn await_end_in_grace(&self, by: Instant) -> bool {
        let is_over = Instant::now() >= by + CLOSE_GRACE;
        let steps = if is_over { 1 } else { CLOSE_GRACE_STEPS };
        let step = CLOSE_GRACE / CLOSE_GRACE_STEPS;
        (0..steps).any(|_| self.0.await_end(Instant::now() + step))
    }

    /// Begins to close, and returns immediately. The time limit starts now; a later
    /// [`Sender::close`] waits for the rest of it.
    pub fn begin_close(&self) {
        self.start_closing(self.0.options.close_timeout);
    }

    /// Sets the deadline of closing, unless it is set already, and returns it.
    fn start_closing(&self, timeout: Duration) -> Closing {
        let shared = &self.0;
        shared.revive_to_send();
        let now = fork::generation();
        let closing = {
            // A child of a concurrent fork sees all of these changes, or none.
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
            // The thread belongs to the parent: this child has never submitted, could not start a
            // thread, or was forked while the parent was closing.
            shared.over.store(true, Ordering::Release);
            shared.counters.0.set_state(LinkState::Closing);
            if !shared.end_reported.swap(true, Ordering::AcqRel) {
                DropMonitor::default().end(&shared.feed, 0, &shared.counters.0.events);
            }
        }
        closing
    }
}
