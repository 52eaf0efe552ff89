// SPDX-License-Identifier: MIT OR Apache-2.0
//! Delays between the retries of something that fails.

use std::time::{Duration, Instant};

/// The delay after a first failure.
const FIRST: Duration = Duration::from_secs(1);

/// The longest delay.
const LAST: Duration = Duration::from_secs(60);

/// Delays that double with each failure, from one second to one minute. After a long time without a
/// failure they start at one second again.
#[derive(Debug, Default)]
pub struct Backoff {
    last: Option<(Instant, Duration)>,
}

impl Backoff {
    /// Counts a failure. Returns the delay before the next attempt.
    pub fn failed(&mut self, now: Instant) -> Duration {
        let delay = match self.last {
            Some((at, delay)) if now < at + 4 * delay => LAST.min(2 * delay),
            _ => FIRST,
        };
        self.last = Some((now, delay));
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_minute_and_begin_anew() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let delay = backoff.failed(now);
            assert_eq!(delay, Duration::from_secs(expected));
            now += delay;
        }
        now += 4 * LAST;
        assert_eq!(backoff.failed(now), FIRST);
    }
}
