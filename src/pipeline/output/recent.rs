// SPDX-License-Identifier: MIT OR Apache-2.0
//! A bounded map of the most recently used keys.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map that forgets entries that were not used for a long time.
#[derive(Debug)]
pub(crate) struct RecentMap<K, V> {
    /// Entries used since the maps were last swapped.
    young: HashMap<K, V>,
    /// Entries used before; the next swap removes them unless they are used again.
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash, V> RecentMap<K, V> {
    /// Creates a map of at least the last `capacity` keys and at most twice as many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }

    /// Returns the value of `key`, inserting the result of `make` if it is absent.
    pub(crate) fn entry<Q>(&mut self, key: &Q, make: impl FnOnce() -> V) -> &mut V
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let Self { young, old, capacity } = self;
        if !young.contains_key(key) {
            if young.len() >= *capacity {
                *old = std::mem::take(young);
            }
            let (key, value) = old.remove_entry(key).unwrap_or_else(|| (key.to_owned(), make()));
            return young.entry(key).or_insert(value);
        }
        young.entry(key.to_owned()).or_insert_with(make)
    }

    /// Returns the value of `key`, if present.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_entries_stay_and_the_size_is_bounded() {
        let mut recent = RecentMap::new(10);
        for other in 1..1000 {
            *recent.entry(&0, || 0) += 1;
            *recent.entry(&other, || 0) += 1;
            assert_eq!(recent.get(&0), Some(&other));
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!((recent.get(&1), recent.get(&998)), (None, Some(&1)));
    }
}
