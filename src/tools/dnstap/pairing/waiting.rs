// SPDX-License-Identifier: MIT OR Apache-2.0
//! Halves that wait for their other half, by key and in the order of their coming.

use std::collections::{BTreeMap, HashMap};

/// Of many halves with one key, so many are looked at for the best.
const LOOK: usize = 8;

/// What waits.
#[derive(Debug)]
pub struct Waiting<T> {
    /// By number, which grows with each that comes.
    halves: BTreeMap<u64, Half<T>>,
    /// The first and the last of each key.
    ends: HashMap<u64, (u64, u64)>,
    next: u64,
}

#[derive(Debug)]
struct Half<T> {
    key: u64,
    /// The next of the same key.
    next: Option<u64>,
    value: T,
}

/// How well two halves fit.
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

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self { halves: BTreeMap::new(), ends: HashMap::new(), next: 0 }
    }
}

impl<T> Waiting<T> {
    /// Returns how many wait.
    pub fn count(&self) -> usize {
        self.halves.len()
    }

    /// Adds one.
    pub fn push(&mut self, key: u64, value: T) {
        let number = self.next;
        self.next += 1;
        let (_, last) = self.ends.entry(key).or_insert((number, number));
        let before = std::mem::replace(last, number);
        if let Some(before) = self.halves.get_mut(&before) {
            before.next = Some(number);
        }
        self.halves.insert(number, Half { key, next: None, value });
    }

    /// Takes the one with this key that fits best, of those that fit equally the one that came
    /// first.
    pub fn take(&mut self, key: u64, fit: impl Fn(&T) -> Fit) -> Option<T> {
        let (first, _) = *self.ends.get(&key)?;
        let mut found = (Fit::Not, None, first);
        let (mut before, mut next) = (None, Some(first));
        for _ in 0..LOOK {
            let Some((number, half)) = next.and_then(|next| Some((next, self.halves.get(&next)?)))
            else {
                break;
            };
            let fit = fit(&half.value);
            if fit > found.0 {
                found = (fit, before, number);
            }
            if fit == Fit::Best {
                break;
            }
            (before, next) = (Some(number), half.next);
        }
        let (fit, before, number) = found;
        if fit == Fit::Not { None } else { self.remove(before, number) }
    }

    /// The one that came first.
    pub fn oldest(&self) -> Option<&T> {
        self.halves.first_key_value().map(|(_, half)| &half.value)
    }

    /// Takes the one that came first.
    pub fn pop_oldest(&mut self) -> Option<T> {
        // It is the first of its key too.
        let (number, _) = self.halves.first_key_value()?;
        self.remove(None, *number)
    }

    /// Removes a half; `before` is the one of the same key before it.
    fn remove(&mut self, before: Option<u64>, number: u64) -> Option<T> {
        let Half { key, next, value } = self.halves.remove(&number)?;
        if let Some(before) = before.and_then(|before| self.halves.get_mut(&before)) {
            before.next = next;
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
        let mut waiting = Waiting::default();
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
}
