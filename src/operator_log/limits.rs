// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rate limits for log lines, by kind.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Number of lines of a kind that are printed before further lines are suppressed.
const BURST: u32 = 10;

/// First interval in which lines are suppressed.
const FIRST_INTERVAL: Duration = Duration::from_secs(10);

/// Longest such interval. The interval doubles as long as lines are suppressed.
const LAST_INTERVAL: Duration = Duration::from_secs(600);

/// A kind of lines, named after the counted events: "connections refused".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineKind(pub &'static str);

/// The rate limits of all kinds with recently printed lines.
#[derive(Debug)]
pub(crate) struct LineLimits(Vec<LineLimit>);

#[derive(Debug)]
struct LineLimit {
    kind: LineKind,
    /// The subject of the state; `None` for events.
    subject: Option<String>,
    /// Number of lines that may still be printed in this interval.
    left: u32,
    interval: Duration,
    end: Instant,
    suppressed: u64,
    /// The last suppressed line.
    last: String,
}

impl LineLimit {
    fn new(kind: LineKind, subject: Option<&str>, now: Instant) -> Self {
        // The first line of a state is enough.
        let left = if subject.is_some() { 1 } else { BURST };
        let (subject, interval, last) = (subject.map(String::from), FIRST_INTERVAL, String::new());
        Self { kind, subject, left, interval, end: now + interval, suppressed: 0, last }
    }

    /// Prints the last line of a state, or the number of suppressed events.
    fn report(&mut self, print: &mut dyn FnMut(&dyn Display)) {
        let Self { kind: LineKind(kind), suppressed, last, subject, .. } = self;
        match subject {
            Some(_) => print(last),
            None => print(&format_args!("{suppressed} more {kind}; the last: {last}")),
        }
        *suppressed = 0;
    }
}

impl LineLimits {
    /// Creates limits with no recently printed lines.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Prints the line of an event, or counts it. The line of the state of a `subject` is printed, or
    /// kept for the end of the interval.
    pub(crate) fn add(
        &mut self,
        kind: LineKind,
        subject: Option<&str>,
        line: String,
        now: Instant,
        print: &mut dyn FnMut(&dyn Display),
    ) {
        self.report(Some(now), print);
        let is_same = |entry: &LineLimit| entry.kind == kind && entry.subject.as_deref() == subject;
        let index = self.0.iter().position(is_same).unwrap_or_else(|| {
            self.0.push(LineLimit::new(kind, subject, now));
            self.0.len() - 1
        });
        let entry = &mut self.0[index];
        if entry.left > 0 {
            entry.left -= 1;
            print(&line);
        } else {
            entry.suppressed += 1;
            entry.last = line;
        }
    }

    /// Ends the state `kind` of `subject`. Returns whether `subject` was in that state.
    pub(crate) fn end_state(&mut self, kind: LineKind, subject: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.kind != kind || entry.subject.as_deref() != Some(subject));
        self.0.len() < before
    }

    /// Returns the end of the first interval with suppressed lines.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.iter().filter(|entry| entry.suppressed > 0).map(|entry| entry.end).min()
    }

    /// Reports suppressed lines whose interval has ended at `now`, or all of them at exit (`None`). A limit
    /// ends with an interval without suppressed lines, unless it belongs to a state.
    pub(crate) fn report(&mut self, now: Option<Instant>, print: &mut dyn FnMut(&dyn Display)) {
        self.0.retain_mut(|entry| {
            let is_over = now.is_none_or(|now| entry.end <= now);
            match (is_over, now) {
                (false, _) => true,
                (true, Some(now)) if entry.suppressed > 0 => {
                    entry.report(print);
                    entry.interval = LAST_INTERVAL.min(2 * entry.interval);
                    entry.end = now + entry.interval;
                    true
                }
                (true, None) => {
                    // The totals at exit include the effects of a state.
                    if entry.suppressed > 0 && entry.subject.is_none() {
                        entry.report(print);
                    }
                    false
                }
                (true, Some(_)) => {
                    // Only `end_state` ends a state; its next line is due now.
                    entry.left = 1;
                    entry.subject.is_some()
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOD: LineKind = LineKind("connections refused");

    fn at(begin: Instant, seconds: u64) -> Instant {
        begin + Duration::from_secs(seconds)
    }

    #[test]
    fn events_are_limited_after_the_first_lines() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for number in 0..5000 {
            limits.add(FLOOD, None, format!("peer {number}"), begin, &mut print);
        }
        limits.add(LineKind("other"), None, "another kind".into(), begin, &mut print);
        assert_eq!(limits.due(), Some(at(begin, 10)));
        limits.report(Some(at(begin, 9)), &mut print);
        limits.report(Some(at(begin, 10)), &mut print);
        for number in 0..3 {
            limits.add(FLOOD, None, format!("later {number}"), at(begin, 11), &mut print);
        }
        // The interval was doubled.
        limits.report(Some(at(begin, 29)), &mut print);
        limits.report(Some(at(begin, 30)), &mut print);
        // An interval without suppressed lines ends the limit.
        limits.report(Some(at(begin, 70)), &mut print);
        limits.add(FLOOD, None, "much later".into(), at(begin, 71), &mut print);
        let mut expected: Vec<String> = (0..10).map(|number| format!("peer {number}")).collect();
        expected.extend([
            "another kind".into(),
            "4990 more connections refused; the last: peer 4999".into(),
            "3 more connections refused; the last: later 2".into(),
            "much later".into(),
        ]);
        assert_eq!(lines, expected);
        assert_eq!(limits.0.len(), 1, "ended limits are removed");
    }

    #[test]
    fn a_state_is_reported_at_growing_intervals_until_it_ends() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for second in 0..3600 {
            let line = format!("one at {second}");
            limits.add(FLOOD, Some("one"), line, at(begin, second), &mut print);
        }
        assert!(limits.end_state(FLOOD, "one") && !limits.end_state(FLOOD, "one"));
        limits.add(FLOOD, Some("one"), "one again".into(), at(begin, 3600), &mut print);
        let seconds = [0, 9, 29, 69, 149, 309, 629, 1229, 1829, 2429, 3029];
        let mut expected: Vec<String> =
            seconds.iter().map(|second| format!("one at {second}")).collect();
        expected.push("one again".into());
        assert_eq!(lines, expected);
    }

    #[test]
    fn suppressed_events_are_counted_at_exit() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for number in 0..12 {
            limits.add(FLOOD, None, format!("peer {number}"), begin, &mut print);
        }
        for _ in 0..2 {
            limits.add(FLOOD, Some("one"), "lasts".into(), begin, &mut print);
        }
        limits.report(None, &mut print);
        limits.report(None, &mut print);
        let reported = ["lasts", "2 more connections refused; the last: peer 11"];
        assert_eq!(lines.split_off(10), reported);
    }
}
