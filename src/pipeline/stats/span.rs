// SPDX-License-Identifier: MIT OR Apache-2.0
//! When most messages were: a wrong clock, or a wrong time in a message, is not to spoil it.

/// Times that are further apart than a day, in nanoseconds, are of different spans.
const GAP: u64 = 86_400_000_000_000;

/// Spans that are kept. One more takes the place of the smallest.
const SPANS: usize = 8;

/// Times that are close to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    /// The first, in nanoseconds since 1970.
    pub(crate) first: u64,
    /// The last.
    pub(crate) last: u64,
    /// Their number.
    pub(crate) count: u64,
}

impl TimeSpan {
    fn is_near(&self, time: u64) -> bool {
        (self.first.saturating_sub(GAP)..=self.last.saturating_add(GAP)).contains(&time)
    }

    fn add(&mut self, other: &Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
    }
}

/// The times of messages, in whatever order they come.
#[derive(Debug, Default)]
pub(crate) struct TimeSpans {
    /// No two are near each other.
    spans: Vec<TimeSpan>,
    count: u64,
}

impl TimeSpans {
    /// Adds a time in nanoseconds since 1970.
    pub(crate) fn add(&mut self, time: u64) {
        self.count += 1;
        let mut span = TimeSpan { first: time, last: time, count: 1 };
        let holds = |known: &&mut TimeSpan| (known.first..=known.last).contains(&time);
        if let Some(known) = self.spans.iter_mut().find(holds) {
            known.count += 1;
            return;
        }
        // It may join two that were apart.
        self.spans.retain(|known| {
            let is_near = known.is_near(time);
            if is_near {
                span.add(known);
            }
            !is_near
        });
        if self.spans.len() >= SPANS
            && let Some(smallest) = (0..SPANS).min_by_key(|index| self.spans[*index].count)
        {
            self.spans.remove(smallest);
        }
        self.spans.push(span);
    }

    /// The span with most times, and how many times are in no part of it.
    pub(crate) fn most(&self) -> Option<(TimeSpan, u64)> {
        let most = self.spans.iter().max_by_key(|span| span.count)?;
        Some((*most, self.count - most.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_times_are_left_out() {
        let mut times = TimeSpans::default();
        let mut expected = TimeSpan { first: 50 * GAP, last: 0, count: 0 };
        for number in 0..1000 {
            // Not in order.
            let time = 50 * GAP + number * 7 % 10;
            times.add(time);
            expected.add(&TimeSpan { first: time, last: time, count: 1 });
            times.add(number * 2 * GAP + 100 * GAP);
            assert!(times.spans.len() <= SPANS);
        }
        times.add(0);
        assert_eq!(times.most(), Some((expected, 1001)));
    }

    #[test]
    fn spans_that_meet_are_one() {
        let mut times = TimeSpans::default();
        for day in [0, 4, 2, 1, 3] {
            times.add(day * GAP);
        }
        assert_eq!(times.most(), Some((TimeSpan { first: 0, last: 4 * GAP, count: 5 }, 0)));
        times.add(u64::MAX);
        assert_eq!(times.most().unwrap().1, 1);
    }
}
