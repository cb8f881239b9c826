//! What spreadsheets keep as numbers: dates, times, codes with leading zeros.

use jiff::civil::{self, DateTime};
use jiff::{SignedDuration, ToSpan};

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// Days from which dates are right: spreadsheets believe in a 29 February 1900.
const FEBRUARY_1900_DAYS: f64 = 60.0;

/// Days that a cell may count: year 9999.
const DAYS_MAX: f64 = 2_958_466.0;

/// How a number is meant, by its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// As a quantity.
    #[default]
    Plain,
    /// As a day, with or without a time: days since the epoch of the workbook.
    Date,
    /// As a code of so many digits: `00000`.
    Padded(usize),
}

impl Style {
    /// What a built-in format means, by its number.
    pub(crate) fn builtin(id: u32) -> Self {
        match id {
            14..=22 | 27..=36 | 45 | 47 | 50..=58 => Self::Date,
            _ => Self::Plain,
        }
    }

    /// What a format code means.
    pub(crate) fn of_code(code: &str) -> Self {
        let first = code.split(';').next().unwrap_or(code);
        let lower = first.to_ascii_lowercase();
        // The one format that is spelled out, in two languages.
        if lower.starts_with("general") || lower.starts_with("standard") {
            return Self::Plain;
        }
        if first.len() > 1 && first.bytes().all(|byte| byte == b'0') {
            return Self::Padded(first.len());
        }
        let (mut chars, mut is_date) = (first.chars(), false);
        while let Some(c) = chars.next() {
            match c {
                '\\' | '_' | '*' => {
                    chars.next();
                }
                '"' => {
                    chars.find(|c| *c == '"');
                }
                '[' => {
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                    // `[h]` counts hours beyond a day: a duration, not a day.
                    if inside.chars().all(|c| matches!(c.to_ascii_lowercase(), 'h' | 'm' | 's')) {
                        return Self::Plain;
                    }
                }
                'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' | 'j' | 'J' | 'a' | 'A' => {
                    is_date = true;
                }
                // A quantity with a unit that nobody quoted.
                '0' | '#' if !is_date => return Self::Plain,
                _ => {}
            }
        }
        if is_date { Self::Date } else { Self::Plain }
    }
}

/// Appends a number as it is meant. `is_1904`: the epoch of old Macintosh workbooks.
pub(crate) fn write_number(number: f64, style: Style, is_1904: bool, out: &mut String) {
    match style {
        Style::Date => match moment(number, is_1904) {
            Some(text) => out.push_str(&text),
            None => write_plain(number, out),
        },
        Style::Padded(digits) if number >= 0.0 && number.fract() == 0.0 => {
            out.push_str(&format!("{number:0digits$.0}"));
        }
        Style::Plain | Style::Padded(_) => write_plain(number, out),
    }
}

/// Fifteen significant digits, as spreadsheets show: `0.1 + 0.2` is `0.3`.
fn write_plain(number: f64, out: &mut String) {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    out.push_str(&rounded.to_string());
}

/// A day and time in UTC, as the reference has dates of spreadsheets; a time alone as `HH:MM:SS`.
fn moment(days: f64, is_1904: bool) -> Option<String> {
    if !(0.0..DAYS_MAX).contains(&days) {
        return None;
    }
    let milliseconds = SignedDuration::from_millis((days.fract() * DAY_MS).round() as i64);
    if days < 1.0 && !is_1904 {
        let time = civil::Time::midnight().checked_add(milliseconds).ok()?;
        return Some(time.strftime("%H:%M:%S").to_string());
    }
    let epoch = match is_1904 {
        true => civil::date(1904, 1, 1),
        false if days < FEBRUARY_1900_DAYS => civil::date(1899, 12, 31),
        false => civil::date(1899, 12, 30),
    };
    let day = epoch.checked_add((days.trunc() as i64).days()).ok()?;
    let moment: DateTime = day.at(0, 0, 0, 0).checked_add(milliseconds).ok()?;
    Some(moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: f64, style: Style, expected: &str) {
        let mut out = String::new();
        write_number(number, style, false, &mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn dates_are_those_that_the_spreadsheet_shows() {
        check(44_250.0, Style::Date, "2021-02-23T00:00:00.000Z");
        check(44_250.435_995_370_37, Style::Date, "2021-02-23T10:27:50.000Z");
        check(1.0, Style::Date, "1900-01-01T00:00:00.000Z");
        check(61.0, Style::Date, "1900-03-01T00:00:00.000Z");
        check(0.75, Style::Date, "18:00:00");
        check(-1.0, Style::Date, "-1");
        check(1e12, Style::Date, "1000000000000");
        let mut out = String::new();
        write_number(0.0, Style::Date, true, &mut out);
        assert_eq!(out, "1904-01-01T00:00:00.000Z");
    }

    #[test]
    fn numbers_are_those_that_the_spreadsheet_shows() {
        check(0.1 + 0.2, Style::Plain, "0.3");
        check(80_295_478_500_028.0, Style::Plain, "80295478500028");
        check(1_004.0, Style::Padded(5), "01004");
        check(1_004.5, Style::Padded(5), "1004.5");
    }

    #[test]
    fn formats_tell_how_numbers_are_meant() {
        for (code, style) in [
            ("dd/mm/yyyy", Style::Date),
            ("[$-40C]d mmmm yyyy;@", Style::Date),
            ("yyyy\\-mm\\-dd hh:mm", Style::Date),
            ("jj/mm/aaaa", Style::Date),
            ("[h]:mm", Style::Plain),
            ("0.00", Style::Plain),
            ("#,##0 \"jours\"", Style::Plain),
            ("0.0 m", Style::Plain),
            ("General", Style::Plain),
            ("Standard \"€\"", Style::Plain),
            ("hh:mm AM/PM", Style::Date),
            ("00000", Style::Padded(5)),
            ("@", Style::Plain),
        ] {
            assert_eq!(Style::of_code(code), style, "{code}");
        }
    }
}
