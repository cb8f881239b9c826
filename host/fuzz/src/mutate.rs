//! Inputs that are nearly right: seeds with bytes changed, pieces put in, parts cut, doubled or exchanged.

use halle_base::{Dice, SeededDice};

/// Changes of one input at most.
const CHANGES_MAX: u64 = 8;

/// Bytes that formats count with, or that end things.
const TELLING: [u8; 10] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b'"', b',', b'{', b'('];

/// An endless supply of inputs.
pub struct Mutator {
    dice: SeededDice,
    seeds: Vec<Vec<u8>>,
    pieces: &'static [&'static str],
}

impl Mutator {
    /// Mutates `seeds`, of which there is at least one, and puts in `pieces`.
    pub fn new(dice: SeededDice, seeds: Vec<Vec<u8>>, pieces: &'static [&'static str]) -> Self {
        Self { dice, seeds, pieces }
    }

    /// The next input.
    pub fn next(&mut self) -> Vec<u8> {
        let seed = self.below(self.seeds.len());
        let mut input = self.seeds[seed].clone();
        for _ in 0..=self.dice.roll() % CHANGES_MAX {
            self.change(&mut input);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.dice.roll() % 8 {
            0 if at < input.len() => input[at] ^= 1 << (self.dice.roll() % 8),
            1 if at < input.len() => input[at] = TELLING[self.below(TELLING.len())],
            2 if at < input.len() => input[at] = self.dice.roll() as u8,
            3 => {
                let end = at + self.below(input.len() - at + 1).min(64);
                input.drain(at..end);
            }
            4 => {
                let end = at + self.below(input.len() - at + 1).min(64);
                let part = input[at..end].to_vec();
                let to = self.below(input.len() + 1);
                input.splice(to..to, part);
            }
            5 => {
                let other = self.below(self.seeds.len());
                let from = self.below(self.seeds[other].len() + 1);
                input.truncate(at);
                input.extend_from_slice(&self.seeds[other][from..]);
            }
            6 => input.truncate(at),
            _ if !self.pieces.is_empty() => {
                let piece = self.pieces[self.below(self.pieces.len())];
                input.splice(at..at, piece.bytes());
            }
            _ => input.insert(at, self.dice.roll() as u8),
        }
    }

    /// A place below `end`, which is not zero.
    fn below(&self, end: usize) -> usize {
        (self.dice.roll() % end as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_follow_from_the_seed_and_are_of_all_kinds() {
        let draw = |seed| {
            let seeds = vec![b"abc,def".to_vec(), Vec::new()];
            let mut mutator = Mutator::new(SeededDice::new(seed), seeds, &["<piece>"]);
            std::iter::repeat_with(move || mutator.next()).take(300).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(1).iter().any(Vec::is_empty));
        assert!(draw(1).iter().any(|input| input.len() > 7));
        assert!(draw(1).iter().any(|input| input.windows(7).any(|part| part == b"<piece>")));
    }
}
