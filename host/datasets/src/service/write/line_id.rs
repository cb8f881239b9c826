//! Identifiers of new lines.

use halle_base::{Dice, Timestamp};

/// URL-safe characters in the order of their bytes.
const ALPHABET: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// Characters of an identifier, as those of other resources have.
const CHARS: usize = 21;

/// Characters that say when it was made: 48 bits of milliseconds since 1970.
const TIME_CHARS: usize = 8;

/// What makes identifiers begin with a letter, as long as times have 45 bits (until 3084): `-` is an operator of searches, and
/// a formula for spreadsheets.
const FIRST_LETTER: u64 = 11 << 42;

/// A new identifier of 21 URL-safe characters. It sorts, by its bytes, after those that were made a millisecond before, so
/// that an index of millions of lines grows at its end; 78 bits of chance follow the time, which it tells.
pub(super) fn new_line_id(dice: &dyn Dice, at: Timestamp) -> String {
    let mut bytes = [0; CHARS];
    dice.fill(&mut bytes[TIME_CHARS..]);
    let ms = at.as_millisecond().max(0).unsigned_abs() + FIRST_LETTER;
    for (place, byte) in bytes[..TIME_CHARS].iter_mut().rev().enumerate() {
        *byte = (ms >> (6 * place) & 63) as u8;
    }
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use halle_base::SeededDice;

    use super::*;

    #[test]
    fn identifiers_sort_by_when_they_were_made_and_differ() {
        let dice = SeededDice::new(1);
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let moments = [0, 1, 63, 64, 4_096, 1_700_000_000_000, 1_700_000_000_001, 35_000_000_000_000];
        let ids = moments.map(|ms| new_line_id(&dice, at(ms)));
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.starts_with(|c: char| c.is_ascii_alphabetic())), "{ids:?}");
        assert!(ids.iter().all(|id| id.len() == CHARS && id.bytes().all(|byte| ALPHABET.contains(&byte))));
        let many: HashSet<String> = (0..1_000).map(|_| new_line_id(&dice, at(0))).collect();
        assert_eq!(many.len(), 1_000);
    }
}
