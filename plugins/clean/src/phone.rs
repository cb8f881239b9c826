//! Telephone numbers in the form of E.164: `+`, calling code, national number.
//!
//! - `+` and `00` begin an international number; the `(0)` written inside one is left out. Its calling code must be
//!   assigned, and it has 7 to 15 digits in all. After +33 come exactly nine digits, the first not 0.
//! - Anything else is a national number of the country of the configuration, France by default. Its `0` is dropped, except
//!   in Italy where it is dialled.
//! - A French number of nine digits lost its `0` in a spreadsheet: it comes back.
//! - Numbers of the French overseas départements get the calling code of theirs (0262 is +262 262).
//! - Short numbers (15, 112, 3939) have no international form.

use serde::Deserialize;

use crate::Cleaned;
use siret::text::{is_scientific, separates_digits};

/// Digits of the shortest number that is taken for an international one.
const DIGITS_MIN: usize = 7;
/// Digits of the longest (E.164).
const DIGITS_MAX: usize = 15;
/// Digits of a French number without its `0`.
const FRENCH_DIGITS: usize = 9;

/// Calling codes of one and two digits.
const SHORT_CODES: &str = "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 \
     64 65 66 81 82 84 86 90 91 92 93 94 95 98";
/// Calling codes of three digits (ITU-T E.164, list of assigned codes), as ranges.
const LONG_CODES: [(u16, u16); 32] = [
    (211, 213),
    (216, 216),
    (218, 218),
    (220, 258),
    (260, 269),
    (290, 291),
    (297, 299),
    (350, 359),
    (370, 378),
    (380, 383),
    (385, 387),
    (389, 389),
    (420, 421),
    (423, 423),
    (500, 509),
    (590, 599),
    (670, 670),
    (672, 683),
    (685, 692),
    (800, 800),
    (808, 808),
    (850, 850),
    (852, 853),
    (855, 856),
    (870, 870),
    (878, 878),
    (880, 883),
    (886, 886),
    (888, 888),
    (960, 968),
    (970, 979),
    (992, 998),
];

/// A country whose numbers may be written without a calling code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Country {
    /// Belgium.
    Be,
    /// Switzerland.
    Ch,
    /// Germany.
    De,
    /// Spain.
    Es,
    /// France, with its overseas départements.
    #[default]
    Fr,
    /// United Kingdom.
    Gb,
    /// Italy.
    It,
    /// Luxembourg.
    Lu,
    /// Monaco.
    Mc,
    /// Netherlands.
    Nl,
    /// Portugal.
    Pt,
}

impl Country {
    /// Its calling code, and whether a leading `0` is for national calls only.
    fn plan(self) -> (&'static str, bool) {
        match self {
            Self::Be => ("32", true),
            Self::Ch => ("41", true),
            Self::De => ("49", true),
            Self::Es => ("34", false),
            Self::Fr => ("33", true),
            Self::Gb => ("44", true),
            Self::It => ("39", false),
            Self::Lu => ("352", false),
            Self::Mc => ("377", false),
            Self::Nl => ("31", true),
            Self::Pt => ("351", false),
        }
    }
}

/// The number in the form of E.164.
pub fn normalise(written: &str, country: Country) -> Cleaned<String> {
    if is_scientific(written) {
        return Err("notation scientifique : des chiffres sont perdus");
    }
    let written = written.strip_prefix("tel:").unwrap_or(written).trim();
    // Only an international number has a zero between brackets that is not dialled.
    let is_international =
        written.trim_start_matches('(').starts_with(['+', '\u{ff0b}']) || written.starts_with("00");
    let digits = if is_international { digits(&written.replace("(0)", "")) } else { digits(written) }?;
    match digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
        Some(number) => international(number),
        None => national(&digits, country),
    }
}

/// Digits, after a `+` if there is one.
fn digits(written: &str) -> Cleaned<String> {
    let mut digits = String::with_capacity(written.len());
    for c in written.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' | '\u{ff0b}' if digits.is_empty() => digits.push('+'),
            '+' | '/' | ';' | ',' | '&' | '|' | '\n' => return Err("plusieurs numéros"),
            '(' | ')' => {}
            c if separates_digits(c) => {}
            c if c.is_alphabetic() => return Err("lettres dans le numéro"),
            _ => return Err("caractère inattendu dans le numéro"),
        }
    }
    Ok(digits)
}

fn international(number: &str) -> Cleaned<String> {
    if let Some(french) = number.strip_prefix("33") {
        // +33 0 1 23 45 67 89 is a common slip.
        let french = if french.len() == FRENCH_DIGITS + 1 {
            french.strip_prefix('0').unwrap_or(french)
        } else {
            french
        };
        return match french.len() {
            FRENCH_DIGITS if !french.starts_with('0') => Ok(["+33", french].concat()),
            FRENCH_DIGITS => Err("deux zéros de suite après l'indicatif 33"),
            _ => Err("il faut neuf chiffres après l'indicatif 33"),
        };
    }
    check_length(number)?;
    let is_long_code = || {
        let code: Option<u16> = number.get(..3).and_then(|code| code.parse().ok());
        code.is_some_and(|code| LONG_CODES.iter().any(|(first, last)| (*first..=*last).contains(&code)))
    };
    let is_assigned = SHORT_CODES.split(' ').any(|code| number.starts_with(code)) || is_long_code();
    if is_assigned { Ok(["+", number].concat()) } else { Err("indicatif de pays inconnu") }
}

fn national(digits: &str, country: Country) -> Cleaned<String> {
    if country == Country::Fr {
        return french(digits);
    }
    let (code, has_trunk) = country.plan();
    let own = if has_trunk { digits.strip_prefix('0').unwrap_or(digits) } else { digits };
    let number = ["+", code, own].concat();
    check_length(&number[1..])?;
    Ok(number)
}

fn french(digits: &str) -> Cleaned<String> {
    let own = match digits.len() {
        10 => digits.strip_prefix('0').ok_or("dix chiffres qui ne commencent pas par 0")?,
        FRENCH_DIGITS => digits,
        // 33 1 23 45 67 89, the + lost.
        11 if digits.starts_with("33") => &digits[2..],
        0 => return Err("aucun chiffre"),
        1..=6 => return Err("numéro court, sans forme internationale"),
        7 | 8 => return Err("moins de dix chiffres"),
        _ => return Err("plus de dix chiffres"),
    };
    if own.starts_with('0') {
        return Err("deux zéros de suite au début");
    }
    Ok(["+", overseas(&own[..3]), own].concat())
}

/// Calling code of a French number, by its first three digits without the `0`.
fn overseas(start: &str) -> &'static str {
    match start {
        "262" | "263" | "269" | "639" | "692" | "693" => "262",
        "590" | "690" | "691" => "590",
        "594" | "694" => "594",
        "596" | "696" | "697" => "596",
        _ => "33",
    }
}

fn check_length(number: &str) -> Cleaned<()> {
    match number.len() {
        0..DIGITS_MIN => Err("trop peu de chiffres"),
        DIGITS_MIN..=DIGITS_MAX => Ok(()),
        _ => Err("trop de chiffres"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn french(written: &str) -> Cleaned<String> {
        normalise(written, Country::Fr)
    }

    #[test]
    fn french_numbers_get_their_calling_code() {
        for written in [
            "01 23 45 67 89",
            "01.23.45.67.89",
            "0123456789",
            "01-23-45-67-89",
            "01\u{a0}23\u{202f}45 67 89",
            "(01) 23 45 67 89",
            "123456789",
            "+33 1 23 45 67 89",
            "+33 (0)1 23 45 67 89",
            "(+33) 1 23 45 67 89",
            "+330123456789",
            "0033 1 23 45 67 89",
            "00 33 (0) 1 23 45 67 89",
            "33 1 23 45 67 89",
            "tel:+33-1-23-45-67-89",
        ] {
            assert_eq!(french(written).as_deref(), Ok("+33123456789"), "{written}");
        }
        assert_eq!(french("06 12 34 56 78").as_deref(), Ok("+33612345678"));
        assert_eq!(french("0800 123 456").as_deref(), Ok("+33800123456"));
    }

    #[test]
    fn overseas_départements_have_calling_codes_of_their_own() {
        for (written, number) in [
            ("0262 12 34 56", "+262262123456"),
            ("0692 12 34 56", "+262692123456"),
            ("0639 12 34 56", "+262639123456"),
            ("0590 12 34 56", "+590590123456"),
            ("0694 12 34 56", "+594694123456"),
            ("0696 12 34 56", "+596696123456"),
            ("+262 262 12 34 56", "+262262123456"),
        ] {
            assert_eq!(french(written).as_deref(), Ok(number), "{written}");
        }
    }

    #[test]
    fn foreign_numbers_are_kept_and_other_countries_may_be_home() {
        assert_eq!(french("+32 2 123 45 67").as_deref(), Ok("+3221234567"));
        assert_eq!(french("0041 22 123 45 67").as_deref(), Ok("+41221234567"));
        assert_eq!(french("+1 (212) 555-0100").as_deref(), Ok("+12125550100"));
        assert_eq!(normalise("02 123 45 67", Country::Be).as_deref(), Ok("+3221234567"));
        assert_eq!(normalise("06 1234 5678", Country::It).as_deref(), Ok("+390612345678"));
        assert_eq!(normalise("26 12 34 56", Country::Lu).as_deref(), Ok("+35226123456"));
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        for (written, reason) in [
            ("01 23 45 67 89 / 06 12 34 56 78", "plusieurs numéros"),
            ("01 23 45 67 89 poste 12", "lettres dans le numéro"),
            ("112", "numéro court, sans forme internationale"),
            ("3939", "numéro court, sans forme internationale"),
            ("01 23 45 67", "moins de dix chiffres"),
            ("01 23 45 67 89 0", "plus de dix chiffres"),
            ("1234567890", "dix chiffres qui ne commencent pas par 0"),
            ("0", "numéro court, sans forme internationale"),
            ("()", "aucun chiffre"),
            ("+33 1 23 45 67", "il faut neuf chiffres après l'indicatif 33"),
            ("+210 123 456 789", "indicatif de pays inconnu"),
            ("+44 1", "trop peu de chiffres"),
            ("+44 1234567890123456", "trop de chiffres"),
            ("3,31E+10", "notation scientifique : des chiffres sont perdus"),
            ("01*23", "caractère inattendu dans le numéro"),
        ] {
            assert_eq!(french(written), Err(reason), "{written}");
        }
    }
}
