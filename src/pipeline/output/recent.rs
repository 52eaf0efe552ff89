// SPDX-License-Identifier: MIT OR Apache-2.0
//! Values of the most recently used keys.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Values by key, of which those that are not used are forgotten.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    /// Those used since the last change.
    young: HashMap<K, V>,
    /// Those used before, of which those that are not used again will be forgotten.
    old: HashMap<K, V>,
    capacity: usize,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// Remembers at least the last `capacity` keys, at most twice as many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }

    /// The value of `key`, made if there is none.
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

    /// The value of `key`, if it is remembered.
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
    fn what_is_used_is_remembered_and_the_number_is_bounded() {
        let mut recent = Recent::new(10);
        for other in 1..1000 {
            *recent.entry(&0, || 0) += 1;
            *recent.entry(&other, || 0) += 1;
            assert_eq!(recent.get(&0), Some(&other));
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!((recent.get(&1), recent.get(&998)), (None, Some(&1)));
    }
}
