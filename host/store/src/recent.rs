//! What was read lately, so that a request which needs it again asks the database nothing.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries kept at most; those in use come back soon.
const ENTRIES_MAX: usize = 1_000;

/// Values as they were at one version of the store ([`crate::Store::version`]): with the next commit of anything all are
/// dropped.
#[derive(Debug)]
pub struct Recent<K, V>(Mutex<Kept<K, V>>);

#[derive(Debug)]
struct Kept<K, V> {
    version: u64,
    values: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Mutex::new(Kept { version: 0, values: HashMap::new() }))
    }
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    fn kept(&self) -> MutexGuard<'_, Kept<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, if nothing was committed since it was kept.
    pub fn get(&self, version: u64, key: &K) -> Option<V> {
        let kept = self.kept();
        if kept.version == version { kept.values.get(key).cloned() } else { None }
    }

    /// Keeps a value that was read after the store told `version`.
    pub fn keep(&self, version: u64, key: K, value: V) {
        let mut kept = self.kept();
        if version < kept.version {
            return;
        }
        if version > kept.version || kept.values.len() >= ENTRIES_MAX {
            kept.values.clear();
        }
        kept.version = version;
        kept.values.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_makes_all_forgotten_and_an_old_value_is_not_kept() {
        let recent = Recent::default();
        recent.keep(3, "a", 1);
        recent.keep(3, "b", 2);
        assert_eq!((recent.get(3, &"a"), recent.get(3, &"b"), recent.get(4, &"a")), (Some(1), Some(2), None));
        recent.keep(4, "a", 5);
        recent.keep(3, "b", 9);
        assert_eq!((recent.get(4, &"a"), recent.get(4, &"b"), recent.get(3, &"b")), (Some(5), None, None));
    }

    #[test]
    fn few_are_kept() {
        let recent = Recent::default();
        (0..=ENTRIES_MAX).for_each(|key| recent.keep(1, key, key));
        assert_eq!((recent.get(1, &0), recent.get(1, &ENTRIES_MAX)), (None, Some(ENTRIES_MAX)));
    }
}
