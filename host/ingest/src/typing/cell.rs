//! Cells into Arrow columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder};
use halle_model::{Column, ColumnKind};
use jiff::civil;
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;

use crate::typing::date::{self, Pattern};
use crate::typing::number;

/// Zone of date-times when the column names none that exists.
const DEFAULT_ZONE: &str = "Europe/Paris";

/// A truth value. Spaces, underscores and case do not matter.
pub(crate) fn boolean(value: &str) -> Option<bool> {
    let value = value.trim_matches(|c: char| c.is_whitespace() || c == '_');
    let is_any = |words: &[&str]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_any(&["1", "true", "vrai", "oui", "yes"]) {
        Some(true)
    } else if is_any(&["0", "-1", "false", "faux", "non", "no"]) {
        Some(false)
    } else {
        None
    }
}

/// Builds one Arrow column from the cells of a file.
#[derive(Debug)]
pub(crate) enum CellBuilder {
    Text(StringBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Boolean(BooleanBuilder),
    Date { days: Date32Builder, pattern: Option<&'static Pattern> },
    DateTime { texts: StringBuilder, pattern: Option<&'static Pattern>, zone: TimeZone },
    Object(StringBuilder),
}

impl CellBuilder {
    /// A builder for a column, whose dates the file writes in `pattern` (ISO when `None`).
    pub(crate) fn new(column: &Column, pattern: Option<&str>) -> Self {
        let pattern = pattern.and_then(Pattern::by_text);
        match column.kind() {
            ColumnKind::Text => Self::Text(StringBuilder::new()),
            ColumnKind::Integer => Self::Integer(Int64Builder::new()),
            ColumnKind::Number => Self::Number(Float64Builder::new()),
            ColumnKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnKind::Date => Self::Date { days: Date32Builder::new(), pattern },
            ColumnKind::DateTime => {
                Self::DateTime { texts: StringBuilder::new(), pattern, zone: zone(column.zone()) }
            }
            ColumnKind::Object => Self::Object(StringBuilder::new()),
        }
    }

    /// Adds a cell; a blank is an absent value. A value that does not fit becomes absent, and what was expected is
    /// returned, in French.
    pub(crate) fn append(&mut self, cell: &str) -> Result<(), &'static str> {
        let value = cell.trim();
        let is_blank = value.is_empty();
        let (is_fitting, expected) = match self {
            // Outer spaces of text are part of the text.
            Self::Text(texts) => {
                texts.append_option((!is_blank).then_some(cell));
                (true, "")
            }
            Self::Integer(numbers) => {
                (keep(number::integer(value), |v| numbers.append_option(v)), "un nombre entier est attendu")
            }
            Self::Number(numbers) => {
                (keep(number::number(value), |v| numbers.append_option(v)), "un nombre est attendu")
            }
            Self::Boolean(truths) => {
                (keep(boolean(value), |v| truths.append_option(v)), "vrai ou faux est attendu")
            }
            Self::Date { days, pattern } => {
                (keep(epoch_day(value, *pattern), |v| days.append_option(v)), "une date est attendue")
            }
            Self::DateTime { texts, pattern, zone } => {
                let instant = date_time(value, *pattern, zone);
                (keep(instant, |v| texts.append_option(v)), "une date et une heure sont attendues")
            }
            Self::Object(texts) => {
                let json = serde_json::from_str::<IgnoredAny>(value).is_ok().then_some(value);
                (keep(json, |v| texts.append_option(v)), "du JSON est attendu")
            }
        };
        if is_fitting || is_blank { Ok(()) } else { Err(expected) }
    }

    /// The column so far; the builder starts again empty.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(texts) | Self::Object(texts) | Self::DateTime { texts, .. } => {
                Arc::new(texts.finish())
            }
            Self::Integer(numbers) => Arc::new(numbers.finish()),
            Self::Number(numbers) => Arc::new(numbers.finish()),
            Self::Boolean(truths) => Arc::new(truths.finish()),
            Self::Date { days, .. } => Arc::new(days.finish()),
        }
    }
}

/// Appends a value, or its absence; whether there was one.
fn keep<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let is_there = value.is_some();
    append(value);
    is_there
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).or_else(|_| TimeZone::get(DEFAULT_ZONE)).unwrap_or(TimeZone::UTC)
}

/// Days since 1970-01-01: by the pattern, else in ISO form, else (a type that the producer forced) in any form known.
fn epoch_day(value: &str, pattern: Option<&Pattern>) -> Option<i32> {
    let known = || date::DATES.iter().find_map(|pattern| pattern.date(value));
    let by_pattern = pattern.and_then(|pattern| pattern.date(value));
    let day = by_pattern.or_else(|| date::ISO_DATE.date(value)).or_else(known)?;
    day.since(civil::date(1970, 1, 1)).ok().map(|span| span.get_days())
}

/// The instant with its offset: by the pattern, else RFC 3339, else (a type that the producer forced) in any form
/// known, a day alone being its midnight.
fn date_time(value: &str, pattern: Option<&Pattern>, zone: &TimeZone) -> Option<String> {
    let by_pattern = pattern.and_then(|pattern| pattern.parse(value));
    if by_pattern.is_none()
        && let Some(instant) = date::rfc_3339(value)
    {
        return Some(instant);
    }
    let known = || {
        let days = std::iter::once(&date::ISO_DATE).chain(date::DATES);
        date::DATE_TIMES.iter().chain(days).find_map(|pattern| pattern.parse(value))
    };
    date::with_offset(by_pattern.or_else(known)?, zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::Date32Type;

    fn texts(column: &Column, pattern: Option<&str>, cells: &[&str]) -> Vec<Option<String>> {
        let mut builder = CellBuilder::new(column, pattern);
        for cell in cells {
            let _ = builder.append(cell);
        }
        builder.finish().as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn date_times_get_the_zone_of_their_column() {
        let mut column = Column::new("d", ColumnKind::DateTime);
        let cells = ["23/2/2021 10:27", "", "demain"];
        let paris = texts(&column, Some("D/M/YYYY H:m"), &cells);
        assert_eq!(paris, [Some("2021-02-23T10:27:00+01:00".to_owned()), None, None]);
        column.time_zone = Some("Indian/Reunion".to_owned());
        let reunion = texts(&column, Some("D/M/YYYY H:m"), &cells);
        assert_eq!(reunion[0].as_deref(), Some("2021-02-23T10:27:00+04:00"));
    }

    #[test]
    fn days_count_from_the_epoch() {
        let mut builder = CellBuilder::new(&Column::new("d", ColumnKind::Date), Some("D/M/YYYY"));
        for cell in ["2/1/1970", "31/12/1969", "1970-01-03", " "] {
            builder.append(cell).unwrap();
        }
        assert_eq!(builder.append("32/1/1970"), Err("une date est attendue"));
        let days = builder.finish();
        let days: Vec<_> = days.as_primitive::<Date32Type>().iter().collect();
        assert_eq!(days, [Some(1), Some(-1), Some(2), None, None]);
    }

    #[test]
    fn text_keeps_its_spaces_and_blanks_are_absent() {
        let column = Column::new("t", ColumnKind::Text);
        assert_eq!(texts(&column, None, &[" a ", "  ", ""]), [Some(" a ".to_owned()), None, None]);
    }

    #[test]
    fn a_forced_type_reads_what_it_can() {
        let mut numbers = CellBuilder::new(&Column::new("n", ColumnKind::Integer), None);
        assert_eq!(numbers.append("01004"), Ok(()));
        assert_eq!(numbers.append("douze"), Err("un nombre entier est attendu"));
        let mut objects = CellBuilder::new(&Column::new("o", ColumnKind::Object), None);
        assert_eq!(objects.append(r#"{"type":"Point"}"#), Ok(()));
        assert!(objects.append("{").is_err());
    }
}
