// SPDX-License-Identifier: MIT OR Apache-2.0
//! Latencies of responses.

use dns::section::Parts;
use dnstap::Message;

use crate::pairing;
use crate::pairing::unpaired::{Fit, UnpairedTable};
use crate::pairing::{ExchangeTimes, Latency, PairKeys};

/// Upper bounds of the buckets in microseconds. What takes longer is in one more.
pub(crate) const BOUNDS: [u64; 22] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// Latencies in buckets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// The count of each bucket.
    pub(crate) buckets: [u64; BOUNDS.len() + 1],
    /// Their number.
    pub(crate) count: u64,
    /// Their sum in nanoseconds.
    pub(crate) sum: u64,
    /// The longest in nanoseconds.
    pub(crate) longest: u64,
}

impl Histogram {
    /// Adds a latency in nanoseconds.
    pub(crate) fn add(&mut self, latency: u64) {
        let bucket = BOUNDS.partition_point(|bound| bound * 1000 < latency);
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(latency);
        self.longest = self.longest.max(latency);
    }

    /// The bound in nanoseconds that at least the share `share` of the latencies keeps to.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut below = 0;
        for (bucket, bound) in self.buckets.iter().zip(BOUNDS) {
            below += bucket;
            if below >= wanted {
                return (bound * 1000).min(self.longest);
            }
        }
        self.longest
    }
}

/// Queries and responses that wait for each other at most. The oldest are forgotten.
const CAPACITY: usize = 1 << 15;

/// Queries and responses that wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    keys: PairKeys,
    unpaired: UnpairedTable<UnpairedMessage>,
    /// Message types of queries that have come, as bits: responses wait for no others.
    asked: u32,
}

/// A query or a response without the other.
#[derive(Debug)]
struct UnpairedMessage {
    times: ExchangeTimes,
    is_response: bool,
    /// Stands for the identity of the server.
    server: u64,
}

impl Pairs {
    /// Adds a message, and returns the latency that it tells of, alone or with one before.
    pub(crate) fn add(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
    ) -> Latency {
        let is_response = message.message_type.is_response();
        let half = UnpairedMessage {
            times: ExchangeTimes::of(message),
            is_response,
            server: self.keys.server(identity),
        };
        while self.unpaired.oldest().is_some_and(|oldest| {
            oldest.server == half.server && oldest.times.has_expired_at(half.times.first())
        }) {
            self.unpaired.pop_oldest();
        }
        let key = self.keys.key(identity, message, parts);
        let other = self.unpaired.take_best(key, |other| match (is_response, other.is_response) {
            (false, true) => pairing::fit(half.times, other.times),
            (true, false) => pairing::fit(other.times, half.times),
            _ => Fit::Mismatch,
        });
        let bit = 1 << (message.message_type.pair() % u32::BITS);
        if !is_response {
            self.asked |= bit;
        }
        match other {
            // It told when its query was.
            Some(response) if !is_response && response.times.query.is_some() => Latency::Unknown,
            Some(response) if !is_response => pairing::latency(half.times.query, response.times),
            Some(query) => pairing::latency(query.times.query, half.times),
            None => {
                let latency = pairing::latency(None, half.times);
                if !is_response || self.asked & bit != 0 {
                    self.unpaired.push(key, half);
                }
                if self.unpaired.count() > CAPACITY {
                    self.unpaired.pop_oldest();
                }
                latency
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use dnstap::schema::MessageType;

    use super::*;

    #[test]
    fn quantiles_are_bounds_of_buckets() {
        let mut histogram = Histogram::default();
        for latency in [5_000, 10_000, 10_001, 90_000, 3_000_000_000, 60_000_000_000] {
            histogram.add(latency);
        }
        assert_eq!(histogram.buckets[2..4], [1, 1]);
        assert_eq!(histogram.quantile(0.5), 20_000);
        assert_eq!(histogram.quantile(0.8), 5_000_000_000);
        assert_eq!(histogram.quantile(1.0), 60_000_000_000);
    }

    #[test]
    fn the_oldest_queries_are_forgotten() {
        let mut pairs = Pairs::default();
        let mut add = |kind, port: u32, query: Option<u32>, response: Option<u32>| {
            let wire = [0; 12];
            let message = Message {
                query_port: Some(port),
                query_time_sec: query.map(|_| 1),
                query_time_nsec: query,
                response_time_sec: response.map(|_| 1),
                response_time_nsec: response,
                ..Message::new(kind)
            };
            let latency = pairs.add(None, &message, &Parts::find(&wire).unwrap());
            assert!(pairs.unpaired.count() <= CAPACITY);
            latency
        };
        let (query, response) = (MessageType::CLIENT_QUERY, MessageType::CLIENT_RESPONSE);
        let last = 2 * CAPACITY as u32;
        for port in 0..=last {
            assert_eq!(add(query, port, Some(port), None), Latency::Unknown);
        }
        assert_eq!(add(response, 0, None, Some(last)), Latency::Unknown);
        assert_eq!(add(response, last, None, Some(last + 7)), Latency::Known(7));
        assert_eq!(add(response, last, None, Some(last + 7)), Latency::Unknown);
        // A response that says all by itself is counted once, whichever comes first.
        assert_eq!(add(response, last + 1, Some(3), Some(8)), Latency::Known(5));
        assert_eq!(add(query, last + 1, Some(3), None), Latency::Unknown);
    }
}
