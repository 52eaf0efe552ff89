// SPDX-License-Identifier: MIT OR Apache-2.0
//! The time in which a file cannot be written: frames are counted, and it is tried again after
//! growing delays.

use std::time::Instant;

use files::backoff::Backoff;
use operator_log::{Level, LineKind, Log};

/// An output that cannot be written.
const OUTAGE: LineKind = LineKind("outputs that failed");

/// The outages of one output, called `name` in messages.
#[derive(Debug)]
pub struct Outages {
    name: String,
    backoff: Backoff,
    present: Option<Outage>,
    /// Frames that came in outages.
    missed: u64,
    /// Failures.
    failures: u64,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    tried_at: Instant,
    retry_at: Instant,
    /// Frames that came since.
    missed: u64,
    /// Data is taken again, as a test whether it can be written.
    on_trial: bool,
}

impl Outages {
    /// No outage so far.
    pub fn new(name: String) -> Self {
        Self { name, backoff: Backoff::default(), present: None, missed: 0, failures: 0 }
    }

    /// Notes a failure, and reports it: at once, and at growing intervals while it lasts.
    pub fn failed(&mut self, why: &str, others: &str) {
        let now = Instant::now();
        let delay = self.backoff.failed(now);
        let present = self.present.get_or_insert(Outage {
            since: now,
            tried_at: now,
            retry_at: now,
            missed: 0,
            on_trial: false,
        });
        (present.tried_at, present.retry_at, present.on_trial) = (now, now + delay, false);
        let missed = match present.missed {
            0 => String::new(),
            missed => format!("; {missed} frames came meanwhile and are lost"),
        };
        let delay = delay.as_secs();
        let text = format!("{why}{missed}; retrying in {delay} s{others}");
        Log.lasting(Level::Error, OUTAGE, &self.name, text);
    }

    /// Returns whether there is an outage that is not over.
    pub fn is_any(&self) -> bool {
        self.present.is_some()
    }

    /// Returns when to retry: after the delay, or at `split`, when the next file is due.
    pub fn retry_at(&self, split: Option<Instant>) -> Option<Instant> {
        let present = self.present.as_ref().filter(|present| !present.on_trial)?;
        let split = split.filter(|split| *split > present.tried_at);
        Some(split.map_or(present.retry_at, |split| split.min(present.retry_at)))
    }

    /// Counts frames that come in an outage.
    pub fn miss(&mut self, count: u64) {
        self.missed += count;
        if let Some(present) = &mut self.present {
            present.missed += count;
        }
    }

    /// Counts a failure.
    pub fn count_failure(&mut self) {
        self.failures += 1;
    }

    /// Data is taken again: the next write says whether it is over.
    pub fn try_again(&mut self) {
        if let Some(present) = &mut self.present {
            present.on_trial = true;
        }
    }

    /// Notes that data was written, and reports the end of an outage.
    pub fn written(&mut self) {
        if let Some(Outage { since, missed, .. }) = self.present.take() {
            Log.end_state(OUTAGE, &self.name);
            let (name, seconds) = (&self.name, since.elapsed().as_secs());
            Log.warning(format_args!(
                "{name}: written again after {seconds} s; {missed} frames that came meanwhile are \
                 lost"
            ));
        }
    }

    /// Frames that came in outages.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Failures so far.
    pub fn failures(&self) -> u64 {
        self.failures
    }
}
