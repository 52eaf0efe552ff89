// SPDX-License-Identifier: MIT OR Apache-2.0
//! Limits the rate of lines of one kind.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Lines of a kind that are printed as they come, before further ones are only counted.
const BURST: u32 = 10;

/// The first interval in which lines are counted.
const FIRST_INTERVAL: Duration = Duration::from_secs(10);

/// The longest such interval. The interval doubles while there are lines to count.
const LAST_INTERVAL: Duration = Duration::from_secs(600);

/// A kind of lines, named as what is counted: "connections refused".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineKind(pub &'static str);

/// Kinds with recently printed lines.
#[derive(Debug)]
pub struct LineLimits(Vec<LineLimit>);

#[derive(Debug)]
struct LineLimit {
    kind: LineKind,
    /// The subject of the state; `None` where events are counted.
    subject: Option<String>,
    /// Lines that may still be printed before the interval is over.
    left: u32,
    interval: Duration,
    /// The end of the interval.
    end: Instant,
    held: u64,
    /// The last line that was held back.
    last: String,
}

impl LineLimit {
    fn new(kind: LineKind, subject: Option<String>, left: u32, now: Instant) -> Self {
        let (interval, last) = (FIRST_INTERVAL, String::new());
        Self { kind, subject, left, interval, end: now + interval, held: 0, last }
    }

    /// Prints the held-back lines.
    fn tell(&mut self, print: &mut dyn FnMut(&dyn Display)) {
        let Self { kind: LineKind(kind), held, last, subject, .. } = self;
        match subject {
            Some(_) => print(last),
            None => print(&format_args!("{held} more {kind}; the last: {last}")),
        }
        *held = 0;
    }
}

impl LineLimits {
    /// Returns limits with nothing printed yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Handles one more line of `kind`.
    pub fn event(
        &mut self,
        kind: LineKind,
        line: String,
        now: Instant,
        print: &mut dyn FnMut(&dyn Display),
    ) {
        self.add(kind, None, BURST, line, now, print);
    }

    /// Notes that `subject` is still in the state `kind`.
    pub fn state(
        &mut self,
        kind: LineKind,
        subject: &str,
        line: String,
        now: Instant,
        print: &mut dyn FnMut(&dyn Display),
    ) {
        self.add(kind, Some(subject), 1, line, now, print);
    }

    fn add(
        &mut self,
        kind: LineKind,
        subject: Option<&str>,
        burst: u32,
        line: String,
        now: Instant,
        print: &mut dyn FnMut(&dyn Display),
    ) {
        self.tell(Some(now), print);
        let is_it = |entry: &LineLimit| entry.kind == kind && entry.subject.as_deref() == subject;
        let index = self.0.iter().position(is_it).unwrap_or_else(|| {
            self.0.push(LineLimit::new(kind, subject.map(String::from), burst, now));
            self.0.len() - 1
        });
        let entry = &mut self.0[index];
        if entry.left > 0 {
            entry.left -= 1;
            print(&line);
        } else {
            entry.held += 1;
            entry.last = line;
        }
    }

    /// Notes that `subject` has left the state `kind`. Returns whether it was in it.
    pub fn over(&mut self, kind: LineKind, subject: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.kind != kind || entry.subject.as_deref() != Some(subject));
        self.0.len() < before
    }

    /// Returns the end of the first interval that has lines to report.
    pub fn due(&self) -> Option<Instant> {
        self.0.iter().filter(|entry| entry.held > 0).map(|entry| entry.end).min()
    }

    /// Ends the intervals that are over at `now`, or all in the end: prints what was held back. An interval
    /// without such lines ends the limit, unless a state lasts.
    pub fn tell(&mut self, now: Option<Instant>, print: &mut dyn FnMut(&dyn Display)) {
        self.0.retain_mut(|entry| {
            let is_over = now.is_none_or(|now| entry.end <= now);
            match (is_over, now) {
                (false, _) => true,
                (true, Some(now)) if entry.held > 0 => {
                    entry.tell(print);
                    entry.interval = LAST_INTERVAL.min(2 * entry.interval);
                    entry.end = now + entry.interval;
                    true
                }
                (true, None) => {
                    // The totals say what became of a state.
                    if entry.held > 0 && entry.subject.is_none() {
                        entry.tell(print);
                    }
                    false
                }
                (true, Some(_)) => {
                    // A state ends only when `over` is called; its next line is due now.
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
    fn lines_of_a_kind_are_counted_after_the_first_ones() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for number in 0..5000 {
            limits.event(FLOOD, format!("peer {number}"), begin, &mut print);
        }
        limits.event(LineKind("other"), "another kind".into(), begin, &mut print);
        assert_eq!(limits.due(), Some(at(begin, 10)));
        limits.tell(Some(at(begin, 9)), &mut print);
        limits.tell(Some(at(begin, 10)), &mut print);
        for number in 0..3 {
            limits.event(FLOOD, format!("later {number}"), at(begin, 11), &mut print);
        }
        // The interval has doubled.
        limits.tell(Some(at(begin, 29)), &mut print);
        limits.tell(Some(at(begin, 30)), &mut print);
        // An interval without any ends the limit.
        limits.tell(Some(at(begin, 70)), &mut print);
        limits.event(FLOOD, "much later".into(), at(begin, 71), &mut print);
        let mut expected: Vec<String> = (0..10).map(|number| format!("peer {number}")).collect();
        expected.extend([
            "another kind".into(),
            "4990 more connections refused; the last: peer 4999".into(),
            "3 more connections refused; the last: later 2".into(),
            "much later".into(),
        ]);
        assert_eq!(lines, expected);
        assert_eq!(limits.0.len(), 1, "what is over takes no room");
    }

    #[test]
    fn a_state_is_told_at_growing_intervals_until_it_is_over() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for second in 0..3600 {
            let line = format!("one at {second}");
            limits.state(FLOOD, "one", line, at(begin, second), &mut print);
        }
        assert!(limits.over(FLOOD, "one") && !limits.over(FLOOD, "one"));
        limits.state(FLOOD, "one", "one again".into(), at(begin, 3600), &mut print);
        let seconds = [0, 9, 29, 69, 149, 309, 629, 1229, 1829, 2429, 3029];
        let mut expected: Vec<String> =
            seconds.iter().map(|second| format!("one at {second}")).collect();
        expected.push("one again".into());
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_end_tells_what_was_held_back() {
        let begin = Instant::now();
        let mut limits = LineLimits::new();
        let mut lines = Vec::new();
        let mut print = |line: &dyn Display| lines.push(line.to_string());
        for number in 0..12 {
            limits.event(FLOOD, format!("peer {number}"), begin, &mut print);
        }
        for _ in 0..2 {
            limits.state(FLOOD, "one", "lasts".into(), begin, &mut print);
        }
        limits.tell(None, &mut print);
        limits.tell(None, &mut print);
        let told = ["lasts", "2 more connections refused; the last: peer 11"];
        assert_eq!(lines.split_off(10), told);
    }
}
