// SPDX-License-Identifier: MIT OR Apache-2.0
//! The connection of a writer thread: opens it, keeps it, and sends over it what its source has,
//! without ever waiting where the transport can be waited for elsewhere.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::Source;
use super::counters::{Counters, LinkState, add};
use crate::handshake::{Handshake, HandshakeError, SenderClose, SenderOpen, Step};
use crate::transport::{Transport, UNPOLLABLE_RETRY, WriteFailure};
use crate::writer::WriterOptions;

/// Shortest time between two tries to connect; doubled with every failure in a row.
const RETRY_FIRST: Duration = Duration::from_millis(100);

/// How long a stream must have lasted for its end not to count as such a failure.
const LASTING: Duration = Duration::from_secs(1);

enum State {
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
    },
    Closing {
        handshake: Box<SenderClose>,
        until: Instant,
    },
    Closed,
}

pub(super) struct Link {
    transport: Box<dyn Transport>,
    options: WriterOptions,
    state: State,
    last_try: Instant,
    up_since: Instant,
    retry_after: Duration,
    reopen_interval: Duration,
}

impl Link {
    /// A link that connects at once, or goes on with a stream that is `open`.
    pub(super) fn new(
        transport: Box<dyn Transport>,
        options: WriterOptions,
        open: bool,
        reopen_interval: Duration,
    ) -> Self {
        let now = Instant::now();
        Self {
            transport,
            options,
            state: if open { State::Up } else { State::Down { retry_at: now } },
            last_try: now,
            up_since: now,
            retry_after: RETRY_FIRST,
            reopen_interval,
        }
    }

    pub(super) fn state(&self) -> LinkState {
        match self.state {
            State::Down { .. } => LinkState::Disconnected,
            State::Connecting { .. } | State::Opening { .. } => LinkState::Connecting,
            State::Up | State::Blocked { .. } => LinkState::Connected,
            State::Closing { .. } | State::Closed => LinkState::Closing,
        }
    }

    /// Whether the peer takes no more bytes for now.
    pub(super) fn is_blocked(&self) -> bool {
        !matches!(self.state, State::Up)
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Goes as far as it can without waiting. Returns whether the state changed, so that there may
    /// be more to do.
    pub(super) fn advance(&mut self, source: &mut impl Source, counters: &Counters) -> bool {
        match &mut self.state {
            State::Down { retry_at } if Instant::now() >= *retry_at => {
                self.last_try = Instant::now();
                self.state = State::Connecting { until: self.last_try + self.options.io_timeout };
                self.advance(source, counters);
                true
            }
            State::Connecting { until } => match self.transport.open() {
                Ok(()) => self.begin(counters),
                Err(error) if is_wait(&error) && Instant::now() < *until => false,
                Err(_) => self.refused(counters),
            },
            State::Opening { handshake, until } => {
                match shake(&mut *self.transport, &mut **handshake) {
                    Shake::Done => {
                        add(&counters.connects, 1);
                        self.up_since = Instant::now();
                        self.state = State::Up;
                        true
                    }
                    Shake::Wait if Instant::now() < *until => false,
                    Shake::Wait | Shake::Failed => self.refused(counters),
                }
            }
            State::Blocked { retry_at } if retry_at.is_none_or(|at| Instant::now() >= at) => {
                self.state = State::Up;
                self.send(source, counters);
                matches!(self.state, State::Up)
            }
            State::Up if !source.is_empty() => {
                self.send(source, counters);
                false
            }
            State::Closing { handshake, until } => {
                match shake(&mut *self.transport, &mut **handshake) {
                    Shake::Wait if Instant::now() < *until => false,
                    _ => self.close_transport(),
                }
            }
            _ => false,
        }
    }

    /// The transport is open: the handshake begins.
    fn begin(&mut self, counters: &Counters) -> bool {
        let offer = SenderOpen::new(self.options.content_types(), self.transport.direction());
        match offer {
            Ok(handshake) => {
                let until = Instant::now() + self.options.io_timeout;
                self.state = State::Opening { handshake: Box::new(handshake), until };
                true
            }
            Err(_) => self.refused(counters),
        }
    }

    /// The try to connect failed.
    fn refused(&mut self, counters: &Counters) -> bool {
        add(&counters.connect_failures, 1);
        self.go_down();
        true
    }

    /// Closes the transport until the next try, which is later with every failure.
    fn go_down(&mut self) {
        drop(self.transport.close());
        self.state = State::Down { retry_at: self.last_try + self.retry_after };
        self.retry_after = (self.retry_after * 2).min(self.reopen_interval);
    }

    /// The stream broke off. What was sent of it whole stays sent.
    fn broke(&mut self, source: &mut impl Source, counters: &Counters) {
        add(&counters.disconnects, 1);
        add(&counters.written, source.rewind());
        if self.up_since.elapsed() >= LASTING {
            self.retry_after = RETRY_FIRST;
        }
        self.go_down();
    }

    fn send(&mut self, source: &mut impl Source, counters: &Counters) {
        while let Some(bytes) = source.front() {
            match self.transport.write(&[IoSlice::new(bytes)]) {
                Ok(count) => {
                    add(&counters.bytes_written, count);
                    add(&counters.written, source.consume(count));
                }
                Err(error) if is_wait(&error) => {
                    let pollable = self.transport.poll_fd().is_some();
                    let retry_at = (!pollable).then(|| Instant::now() + UNPOLLABLE_RETRY);
                    self.state = State::Blocked { retry_at };
                    return;
                }
                Err(_) => {
                    match self.transport.write_failure() {
                        WriteFailure::Resumable => {
                            let retry_at = Some(Instant::now() + self.reopen_interval);
                            self.state = State::Blocked { retry_at };
                        }
                        WriteFailure::NothingWritten => self.broke(source, counters),
                        WriteFailure::Unknown => {
                            add(&counters.lost_error, source.give_up());
                            self.broke(source, counters);
                        }
                    }
                    return;
                }
            }
        }
    }

    /// The transport has something to read, or has hung up.
    pub(super) fn readable(&mut self, source: &mut impl Source, counters: &Counters) {
        if !matches!(self.state, State::Up | State::Blocked { .. }) {
            return;
        }
        match self.transport.read(&mut [0; 512]) {
            // A receiver has nothing to say in the middle of a stream; it may ignore that.
            Ok(1..) => (),
            Err(error) if is_wait(&error) => (),
            _ => self.broke(source, counters),
        }
    }

    /// Tries to connect now, if it is not connected.
    pub(super) fn hurry(&mut self) {
        if let State::Down { retry_at } = &mut self.state {
            *retry_at = Instant::now();
        }
    }

    /// Begins to close: STOP, and FINISH within `until`. A link that is not up just closes.
    pub(super) fn close(&mut self, until: Instant) {
        let stop = match self.state {
            State::Up | State::Blocked { .. } => SenderClose::new(self.transport.direction()).ok(),
            _ => None,
        };
        match stop {
            Some(handshake) => {
                self.state = State::Closing { handshake: Box::new(handshake), until };
            }
            None => drop(self.close_transport()),
        }
    }

    fn close_transport(&mut self) -> bool {
        drop(self.transport.close());
        self.state = State::Closed;
        true
    }

    /// What to wait for.
    pub(super) fn poll(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        let flags = match &self.state {
            State::Connecting { .. } => self.transport.awaits().into(),
            State::Opening { handshake, .. } => awaited(&**handshake),
            State::Up => PollFlags::POLLIN,
            State::Blocked { retry_at: None } => PollFlags::POLLIN | PollFlags::POLLOUT,
            State::Closing { handshake, .. } => awaited(&**handshake),
            State::Down { .. } | State::Blocked { .. } | State::Closed => return None,
        };
        self.transport.poll_fd().map(|fd| (fd, flags))
    }

    /// When to go on even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Down { retry_at } => Some(*retry_at),
            // There is nothing to poll while a Unix listener has no room, or a name is looked up.
            State::Connecting { until } if self.transport.poll_fd().is_none() => {
                Some((*until).min(Instant::now() + UNPOLLABLE_RETRY))
            }
            State::Connecting { until }
            | State::Opening { until, .. }
            | State::Closing { until, .. } => Some(*until),
            State::Blocked { retry_at } => *retry_at,
            State::Up | State::Closed => None,
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

enum Shake {
    Done,
    Wait,
    Failed,
}

/// Goes through `handshake` as far as it can without waiting.
fn shake(transport: &mut dyn Transport, handshake: &mut dyn Handshake) -> Shake {
    let mut piece = [0; 512];
    loop {
        let result: Result<usize, io::Error> = match handshake.step() {
            Step::Done => return Shake::Done,
            Step::Send(bytes) => transport.write(&[IoSlice::new(bytes)]),
            Step::Receive(count) => transport.read(&mut piece[..count.min(512)]),
        };
        let went: Result<(), HandshakeError> = match (result, handshake.step()) {
            (Ok(count @ 1..), Step::Send(_)) => {
                handshake.sent(count);
                Ok(())
            }
            (Ok(count @ 1..), _) => handshake.received(&piece[..count]),
            (Err(error), _) if is_wait(&error) => return Shake::Wait,
            _ => return Shake::Failed,
        };
        if went.is_err() {
            return Shake::Failed;
        }
    }
}
