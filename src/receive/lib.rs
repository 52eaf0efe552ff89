// SPDX-License-Identifier: MIT OR Apache-2.0
//! The receiver of `fstrm_capture` and `dnstap`: one thread, one event loop.
//!
//! ```text
//! listener -> connection -> destination
//! dialer      (handshake,   (a file, or the queue of the pipeline)
//!              whole frames)
//! ```
//!
//! Whole frames go from the read buffer to the destination as they are, as many as there are at a
//! time.

#![forbid(unsafe_code)]

pub mod address;
mod admission;
mod connection;
pub mod credentials;
mod descriptors;
pub mod dialer;
pub mod listener;
pub mod peer;
mod places;
mod shared;
mod socket_stream;
pub mod totals;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use files::destination::Destination;
use files::output_file::FrameWriteError;
use files::post_rotate::{PostRotate, WAIT_REPORTED_AFTER};
use mio::{Events, Interest, Poll, Token, Waker};
use operator_log::Log;
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};
use signal_hook_mio::v1_0::Signals;
use thiserror::Error;

use crate::admission::Admission;
use crate::connection::{Connection, Next};
use crate::dialer::Dialer;
use crate::listener::{Acceptor, Listener};
use crate::shared::ReceiverContext;
use crate::totals::Refusals;

/// Maximum time for draining connections at the end.
const DRAIN: Duration = Duration::from_secs(1);

/// Time without data after which connections count as drained.
const QUIET: Duration = Duration::from_millis(50);

/// Interval between checks that our certificate is still valid.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(24 * 3600);

/// Maximum number of events per poll.
const EVENTS: usize = 256;

/// The token of the signals.
const SIGNALS: Token = Token(0);

/// The token for a destination that is done, and for dialed connections.
const WAKER: Token = Token(1);

/// The first token of listeners and connections.
const FIRST: Token = Token(2);

/// The error that keeps a receiver from starting or continuing.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// A system call failed.
    #[error("failed to setup event loop: {0}")]
    Events(#[from] io::Error),
    /// Frames cannot be written.
    #[error(transparent)]
    Write(#[from] FrameWriteError),
}

/// Default number of seconds that a connection may be idle while others wait.
pub const IDLE_TIMEOUT_DEFAULT: u32 = 60;

/// Limits on connections and frames.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveLimits {
    /// Maximum size of a data frame, including its length.
    pub frame: usize,
    /// Maximum number of concurrent connections.
    pub connections: usize,
    /// Time without a complete frame after which a connection may be closed for a waiting one.
    pub idle: Duration,
}

/// The sources of frames, and their destination.
pub struct ReceiverParts {
    /// Sockets to listen on.
    pub listeners: Vec<Listener>,
    /// The TLS server for them.
    pub acceptor: Option<Acceptor>,
    /// The dialer of outgoing connections.
    pub dialer: Option<Dialer>,
    /// The destination of the frames.
    pub output: Box<dyn Destination>,
    /// The counters of rejected connections and frames.
    pub refusals: Arc<Refusals>,
}

/// The event sources of a receiver, before its other parts are made.
pub struct ReceiverEvents {
    poll: Poll,
    signals: Signals,
    /// Set when a signal says to stop.
    pub stop: Arc<AtomicBool>,
    /// Wakes the receiver when the destination is done, and for dialed connections. Dropping the last
    /// reference would lose a pending wake-up, so this one lives as long as the poll.
    pub waker: Arc<Waker>,
}

impl ReceiverEvents {
    /// Starts to handle signals.
    pub fn new() -> Result<Self, ReceiveError> {
        let poll = Poll::new()?;
        // Exceeding a file size limit should fail the write, not end the program.
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGXFSZ])?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, stop.clone())?;
        }
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { poll, signals, stop, waker })
    }
}

/// A receiver for many senders.
pub struct Receiver {
    events: ReceiverEvents,
    /// A signal requested the end.
    stopping: bool,
    listeners: Vec<Listener>,
    /// The listener to accept from first.
    first_listener: usize,
    acceptor: Option<Acceptor>,
    /// Time of the next check of our certificate.
    check_certificate_at: Instant,
    dialer: Option<Dialer>,
    /// There may be connections to accept.
    may_accept: bool,
    /// The time of the next attempt after `accept` failed.
    accept_after: Option<Instant>,
    admission: Admission,
    connections: HashMap<Token, Connection>,
    /// The number of accepted connections; the others were dialed.
    accepted: usize,
    /// The total size in bytes of the buffers of connections.
    held: usize,
    next_token: usize,
    /// Connections that are queued for a turn.
    ready: VecDeque<Token>,
    /// The deadlines of connections, soonest first.
    deadlines: VecDeque<(Instant, Token)>,
    /// The time of the last poll for events.
    polled_at: Instant,
    shared: ReceiverContext,
}

impl Receiver {
    /// Creates a receiver for streams of `content_type`.
    pub fn new(
        events: ReceiverEvents,
        content_type: Box<[u8]>,
        limits: ReceiveLimits,
        parts: ReceiverParts,
    ) -> Result<Self, ReceiveError> {
        let ReceiverParts { mut listeners, acceptor, dialer, output, refusals } = parts;
        for (index, listener) in listeners.iter_mut().enumerate() {
            let token = Token(FIRST.0 + index);
            events.poll.registry().register(listener.source(), token, Interest::READABLE)?;
        }
        Ok(Self {
            events,
            stopping: false,
            next_token: FIRST.0 + listeners.len(),
            listeners,
            first_listener: 0,
            acceptor,
            check_certificate_at: Instant::now() + CERTIFICATE_CHECK,
            dialer,
            may_accept: true,
            accept_after: None,
            admission: Admission::new(limits.connections, limits.idle)?,
            connections: HashMap::new(),
            accepted: 0,
            held: 0,
            ready: VecDeque::new(),
            deadlines: VecDeque::new(),
            polled_at: Instant::now(),
            shared: ReceiverContext::new(output, Log, content_type, limits.frame, refusals),
        })
    }

    /// Receives until a signal requests the end or the destination is done.
    pub fn run(mut self) -> ExitCode {
        let received = self.receive();
        if received.is_ok() {
            self.shared.log.info("shutting down");
        }
        let drained = received.and_then(|()| self.drain());
        self.listeners.clear();
        for connection in self.connections.values_mut() {
            connection.abandon(&mut self.shared);
            connection.log_closing(self.shared.log);
        }
        let ReceiverContext { output, log, totals, .. } = self.shared;
        log.report_suppressed();
        if let Err(error) = &drained {
            log.error(error);
        }
        let closed = output.close(&log);
        totals.report(&closed, &log);
        let complete = closed.complete;
        if let Some(commands) = closed.commands {
            if let Err(error) = wait_for(commands, &mut self.events, &log) {
                log.error(error);
            }
        }
        if drained.is_ok() && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Receives until a signal requests the end.
    fn receive(&mut self) -> Result<(), ReceiveError> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.stopping {
            let timeout = self.timeout();
            self.wait(&mut events, timeout)?;
            self.accept();
            self.serve()?;
            self.handle_timers();
        }
        Ok(())
    }

    /// Receives the data that is already in the sockets.
    fn drain(&mut self) -> Result<(), ReceiveError> {
        self.stopping = false;
        let until = Instant::now() + DRAIN;
        while self.may_accept
            && self.admission.next_check().is_none()
            && self.accept_after.is_none()
            && Instant::now() < until
        {
            self.accept();
        }
        self.listeners.clear();
        self.take_dialed();
        self.dialer = None;
        let mut events = Events::with_capacity(EVENTS);
        while !self.connections.is_empty() && !self.stopping {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = if self.ready.is_empty() { QUIET.min(left) } else { Duration::ZERO };
            self.wait(&mut events, Some(timeout))?;
            if left.is_zero() || (events.is_empty() && self.ready.is_empty()) {
                break;
            }
            self.serve()?;
        }
        Ok(())
    }

    /// Returns the time until the next timer is due.
    fn timeout(&self) -> Option<Duration> {
        // No event announces the room made by a closed connection.
        let place_at = self.admission.next_check().filter(|_| self.may_accept);
        let accept_now = self.may_accept && self.accept_after.is_none() && place_at.is_none();
        if accept_now || !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let rotation = self.shared.output.rotate_at();
        let deadline = self.deadlines.front().map(|(deadline, _)| *deadline);
        let log = self.shared.log.due();
        let certificate = self.acceptor.as_ref().map(|_| self.check_certificate_at);
        let next = [rotation, deadline, self.accept_after, place_at, log, certificate];
        next.into_iter().flatten().min().map(|next| next.saturating_duration_since(Instant::now()))
    }

    /// Waits for events and records them. Signals are handled at once.
    fn wait(&mut self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        match self.events.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
            other => other?,
        }
        self.polled_at = Instant::now();
        for event in events.iter() {
            match event.token() {
                SIGNALS => self.handle_signals(),
                WAKER => {
                    self.stopping |= self.shared.output.is_done();
                    self.take_dialed();
                }
                token => match self.connections.get_mut(&token) {
                    Some(connection) => {
                        if connection.note(event) && !connection.queued {
                            connection.queued = true;
                            self.ready.push_back(token);
                        }
                    }
                    None => self.may_accept = true,
                },
            }
        }
        Ok(())
    }

    fn handle_signals(&mut self) {
        let ReceiverContext { output, log, .. } = &mut self.shared;
        for signal in self.events.signals.pending() {
            match signal {
                SIGTERM | SIGINT => self.stopping = true,
                SIGHUP => {
                    if let Some(acceptor) = &self.acceptor {
                        acceptor.borrow_mut().reload();
                    }
                    output.hang_up(log);
                }
                SIGUSR1 => {
                    log.info("received SIGUSR1, rotating output file");
                    output.rotate(log);
                }
                SIGCHLD => output.reap(log),
                _ => (),
            }
        }
    }

    /// Gives each queued connection one turn.
    fn serve(&mut self) -> Result<(), ReceiveError> {
        for _ in 0..self.ready.len() {
            let Some(token) = self.ready.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(&token) else { continue };
            connection.queued = false;
            let (deadline, held) = (connection.deadline, connection.held());
            let next = connection.turn(&mut self.shared)?;
            self.held = self.held - held + connection.held();
            match next {
                Next::Turn => {
                    connection.queued = true;
                    self.ready.push_back(token);
                }
                Next::Event => (),
                Next::Close => {
                    self.close(token);
                    continue;
                }
            }
            if connection.deadline != deadline {
                self.deadlines.extend(connection.deadline.map(|deadline| (deadline, token)));
            }
            self.bound_memory();
        }
        Ok(())
    }

    /// Handles timers that are due.
    fn handle_timers(&mut self) {
        self.shared.log.report_due();
        let now = Instant::now();
        if self.shared.output.rotate_at().is_some_and(|rotate_at| rotate_at <= now) {
            self.shared.output.rotate(&self.shared.log);
        }
        if let Some(acceptor) = self.acceptor.as_ref().filter(|_| self.check_certificate_at <= now)
        {
            self.check_certificate_at = now + CERTIFICATE_CHECK;
            acceptor.borrow().check();
        }
        // Time spent in a blocked output does not count against the peers.
        let now = self.polled_at;
        while let Some(&(deadline, token)) = self.deadlines.front() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_front();
            if let Some(connection) = self.connections.get_mut(&token) {
                if connection.deadline == Some(deadline) {
                    connection.expire(&mut self.shared);
                    self.close(token);
                }
            }
        }
    }
}

/// Waits for running commands, until a signal requests the end.
fn wait_for(mut commands: PostRotate, from: &mut ReceiverEvents, log: &Log) -> io::Result<()> {
    let mut events = Events::with_capacity(EVENTS);
    let mut report_at = Some(Instant::now() + WAIT_REPORTED_AFTER);
    while commands.reap(log) {
        let left = report_at.map(|at| at.saturating_duration_since(Instant::now()));
        match from.poll.poll(&mut events, left) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            other => other?,
        }
        if report_at.take_if(|at| *at <= Instant::now()).is_some() {
            commands.report_waiting(log);
        }
        if from.signals.pending().any(|signal| matches!(signal, SIGTERM | SIGINT)) {
            break;
        }
    }
    commands.abandon(log);
    Ok(())
}
