//! Chance, as an argument.

use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random bytes. The only source of chance outside `app`.
pub trait Dice: Send + Sync + std::fmt::Debug {
    /// Fills `bytes`; cryptographically strong unless the implementation says otherwise.
    fn fill(&self, bytes: &mut [u8]);

    /// A uniformly distributed 64-bit number.
    fn roll(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}

/// The operating system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDice;

impl Dice for SystemDice {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system always has random bytes after boot");
    }
}

/// A repeatable sequence (SplitMix64), for tests and generated data. Not for secrets.
#[derive(Debug)]
pub struct SeededDice(AtomicU64);

impl SeededDice {
    /// The sequence that `seed` stands for.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Dice for SeededDice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self
                .0
                .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed)
                .wrapping_add(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let word = (z ^ (z >> 31)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_rolls() {
        let (a, b) = (SeededDice::new(7), SeededDice::new(7));
        let rolls: Vec<u64> = (0..4).map(|_| a.roll()).collect();
        assert_eq!(rolls, (0..4).map(|_| b.roll()).collect::<Vec<_>>());
        assert_ne!(rolls[0], rolls[1]);
    }
}
