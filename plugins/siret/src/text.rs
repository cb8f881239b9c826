//! Digits as people and spreadsheets write them.

/// Whether a character separates groups of digits: spaces of all widths, dots, hyphens of all lengths, `_`, `'`.
pub fn separates_digits(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '.' | '-' | '_' | '\'' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}' | '\u{feff}'
        )
}

/// Whether a text is a number as spreadsheets write large ones: `3,56E+13`. Its last digits are lost.
pub fn is_scientific(text: &str) -> bool {
    // Asked of every value, so of its bytes.
    let Some(at) = text.bytes().position(|byte| matches!(byte, b'e' | b'E')) else { return false };
    let (mantissa, exponent) = (&text[..at], &text[at + 1..]);
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let is_number = |text: &str, also: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || also.contains(&c))
    };
    is_number(mantissa, &[',', '.']) && is_number(exponent, &[])
}
