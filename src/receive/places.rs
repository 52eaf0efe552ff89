// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accepts connections, and closes those that take resources from others.

use std::fmt::Display;
use std::io;
use std::time::{Duration, Instant};

use mio::{Interest, Token};
use operator_log::{Level, LineKind};

use super::Receiver;
use crate::connection::Connection;
use crate::dialer::Dialer;
use crate::listener::Listener;

/// Delay after a failed `accept`, which would probably fail again at once.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Maximum number of connections accepted from one listener per turn.
const ACCEPTS: usize = 64;

/// Maximum total size in bytes of incomplete frames, or twice the largest frame if that is more.
const MEMORY: usize = 64 << 20;

/// Connections that could not be registered with the event loop.
const UNREGISTERED: LineKind = LineKind("connections that cannot be waited for");

const IDLE: LineKind = LineKind("idle connections closed");

const OVER_MEMORY: LineKind = LineKind("connections closed to free memory");

/// Failures of `accept`.
const ACCEPT: LineKind = LineKind("failures of accept()");

impl Receiver {
    /// Accepts some pending connections, as far as there is room.
    pub(super) fn accept(&mut self) {
        if !self.may_accept || self.accept_after.is_some_and(|after| Instant::now() < after) {
            return;
        }
        self.accept_after = None;
        // A flood of connections to one listener must not starve other listeners or established
        // connections.
        let listeners = self.listeners.len();
        let first = self.first_listener;
        let mut is_drained = true;
        for index in (0..listeners).map(|index| (first + index) % listeners) {
            for turn in 0.. {
                if turn == ACCEPTS {
                    is_drained = false;
                    break;
                }
                if !self.has_place() {
                    return;
                }
                match self.listeners[index].accept() {
                    Ok((stream, peer)) => {
                        let connection = Connection::new(stream, peer, &mut self.shared);
                        self.add(connection);
                        self.first_listener = (index + 1) % listeners;
                    }
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => break,
                        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => (),
                        _ => {
                            let text = format!("accept() failed: {error}");
                            self.shared.log.lasting(Level::Error, ACCEPT, "", text);
                            self.accept_after = Some(Instant::now() + ACCEPT_RETRY);
                            return;
                        }
                    },
                }
            }
        }
        self.shared.log.end_state(ACCEPT, "");
        self.may_accept = !is_drained;
        if is_drained {
            self.admission.none_waits(self.shared.log);
        }
    }

    /// Returns whether there is room for another connection, after closing an idle one if necessary.
    fn has_place(&mut self) -> bool {
        let now = Instant::now();
        if self.admission.next_check().is_some_and(|at| now < at) {
            return false;
        }
        let count = self.accepted;
        let Some(limit) = self.admission.reached(count, now) else { return true };
        if !self.listeners.iter().any(Listener::has_pending) {
            // The next connection causes an event.
            self.may_accept = false;
            return false;
        }
        let stalest = self.stalest(|connection| !connection.queued && !connection.is_dialed());
        let (log, since) = (self.shared.log, stalest.map(|(_, since)| since));
        let replaces = self.admission.replaces(count, &limit, since, now, log);
        if let (true, Some((token, since))) = (replaces, stalest) {
            let stale = now.saturating_duration_since(since).as_secs();
            let text =
                format!("closed to make place for one that waits: no whole frame for {stale} s");
            self.close_for(IDLE, token, text);
        }
        replaces
    }

    /// Returns the connection with the oldest last complete frame, and the time of that.
    fn stalest(&self, may_go: impl Fn(&Connection) -> bool) -> Option<(Token, Instant)> {
        let candidates = self.connections.iter().filter(|(_, connection)| may_go(connection));
        let since = candidates.map(|(token, connection)| (*token, connection.last_whole));
        since.min_by_key(|(_, since)| *since)
    }

    /// Closes a connection in favour of others.
    fn close_for(&mut self, kind: LineKind, token: Token, why: impl Display) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        self.shared.log.limited_connection(Level::Warning, kind, &connection.name, why);
        connection.abandon(&mut self.shared);
        self.close(token);
    }

    /// Removes a closed connection.
    pub(super) fn close(&mut self, token: Token) {
        let Some(connection) = self.connections.remove(&token) else { return };
        connection.log_closing(self.shared.log);
        self.held -= connection.held();
        self.accepted -= usize::from(!connection.is_dialed());
        self.admission.closed_one();
    }

    /// Closes the stalest connections while incomplete frames exceed the memory limit.
    pub(super) fn bound_memory(&mut self) {
        let limit = MEMORY.max(2 * self.shared.frame_limit);
        while self.held > limit {
            let Some((token, since)) = self.stalest(|connection| connection.held() > 0) else {
                break;
            };
            let (held, stale) = (self.held, since.elapsed().as_secs());
            let text = format!(
                "closed to free memory: incomplete frames of all connections take {held} bytes, \
                 more than {limit}, and this one sent no whole frame for {stale} s"
            );
            self.close_for(OVER_MEMORY, token, text);
        }
    }

    /// Takes dialed connections.
    pub(super) fn take_dialed(&mut self) {
        while let Some(dialed) = self.dialer.as_ref().and_then(Dialer::next) {
            let connection = Connection::dialed(dialed, &mut self.shared);
            self.add(connection);
        }
    }

    fn add(&mut self, mut connection: Connection) {
        let token = Token(self.next_token);
        self.next_token += 1;
        let interest = Interest::READABLE | Interest::WRITABLE;
        let (registry, log) = (self.events.poll.registry(), self.shared.log);
        if let Err(error) = registry.register(connection.stream.socket(), token, interest) {
            return log.limited_connection(Level::Error, UNREGISTERED, &connection.name, error);
        }
        log.at(Level::Connections, format_args!("accepted new connection {}", connection.name));
        self.deadlines.extend(connection.deadline.map(|deadline| (deadline, token)));
        self.accepted += usize::from(!connection.is_dialed());
        self.connections.insert(token, connection);
    }
}
