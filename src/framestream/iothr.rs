// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread behind queues: producers hand over frames and never wait; the thread sends them,
//! keeps them through short outages of the receiver, and accounts for every one.

mod backlog;
mod counters;
mod link;
mod wake;
mod worker;

pub use counters::{LinkState, Stats};

use std::collections::TryReserveError;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::SigSet;
use thiserror::Error;

use crate::fork;
use crate::queue::{self, Model, Padded, Ring};
use crate::transport::Transport;
use crate::writer::{Writer, WriterOptions};
use counters::{Counters, add};
use link::Link;
use wake::Wake;
use worker::Worker;

/// Fewest entries of a queue, whatever size is asked for: room for what a busy producer submits
/// while the writer thread waits for its turn on the processor.
const QUEUE_CAPACITY_MIN: usize = 4096;

/// Stack of the writer thread: the usual one of C programs, whose functions it may call.
const STACK_SIZE: usize = 8 << 20;

/// How much longer than its own deadline a writer thread is waited for, when it closes.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// [`Shared::epoch`] of a writer thread that has been told to close.
const CLOSED: usize = usize::MAX;

/// [`Shared::epoch`] while a forked child makes a thread of its own.
const REVIVING: usize = usize::MAX - 1;

/// Something that can be sent as a data frame. Dropped by the writer thread once it is copied.
pub trait Payload: Send + 'static {
    /// The bytes of the frame: at least one, and at most `u32::MAX`.
    fn bytes(&self) -> &[u8];
}

impl Payload for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

/// How a writer thread works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of queues.
    pub num_input_queues: usize,
    /// Fewest entries that each queue holds.
    pub input_queue_size: usize,
    /// How many threads use one queue at a time.
    pub queue_model: Model,
    /// The thread is woken when only so many of `input_queue_size` entries are free, and no later
    /// than when the queue is half full.
    pub queue_notify_threshold: usize,
    /// Longest time that a frame waits for others to be sent with.
    pub flush_timeout: Duration,
    /// Longest time between two tries to connect; the first come sooner.
    pub reopen_interval: Duration,
    /// How long closing may take, with the sending of what still waits.
    pub close_timeout: Duration,
    /// Bytes that the thread holds, beside the queues, of what the receiver has not taken.
    pub memory_limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            num_input_queues: 1,
            input_queue_size: 512,
            queue_model: Model::Spsc,
            queue_notify_threshold: 32,
            flush_timeout: Duration::from_secs(1),
            reopen_interval: Duration::from_secs(5),
            close_timeout: Duration::from_secs(2),
            memory_limit: 16 << 20,
        }
    }
}

/// Why a writer thread cannot be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// No memory for the queues.
    #[error(transparent)]
    Memory(#[from] TryReserveError),
    /// No thread, or no pipe to wake it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a frame was not taken; with the frame.
#[derive(Debug)]
pub enum Refused<P> {
    /// The queue is full.
    Full(P),
    /// The writer thread closes, or is gone.
    Closed(P),
}

/// What the threads have in common.
struct Shared<P: Payload> {
    /// The fork generation whose writer thread runs, or one of [`CLOSED`], [`REVIVING`].
    epoch: AtomicUsize,
    /// Whether the writer thread waits to be woken.
    sleeping: Padded<AtomicBool>,
    /// Entries of a queue that are worth waking the thread for.
    wake_level: usize,
    options: Options,
    rings: Vec<Arc<Ring<P>>>,
    counters: Padded<Counters>,
    wake: Wake,
    /// Set to close: when the thread is to have ended.
    close_by: OnceLock<Instant>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// What a child of a fork sends with.
    heir: Mutex<(Box<dyn Transport>, WriterOptions)>,
    has_finished: Mutex<bool>,
    finishing: Condvar,
}

impl<P: Payload> Shared<P> {
    fn accepted(&self) -> u64 {
        self.rings.iter().map(|ring| ring.pushed() as u64).sum()
    }

    fn stats(&self) -> Stats {
        self.counters.0.stats(|| self.accepted())
    }

    /// Called by the writer thread at its end.
    fn finished(&self) {
        *lock(&self.has_finished) = true;
        self.finishing.notify_all();
    }

    /// Starts the writer thread of this process.
    fn spawn(self: &Arc<Self>, generation: usize, link: Link) -> io::Result<()> {
        let consumers = self.rings.iter().filter_map(|ring| ring.claim(generation)).collect();
        let worker = Worker::new(Arc::clone(self), consumers, link);
        // Signals are for the threads of the host. The mask is inherited, so that none can hit the
        // new thread before it sets its own.
        let mask = SigSet::thread_get_mask()?;
        SigSet::all().thread_set_mask()?;
        let thread = std::thread::Builder::new()
            .name("fstrm-writer".into())
            .stack_size(STACK_SIZE)
            .spawn(|| worker.run());
        mask.thread_set_mask()?;
        // In a forked child the old handle names a thread that is not there to be detached.
        std::mem::forget(lock(&self.thread).replace(thread?));
        Ok(())
    }

    /// Gives a forked child its own writer thread. `false` if there is none to be had.
    fn revive(self: &Arc<Self>) -> bool {
        let now = fork::generation();
        let before = self.epoch.load(Ordering::Acquire);
        if before == now {
            return true;
        }
        let claim =
            self.epoch.compare_exchange(before, REVIVING, Ordering::AcqRel, Ordering::Acquire);
        if before >= REVIVING || claim.is_err() {
            return false;
        }
        add(&self.counters.0.lost_fork, self.stats().waiting as usize);
        self.sleeping.0.store(false, Ordering::Relaxed);
        let started = self.wake.renew().and_then(|()| {
            let heir = lock(&self.heir);
            let transport = heir.0.for_child();
            let link = Link::new(transport, heir.1.clone(), false, self.options.reopen_interval);
            self.spawn(now, link)
        });
        self.epoch.store(if started.is_ok() { now } else { CLOSED }, Ordering::Release);
        started.is_ok()
    }
}

/// Locks, whatever a thread that panicked left behind: each value is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A writer thread. Dropping it closes it.
pub struct IoThr<P: Payload> {
    shared: Arc<Shared<P>>,
}

impl<P: Payload> IoThr<P> {
    /// Starts a thread that sends with `writer`. Returns with it the ends to submit frames to, one
    /// for each queue.
    pub fn start(options: Options, writer: Writer) -> Result<(Self, Vec<Producer<P>>), StartError> {
        let capacity = options.input_queue_size.max(QUEUE_CAPACITY_MIN);
        let mut rings = Vec::new();
        let mut ends = Vec::new();
        rings.try_reserve_exact(options.num_input_queues)?;
        ends.try_reserve_exact(options.num_input_queues)?;
        for _ in 0..options.num_input_queues {
            let (ring, end) = Ring::new(options.queue_model, capacity)?;
            rings.push(ring);
            ends.push(end);
        }
        let (transport, writer_options, open) = writer.into_parts();
        let heir = Mutex::new((transport.for_child(), writer_options.clone()));
        let link = Link::new(transport, writer_options, open, options.reopen_interval);
        // A large queue is half empty when the thread is woken, to take what comes meanwhile.
        let wanted = options.input_queue_size.saturating_sub(options.queue_notify_threshold);
        let wake_level = wanted.clamp(1, capacity / 2);
        let generation = fork::generation();
        let shared = Arc::new(Shared {
            epoch: AtomicUsize::new(generation),
            sleeping: Padded(AtomicBool::new(false)),
            wake_level,
            options,
            rings,
            counters: Padded::default(),
            wake: Wake::new()?,
            close_by: OnceLock::new(),
            thread: Mutex::new(None),
            heir,
            has_finished: Mutex::new(false),
            finishing: Condvar::new(),
        });
        shared.spawn(generation, link)?;
        let producer = |end| Producer { end, shared: Arc::clone(&shared) };
        let producers = ends.into_iter().map(producer).collect();
        Ok((Self { shared }, producers))
    }

    /// The accounts at this moment.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Refuses frames from here on, sends what waits, closes the stream and ends the thread, all
    /// within [`Options::close_timeout`]. Returns whether the thread ended: one that is held up in
    /// a caller's own function is left behind.
    pub fn close(&self) -> bool {
        let shared = &self.shared;
        let running = shared.epoch.swap(CLOSED, Ordering::AcqRel);
        if running != CLOSED && running != fork::generation() {
            // A forked child that never submitted: the thread is the parent's.
            add(&shared.counters.0.lost_fork, shared.stats().waiting as usize);
            std::mem::forget(lock(&shared.thread).take());
            return true;
        }
        let until = *shared.close_by.get_or_init(|| Instant::now() + shared.options.close_timeout);
        shared.wake.wake();
        let patience = (until + CLOSE_GRACE).saturating_duration_since(Instant::now());
        let finished = lock(&shared.has_finished);
        let waited = shared.finishing.wait_timeout_while(finished, patience, |finished| !*finished);
        let ended = *waited.unwrap_or_else(PoisonError::into_inner).0;
        let thread = lock(&shared.thread).take();
        if ended {
            // It has nothing left to do but to end.
            thread.map(JoinHandle::join);
        }
        ended
    }
}

impl<P: Payload> Drop for IoThr<P> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The end of a queue that frames are submitted to.
pub struct Producer<P: Payload> {
    end: queue::Producer<P>,
    shared: Arc<Shared<P>>,
}

impl<P: Payload> Producer<P> {
    /// Hands `payload` over to be sent. Never waits.
    #[inline]
    pub fn submit(&self, payload: P) -> Result<(), Refused<P>> {
        if self.shared.epoch.load(Ordering::Relaxed) == fork::generation() {
            self.enqueue(payload)
        } else {
            self.submit_in_child(payload)
        }
    }

    /// Submits for a process that has no writer thread yet, or no more. Apart from `submit` to keep
    /// that short.
    #[cold]
    #[inline(never)]
    fn submit_in_child(&self, payload: P) -> Result<(), Refused<P>> {
        match self.shared.revive() {
            true => self.enqueue(payload),
            false => Err(Refused::Closed(payload)),
        }
    }

    #[inline(always)]
    fn enqueue(&self, payload: P) -> Result<(), Refused<P>> {
        match self.end.push(payload) {
            Ok(waiting) => {
                if waiting >= self.shared.wake_level
                    && self.shared.sleeping.0.load(Ordering::Relaxed)
                {
                    self.wake();
                }
                Ok(())
            }
            Err(payload) => {
                add(&self.shared.counters.0.refused, 1);
                Err(Refused::Full(payload))
            }
        }
    }

    /// Wakes the writer thread, once, if the queue is as full as it seemed.
    #[cold]
    #[inline(never)]
    fn wake(&self) {
        let shared = &*self.shared;
        if self.end.len() >= shared.wake_level && shared.sleeping.0.swap(false, Ordering::Relaxed) {
            shared.wake.wake();
        }
    }
}
