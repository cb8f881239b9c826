//! Numbers as people in France write them: `1 234,5`, with any kind of space, the comma first.

/// Largest whole number that a double, and so every JSON client, holds exactly.
const EXACT_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Digits after a `+` from which it is a telephone number.
const TELEPHONE_DIGITS_MIN: usize = 8;

/// Bytes of the longest number that is looked at.
const NUMBER_BYTES_MAX: usize = 64;

/// A number without its ornaments: no spaces, a point for the comma.
struct Plain {
    bytes: [u8; NUMBER_BYTES_MAX],
    length: usize,
}

impl Plain {
    /// Outer spaces and underscores go, white space inside goes, the first comma becomes a point. `None` when something
    /// remains that no number has.
    fn of(value: &str) -> Option<Self> {
        let mut plain = Self { bytes: [0; NUMBER_BYTES_MAX], length: 0 };
        let mut is_comma_seen = false;
        for c in value.trim_matches(|c: char| c.is_whitespace() || c == '_').chars() {
            let byte = match c {
                ',' if !is_comma_seen => {
                    is_comma_seen = true;
                    b'.'
                }
                '0'..='9' | '.' | '-' | '+' | 'e' | 'E' => c as u8,
                _ if c.is_whitespace() => continue,
                _ => return None,
            };
            *plain.bytes.get_mut(plain.length)? = byte;
            plain.length += 1;
        }
        (plain.length > 0).then_some(plain)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or("")
    }
}

/// A whole number: digits with an optional sign. Scientific notation is left to [`number`].
pub(crate) fn integer(value: &str) -> Option<i64> {
    Plain::of(value)?.text().parse().ok()
}

/// A finite number.
pub(crate) fn number(value: &str) -> Option<f64> {
    // Only digits, signs, points and `e` are left: `inf` and `NaN` cannot come through.
    Plain::of(value)?.text().parse().ok().filter(|number: &f64| number.is_finite())
}

/// Whether digits stand for a name, not for a quantity, so that reading them as a number would lose something: a
/// leading zero, a telephone number with `+`, more digits than a double holds.
pub(crate) fn is_identifier(value: &str) -> bool {
    let Some(plain) = Plain::of(value) else { return false };
    let text = plain.text();
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned.len() - unsigned.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let has_leading_zero = digits > 1 && unsigned.starts_with('0');
    let is_telephone = text.starts_with('+') && digits >= TELEPHONE_DIGITS_MIN;
    let is_whole = digits == unsigned.len();
    let is_exact = !is_whole || unsigned.parse::<u64>().is_ok_and(|n| n <= EXACT_INTEGER_MAX);
    has_leading_zero || is_telephone || !is_exact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_numbers_are_read() {
        for (text, expected) in [
            ("12", Some(12.0)),
            (" 1 234,5 ", Some(1234.5)),
            ("1\u{a0}234\u{202f}567,89", Some(1_234_567.89)),
            ("-0,5", Some(-0.5)),
            ("_3_", Some(3.0)),
            (",5", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("1,2,3", None),
            ("1.2,3", None),
            ("e", None),
            ("", None),
            ("1e999", None),
            ("12 €", None),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
        assert_eq!(integer("12\u{a0}000"), Some(12_000));
        assert_eq!(integer("12,0"), None);
    }

    #[test]
    fn identifiers_are_told_from_quantities() {
        for text in ["01", "00", "-01", "01,5", "0 612", "+33612345678", "9007199254740992"] {
            assert!(is_identifier(text), "{text}");
        }
        for text in ["0", "0,5", "10", "+5", "9007199254740991", "1e44", "abc", ""] {
            assert!(!is_identifier(text), "{text}");
        }
    }
}
