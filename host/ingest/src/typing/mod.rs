//! What a column holds, by the evidence of every one of its values.
//!
//! Data Fair types a sample; here each column keeps the set of types that no value has contradicted yet, so that line
//! 900,000 counts as much as line 2. The order of preference is Data Fair's: truth value, integer, number, date-time,
//! date, text. Blanks count for nothing.
//!
//! Two deliberate differences, because data must survive: a value whose digits begin with a zero (`01004`, `0612345678`)
//! makes its column text, where Data Fair would drop the zero; so does a whole number that a double cannot hold exactly
//! (beyond 2^53).

pub(crate) mod cell;
pub(crate) mod date;
pub(crate) mod number;

use halle_model::{Capabilities, ColumnKind};

use crate::table::Declared;
use crate::typing::date::Pattern;

/// Longest value of a column of plain text, in characters; beyond, the column is a long text.
const SHORT_TEXT_CHARS_MAX: usize = 200;

/// Boolean, integer, number, RFC 3339, ISO date; then the date-time patterns; then the date patterns.
type Candidates = u32;

const BOOLEAN: Candidates = 1;
const INTEGER: Candidates = 1 << 1;
const NUMBER: Candidates = 1 << 2;
const RFC_3339: Candidates = 1 << 3;
const ISO_DATE: Candidates = 1 << 4;
const FIRST_DATE_TIME: u32 = 5;
const FIRST_DATE: u32 = FIRST_DATE_TIME + date::DATE_TIMES.len() as u32;
const ALL: Candidates = (1 << (FIRST_DATE + date::DATES.len() as u32)) - 1;
const ALL_DATES: Candidates = ALL & !((1 << FIRST_DATE) - 1);
const ALL_DATE_TIMES: Candidates = ((1 << FIRST_DATE) - 1) & !((1 << FIRST_DATE_TIME) - 1);

/// What is known of a column so far.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    candidates: Candidates,
    /// Values that are not blank.
    filled: u64,
    /// Of these, paths of files that came beside.
    paths: u64,
    longest_chars: usize,
    is_code: bool,
    declared: Declared,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) kind: ColumnKind,
    /// Pattern of dates or date-times that are not in ISO form.
    pub(crate) pattern: Option<&'static str>,
    pub(crate) capabilities: Capabilities,
    /// `textarea` for long text.
    pub(crate) display: Option<&'static str>,
}

impl Evidence {
    /// Nothing is known but what the format itself says.
    pub(crate) fn of(declared: Declared) -> Self {
        let candidates = match declared {
            Declared::Unknown => ALL,
            Declared::Text => RFC_3339 | ISO_DATE,
            Declared::Integer => INTEGER | NUMBER,
            Declared::Number => NUMBER,
            Declared::Boolean => BOOLEAN,
            Declared::Date => ISO_DATE,
            Declared::DateTime => RFC_3339 | ALL_DATE_TIMES,
            Declared::Geometry | Declared::Attachment => 0,
        };
        Self { candidates, filled: 0, paths: 0, longest_chars: 0, is_code: true, declared }
    }

    /// Nothing is known.
    #[cfg(test)]
    pub(crate) fn new() -> Self {
        Self::of(Declared::Unknown)
    }

    /// What the format itself says.
    pub(crate) fn declared(&self) -> Declared {
        self.declared
    }

    /// Values that are not blank.
    pub(crate) fn filled(&self) -> u64 {
        self.filled
    }

    /// Takes a value into account.
    pub(crate) fn add(&mut self, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        self.filled += 1;
        if self.longest_chars <= SHORT_TEXT_CHARS_MAX {
            self.longest_chars = self.longest_chars.max(chars_up_to(value, SHORT_TEXT_CHARS_MAX + 1));
        }
        self.is_code = self.is_code && is_code(value);
        if self.candidates != 0 {
            self.candidates &= self.accepted(value);
        }
    }

    /// Takes into account that the value that was just added is the path of a file that came beside.
    pub(crate) fn add_path(&mut self) {
        self.paths += 1;
    }

    /// Whether most values are paths of files that came beside (reference §4.4).
    pub(crate) fn has_paths(&self) -> bool {
        self.declared == Declared::Attachment || self.paths * 2 > self.filled
    }

    /// The remaining candidates that the value agrees with.
    fn accepted(&self, value: &str) -> Candidates {
        let remains = |bit: Candidates| self.candidates & bit != 0;
        let mut accepted = 0;
        if remains(BOOLEAN) && cell::boolean(value).is_some() {
            accepted |= BOOLEAN;
        }
        if remains(INTEGER | NUMBER) && !number::is_identifier(value) {
            accepted |= if number::integer(value).is_some() { INTEGER } else { 0 };
            accepted |= if number::number(value).is_some() { NUMBER } else { 0 };
        }
        if remains(RFC_3339) && date::rfc_3339(value).is_some() {
            accepted |= RFC_3339;
        }
        if remains(ISO_DATE) && date::ISO_DATE.date(value).is_some() {
            accepted |= ISO_DATE;
        }
        let mut patterns = |first: u32, patterns: &[Pattern]| {
            for (bit, pattern) in (first..).zip(patterns) {
                if remains(1 << bit) && pattern.parse(value).is_some() {
                    accepted |= 1 << bit;
                }
            }
        };
        patterns(FIRST_DATE_TIME, date::DATE_TIMES);
        patterns(FIRST_DATE, date::DATES);
        accepted
    }

    /// What the column holds, given all values. Text when nothing is known.
    pub(crate) fn verdict(&self) -> Verdict {
        let (kind, pattern) = self.kind();
        let (capabilities, display) = self.usage(kind);
        Verdict { kind, pattern, capabilities, display }
    }

    fn kind(&self) -> (ColumnKind, Option<&'static str>) {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Number};
        if self.declared == Declared::Geometry {
            return (ColumnKind::Object, None);
        }
        if self.has_paths() {
            return (ColumnKind::Text, None);
        }
        let first = [Boolean, Integer, Number, DateTime, Date].into_iter().find(|kind| self.fits(*kind));
        let kind = first.unwrap_or(ColumnKind::Text);
        (kind, self.pattern(kind))
    }

    /// Whether there are values and all of them fit a kind.
    pub(crate) fn fits(&self, kind: ColumnKind) -> bool {
        let remains = |bits: Candidates| self.filled > 0 && self.candidates & bits != 0;
        match kind {
            ColumnKind::Boolean => remains(BOOLEAN),
            ColumnKind::Integer => remains(INTEGER),
            ColumnKind::Number => remains(NUMBER),
            ColumnKind::DateTime => remains(RFC_3339 | ALL_DATE_TIMES),
            ColumnKind::Date => remains(ISO_DATE | ALL_DATES),
            ColumnKind::Text => self.filled > 0,
            ColumnKind::Object => self.declared == Declared::Geometry,
        }
    }

    /// The pattern in which all values write dates or date-times of a kind; `None` for the ISO forms.
    pub(crate) fn pattern(&self, kind: ColumnKind) -> Option<&'static str> {
        let (first, patterns) = match kind {
            ColumnKind::DateTime => (FIRST_DATE_TIME, date::DATE_TIMES),
            ColumnKind::Date => (FIRST_DATE, date::DATES),
            _ => return None,
        };
        let remains = |bit: u32| self.filled > 0 && self.candidates & (1 << bit) != 0;
        (first..).zip(patterns).find(|(bit, _)| remains(*bit)).map(|(_, pattern)| pattern.text())
    }

    /// Default capabilities of a new column, and how to show it.
    fn usage(&self, kind: ColumnKind) -> (Capabilities, Option<&'static str>) {
        let no = Some(false);
        match kind {
            ColumnKind::Object => {
                let capabilities =
                    Capabilities { index: no, values: no, insensitive: no, ..Capabilities::default() };
                (capabilities, None)
            }
            ColumnKind::Integer | ColumnKind::Number => {
                (Capabilities { text: no, ..Capabilities::default() }, None)
            }
            ColumnKind::Text if self.longest_chars > SHORT_TEXT_CHARS_MAX => {
                let capabilities =
                    Capabilities { index: no, values: no, insensitive: no, ..Capabilities::default() };
                (capabilities, Some("textarea"))
            }
            ColumnKind::Text if self.filled > 0 && self.is_code => {
                (Capabilities { text: no, insensitive: no, ..Capabilities::default() }, None)
            }
            _ => (Capabilities::default(), None),
        }
    }
}

/// Number of characters, counted no further than `max`.
fn chars_up_to(value: &str, max: usize) -> usize {
    if value.len() < max { value.chars().count() } else { value.chars().take(max).count() }
}

/// Whether a value looks like a code: no blanks, no accents, at least one digit.
fn is_code(value: &str) -> bool {
    let is_code_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'/' | b'-');
    value.bytes().all(is_code_byte) && value.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Text};

    fn verdict(values: &[&str]) -> Verdict {
        let mut evidence = Evidence::new();
        for value in values {
            evidence.add(value);
        }
        evidence.verdict()
    }

    #[test]
    fn every_value_must_agree() {
        for (values, kind, pattern) in [
            (&["1", "0", "-1"][..], Boolean, None),
            (&["Oui", " non ", "_VRAI_", ""], Boolean, None),
            (&["oui", "peut-être"], Text, None),
            (&["1", "2"], Integer, None),
            (&["1 234", "12\u{a0}000", "7\u{202f}000 "], Integer, None),
            (&["1", "2,5"], Number, None),
            (&["1e44", "-2.5E-3"], Number, None),
            (&["1,5", "1.000,5"], Text, None),
            (&["12", "douze"], Text, None),
            (&["01004", "75056", "2A004"], Text, None),
            (&["01004", "75056"], Text, None),
            (&["75056", "01004"], Text, None),
            (&["0", "0,5", "0.25", "10"], Number, None),
            (&["12345678901234567890", "1"], Text, None),
            (&["80295478500028", "1"], Integer, None),
            (&["+33612345678"], Text, None),
            (&["-", "1"], Text, None),
            (&["NaN"], Text, None),
            (&["inf"], Text, None),
            (&["31/12/2020", "1/2/2021"], Date, Some("D/M/YYYY")),
            (&["31/12/20"], Date, Some("D/M/YY")),
            (&["2020/12/31"], Date, Some("YYYY/M/D")),
            (&["31/12/2020", "31/12/20"], Text, None),
            (&["12/31/2020"], Text, None),
            (&["29/02/2021"], Text, None),
            (&["2020-12-31"], Date, None),
            (&["31/12/2020 8:05"], DateTime, Some("D/M/YYYY H:m")),
            (&["31/12/2020, 08:05:10"], DateTime, Some("D/M/YYYY, H:m:s")),
            (&["2021-02-23T10:27:50"], DateTime, Some("YYYY-MM-DDTHH:mm:ss")),
            (&["2021-02-23 10:27:50"], DateTime, Some("YYYY-MM-DD HH:mm:ss")),
            (&["2021-02-23T10:27:50Z", "1961-02-13 00:00:00+00:00"], DateTime, None),
            (&["2021-02-23", "2021-02-23T10:27:50Z"], Text, None),
            (&["", "  "], Text, None),
        ] {
            let found = verdict(values);
            assert_eq!((found.kind, found.pattern), (kind, pattern), "{values:?}");
        }
    }

    #[test]
    fn one_late_value_is_enough() {
        let mut evidence = Evidence::new();
        for n in 0..100_000 {
            evidence.add(&n.to_string());
        }
        assert_eq!(evidence.verdict().kind, Integer);
        evidence.add("n.c.");
        assert_eq!(evidence.verdict().kind, Text);
    }

    #[test]
    fn capabilities_are_those_of_the_reference() {
        let code = verdict(&["01004", "2A-004"]).capabilities;
        assert!(!code.text() && !code.insensitive() && code.index());
        assert!(verdict(&["Paris", "L'Haÿ"]).capabilities.is_default());
        assert!(!verdict(&["12", "14"]).capabilities.text());
        let long = verdict(&["é".repeat(201).as_str()]);
        assert_eq!(long.display, Some("textarea"));
        assert!(!long.capabilities.index() && !long.capabilities.values() && long.capabilities.text());
        assert_eq!(verdict(&["é".repeat(200).as_str()]).display, None);
    }
}
