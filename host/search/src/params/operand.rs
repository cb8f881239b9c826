//! Operands: text of a request as a value of the column's kind.

use halle_model::{Column, ColumnKind};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span as Duration, Timestamp};

use super::bad;
use crate::ast::{Bound, Operand, Query};
use crate::engine::{SearchError, SearchResult};

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// What an operand stands for: one value, or all from `first` to `last` (a day on a date-time column, a month on a date
/// column). `first` after `last` stands for a point between two whole numbers, which nothing equals.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Extent {
    pub first: Operand,
    pub last: Operand,
}

impl Extent {
    fn one(operand: Operand) -> Self {
        Self { first: operand.clone(), last: operand }
    }

    fn is_one(&self) -> bool {
        self.first == self.last
    }

    fn is_between(&self) -> bool {
        matches!((&self.first, &self.last), (Operand::Integer(first), Operand::Integer(last)) if first > last)
    }
}

/// The condition that the column equals one of the texts.
pub(super) fn equals(column: &Column, texts: &[impl AsRef<str>], filter: &str) -> SearchResult<Query> {
    let (mut values, mut parts) = (Vec::new(), Vec::new());
    for text in texts {
        let extent = extent(column, text.as_ref(), filter)?;
        if extent.is_one() {
            values.push(extent.first);
        } else if !extent.is_between() {
            let (lower, upper) = (Bound::Included(extent.first), Bound::Included(extent.last));
            parts.push(Query::Range { column: column.key.clone(), lower, upper });
        }
    }
    if !values.is_empty() {
        parts.push(Query::In { column: column.key.clone(), values });
    }
    Ok(match parts.len() {
        0 => Query::Nothing,
        1 => parts.remove(0),
        _ => Query::Or(parts),
    })
}

/// The condition that the column compares so with the text.
pub(super) fn compares(column: &Column, compare: Compare, text: &str, filter: &str) -> SearchResult<Query> {
    let bound = bound(column, compare, text, filter)?;
    let (lower, upper) = match compare {
        Compare::Greater | Compare::GreaterOrEqual => (bound, Bound::None),
        Compare::Less | Compare::LessOrEqual => (Bound::None, bound),
    };
    Ok(Query::Range { column: column.key.clone(), lower, upper })
}

/// One end of a range, with what a day means for instants: after the end of the day, from its start, and so on.
pub(super) fn bound(column: &Column, compare: Compare, text: &str, filter: &str) -> SearchResult<Bound> {
    let extent = extent(column, text, filter)?;
    Ok(match compare {
        Compare::Greater => Bound::Excluded(extent.last),
        Compare::GreaterOrEqual => Bound::Included(extent.first),
        Compare::Less => Bound::Excluded(extent.first),
        Compare::LessOrEqual => Bound::Included(extent.last),
    })
}

/// What the text stands for on the column; 400 when it is no value of the column's kind.
pub(super) fn extent(column: &Column, text: &str, filter: &str) -> SearchResult<Extent> {
    let wrong = |expected: &str| wrong_operand(column, text, filter, expected);
    let trimmed = text.trim();
    match column.kind() {
        ColumnKind::Text | ColumnKind::Object => Ok(Extent::one(Operand::Text(text.to_owned()))),
        ColumnKind::Integer => integer(trimmed).ok_or_else(|| wrong("un nombre entier")),
        ColumnKind::Number => {
            let number = trimmed.parse().ok().filter(|number: &f64| number.is_finite());
            number.map(|number| Extent::one(Operand::Number(number))).ok_or_else(|| wrong("un nombre"))
        }
        ColumnKind::Boolean => match trimmed {
            "true" => Ok(Extent::one(Operand::Boolean(true))),
            "false" => Ok(Extent::one(Operand::Boolean(false))),
            _ => Err(wrong("true ou false")),
        },
        ColumnKind::Date => day_extent(trimmed, column.zone()).ok_or_else(|| wrong("une date AAAA-MM-JJ")),
        ColumnKind::DateTime => instant_extent(trimmed, column.zone())
            .ok_or_else(|| wrong("une date AAAA-MM-JJ ou une date et heure RFC 3339")),
    }
}

fn wrong_operand(column: &Column, text: &str, filter: &str, expected: &str) -> SearchError {
    let shown: String = text.chars().take(60).collect();
    bad(format!(
        "Impossible d'appliquer un filtre {filter} sur le champ {}. La valeur \"{shown}\" n'est pas {expected}.",
        column.key
    ))
}

fn integer(text: &str) -> Option<Extent> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Extent::one(Operand::Integer(whole)));
    }
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    // Out of range saturates: no stored value is beyond.
    let floor = number.floor() as i64;
    if number.fract() == 0.0 {
        return Some(Extent::one(Operand::Integer(floor)));
    }
    Some(Extent { first: Operand::Integer(floor.saturating_add(1)), last: Operand::Integer(floor) })
}

/// First and last day of `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
fn civil_extent(text: &str) -> Option<(Date, Date)> {
    let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next(), parts.next());
    if parts.next().is_some() || !digits(year, 4) {
        return None;
    }
    let year: i16 = year.parse().ok()?;
    let Some(month) = month else {
        return Some((Date::new(year, 1, 1).ok()?, Date::new(year, 12, 31).ok()?));
    };
    if !digits(month, 2) {
        return None;
    }
    let first = Date::new(year, month.parse().ok()?, 1).ok()?;
    match day {
        None => Some((first, first.last_of_month())),
        Some(day) if digits(day, 2) => {
            let date = Date::new(year, first.month(), day.parse().ok()?).ok()?;
            Some((date, date))
        }
        Some(_) => None,
    }
}

fn day_extent(text: &str, zone: &str) -> Option<Extent> {
    let day = |date: Date| Some(Operand::Day(days_since_epoch(date)));
    if let Some((first, last)) = civil_extent(text) {
        return Some(Extent { first: day(first)?, last: day(last)? });
    }
    let instant = Timestamp::from_millisecond(instant(text, zone)?).ok()?;
    day(instant.to_zoned(time_zone(zone)).date()).map(Extent::one)
}

fn days_since_epoch(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    // Days between two representable dates are below four million, and a span counted in days has no other unit.
    date.since(epoch).map_or(0, |span: Duration| span.get_days())
}

fn instant_extent(text: &str, zone: &str) -> Option<Extent> {
    if let Some((first, last)) = civil_extent(text) {
        let start = |date: Date| {
            let zoned = date.to_zoned(time_zone(zone)).ok()?;
            Some(zoned.timestamp().as_millisecond())
        };
        let end = start(last.tomorrow().ok()?)? - 1;
        return Some(Extent { first: Operand::Instant(start(first)?), last: Operand::Instant(end) });
    }
    instant(text, zone).map(|instant| Extent::one(Operand::Instant(instant)))
}

/// Milliseconds of a date-time; without offset it is in the zone. A space before the offset is a `+` that was not
/// escaped in the address.
fn instant(text: &str, zone: &str) -> Option<i64> {
    let repaired = text.rfind(' ').filter(|&at| at > 15).map(|at| {
        let (time, offset) = text.split_at(at);
        format!("{time}+{}", offset.trim_start())
    });
    let text = repaired.as_deref().unwrap_or(text);
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(time_zone(zone)).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// The zone of a column; UTC when its name is unknown, which the schema's check does not let through.
fn time_zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ColumnKind, text: &str, expect: &str) {
        let found = extent(&Column::new("c", kind), text, "_eq");
        let found = found.map_or_else(|e| e.to_string(), |e| format!("{:?}..{:?}", e.first, e.last));
        assert_eq!(found, expect, "{text:?} as {kind:?}");
    }

    #[test]
    fn a_text_becomes_a_value_of_the_columns_kind() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Text};
        check(Text, " a ", r#"Text(" a ")..Text(" a ")"#);
        check(Integer, "12", "Integer(12)..Integer(12)");
        check(Integer, "1e3", "Integer(1000)..Integer(1000)");
        check(Integer, "1.5", "Integer(2)..Integer(1)");
        check(Number, "1.5", "Number(1.5)..Number(1.5)");
        check(Boolean, "true", "Boolean(true)..Boolean(true)");
        check(Date, "1970-01-02", "Day(1)..Day(1)");
        check(Date, "1970-01", "Day(0)..Day(30)");
        check(Date, "1970-01-01T23:30:00Z", "Day(1)..Day(1)");
        check(DateTime, "1970-01-01T00:00:00Z", "Instant(0)..Instant(0)");
        check(DateTime, "1970-01-01T01:00:00 01:00", "Instant(0)..Instant(0)");
        check(DateTime, "1970-01-01T01:00:00", "Instant(0)..Instant(0)");
    }

    #[test]
    fn a_day_on_a_date_time_is_the_day_of_the_columns_zone() {
        check(ColumnKind::DateTime, "2024-01-01", "Instant(1704063600000)..Instant(1704149999999)");
        check(ColumnKind::DateTime, "2024-03-31", "Instant(1711839600000)..Instant(1711922399999)");
    }

    #[test]
    fn a_wrong_operand_is_named_with_what_is_expected() {
        let text = |value, kind| {
            format!(
                "Impossible d'appliquer un filtre _eq sur le champ c. La valeur \"{value}\" n'est pas {kind}."
            )
        };
        check(ColumnKind::Integer, "douze", &text("douze", "un nombre entier"));
        check(ColumnKind::Number, "NaN", &text("NaN", "un nombre"));
        check(ColumnKind::Boolean, "oui", &text("oui", "true ou false"));
        check(ColumnKind::Date, "2024-02-30", &text("2024-02-30", "une date AAAA-MM-JJ"));
    }
}
