// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a sink that one thread logs to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use framestream::fork;
use framestream::sender::{Revival, Sender};

use super::Sink;
use super::member::Member;
use super::registry::{Joined, Registry};
use super::spans::Rings;
use super::switch::{Enabled, Switch};
use crate::encode::fast_path::{self, FastMessage, Width};
use crate::encode::{self, EncodeError, Encoder, Envelope, Fields, Origin};
use crate::ring::{Producer, ReserveError};
use crate::sample;
use crate::schema::MessageType;

/// [`Queue::generation`] before the first message, as the sink may have been opened by a parent.
const NO_GENERATION: usize = usize::MAX;

/// The result of logging a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logged {
    /// The message is pending, and will be sent.
    Queued,
    /// The message type is not enabled.
    Disabled,
    /// The message is not in the sample.
    SampledOut,
    /// The ring is full.
    Full,
    /// The message is longer than half of the ring.
    TooLong,
    /// The message cannot be encoded.
    Encoding(EncodeError),
    /// The message is invalid.
    Invalid,
    /// The sink is closed, or a forked child could not start its writer thread.
    Closed,
}

/// The end of a sink that one thread logs to. `S` is its switch, or a value that contains it.
pub struct Queue<S = Switch> {
    switch: Arc<S>,
    /// Dropped before the registration, so that the ring holds only its frames by then.
    producer: Producer,
    registration: Registration,
    encoder: Encoder,
    origin: Arc<Origin>,
    /// The fork generation that is known to have a writer thread.
    generation: usize,
    wake_level: usize,
    /// Messages refused so far; their sampling restarts when the integer wraps.
    refused: u32,
}

/// The registration of a queue with its sink, removed on drop.
struct Registration {
    member: Arc<Member>,
    registry: Arc<Registry>,
    sender: Sender<Rings>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let is_urgent = self.registry.free(&self.member);
        if is_urgent && self.sender.is_running() && self.sender.is_sleeping() {
            self.sender.wake();
        }
    }
}

impl<S: AsRef<Switch>> Queue<S> {
    pub(super) fn new(
        switch: Arc<S>,
        producer: Producer,
        joined: Joined,
        registry: Arc<Registry>,
        sink: &Sink,
    ) -> Self {
        Self {
            switch,
            producer,
            encoder: Encoder::new(),
            origin: joined.origin,
            generation: NO_GENERATION,
            wake_level: registry.wake_level,
            refused: 0,
            registration: Registration {
                member: joined.member,
                registry,
                sender: sink.sender.clone(),
            },
        }
    }

    /// Returns the switch, which [`Queue::is_enabled`] reads.
    pub fn switch(&self) -> &Arc<S> {
        &self.switch
    }

    #[inline(always)]
    fn enabled(&self) -> Enabled {
        (*self.switch).as_ref().enabled()
    }

    /// Returns whether messages of this type are logged; if not, the caller need not prepare one.
    #[inline]
    pub fn is_enabled(&self, message_type: MessageType) -> bool {
        self.enabled().has(message_type)
    }

    /// Logs a message on the fast path: if its type is enabled, no changes are pending, there is
    /// room, it is in the same second as the last one, and its length takes [`Width::BYTES`] bytes,
    /// as guessed by [`fast_path::takes_two_bytes`]. Returns whether it is time for
    /// [`Queue::wake`]. Otherwise does nothing and returns `None`; the caller then has to pass the
    /// message to [`Queue::log`]. Never waits or panics.
    #[inline(always)]
    pub fn log_fast<const N: usize, W: Width, M: FastMessage<N>>(
        &mut self,
        message: &M,
    ) -> Option<bool> {
        let enabled = self.enabled();
        let is_plain = !enabled.is_dirty() && self.generation == fork::generation();
        if !is_plain || !enabled.has(message.message_type()) {
            return None;
        }
        let room = self.producer.reserve(fast_path::max_len(message)).ok()?;
        let Self { encoder, origin, .. } = self;
        let length = fast_path::encode::<N, W, M>(message, encoder, origin, room.payload)?;
        self.registration.member.count_logged(message.message_type());
        Some(room.commit(length))
    }

    /// Logs a message with its envelope. Never waits.
    pub fn log(&mut self, message: &impl Fields, envelope: Envelope<'_>) -> Logged {
        let message_type = message.message_type();
        let enabled = self.enabled();
        if !enabled.has(message_type) {
            return self.not_enabled();
        }
        if enabled.is_dirty() || self.generation != fork::generation() {
            if let Err(result) = self.apply_pending(message) {
                return result;
            }
        }
        self.registration.member.count_logged(message_type);
        let max_len = match encode::max_len(&self.origin, message, envelope) {
            Ok(max_len) => max_len,
            Err(error) => return self.drop_message(Logged::Encoding(error)),
        };
        let room = match self.producer.reserve(max_len) {
            Ok(room) => room,
            Err(error) => return self.drop_unreserved(error),
        };
        let length = match self.encoder.encode(&self.origin, message, envelope, room.payload) {
            Ok(length) => length,
            Err(error) => return self.drop_message(Logged::Encoding(error)),
        };
        if room.commit(length) {
            self.wake();
        }
        Logged::Queued
    }

    /// Logs an event that is already encoded, under the type of its message. The event is
    /// unchanged, and is not sampled. An empty one is invalid: Frame Streams cannot carry it. Never
    /// waits.
    pub fn log_frame(&mut self, message_type: MessageType, frame: &[u8]) -> Logged {
        if !self.is_enabled(message_type) {
            return self.not_enabled();
        }
        if self.generation != fork::generation() {
            if let Err(result) = self.revive(message_type) {
                return result;
            }
        }
        self.registration.member.count_logged(message_type);
        if frame.is_empty() {
            return self.drop_message(Logged::Invalid);
        }
        let room = match self.producer.reserve(frame.len()) {
            Ok(room) => room,
            Err(error) => return self.drop_unreserved(error),
        };
        room.payload.copy_from_slice(frame);
        if room.commit(frame.len()) {
            self.wake();
        }
        Logged::Queued
    }

    /// Counts a message that could not be built because it is invalid. If the sink samples, the
    /// fields of such a message cannot decide whether it is in the sample, so one in N of the
    /// invalid messages is.
    #[cold]
    #[inline(never)]
    pub fn refuse(&mut self, message_type: MessageType) -> Logged {
        if !self.is_enabled(message_type) {
            return self.not_enabled();
        }
        if self.enabled().is_dirty() {
            self.apply_settings();
        }
        let is_chosen = self.refused % self.origin.sample_rate() == 0;
        self.refused = self.refused.wrapping_add(1);
        if !is_chosen {
            self.registration.member.sampled_out.fetch_add(1, Ordering::Relaxed);
            return Logged::SampledOut;
        }
        self.registration.member.count_logged(message_type);
        self.drop_message(Logged::Invalid)
    }

    #[cold]
    #[inline(never)]
    fn not_enabled(&self) -> Logged {
        if self.registration.registry.is_closed() { Logged::Closed } else { Logged::Disabled }
    }

    /// Applies pending changes before a message is logged: a new origin, a fork, or sampling.
    #[cold]
    #[inline(never)]
    fn apply_pending(&mut self, message: &impl Fields) -> Result<(), Logged> {
        if self.generation != fork::generation() {
            self.revive(message.message_type())?;
        }
        self.apply_settings();
        let rate = self.origin.sample_rate();
        if rate > 1 && !sample::key(message).is_chosen(rate) {
            self.registration.member.sampled_out.fetch_add(1, Ordering::Relaxed);
            return Err(Logged::SampledOut);
        }
        Ok(())
    }

    /// Replaces the origin by the latest one, which has the sample rate. While messages are
    /// sampled, the queue stays dirty, so that none takes the fast path.
    fn apply_settings(&mut self) {
        let switch = (*self.switch).as_ref();
        let was_sampled = self.origin.sample_rate() > 1;
        if !was_sampled {
            switch.clear_dirty();
        }
        let is_latest = self.registration.member.exchange_origin(&mut self.origin);
        let is_sampled = self.origin.sample_rate() > 1;
        if !is_latest || is_sampled && !was_sampled {
            switch.mark_dirty();
        }
    }

    /// Prepares for the first message after a fork: starts a writer thread in the child.
    #[cold]
    #[inline(never)]
    fn revive(&mut self, message_type: MessageType) -> Result<(), Logged> {
        match self.registration.sender.revive() {
            Revival::Running => self.generation = fork::generation(),
            // The message stays in the ring; the next one retries.
            Revival::Pending => (),
            Revival::Closed => {
                self.registration.member.count_logged(message_type);
                return Err(self.drop_message(Logged::Closed));
            }
        }
        self.encoder = Encoder::new();
        self.producer.renew();
        Ok(())
    }

    /// Drops a message for which there is no room in the ring.
    #[cold]
    #[inline(never)]
    fn drop_unreserved(&self, error: ReserveError) -> Logged {
        match error {
            ReserveError::Full => {
                self.wake_sleeping();
                self.drop_message(Logged::Full)
            }
            ReserveError::TooLong => self.drop_message(Logged::TooLong),
        }
    }

    /// Counts a dropped message, and returns `result`.
    #[cold]
    #[inline(never)]
    fn drop_message(&self, result: Logged) -> Logged {
        let counter = match result {
            Logged::Full => &self.registration.member.dropped_full,
            Logged::TooLong => &self.registration.member.dropped_too_long,
            Logged::Closed => &self.registration.member.dropped_closed,
            _ => &self.registration.member.dropped_invalid,
        };
        counter.fetch_add(1, Ordering::SeqCst);
        self.registration.sender.raise_alarm();
        result
    }

    /// Wakes the writer thread when the ring is full: because of skipped bytes at the end of the
    /// memory, this can happen before a batch is pending.
    #[cold]
    fn wake_sleeping(&self) {
        if self.registration.sender.is_sleeping() {
            self.registration.sender.wake();
        }
    }

    /// Wakes the writer thread, if a batch is pending and the thread sleeps. An awake thread
    /// usually sees the batch before it sleeps; otherwise it is woken after a few more messages.
    #[cold]
    #[inline(never)]
    pub fn wake(&mut self) {
        let waiting = self.producer.ring().waiting();
        let missing = self.wake_level.saturating_sub(waiting);
        if missing == 0 && self.registration.sender.is_sleeping() {
            self.registration.sender.wake();
        }
        self.producer.wake_after(missing.max(self.wake_level / 8));
    }
}
