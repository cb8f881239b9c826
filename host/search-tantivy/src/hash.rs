//! Hashing that is fast and stable between runs; nothing here resists an attacker who chooses numbers.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Multiplies and rotates: a good hash for numbers that nobody chose on purpose.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_i64(&mut self, word: i64) {
        self.write_u64(word.cast_unsigned());
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// A map keyed by numbers.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// Spreads the bits of a number (the finaliser of SplitMix64).
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stable hash of bytes.
pub(crate) fn of_bytes(bytes: &[u8]) -> u64 {
    let mut hasher = FastHasher(bytes.len() as u64);
    hasher.write(bytes);
    hasher.finish()
}

/// Counts distinct values: exactly below `kept`, by the smallest hashes beyond (error about `1 / sqrt(kept)`).
#[derive(Debug, Clone)]
pub(crate) struct Distinct {
    smallest: BTreeSet<u64>,
    kept: usize,
}

impl Distinct {
    /// A counter that is exact below `kept` values.
    pub(crate) fn new(kept: usize) -> Self {
        Self { smallest: BTreeSet::new(), kept }
    }

    /// Counts a value, given by a well spread hash.
    pub(crate) fn add(&mut self, hash: u64) {
        if self.smallest.len() == self.kept {
            if self.smallest.last().is_none_or(|largest| hash >= *largest) {
                return;
            }
            if self.smallest.insert(hash) {
                self.smallest.pop_last();
            }
        } else {
            self.smallest.insert(hash);
        }
    }

    /// Number of distinct values counted.
    pub(crate) fn count(&self) -> u64 {
        match self.smallest.last() {
            Some(largest) if self.smallest.len() == self.kept => {
                let covered = *largest as f64 / u64::MAX as f64;
                ((self.kept - 1) as f64 / covered).round() as u64
            }
            _ => self.smallest.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_is_exact_when_small_and_close_when_large() {
        let mut counter = Distinct::new(4096);
        for value in 0..6000_u64 {
            counter.add(mix(value % 3000 + 1));
        }
        assert_eq!(counter.count(), 3000);
        for value in 0..200_000_u64 {
            counter.add(mix(value + 1));
        }
        assert!((190_000..210_000).contains(&counter.count()), "{}", counter.count());
    }
}
