// SPDX-License-Identifier: MIT OR Apache-2.0
//! Halves that wait for their other half, by key and in the order of their coming.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// The number of halves with one key that are compared to find the best.
const LOOK: usize = 8;

/// The halves that wait. Each takes a slot, which is used again once it is free.
#[derive(Debug)]
pub struct UnpairedTable<T> {
    slots: Vec<Slot<T>>,
    /// Slots that are free.
    free: Vec<usize>,
    oldest: Option<usize>,
    youngest: Option<usize>,
    /// The first and the last of each key.
    ends: HashMap<u64, (usize, usize), BuildHasherDefault<OfHash>>,
}

#[derive(Debug)]
struct Slot<T> {
    key: u64,
    older: Option<usize>,
    younger: Option<usize>,
    /// The next of the same key.
    next: Option<usize>,
    /// `None` in a slot that is free.
    value: Option<T>,
}

/// The hash of a key, which is a hash already.
#[derive(Debug, Default)]
struct OfHash(u64);

impl Hasher for OfHash {
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

/// The ways that two halves fit, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// They do not.
    Not,
    /// They do if no other does: their order is wrong.
    Poor,
    /// They do, unless another fits best.
    Good,
    /// None fits better.
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
    /// Returns the number of waiting halves.
    pub fn count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Adds one. The keys are hashes.
    pub fn push(&mut self, key: u64, value: T) {
        let slot =
            Slot { key, older: self.youngest, younger: None, next: None, value: Some(value) };
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

    /// Takes the half with this key that fits best; of those that fit equally, the one that came
    /// first.
    pub fn take(&mut self, key: u64, fit: impl Fn(&T) -> Fit) -> Option<T> {
        let (first, _) = *self.ends.get(&key)?;
        let mut found = (Fit::Not, None, first);
        let (mut before, mut next) = (None, Some(first));
        for _ in 0..LOOK {
            let Some(index) = next else { break };
            let Slot { value: Some(value), next: behind, .. } = &self.slots[index] else { break };
            let fit = fit(value);
            if fit > found.0 {
                found = (fit, before, index);
            }
            if fit == Fit::Best {
                break;
            }
            (before, next) = (Some(index), *behind);
        }
        let (fit, before, index) = found;
        if fit == Fit::Not { None } else { self.remove(before, index) }
    }

    /// Returns the one that came first.
    pub fn oldest(&self) -> Option<&T> {
        self.slots[self.oldest?].value.as_ref()
    }

    /// Takes the one that came first.
    pub fn pop_oldest(&mut self) -> Option<T> {
        // It is the first of its key too.
        self.remove(None, self.oldest?)
    }

    /// Removes a half; `before` is the one of the same key before it.
    fn remove(&mut self, before: Option<usize>, index: usize) -> Option<T> {
        let slot = &mut self.slots[index];
        let value = slot.value.take()?;
        let Slot { key, older, younger, next, .. } = *slot;
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
    fn halves_of_one_key_are_taken_in_turn_unless_one_fits_better() {
        let mut waiting = UnpairedTable::default();
        for value in 0..5 {
            waiting.push(1, value);
        }
        waiting.push(2, 9);
        let all = |_: &i32| Fit::Good;
        let only = |best| move |value: &i32| if *value == best { Fit::Best } else { Fit::Good };
        assert_eq!(waiting.take(1, only(2)), Some(2));
        assert_eq!(waiting.take(1, only(4)), Some(4));
        waiting.push(1, 5);
        assert_eq!(
            waiting.take(1, |value| if *value == 5 { Fit::Good } else { Fit::Poor }),
            Some(5)
        );
        waiting.push(1, 5);
        assert_eq!(waiting.take(1, all), Some(0));
        assert_eq!(waiting.pop_oldest(), Some(1));
        assert_eq!(
            waiting.take(1, |value| if *value == 3 { Fit::Not } else { Fit::Good }),
            Some(5)
        );
        assert_eq!(waiting.take(1, |_| Fit::Not), None);
        assert_eq!(waiting.take(1, all), Some(3));
        assert_eq!(waiting.take(1, all), None);
        assert_eq!((waiting.oldest(), waiting.count()), (Some(&9), 1));
        assert_eq!((waiting.pop_oldest(), waiting.pop_oldest()), (Some(9), None));
        assert!(waiting.ends.is_empty());
    }

    #[test]
    fn slots_are_used_again_whatever_is_taken() {
        let mut waiting = UnpairedTable::default();
        let mut expected: Vec<(u64, u32)> = Vec::new();
        let mut random = 1_u64;
        for value in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = (random >> 40) % 7;
            match (random >> 50) % 4 {
                0 | 1 if expected.len() < 50 => {
                    waiting.push(key, value);
                    expected.push((key, value));
                }
                2 => {
                    let oldest = (!expected.is_empty()).then(|| expected.remove(0).1);
                    assert_eq!(waiting.pop_oldest(), oldest);
                }
                _ => {
                    // The second of this key, if there is one.
                    let mut of_key =
                        expected.iter().enumerate().filter(|(_, (own, _))| *own == key);
                    let wanted = of_key.nth(1).map(|(at, (_, value))| (at, *value));
                    let taken = waiting.take(key, |value| match wanted {
                        Some((_, wanted)) if wanted == *value => Fit::Best,
                        _ => Fit::Not,
                    });
                    assert_eq!(taken, wanted.map(|(at, _)| expected.remove(at).1));
                }
            }
            assert_eq!(waiting.count(), expected.len());
            assert_eq!(waiting.oldest(), expected.first().map(|(_, value)| value));
            assert!(waiting.slots.len() <= 50);
        }
    }
}
