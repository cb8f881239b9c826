//! Numbers as texts and texts as numbers, as JavaScript has them.

/// A number as text: the shortest digits that give it back, without exponent from 1e-6 to 1e21.
pub fn to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    let magnitude = number.abs();
    if (1e-6..1e21).contains(&magnitude) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

/// A text as number: blank is 0, what is no number is NaN.
pub(crate) fn of_text(text: &str) -> f64 {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.is_empty() {
        return 0.0;
    }
    let radix = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    for (prefixes, base) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = radix(prefixes) {
            return of_digits(digits, base).unwrap_or(f64::NAN);
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "Infinity" {
        return if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // Rust reads "inf" and "nan" too; JavaScript does not.
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'))
    {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

/// Digits in a base; `None` unless there are some and all are.
pub(crate) fn of_digits(digits: &str, base: u32) -> Option<f64> {
    let mut digits = digits.chars().map(|c| c.to_digit(base)).peekable();
    digits.peek()?;
    digits.try_fold(0.0, |sum, digit| Some(sum * f64::from(base) + f64::from(digit?)))
}

/// The number as a 32-bit integer, modulo 2^32, as `| 0` gives it.
pub(crate) fn to_int_32(number: f64) -> i32 {
    if !number.is_finite() {
        return 0;
    }
    let wrapped = number.trunc().rem_euclid(4_294_967_296.0);
    wrapped as u32 as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (1.0, "1"),
            (-0.5, "-0.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (1e-6, "0.000001"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(to_text(number), text);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        for (text, number) in [
            (" 12 ", 12.0),
            ("", 0.0),
            ("1e3", 1000.0),
            ("0x1F", 31.0),
            (".5", 0.5),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(of_text(text), number, "{text}");
        }
        for text in ["1,5", "inf", "nan", "1 2", "0x", "e5", "-", "0xg"] {
            assert!(of_text(text).is_nan(), "{text}");
        }
        assert_eq!((to_int_32(4_294_967_297.9), to_int_32(-1.5), to_int_32(f64::NAN)), (1, -1, 0));
    }
}
