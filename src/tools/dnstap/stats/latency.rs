// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long answers take: by both times of a response, or by those of a query and its response.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

/// Upper bounds of the buckets in microseconds. What takes longer is in one more.
pub const BOUNDS: [u64; 22] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
    200_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000,
];

/// Latencies in buckets.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// How many are in each bucket.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How many there are.
    pub count: u64,
    /// Their sum in nanoseconds.
    pub sum: u64,
    /// The longest in nanoseconds.
    pub longest: u64,
}

impl Histogram {
    /// Adds a latency in nanoseconds.
    pub fn add(&mut self, latency: u64) {
        let bucket = BOUNDS.partition_point(|bound| bound * 1000 < latency);
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(latency);
        self.longest = self.longest.max(latency);
    }

    /// The bound in nanoseconds that at least the share `share` of the latencies keeps to.
    pub fn quantile(&self, share: f64) -> u64 {
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

/// Queries in each half of those that wait for their answers.
const HALF: usize = 1 << 15;

/// Times of queries that wait for their answers. The oldest are forgotten when there are too many.
#[derive(Debug, Default)]
pub struct Pairs {
    hasher: RandomState,
    young: HashMap<u64, u64>,
    old: HashMap<u64, u64>,
}

impl Pairs {
    /// Keeps the time of a query.
    pub fn ask(&mut self, key: &impl Hash, time: u64) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(self.hasher.hash_one(key), time);
    }

    /// The time of the query with the same key, if it is still known.
    pub fn answer(&mut self, key: &impl Hash) -> Option<u64> {
        let key = self.hasher.hash_one(key);
        self.young.remove(&key).or_else(|| self.old.remove(&key))
    }
}

#[cfg(test)]
mod tests {
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
        (0..3 * HALF as u64).for_each(|key| pairs.ask(&key, key));
        assert!(pairs.young.len() + pairs.old.len() <= 2 * HALF);
        assert_eq!(pairs.answer(&0), None);
        let last = 3 * HALF as u64 - 1;
        assert_eq!(pairs.answer(&last), Some(last));
        assert_eq!(pairs.answer(&last), None);
    }
}
