// SPDX-License-Identifier: MIT OR Apache-2.0
//! Admission of connections, up to the limits. An idle connection is closed for a waiting one.

use std::io;
use std::time::{Duration, Instant};

use operator_log::{Level, LineKind, Log};

use crate::descriptors::Descriptors;

/// Interval between checks for room.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Time with room after which reaching a limit is reported again.
const NEWS: Duration = Duration::from_secs(60);

/// There is no room for another connection.
const FULL: LineKind = LineKind("connections that wait");

/// The state of the admission of connections.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Maximum number of concurrent connections.
    limit: usize,
    /// Time that a connection may go without a complete frame while others wait.
    idle: Duration,
    descriptors: Descriptors,
    full: bool,
    /// The last time that a connection had to wait.
    waited_at: Option<Instant>,
    next_check: Instant,
}

impl Admission {
    /// Admits up to `limit` connections, but no more than the system allows.
    pub(crate) fn new(limit: usize, idle: Duration) -> io::Result<Self> {
        Ok(Self {
            limit,
            idle,
            descriptors: Descriptors::of_process()?,
            full: false,
            waited_at: None,
            next_check: Instant::now(),
        })
    }

    /// Returns the time of the next check for room; `None` if there was room.
    pub(crate) fn next_check(&self) -> Option<Instant> {
        self.full.then_some(self.next_check)
    }

    /// Records that a connection was closed.
    pub(crate) fn closed_one(&mut self) {
        self.full = false;
    }

    /// Returns a description of the limit reached with `count` connections, or `None` if there is
    /// room for another.
    pub(crate) fn reached(&mut self, count: usize, now: Instant) -> Option<String> {
        let Descriptors { limit, reserve } = self.descriptors;
        let reached = if count >= self.limit {
            Some("as many as --maxconns allows".into())
        } else if self.descriptors.have_one_left() {
            None
        } else {
            Some(format!(
                "as many as the limit of {limit} open files (ulimit -n) allows, {reserve} of which \
                 are kept for files and metrics"
            ))
        };
        self.full = reached.is_some();
        self.next_check = now + LOOK_AGAIN;
        reached
    }

    /// Records that a connection is waiting because of a limit. `since` is the time of the last
    /// complete frame of the stalest connection. Returns whether to close that one.
    pub(crate) fn replaces(
        &mut self,
        count: usize,
        limit: &str,
        since: Option<Instant>,
        now: Instant,
        log: Log,
    ) -> bool {
        self.waited_at = Some(now);
        let idle = self.idle.as_secs();
        let text = format!(
            "{count} connections are open, {limit}; more wait until one closes or goes without a \
             whole frame for {idle} s"
        );
        log.lasting(Level::Warning, FULL, "", text);
        let Some(since) = since else { return false };
        self.next_check = self.next_check.max(since + self.idle);
        now >= since + self.idle
    }

    /// Records that no connection is waiting.
    pub(crate) fn none_waits(&mut self, log: Log) {
        if self.waited_at.is_some_and(|then| then.elapsed() > NEWS) {
            self.waited_at = None;
            log.end_state(FULL, "");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_closed_for_a_waiting_one() {
        let now = Instant::now();
        let mut admission = Admission::new(2, Duration::from_secs(60)).unwrap();
        assert_eq!(admission.reached(1, now), None);
        assert_eq!(admission.next_check(), None);
        let limit = admission.reached(2, now).unwrap();
        assert!(limit.contains("--maxconns"), "{limit}");
        assert_eq!(admission.next_check(), Some(now + LOOK_AGAIN));
        assert!(!admission.replaces(2, &limit, Some(now), now, Log));
        assert_eq!(admission.next_check(), Some(now + Duration::from_secs(60)));
        let later = now + Duration::from_secs(60);
        assert!(!admission.replaces(2, &limit, None, later, Log));
        assert!(admission.replaces(2, &limit, Some(now), later, Log));
        admission.closed_one();
        assert_eq!(admission.next_check(), None);
    }
}
