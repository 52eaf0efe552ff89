// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages without a counterpart yet, by key and in order of arrival.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Maximum number of messages with one key that are compared to find the best match.
const CANDIDATES_MAX: usize = 8;

/// A table of unpaired messages: a linked list in order of arrival, and a linked list for each key. Slots
/// are reused.
#[derive(Debug)]
pub(crate) struct UnpairedTable<T> {
    slots: Vec<UnpairedSlot<T>>,
    /// Indices of free slots.
    free: Vec<usize>,
    oldest: Option<usize>,
    youngest: Option<usize>,
    /// The slots of the first and the last message of each key.
    ends: HashMap<u64, (usize, usize), BuildHasherDefault<HashedKeyHasher>>,
}

#[derive(Debug)]
struct UnpairedSlot<T> {
    key: u64,
    older: Option<usize>,
    younger: Option<usize>,
    /// The next message with the same key.
    next: Option<usize>,
    /// `None` in a free slot.
    value: Option<T>,
}

/// A hasher for keys that are already hashes.
#[derive(Debug, Default)]
struct HashedKeyHasher(u64);

impl Hasher for HashedKeyHasher {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The quality of a match between a query and a response, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// They do not match.
    Mismatch,
    /// They match if no other candidate does, because their order is wrong.
    Poor,
    /// They match unless another candidate is the best.
    Good,
    /// No other candidate can be better.
    Best,
}

impl<T> Default for UnpairedTable<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            oldest: None,
            youngest: None,
            ends: HashMap::default(),
        }
    }
}

impl<T> UnpairedTable<T> {
    /// Returns the number of messages.
    pub(crate) fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Adds a message. Keys must be hashes.
    pub(crate) fn push(&mut self, key: u64, value: T) {
        let slot = UnpairedSlot {
            key,
            older: self.youngest,
            younger: None,
            next: None,
            value: Some(value),
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index] = slot;
                index
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        match self.youngest.replace(index) {
            Some(before) => self.slots[before].younger = Some(index),
            None => self.oldest = Some(index),
        }
        let (_, last) = self.ends.entry(key).or_insert((index, index));
        let before = std::mem::replace(last, index);
        if before != index {
            self.slots[before].next = Some(index);
        }
    }

    /// Removes the message with this key that matches best; of equal matches, the oldest.
    pub(crate) fn take_best(&mut self, key: u64, fit: impl Fn(&T) -> Fit) -> Option<T> {
        let (first, _) = *self.ends.get(&key)?;
        let mut found = (Fit::Mismatch, None, first);
        let (mut before, mut next) = (None, Some(first));
        for _ in 0..CANDIDATES_MAX {
            let Some(index) = next else { break };
            let UnpairedSlot { value: Some(value), next: following, .. } = &self.slots[index]
            else {
                break;
            };
            let fit = fit(value);
            if fit > found.0 {
                found = (fit, before, index);
            }
            if fit == Fit::Best {
                break;
            }
            (before, next) = (Some(index), *following);
        }
        let (fit, before, index) = found;
        if fit == Fit::Mismatch { None } else { self.remove(before, index) }
    }

    /// Returns the oldest message.
    pub(crate) fn oldest(&self) -> Option<&T> {
        self.slots[self.oldest?].value.as_ref()
    }

    /// Removes the oldest message.
    pub(crate) fn pop_oldest(&mut self) -> Option<T> {
        // The oldest message is also the first of its key.
        self.remove(None, self.oldest?)
    }

    /// Removes a message; `before` is the previous one with the same key.
    fn remove(&mut self, before: Option<usize>, index: usize) -> Option<T> {
        let slot = &mut self.slots[index];
        let value = slot.value.take()?;
        let UnpairedSlot { key, older, younger, next, .. } = *slot;
        self.free.push(index);
        match older {
            Some(older) => self.slots[older].younger = younger,
            None => self.oldest = younger,
        }
        match younger {
            Some(younger) => self.slots[younger].older = older,
            None => self.youngest = older,
        }
        if let Some(before) = before {
            self.slots[before].next = next;
        }
        match (before, next) {
            (None, None) => drop(self.ends.remove(&key)),
            (None, Some(next)) => drop(self.ends.get_mut(&key).map(|ends| ends.0 = next)),
            (Some(before), None) => drop(self.ends.get_mut(&key).map(|ends| ends.1 = before)),
            (Some(_), Some(_)) => (),
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_one_key_are_taken_in_order_unless_one_fits_better() {
        let mut table = UnpairedTable::default();
        for value in 0..5 {
            table.push(1, value);
        }
        table.push(2, 9);
        let all = |_: &i32| Fit::Good;
        let only = |best| move |value: &i32| if *value == best { Fit::Best } else { Fit::Good };
        assert_eq!(table.take_best(1, only(2)), Some(2));
        assert_eq!(table.take_best(1, only(4)), Some(4));
        table.push(1, 5);
        assert_eq!(
            table.take_best(1, |value| if *value == 5 { Fit::Good } else { Fit::Poor }),
            Some(5)
        );
        table.push(1, 5);
        assert_eq!(table.take_best(1, all), Some(0));
        assert_eq!(table.pop_oldest(), Some(1));
        assert_eq!(
            table.take_best(1, |value| if *value == 3 { Fit::Mismatch } else { Fit::Good }),
            Some(5)
        );
        assert_eq!(table.take_best(1, |_| Fit::Mismatch), None);
        assert_eq!(table.take_best(1, all), Some(3));
        assert_eq!(table.take_best(1, all), None);
        assert_eq!((table.oldest(), table.count()), (Some(&9), 1));
        assert_eq!((table.pop_oldest(), table.pop_oldest()), (Some(9), None));
        assert!(table.ends.is_empty());
    }

    #[test]
    fn slots_are_reused() {
        let mut table = UnpairedTable::default();
        let mut expected: Vec<(u64, u32)> = Vec::new();
        let mut random = 1_u64;
        for value in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (random >> 40) % 7;
            match (random >> 50) % 4 {
                0 | 1 if expected.len() < 50 => {
                    table.push(key, value);
                    expected.push((key, value));
                }
                2 => {
                    let oldest = (!expected.is_empty()).then(|| expected.remove(0).1);
                    assert_eq!(table.pop_oldest(), oldest);
                }
                _ => {
                    // The second message with this key, if there is one.
                    let mut of_key =
                        expected.iter().enumerate().filter(|(_, (own, _))| *own == key);
                    let wanted = of_key.nth(1).map(|(at, (_, value))| (at, *value));
                    let taken = table.take_best(key, |value| match wanted {
                        Some((_, wanted)) if wanted == *value => Fit::Best,
                        _ => Fit::Mismatch,
                    });
                    assert_eq!(taken, wanted.map(|(at, _)| expected.remove(at).1));
                }
            }
            assert_eq!(table.count(), expected.len());
            assert_eq!(table.oldest(), expected.first().map(|(_, value)| value));
            assert!(table.slots.len() <= 50);
        }
    }
}
