// SPDX-License-Identifier: MIT OR Apache-2.0
//! Admission of connections: as many as the limits allow, and none is kept out by an idle one.

use std::io;
use std::time::{Duration, Instant};

use operator_log::{Level, LineKind, Log};

use crate::descriptors::Descriptors;

/// Interval of checking whether there is room.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Time with room after which reaching a limit is reported again.
const NEWS: Duration = Duration::from_secs(60);

/// No room for a connection.
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
    /// The time when a connection last had to wait.
    waited_at: Option<Instant>,
    look_again_at: Instant,
}

impl Admission {
    /// Lets in up to `limit` connections, and no more than the system allows.
    pub(crate) fn new(limit: usize, idle: Duration) -> io::Result<Self> {
        Ok(Self {
            limit,
            idle,
            descriptors: Descriptors::of_process()?,
            full: false,
            waited_at: None,
            look_again_at: Instant::now(),
        })
    }

    /// Returns the time of the next check for room; `None` if there was room.
    pub(crate) fn look_again_at(&self) -> Option<Instant> {
        self.full.then_some(self.look_again_at)
    }

    /// Notes that a connection closed.
    pub(crate) fn one_closed(&mut self) {
        self.full = false;
    }

    /// Returns, in words, the limit that keeps out another connection besides `count` others;
    /// `None` if there is room.
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
        self.look_again_at = now + LOOK_AGAIN;
        reached
    }

    /// Notes that a connection waits because of a limit, while the stalest one had its last
    /// complete frame at `since`. Returns whether to close the stalest one.
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
        let text = format_args!(
            "{count} connections are open, {limit}; more wait until one closes or goes without a \
             whole frame for {idle} s"
        );
        log.lasting(Level::Warning, FULL, "", text);
        let Some(since) = since else { return false };
        self.look_again_at = self.look_again_at.max(since + self.idle);
        now >= since + self.idle
    }

    /// Notes that none waits.
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
    fn the_stalest_goes_only_for_one_that_waits_and_only_once_it_is_idle() {
        let now = Instant::now();
        let mut admission = Admission::new(2, Duration::from_secs(60)).unwrap();
        assert_eq!(admission.reached(1, now), None);
        assert_eq!(admission.look_again_at(), None);
        let limit = admission.reached(2, now).unwrap();
        assert!(limit.contains("--maxconns"), "{limit}");
        assert_eq!(admission.look_again_at(), Some(now + LOOK_AGAIN));
        assert!(!admission.replaces(2, &limit, Some(now), now, Log));
        assert_eq!(admission.look_again_at(), Some(now + Duration::from_secs(60)));
        let later = now + Duration::from_secs(60);
        assert!(!admission.replaces(2, &limit, None, later, Log));
        assert!(admission.replaces(2, &limit, Some(now), later, Log));
        admission.one_closed();
        assert_eq!(admission.look_again_at(), None);
    }
}
