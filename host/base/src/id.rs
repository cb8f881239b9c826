//! Identifiers that can stand in a URL, a file name and an index key.

use crate::Dice;

const ALPHABET: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

/// Characters of a generated identifier: 126 bits of chance.
const GENERATED_CHARS: usize = 21;

/// Longest identifier that is accepted, in bytes.
pub const ID_BYTES_MAX: usize = 200;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a valid identifier: use 1 to {ID_BYTES_MAX} lower-case letters, digits, `-` and `_`")]
pub struct IdError(String);

/// A new random identifier of 21 URL-safe characters (the shape of *nanoid*, as Data Fair has).
pub fn new_id(dice: &dyn Dice) -> String {
    let mut bytes = [0; GENERATED_CHARS];
    dice.fill(&mut bytes);
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect()
}

/// Checks an identifier that a client chose: `^[a-z0-9_\-]+$`, as Data Fair.
pub fn parse_id(text: &str) -> Result<&str, IdError> {
    let valid = !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
    if valid { Ok(text) } else { Err(IdError(text.chars().take(60).collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededDice;

    #[test]
    fn generated_identifiers_are_url_safe_and_differ() {
        let dice = SeededDice::new(1);
        let (a, b) = (new_id(&dice), new_id(&dice));
        assert_eq!(a.len(), 21);
        assert_ne!(a, b);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    }

    #[test]
    fn chosen_identifiers_cannot_hold_a_path() {
        assert_eq!(parse_id("trees-2024_b"), Ok("trees-2024_b"));
        for bad in ["", "../x", "a/b", "A", "é", &"a".repeat(201)] {
            assert!(parse_id(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
