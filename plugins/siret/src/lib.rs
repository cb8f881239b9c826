//! SIREN and SIRET, the numbers of French companies (9 digits) and of their establishments (14).
//!
//! Spaces, dots and hyphens are left out. Both end with a Luhn check digit; establishments of La Poste (SIREN 356 000 000)
//! are the exception: when Luhn fails, the sum of their digits is a multiple of 5. A column of numbers lost the zeros a
//! number began with: up to three come back, under the same check.

pub mod text;

use text::{is_scientific, separates_digits};

/// The normalised value, or why there is none.
pub type Cleaned<T> = std::result::Result<T, &'static str>;

/// Digits of a SIREN.
const SIREN_DIGITS: usize = 9;
/// Digits of a SIRET.
const SIRET_DIGITS: usize = 14;
/// Zeros that a number may have lost.
const LOST_ZEROS_MAX: usize = 3;
/// The company whose establishments do not follow Luhn.
const LA_POSTE: &str = "356000000";

/// The nine digits of a SIREN. `was_number`: the column holds numbers, which lose the zeros they begin with.
pub fn siren(written: &str, was_number: bool) -> Cleaned<String> {
    let digits = digits(written, SIREN_DIGITS, was_number)?;
    match digits.len() {
        SIREN_DIGITS if luhn(&digits) => Ok(digits),
        SIREN_DIGITS => Err("clé de contrôle fausse"),
        SIRET_DIGITS => Err("14 chiffres : c'est un SIRET"),
        0..SIREN_DIGITS => Err("moins de 9 chiffres"),
        _ => Err("plus de 9 chiffres"),
    }
}

/// The fourteen digits of a SIRET. `was_number` as for [`siren`].
pub fn siret(written: &str, was_number: bool) -> Cleaned<String> {
    let digits = digits(written, SIRET_DIGITS, was_number)?;
    let of_la_poste = || digits.starts_with(LA_POSTE) && sum(&digits).is_multiple_of(5);
    match digits.len() {
        SIRET_DIGITS if luhn(&digits) || of_la_poste() => Ok(digits),
        SIRET_DIGITS => Err("clé de contrôle fausse"),
        SIREN_DIGITS => Err("9 chiffres : c'est un SIREN"),
        0..SIRET_DIGITS => Err("moins de 14 chiffres"),
        _ => Err("plus de 14 chiffres"),
    }
}

fn digits(written: &str, wanted: usize, was_number: bool) -> Cleaned<String> {
    if is_scientific(written) {
        return Err("notation scientifique : des chiffres sont perdus");
    }
    let mut digits: String = written.chars().filter(|c| !separates_digits(*c)).collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("autre chose que des chiffres");
    }
    if was_number && (wanted - LOST_ZEROS_MAX..wanted).contains(&digits.len()) {
        digits.insert_str(0, &"0".repeat(wanted - digits.len()));
    }
    if !digits.is_empty() && digits.bytes().all(|byte| byte == b'0') {
        return Err("que des zéros");
    }
    Ok(digits)
}

fn sum(digits: &str) -> u32 {
    digits.bytes().map(|byte| u32::from(byte - b'0')).sum()
}

/// Whether the last digit is right: doubling every other digit from the right, the sum is a multiple of 10.
fn luhn(digits: &str) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let values = digits.bytes().rev().enumerate().map(|(place, byte)| {
        let digit = u32::from(byte - b'0');
        if place % 2 == 1 { doubled(digit) } else { digit }
    });
    values.sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_under_their_separators() {
        for written in ["732829320", "732 829 320", "732.829.320", "732\u{a0}829\u{202f}320", "732-829-320"] {
            assert_eq!(siren(written, false).as_deref(), Ok("732829320"), "{written}");
        }
        for written in ["73282932000074", "732 829 320 00074", "732.829.320.00074"] {
            assert_eq!(siret(written, false).as_deref(), Ok("73282932000074"), "{written}");
        }
    }

    #[test]
    fn establishments_of_la_poste_have_a_rule_of_their_own() {
        assert_eq!(
            siret("356 000 000 00048", false).as_deref(),
            Ok("35600000000048"),
            "its head office: Luhn"
        );
        assert!(!luhn("35600000049837") && sum("35600000049837").is_multiple_of(5));
        assert_eq!(siret("35600000049837", false).as_deref(), Ok("35600000049837"));
        assert_eq!(siret("35600000049838", false), Err("clé de contrôle fausse"));
    }

    #[test]
    fn zeros_come_back_to_numbers_only() {
        assert!(luhn("005880596"));
        assert_eq!(siren("5880596", true).as_deref(), Ok("005880596"));
        assert_eq!(siren("5880596", false), Err("moins de 9 chiffres"));
        assert_eq!(siren("596", true), Err("moins de 9 chiffres"));
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        for (written, reason) in [
            ("732829321", "clé de contrôle fausse"),
            ("73282932000074", "14 chiffres : c'est un SIRET"),
            ("FR40732829320", "autre chose que des chiffres"),
            ("000 000 000", "que des zéros"),
            ("7,3E+08", "notation scientifique : des chiffres sont perdus"),
            ("7328293201", "plus de 9 chiffres"),
            ("-", "moins de 9 chiffres"),
        ] {
            assert_eq!(siren(written, false), Err(reason), "{written}");
        }
        assert_eq!(siret("732829320", false), Err("9 chiffres : c'est un SIREN"));
        assert_eq!(siret("73282932000075", false), Err("clé de contrôle fausse"));
    }
}
