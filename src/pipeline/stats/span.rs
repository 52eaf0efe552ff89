// SPDX-License-Identifier: MIT OR Apache-2.0
//! The time span of most messages, without outliers from wrong clocks.

/// Minimum distance, in nanoseconds, between times of different spans: a day.
const GAP: u64 = 86_400_000_000_000;

/// Maximum number of spans. A new one replaces the smallest.
const SPANS: usize = 8;

/// A span of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// Number of times.
    pub(crate) count: u64,
}

impl TimeSpan {
    /// Returns the span of one time.
    pub(crate) fn at(time: u64) -> Self {
        Self { first: time, last: time, count: 1 }
    }

    fn is_near(&self, time: u64) -> bool {
        (self.first.saturating_sub(GAP)..=self.last.saturating_add(GAP)).contains(&time)
    }

    /// Extends the span by another one.
    pub(crate) fn add(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
    }
}

/// The spans of times that arrive in any order.
#[derive(Debug, Default)]
pub(crate) struct TimeSpans {
    /// Spans of nanoseconds since 1970, with gaps of more than [`GAP`] between them.
    spans: Vec<TimeSpan>,
    count: u64,
}

impl TimeSpans {
    /// Adds a time in nanoseconds since 1970.
    pub(crate) fn add(&mut self, time: u64) {
        self.count += 1;
        let mut span = TimeSpan::at(time);
        let holds = |known: &&mut TimeSpan| (known.first..=known.last).contains(&time);
        if let Some(known) = self.spans.iter_mut().find(holds) {
            known.count += 1;
            return;
        }
        // The time may connect two spans.
        self.spans.retain(|known| {
            let is_near = known.is_near(time);
            if is_near {
                span.add(known);
            }
            !is_near
        });
        if self.spans.len() >= SPANS {
            if let Some(smallest) = (0..SPANS).min_by_key(|index| self.spans[*index].count) {
                self.spans.remove(smallest);
            }
        }
        self.spans.push(span);
    }

    /// Returns the span with the most times, and the number of times outside of it.
    pub(crate) fn largest(&self) -> Option<(TimeSpan, u64)> {
        let largest = self.spans.iter().max_by_key(|span| span.count)?;
        Some((*largest, self.count - largest.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_are_excluded() {
        let mut times = TimeSpans::default();
        let mut expected = TimeSpan { first: 50 * GAP, last: 0, count: 0 };
        for number in 0..1000 {
            // Out of order.
            let time = 50 * GAP + number * 7 % 10;
            times.add(time);
            expected.add(&TimeSpan::at(time));
            times.add(number * 2 * GAP + 100 * GAP);
            assert!(times.spans.len() <= SPANS);
        }
        times.add(0);
        assert_eq!(times.largest(), Some((expected, 1001)));
    }

    #[test]
    fn spans_that_meet_are_merged() {
        let mut times = TimeSpans::default();
        for day in [0, 4, 2, 1, 3] {
            times.add(day * GAP);
        }
        assert_eq!(times.largest(), Some((TimeSpan { first: 0, last: 4 * GAP, count: 5 }, 0)));
        times.add(u64::MAX);
        assert_eq!(times.largest().unwrap().1, 1);
    }
}
