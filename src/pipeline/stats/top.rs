// SPDX-License-Identifier: MIT OR Apache-2.0
//! The most frequent keys, in bounded memory.
//!
//! A space-saving sketch (Metwally, Agrawal and El Abbadi, 2005) that evicts in bulk: at twice its
//! capacity, it removes the less frequent half. The counts of removed keys are at most the floor, which is
//! the initial count of new keys. Thus, a count is never too low, and too high by at most its error. A key
//! with a share above 1 / `capacity` is never removed.

use std::collections::HashMap;

/// The approximate count of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyCount {
    /// Upper bound of the count.
    pub(crate) max: u64,
    /// Maximum amount by which `max` is too high.
    pub(crate) error: u64,
}

/// Minimum number of keys that are counted.
const CAPACITY: usize = 4096;

/// Counts of the most frequent keys.
#[derive(Debug)]
pub(crate) struct TopKeys {
    counts: HashMap<Box<[u8]>, KeyCount>,
    capacity: usize,
    /// Maximum count of a key that is not in the table.
    floor: u64,
    /// Sum of all counts.
    pub(crate) total: u64,
}

impl Default for TopKeys {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl TopKeys {
    /// Creates a sketch of at least `capacity` keys and at most twice as many.
    fn new(capacity: usize) -> Self {
        Self { counts: HashMap::new(), capacity, floor: 0, total: 0 }
    }

    pub(crate) fn add(&mut self, key: &[u8]) {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(key) {
            count.max += 1;
            return;
        }
        if self.counts.len() >= 2 * self.capacity {
            self.evict();
        }
        let count = KeyCount { max: self.floor + 1, error: self.floor };
        self.counts.insert(key.into(), count);
    }

    fn evict(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().map(|count| count.max).collect();
        let (_, floor, _) = counts.select_nth_unstable(self.capacity);
        self.floor = *floor;
        self.counts.retain(|_, count| count.max > self.floor);
    }

    /// Returns the `count` most frequent keys in descending order, without keys that may be less frequent than
    /// removed ones.
    pub(crate) fn top(&self, count: usize) -> Vec<(&[u8], KeyCount)> {
        let certain = |count: &KeyCount| count.max - count.error >= self.floor.max(1);
        let mut all: Vec<(&[u8], KeyCount)> = self
            .counts
            .iter()
            .filter(|(_, count)| certain(count))
            .map(|(key, count)| (&**key, *count))
            .collect();
        // Equal counts are sorted by key, so that the output is deterministic.
        all.sort_unstable_by(|one, other| other.1.max.cmp(&one.1.max).then(one.0.cmp(other.0)));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_keys_have_exact_counts() {
        let mut top = TopKeys::new(10);
        for (key, times) in [("a", 3), ("b", 1), ("c", 2)] {
            (0..times).for_each(|_| top.add(key.as_bytes()));
        }
        let exact = |max| KeyCount { max, error: 0 };
        assert_eq!(top.top(2), [(&b"a"[..], exact(3)), (&b"c"[..], exact(2))]);
        assert_eq!(top.total, 6);
    }

    #[test]
    fn a_frequent_key_stays_among_many_rare_ones() {
        let mut top = TopKeys::new(64);
        let (mut rare, mut often) = (0_u32, 0);
        for round in 0..200_000_u32 {
            if round % 20 == 0 {
                top.add(b"often");
                often += 1;
            }
            top.add(&rare.to_be_bytes());
            rare += 1;
            assert!(top.counts.len() <= 128);
        }
        let most = top.top(3);
        assert_eq!(most[0].0, b"often");
        assert!(most[0].1.max >= often && most[0].1.max - most[0].1.error <= often);
        assert_eq!(most.len(), 1, "rare keys are not shown: {most:?}");
    }
}
