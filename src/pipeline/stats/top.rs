// SPDX-License-Identifier: MIT OR Apache-2.0
//! The keys that come most often, in bounded memory.
//!
//! A space-saving sketch (Metwally, Agrawal and El Abbadi, 2005) that makes room for many new keys
//! at a time: when twice its capacity is in use, it forgets the rarer half. What is forgotten has
//! come no more often than the floor, from which a new key begins. So a count is never too low, and
//! too high by its error at most; a key that comes more often than one time in `capacity` is there.

use std::collections::HashMap;

/// The number of times that a key was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// At most so often.
    pub(crate) most: u64,
    /// By so much it may be too high.
    pub(crate) error: u64,
}

/// The keys that come most often.
#[derive(Debug)]
pub(crate) struct Top {
    counts: HashMap<Box<[u8]>, Count>,
    capacity: usize,
    /// Maximum count of a key that is not in the table.
    floor: u64,
    total: u64,
}

impl Top {
    /// Keeps `capacity` keys for certain, and twice as many at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { counts: HashMap::new(), capacity, floor: 0, total: 0 }
    }

    /// Counts a key.
    pub(crate) fn add(&mut self, key: &[u8]) {
        self.total += 1;
        if let Some(count) = self.counts.get_mut(key) {
            count.most += 1;
            return;
        }
        if self.counts.len() >= 2 * self.capacity {
            self.forget();
        }
        let count = Count { most: self.floor + 1, error: self.floor };
        self.counts.insert(key.into(), count);
    }

    fn forget(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().map(|count| count.most).collect();
        let (_, floor, _) = counts.select_nth_unstable(self.capacity);
        self.floor = *floor;
        self.counts.retain(|_, count| count.most > self.floor);
    }

    /// Returns the number of counted keys.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The `count` keys that come most often, the first most. Left out are those that are not
    /// certain to have come more often than what was forgotten.
    pub(crate) fn most(&self, count: usize) -> Vec<(&[u8], Count)> {
        let certain = |count: &Count| count.most - count.error >= self.floor.max(1);
        let mut all: Vec<(&[u8], Count)> = self
            .counts
            .iter()
            .filter(|(_, count)| certain(count))
            .map(|(key, count)| (&**key, *count))
            .collect();
        // Keys in their order where counts are the same: the same input prints the same.
        all.sort_unstable_by(|one, other| other.1.most.cmp(&one.1.most).then(one.0.cmp(other.0)));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_keys_are_counted_exactly() {
        let mut top = Top::new(10);
        for (key, times) in [("a", 3), ("b", 1), ("c", 2)] {
            (0..times).for_each(|_| top.add(key.as_bytes()));
        }
        let exact = |most| Count { most, error: 0 };
        assert_eq!(top.most(2), [(&b"a"[..], exact(3)), (&b"c"[..], exact(2))]);
        assert_eq!(top.total(), 6);
    }

    #[test]
    fn what_is_frequent_stays_among_endless_others() {
        let mut top = Top::new(64);
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
        let most = top.most(3);
        assert_eq!(most[0].0, b"often");
        assert!(most[0].1.most >= often && most[0].1.most - most[0].1.error <= often);
        assert_eq!(most.len(), 1, "rare keys are not shown: {most:?}");
    }
}
