// SPDX-License-Identifier: MIT OR Apache-2.0
//! Outages of an output: frames are counted as missed, and the output is retried with a backoff.

use std::time::Instant;

use files::backoff::Backoff;
use operator_log::{Level, LineKind, Log};

/// Lines about outputs that cannot be written.
const OUTAGE: LineKind = LineKind("outputs that failed");

/// The outages of one output, which is called `name` in messages.
#[derive(Debug)]
pub(crate) struct Outages {
    name: String,
    backoff: Backoff,
    current: Option<Outage>,
    /// Number of frames missed in all outages.
    pub(crate) missed: u64,
    pub(crate) failures: u64,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    tried_at: Instant,
    retry_at: Instant,
    /// Number of frames missed in this outage.
    missed: u64,
    /// True while the output accepts frames again to test whether it can be written.
    in_trial: bool,
}

impl Outages {
    /// Creates the record of an output without outages.
    pub(crate) fn new(name: String) -> Self {
        Self { name, backoff: Backoff::default(), current: None, missed: 0, failures: 0 }
    }

    /// Records a failure and reports it, immediately and at growing intervals while it lasts.
    pub(crate) fn record_failure(&mut self, why: &str, others: &str) {
        let now = Instant::now();
        let delay = self.backoff.failed(now);
        let current = self.current.get_or_insert(Outage {
            since: now,
            tried_at: now,
            retry_at: now,
            missed: 0,
            in_trial: false,
        });
        (current.tried_at, current.retry_at, current.in_trial) = (now, now + delay, false);
        let missed = match current.missed {
            0 => String::new(),
            missed => format!("; {missed} frames lost since then"),
        };
        let delay = delay.as_secs();
        let text = format!("{why}{missed}; retrying in {delay} s{others}");
        Log.lasting(Level::Error, OUTAGE, &self.name, text);
    }

    /// Returns whether an outage lasts.
    pub(crate) fn is_active(&self) -> bool {
        self.current.is_some()
    }

    /// Returns the time of the next retry: after the delay, or earlier if the next file is due at `split`.
    pub(crate) fn retry_at(&self, split: Option<Instant>) -> Option<Instant> {
        let current = self.current.as_ref().filter(|current| !current.in_trial)?;
        let split = split.filter(|split| *split > current.tried_at);
        Some(split.map_or(current.retry_at, |split| split.min(current.retry_at)))
    }

    pub(crate) fn count_missed(&mut self, count: u64) {
        self.missed += count;
        if let Some(current) = &mut self.current {
            current.missed += count;
        }
    }

    /// Starts a trial: the next write decides whether the outage has ended.
    pub(crate) fn start_trial(&mut self) {
        if let Some(current) = &mut self.current {
            current.in_trial = true;
        }
    }

    /// Ends the outage after a successful write, and reports it.
    pub(crate) fn end(&mut self) {
        if let Some(Outage { since, missed, .. }) = self.current.take() {
            Log.end_state(OUTAGE, &self.name);
            let (name, seconds) = (&self.name, since.elapsed().as_secs());
            Log.warning(format_args!(
                "{name}: writing again after {seconds} s; {missed} frames lost meanwhile"
            ));
        }
    }
}
