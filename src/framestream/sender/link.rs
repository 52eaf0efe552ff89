// SPDX-License-Identifier: MIT OR Apache-2.0
//! The connection of a writer thread: opens it, keeps it, and sends over it what its source has,
//! without ever waiting where the transport can be waited for elsewhere.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Source;
use super::counters::{Counters, LinkState, add};
use super::events::EventKind;
use crate::handshake::{Handshake, SenderClose, SenderOpen, Step};
use crate::transport::{Transport, UNPOLLABLE_RETRY, WriteFailure, deadline};
use crate::writer::WriterOptions;
use crate::{Seconds, StreamError};

/// Shortest time between two tries to connect; doubled with every failure in a row.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// Minimum duration of a stream whose end does not count as such a failure.
const LASTING: Duration = Duration::from_secs(1);

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
    /// Nothing can be written until the peer makes room.
    Blocked {
        retry_at: Option<Instant>,
        /// Set if another stream is to follow.
        ending: Option<Ending>,
    },
    Closing {
        handshake: Box<SenderClose>,
        until: Instant,
        /// True if another stream is to follow.
        reopens: bool,
    },
    Closed,
}

/// Bytes to send before STOP, and the deadline for them.
#[derive(Clone, Copy)]
struct Ending {
    /// Bytes up to the end of a frame. All that the last write was to send: some of it may be under
    /// way in the transport.
    rest: usize,
    until: Instant,
}

pub(super) struct Link {
    transport: Box<dyn Transport>,
    options: WriterOptions,
    state: LinkPhase,
    last_try: Instant,
    up_since: Instant,
    retry_after: Duration,
    reopen_interval: Duration,
    /// True if the last step failed, connecting or writing, and this was reported.
    failing: bool,
}

impl Link {
    /// A link that connects at once, or goes on with a stream that is `open`.
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

    /// Returns whether the peer takes no more bytes for now.
    pub(super) fn is_blocked(&self) -> bool {
        !matches!(self.state, LinkPhase::Up)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, LinkPhase::Closed)
    }

    /// Goes as far as it can without waiting. Returns whether the state changed, so that there may
    /// be more to do.
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
                Ok(()) => self.begin(counters),
                Err(error) if is_wait(&error) && Instant::now() < *until => false,
                Err(error) => self.refused(counters, "connecting", error.into()),
            },
            LinkPhase::Opening { handshake, until } => {
                match shake(&mut *self.transport, &mut **handshake) {
                    Shake::Done => {
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
                    Shake::Wait if Instant::now() < *until => false,
                    Shake::Wait => self.refused(counters, "handshake", silence()),
                    Shake::Failed(error) => self.refused(counters, "handshake", error),
                }
            }
            LinkPhase::Blocked { ending: Some(ending), .. } if Instant::now() >= ending.until => {
                self.broke(source, counters, silence());
                self.hurry();
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
                match shake(&mut *self.transport, &mut **handshake) {
                    Shake::Wait if Instant::now() < *until => return false,
                    Shake::Wait => drop(self.note(counters, "closing", silence())),
                    Shake::Failed(error) => drop(self.note(counters, "closing", error)),
                    Shake::Done => (),
                }
                self.close_transport()
            }
            _ => false,
        }
    }

    /// The transport is open: the handshake begins.
    fn begin(&mut self, counters: &Counters) -> bool {
        let direction = self.options.direction_over(&*self.transport);
        match SenderOpen::new(self.options.content_types(), direction) {
            Ok(handshake) => {
                let until = deadline(Instant::now(), self.options.io_timeout);
                self.state = LinkPhase::Opening { handshake: Box::new(handshake), until };
                true
            }
            Err(error) => self.refused(counters, "handshake", error.into()),
        }
    }

    /// Keeps why the receiver could not be dealt with. Returns the same as text.
    fn note(&self, counters: &Counters, doing: &str, why: StreamError) -> String {
        let target = self.transport.target();
        match why {
            StreamError::Io(error) if is_wait(&error) => {
                let limit = Seconds(self.options.io_timeout);
                let why = format_args!("the receiver did not answer within {limit}");
                counters.failed(target, doing, why)
            }
            other => counters.failed(target, doing, other),
        }
    }

    /// The try to connect failed.
    fn refused(&mut self, counters: &Counters, doing: &str, why: StreamError) -> bool {
        let text = self.note(counters, doing, why);
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

    /// Closes the transport until the next try, which is later with every failure.
    fn go_down(&mut self) {
        drop(self.transport.close());
        self.state = LinkPhase::Down { retry_at: self.last_try + self.retry_after };
        self.retry_after = (self.retry_after * 2).min(self.reopen_interval);
    }

    /// Handles a stream that broke. Frames that were sent whole stay sent.
    fn broke(&mut self, source: &mut impl Source, counters: &Counters, why: StreamError) {
        let text = self.note(counters, "the stream broke", why);
        // In this order, so that a reader of the counters that sees the break also sees the frames
        // that were sent before it.
        add(&counters.written, source.rewind());
        add(&counters.disconnects, 1);
        if self.up_since.elapsed() >= LASTING {
            self.retry_after = RETRY_FIRST;
        }
        self.go_down();
        self.failing = false;
        counters.report(self.state(), EventKind::Disconnected, text);
    }

    /// Sends what is gathered; before the end of a stream, as much as that is to carry.
    fn send(&mut self, source: &mut impl Source, counters: &Counters, mut ending: Option<Ending>) {
        loop {
            let max_len = ending.map_or(usize::MAX, |ending| ending.rest);
            let write = |slices: &[IoSlice<'_>]| self.transport.write(slices);
            let written = if max_len > 0 { source.write_front(max_len, write) } else { None };
            let Some(written) = written else { break };
            match written {
                Ok(count) => {
                    self.failing = false;
                    if let Some(ending) = &mut ending {
                        ending.rest -= count;
                    }
                    add(&counters.bytes_written, count);
                    add(&counters.written, source.consume(count));
                }
                Err(error) if is_wait(&error) => {
                    let pollable = self.transport.poll_fd().is_some();
                    let retry_at = (!pollable).then(|| Instant::now() + UNPOLLABLE_RETRY);
                    self.state = LinkPhase::Blocked { retry_at, ending };
                    return;
                }
                Err(error) => {
                    match self.transport.write_failure() {
                        WriteFailure::Resumable => {
                            let text = self.note(counters, "writing", error.into());
                            let retry_at = Some(deadline(Instant::now(), self.reopen_interval));
                            self.state = LinkPhase::Blocked { retry_at, ending };
                            self.report_first(counters, EventKind::WriteFailed, text);
                        }
                        WriteFailure::NothingWritten => self.broke(source, counters, error.into()),
                        WriteFailure::Unknown => {
                            add(&counters.lost_error, source.give_up());
                            self.broke(source, counters, error.into());
                        }
                    }
                    if ending.is_some() && matches!(self.state, LinkPhase::Down { .. }) {
                        self.hurry();
                    }
                    return;
                }
            }
        }
        if ending.is_some() {
            self.end(source, counters);
        }
    }

    /// The transport has something to read, or has hung up.
    pub(super) fn readable(&mut self, source: &mut impl Source, counters: &Counters) {
        if !matches!(self.state, LinkPhase::Up | LinkPhase::Blocked { .. }) {
            return;
        }
        match self.transport.read(&mut [0; 512]) {
            // A receiver has nothing to say in the middle of a stream; it may ignore that.
            Ok(1..) => (),
            Err(error) if is_wait(&error) => (),
            Ok(0) => self.broke(source, counters, StreamError::End),
            Err(error) => self.broke(source, counters, error.into()),
        }
    }

    /// Does now what is to be tried again later.
    pub(super) fn hurry(&mut self) {
        if let LinkPhase::Down { retry_at } | LinkPhase::Blocked { retry_at: Some(retry_at), .. } =
            &mut self.state
        {
            *retry_at = Instant::now();
        }
    }

    /// Ends the stream, as soon as no frame is sent in part, and opens another one. If none is
    /// open, it tries to open one now.
    pub(super) fn reopen(&mut self, source: &mut impl Source, counters: &Counters) {
        self.retry_after = RETRY_FIRST;
        self.hurry();
        if !self.transport.leads_elsewhere() {
            return;
        }
        match &mut self.state {
            // It may be to where nothing leads any more.
            LinkPhase::Connecting { .. } | LinkPhase::Opening { .. } => self.renew(),
            // All that was gathered is sent, up to the end of a frame.
            LinkPhase::Up => self.end(source, counters),
            LinkPhase::Blocked { ending: ending @ None, .. } => {
                let rest = source.front_len();
                *ending =
                    Some(Ending { rest, until: deadline(Instant::now(), self.options.io_timeout) });
            }
            LinkPhase::Blocked { .. }
            | LinkPhase::Down { .. }
            | LinkPhase::Closing { .. }
            | LinkPhase::Closed => {}
        }
    }

    /// Ends the stream at the end of a frame, for another one to follow.
    fn end(&mut self, source: &mut impl Source, counters: &Counters) {
        add(&counters.written, source.rewind());
        self.stop(deadline(Instant::now(), self.options.io_timeout), true);
    }

    /// Begins to close: STOP, and FINISH within `until`. A link that is not up just closes.
    pub(super) fn close(&mut self, until: Instant) {
        match self.state {
            LinkPhase::Up | LinkPhase::Blocked { .. } => self.stop(until, false),
            _ => drop(self.close_transport()),
        }
    }

    fn stop(&mut self, until: Instant, reopens: bool) {
        match SenderClose::new(self.options.direction_over(&*self.transport)) {
            Ok(handshake) => {
                self.state = LinkPhase::Closing { handshake: Box::new(handshake), until, reopens };
            }
            Err(_) => drop(self.close_transport()),
        }
    }

    /// The stream has ended.
    fn close_transport(&mut self) -> bool {
        if matches!(self.state, LinkPhase::Closing { reopens: true, .. }) {
            self.renew();
        } else {
            drop(self.transport.close());
            self.state = LinkPhase::Closed;
        }
        true
    }

    /// Closes the transport, to open it at once.
    fn renew(&mut self) {
        drop(self.transport.close());
        self.state = LinkPhase::Down { retry_at: Instant::now() };
    }

    /// Returns the descriptor and the events to poll.
    pub(super) fn poll(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let flags = match &self.state {
            LinkPhase::Connecting { .. } => self.transport.awaits().into(),
            LinkPhase::Opening { handshake, .. } => awaited(&**handshake),
            LinkPhase::Up => PollFlags::POLLIN,
            LinkPhase::Blocked { retry_at: None, .. } => PollFlags::POLLIN | PollFlags::POLLOUT,
            LinkPhase::Closing { handshake, .. } => awaited(&**handshake),
            LinkPhase::Down { .. } | LinkPhase::Blocked { .. } | LinkPhase::Closed => return None,
        };
        self.transport.poll_fd().map(|fd| (fd, flags))
    }

    /// When to go on even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            LinkPhase::Down { retry_at } => Some(*retry_at),
            // There is nothing to poll while a Unix listener has no room, or a name is looked up.
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

fn is_wait(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn awaited(handshake: &dyn Handshake) -> PollFlags {
    match handshake.step() {
        Step::Send(_) => PollFlags::POLLOUT,
        Step::Receive(_) | Step::Done => PollFlags::POLLIN,
    }
}

/// Returns the error of a peer that did not become ready in time.
fn silence() -> StreamError {
    StreamError::Io(io::ErrorKind::WouldBlock.into())
}

enum Shake {
    Done,
    Wait,
    Failed(StreamError),
}

/// Goes through `handshake` as far as it can without waiting.
fn shake(transport: &mut dyn Transport, handshake: &mut dyn Handshake) -> Shake {
    let mut piece = [0; 512];
    loop {
        let (sends, result) = match handshake.step() {
            Step::Done => return Shake::Done,
            Step::Send(bytes) => (true, transport.write(&[IoSlice::new(bytes)])),
            Step::Receive(count) => (false, transport.read(&mut piece[..count.min(512)])),
        };
        let went = match result {
            Ok(count @ 1..) if sends => {
                handshake.sent(count);
                Ok(())
            }
            Ok(count @ 1..) => handshake.received(&piece[..count]).map_err(StreamError::from),
            Ok(0) => Err(StreamError::End),
            Err(error) if is_wait(&error) => return Shake::Wait,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = went {
            return Shake::Failed(error);
        }
    }
}
