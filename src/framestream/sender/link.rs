// SPDX-License-Identifier: MIT OR Apache-2.0
//! The connection of a writer thread: opens it, sends the frames of the source over it, and reopens
//! it, without blocking on a transport that can be polled.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Source;
use super::counters::{Counters, LinkState, add};
use super::events::EventKind;
use crate::handshake::{SenderClose, SenderOpen};
use crate::stream::{awaited, try_shake};
use crate::transport::{Transport, UNPOLLABLE_RETRY, WriteFailure, deadline};
use crate::writer::WriterOptions;
use crate::{Seconds, StreamError};

/// Delay between the first two attempts to connect; doubled after each failure in a row.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Minimum duration of a stream after which the delay is reset.
const STABLE_AFTER: Duration = Duration::from_secs(1);

/// The state of the connection.
enum LinkPhase {
    Down {
        retry_at: Instant,
    },
    Connecting {
        until: Instant,
    },
    Opening {
        handshake: Box<SenderOpen>,
        until: Instant,
    },
    Up,
    /// The peer accepts no more bytes for now.
    Blocked {
        retry_at: Option<Instant>,
        /// Set if the stream has to end, and another one follows.
        ending: Option<Ending>,
    },
    Closing {
        handshake: Box<SenderClose>,
        until: Instant,
        /// True if another stream follows.
        reopens: bool,
    },
    Closed,
}

/// The data to send before STOP, and its deadline.
#[derive(Clone, Copy)]
struct Ending {
    /// Number of bytes up to the end of a frame: all bytes of the last write, as some of them may
    /// already be in the transport.
    bytes_left: usize,
    until: Instant,
}

/// The connection of a writer thread.
pub(super) struct Link {
    transport: Box<dyn Transport>,
    options: WriterOptions,
    state: LinkPhase,
    last_try: Instant,
    up_since: Instant,
    retry_after: Duration,
    reopen_interval: Duration,
    /// True if the last attempt to connect or to write failed, and this was reported.
    failing: bool,
}

impl Link {
    /// Creates a link that connects immediately, or continues a stream that is `open`.
    pub(super) fn new(
        mut transport: Box<dyn Transport>,
        options: WriterOptions,
        open: bool,
        reopen_interval: Duration,
    ) -> Self {
        transport.close_in_children();
        let now = Instant::now();
        Self {
            transport,
            options,
            state: if open { LinkPhase::Up } else { LinkPhase::Down { retry_at: now } },
            last_try: now,
            up_since: now,
            retry_after: RETRY_FIRST,
            reopen_interval,
            failing: false,
        }
    }

    pub(super) fn state(&self) -> LinkState {
        match self.state {
            LinkPhase::Down { .. } => LinkState::Disconnected,
            LinkPhase::Connecting { .. } | LinkPhase::Opening { .. } => LinkState::Connecting,
            LinkPhase::Up | LinkPhase::Blocked { ending: None, .. } => LinkState::Connected,
            LinkPhase::Blocked { .. } | LinkPhase::Closing { .. } | LinkPhase::Closed => {
                LinkState::Closing
            }
        }
    }

    /// Returns whether the peer accepts no bytes for now.
    pub(super) fn is_blocked(&self) -> bool {
        !matches!(self.state, LinkPhase::Up)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, LinkPhase::Closed)
    }

    /// Makes progress as far as possible without waiting. Returns whether the state changed, so
    /// that there may be more to do.
    pub(super) fn advance(&mut self, source: &mut impl Source, counters: &Counters) -> bool {
        match &mut self.state {
            LinkPhase::Down { retry_at } if Instant::now() >= *retry_at => {
                self.last_try = Instant::now();
                self.state = LinkPhase::Connecting {
                    until: deadline(self.last_try, self.options.io_timeout),
                };
                self.advance(source, counters);
                true
            }
            LinkPhase::Connecting { until } => match self.transport.open() {
                Ok(()) => self.start_handshake(counters),
                Err(error) if would_block(&error) && Instant::now() < *until => false,
                Err(error) => self.open_failed(counters, "connecting", error.into()),
            },
            LinkPhase::Opening { handshake, until } => {
                match try_shake(&mut *self.transport, &mut **handshake) {
                    Ok(()) => {
                        add(&counters.connects, 1);
                        self.up_since = Instant::now();
                        self.state = LinkPhase::Up;
                        self.failing = false;
                        let target = self.transport.target();
                        let target = target.map_or_else(String::new, |target| target + ": ");
                        let text = target + "connected";
                        counters.report(self.state(), EventKind::Connected, text);
                        true
                    }
                    Err(error) if error.would_block() && Instant::now() < *until => false,
                    Err(error) => self.open_failed(counters, "handshake", error),
                }
            }
            LinkPhase::Blocked { ending: Some(ending), .. } if Instant::now() >= ending.until => {
                self.stream_broke(source, counters, no_answer());
                self.retry_now();
                true
            }
            LinkPhase::Blocked { retry_at, ending }
                if retry_at.is_none_or(|at| Instant::now() >= at) =>
            {
                let ending = *ending;
                self.state = LinkPhase::Up;
                self.send(source, counters, ending);
                !matches!(self.state, LinkPhase::Blocked { .. })
            }
            LinkPhase::Up if !source.is_empty() => {
                self.send(source, counters, None);
                false
            }
            LinkPhase::Closing { handshake, until, .. } => {
                match try_shake(&mut *self.transport, &mut **handshake) {
                    Err(error) if error.would_block() && Instant::now() < *until => return false,
                    Err(error) => drop(self.record(counters, "closing", error)),
                    Ok(()) => (),
                }
                self.close_transport()
            }
            _ => false,
        }
    }

    /// Starts the handshake on a transport that has just been opened.
    fn start_handshake(&mut self, counters: &Counters) -> bool {
        let direction = self.options.direction_over(&*self.transport);
        match SenderOpen::new(self.options.content_types(), direction) {
            Ok(handshake) => {
                let until = deadline(Instant::now(), self.options.io_timeout);
                self.state = LinkPhase::Opening { handshake: Box::new(handshake), until };
                true
            }
            Err(error) => self.open_failed(counters, "handshake", error.into()),
        }
    }

    /// Records that an operation failed, and returns the text of the failure.
    fn record(&self, counters: &Counters, operation: &str, reason: StreamError) -> String {
        let target = self.transport.target();
        match reason {
            error if error.would_block() => {
                let limit = Seconds(self.options.io_timeout);
                let reason = format!("the receiver did not answer within {limit}");
                counters.failed(target, operation, reason)
            }
            other => counters.failed(target, operation, other),
        }
    }

    /// Handles a failed attempt to open a stream.
    fn open_failed(&mut self, counters: &Counters, operation: &str, reason: StreamError) -> bool {
        let text = self.record(counters, operation, reason);
        add(&counters.connect_failures, 1);
        self.go_down();
        self.report_first(counters, EventKind::ConnectFailed, text);
        true
    }

    /// Reports a failure, if it is the first one in a row.
    fn report_first(&mut self, counters: &Counters, kind: EventKind, text: String) {
        if !self.failing {
            self.failing = true;
            counters.report(self.state(), kind, text);
        }
    }

    /// Closes the transport until the next attempt, whose delay grows with each failure.
    fn go_down(&mut self) {
        drop(self.transport.close());
        self.state = LinkPhase::Down { retry_at: self.last_try + self.retry_after };
        self.retry_after = (self.retry_after * 2).min(self.reopen_interval);
    }

    /// Handles a stream that broke. Frames that were sent completely are not sent again.
    fn stream_broke(&mut self, source: &mut impl Source, counters: &Counters, reason: StreamError) {
        let text = self.record(counters, "the stream broke", reason);
        // In this order, so that a thread that sees the new `disconnects` also sees the frames that
        // were sent or lost before.
        add(&counters.written, source.rewind());
        add(&counters.disconnects, 1);
        if self.up_since.elapsed() >= STABLE_AFTER {
            self.retry_after = RETRY_FIRST;
        }
        self.go_down();
        self.failing = false;
        counters.report(self.state(), EventKind::Disconnected, text);
    }

    /// Sends the gathered frames or, if the stream has to end, only those that still belong to it.
    fn send(&mut self, source: &mut impl Source, counters: &Counters, mut ending: Option<Ending>) {
        loop {
            let max_len = ending.map_or(usize::MAX, |ending| ending.bytes_left);
            let write = |slices: &[IoSlice<'_>]| self.transport.write(slices);
            let written = if max_len > 0 { source.write_front(max_len, write) } else { None };
            let Some(written) = written else { break };
            match written {
                Ok(count) => {
                    self.failing = false;
                    if let Some(ending) = &mut ending {
                        ending.bytes_left -= count;
                    }
                    add(&counters.bytes_written, count);
                    add(&counters.written, source.consume(count));
                }
                Err(error) if would_block(&error) => {
                    let pollable = self.transport.poll_fd().is_some();
                    let retry_at = (!pollable).then(|| Instant::now() + UNPOLLABLE_RETRY);
                    self.state = LinkPhase::Blocked { retry_at, ending };
                    return;
                }
                Err(error) => {
                    match self.transport.write_failure() {
                        WriteFailure::Resumable => {
                            let text = self.record(counters, "writing", error.into());
                            let retry_at = Some(deadline(Instant::now(), self.reopen_interval));
                            self.state = LinkPhase::Blocked { retry_at, ending };
                            self.report_first(counters, EventKind::WriteFailed, text);
                        }
                        WriteFailure::NothingWritten => {
                            self.stream_broke(source, counters, error.into());
                        }
                        WriteFailure::Unknown => {
                            add(&counters.lost_error, source.give_up());
                            self.stream_broke(source, counters, error.into());
                        }
                    }
                    if ending.is_some() && matches!(self.state, LinkPhase::Down { .. }) {
                        self.retry_now();
                    }
                    return;
                }
            }
        }
        if ending.is_some() {
            self.end_stream(source, counters);
        }
    }

    /// Handles a transport that has something to read, or has hung up.
    pub(super) fn readable(&mut self, source: &mut impl Source, counters: &Counters) {
        if !matches!(self.state, LinkPhase::Up | LinkPhase::Blocked { .. }) {
            return;
        }
        match self.transport.read(&mut [0; 512]) {
            // Data that a receiver sends in the middle of a stream is ignored.
            Ok(1..) => (),
            Err(error) if would_block(&error) => (),
            Ok(0) => self.stream_broke(source, counters, StreamError::End),
            Err(error) => self.stream_broke(source, counters, error.into()),
        }
    }

    /// Schedules the next attempt to connect or to write for now.
    pub(super) fn retry_now(&mut self) {
        if let LinkPhase::Down { retry_at } | LinkPhase::Blocked { retry_at: Some(retry_at), .. } =
            &mut self.state
        {
            *retry_at = Instant::now();
        }
    }

    /// Ends the stream, after the current frame, and opens another one. If none is open, an attempt
    /// to open one is made now.
    pub(super) fn reopen(&mut self, source: &mut impl Source, counters: &Counters) {
        self.retry_after = RETRY_FIRST;
        self.retry_now();
        if !self.transport.leads_elsewhere() {
            return;
        }
        match &mut self.state {
            // The receiver may have been replaced since.
            LinkPhase::Connecting { .. } | LinkPhase::Opening { .. } => self.reconnect(),
            // The gathered frames were all sent.
            LinkPhase::Up => self.end_stream(source, counters),
            LinkPhase::Blocked { ending: ending @ None, .. } => {
                let bytes_left = source.front_len();
                let until = deadline(Instant::now(), self.options.io_timeout);
                *ending = Some(Ending { bytes_left, until });
            }
            LinkPhase::Blocked { .. }
            | LinkPhase::Down { .. }
            | LinkPhase::Closing { .. }
            | LinkPhase::Closed => {}
        }
    }

    /// Ends the stream, between two frames, to open another one.
    fn end_stream(&mut self, source: &mut impl Source, counters: &Counters) {
        add(&counters.written, source.rewind());
        self.send_stop(deadline(Instant::now(), self.options.io_timeout), true);
    }

    /// Begins to close: sends STOP, and waits for FINISH by `until`. Without a stream, it closes
    /// immediately.
    pub(super) fn close(&mut self, until: Instant) {
        match self.state {
            LinkPhase::Up | LinkPhase::Blocked { .. } => self.send_stop(until, false),
            _ => drop(self.close_transport()),
        }
    }

    fn send_stop(&mut self, until: Instant, reopens: bool) {
        match SenderClose::new(self.options.direction_over(&*self.transport)) {
            Ok(handshake) => {
                self.state = LinkPhase::Closing { handshake: Box::new(handshake), until, reopens };
            }
            Err(_) => drop(self.close_transport()),
        }
    }

    /// Closes the transport at the end of the stream, and reconnects if another one follows.
    fn close_transport(&mut self) -> bool {
        if matches!(self.state, LinkPhase::Closing { reopens: true, .. }) {
            self.reconnect();
        } else {
            drop(self.transport.close());
            self.state = LinkPhase::Closed;
        }
        true
    }

    /// Closes the transport, to open it again immediately.
    fn reconnect(&mut self) {
        drop(self.transport.close());
        self.state = LinkPhase::Down { retry_at: Instant::now() };
    }

    /// Returns whether the host has closed a descriptor of the stream.
    pub(super) fn is_lost(&self) -> bool {
        self.transport.is_lost()
    }

    /// Returns the descriptor and the events to poll.
    pub(super) fn poll(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let flags = match &self.state {
            LinkPhase::Connecting { .. } => self.transport.awaits().into(),
            LinkPhase::Opening { handshake, .. } => awaited(&**handshake).into(),
            LinkPhase::Up => PollFlags::POLLIN,
            LinkPhase::Blocked { retry_at: None, .. } => PollFlags::POLLIN | PollFlags::POLLOUT,
            LinkPhase::Closing { handshake, .. } => awaited(&**handshake).into(),
            LinkPhase::Down { .. } | LinkPhase::Blocked { .. } | LinkPhase::Closed => return None,
        };
        self.transport.poll_fd().map(|fd| (fd, flags))
    }

    /// Returns the time of the next step, which is due even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            LinkPhase::Down { retry_at } => Some(*retry_at),
            // There is nothing to poll while the backlog of a Unix listener is full, or a name is
            // being resolved.
            LinkPhase::Connecting { until } if self.transport.poll_fd().is_none() => {
                Some((*until).min(Instant::now() + UNPOLLABLE_RETRY))
            }
            LinkPhase::Connecting { until }
            | LinkPhase::Opening { until, .. }
            | LinkPhase::Closing { until, .. } => Some(*until),
            LinkPhase::Blocked { retry_at, ending } => {
                let until = ending.map(|ending| ending.until);
                retry_at.iter().copied().chain(until).min()
            }
            LinkPhase::Up | LinkPhase::Closed => None,
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Returns the error of a peer that did not answer in time.
fn no_answer() -> StreamError {
    StreamError::Io(io::ErrorKind::WouldBlock.into())
}
