// SPDX-License-Identifier: MIT OR Apache-2.0
//! Latencies of responses.

use dns::section::Parts;
use dnstap::Message;

use crate::pairing;
use crate::pairing::unpaired::{Fit, UnpairedTable};
use crate::pairing::{ExchangeTimes, Latency, PairKeys};

/// Upper bounds of the buckets in microseconds. An additional bucket counts longer latencies.
pub(crate) const BOUNDS: [u64; 22] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// A histogram of latencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// The count of each bucket.
    pub(crate) buckets: [u64; BOUNDS.len() + 1],
    /// Number of latencies.
    pub(crate) count: u64,
    /// Sum of the latencies in nanoseconds.
    pub(crate) sum: u64,
    /// Longest latency in nanoseconds.
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

    /// Returns an upper bound, in nanoseconds, of the given share of latencies.
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

/// Maximum number of unpaired messages. The oldest are dropped.
const CAPACITY: usize = 1 << 15;

/// The pairing of queries and responses.
#[derive(Debug, Default)]
pub(crate) struct LatencyTracker {
    keys: PairKeys,
    unpaired: UnpairedTable<UnpairedMessage>,
    /// Bit set of the pairs of message types with queries. Other responses do not wait for a query.
    asked: u32,
}

/// A query or response without its counterpart.
#[derive(Debug)]
struct UnpairedMessage {
    times: ExchangeTimes,
    is_response: bool,
    /// Hash of the server's identity.
    server: u64,
}

impl LatencyTracker {
    /// Adds a message. Returns the latency known from it alone, or together with its counterpart.
    pub(crate) fn add(
        &mut self,
        identity: Option<&[u8]>,
        message: &Message<'_>,
        parts: &Parts<'_>,
    ) -> Latency {
        let is_response = message.message_type.is_response();
        let entry = UnpairedMessage {
            times: ExchangeTimes::of(message),
            is_response,
            server: self.keys.server(identity),
        };
        while self.unpaired.oldest().is_some_and(|oldest| {
            oldest.server == entry.server && oldest.times.has_expired_at(entry.times.first())
        }) {
            self.unpaired.pop_oldest();
        }
        let key = self.keys.key(identity, message, parts);
        let other = self.unpaired.take_best(key, |other| match (is_response, other.is_response) {
            (false, true) => pairing::fit(entry.times, other.times),
            (true, false) => pairing::fit(other.times, entry.times),
            _ => Fit::Mismatch,
        });
        let bit = 1 << (message.message_type.pair() % u32::BITS);
        if !is_response {
            self.asked |= bit;
        }
        match other {
            // The latency was counted with the response, which had the query time.
            Some(response) if !is_response && response.times.query.is_some() => Latency::Unknown,
            Some(response) if !is_response => pairing::latency(entry.times.query, response.times),
            Some(query) => pairing::latency(query.times.query, entry.times),
            None => {
                let latency = pairing::latency(None, entry.times);
                if !is_response || self.asked & bit != 0 {
                    self.unpaired.push(key, entry);
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
    fn the_oldest_queries_are_dropped() {
        let mut tracker = LatencyTracker::default();
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
            let latency = tracker.add(None, &message, &Parts::find(&wire).unwrap());
            assert!(tracker.unpaired.count() <= CAPACITY);
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
        // A response with both times counts once, in either order.
        assert_eq!(add(response, last + 1, Some(3), Some(8)), Latency::Known(5));
        assert_eq!(add(query, last + 1, Some(3), None), Latency::Unknown);
    }
}
