//! What rows are grouped by: every value or interval as a whole number.

use halle_model::ColumnKind;
use halle_search::ast::{GroupBy, Interval, Operand};
use halle_search::engine::SearchResult;
use halle_search::{SearchError, geohash};
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::lines::render::number_value;
use crate::part::column::{NO_INSTANT, Values};
use crate::part::dictionary::NO_VALUE;
use crate::snapshot::{Field, OrdinalsOf, Snapshot};
use crate::time::{self, Calendar, DAY_MS};

/// Groups of one level at most, empty intervals included (Data Fair: 10 000).
pub(super) const GROUPS_MAX: usize = 10_000;

/// Daylight saving begins and ends on quarters of an hour everywhere.
const QUARTER_MS: i64 = 900_000;

enum Kind<'a> {
    /// Keys are ordinals.
    Texts(OrdinalsOf<'a>),
    /// Keys are places in `names`, the sorted elements of multivalued texts; `of` has those of each ordinal.
    Elements {
        texts: OrdinalsOf<'a>,
        names: Vec<String>,
        of: Vec<Vec<u32>>,
    },
    Integers,
    /// Keys order like the numbers whose bits they are.
    Numbers,
    Days,
    Booleans,
    /// Keys count intervals of this width from 0.
    NumberIntervals(f64),
    DayUnits(Calendar),
    InstantUnits(Calendar, TimeZone),
    /// Keys are the milliseconds at which intervals of this length begin.
    Fixed(i64, TimeZone, ColumnKind),
    /// Keys are the bits of geohash cells of this many characters.
    Cells(u8),
}

/// Gives each row its keys.
pub(crate) struct Keys<'a> {
    snapshot: &'a Snapshot,
    column: usize,
    kind: Kind<'a>,
    /// Key of rows without value.
    missing: Option<i64>,
    /// What the key of rows without value stands for, when it is no text of the column.
    missing_text: Option<String>,
}

/// The column of keys that come from the points of rows.
const NO_COLUMN: usize = usize::MAX;

/// The key of a text that stands for missing values and is nowhere in the column.
const UNKNOWN_TEXT: i64 = -1;

impl<'a> Keys<'a> {
    /// The keys of a level.
    ///
    /// # Errors
    ///
    /// `BadRequest` when the interval does not fit the column.
    pub(crate) fn new(snapshot: &'a Snapshot, level: &GroupBy) -> SearchResult<Self> {
        let name = &level.column;
        let column = match (snapshot.field(name), &level.interval) {
            (Some(Field::Column(column)), _) => column,
            (Some(Field::Point), Interval::Geohash(characters)) => {
                return Ok(Self::plain(snapshot, NO_COLUMN, Kind::Cells(*characters)));
            }
            _ => {
                return Err(SearchError::BadRequest(format!(
                    "Le paramètre \"field\" référence un champ inconnu {name}"
                )));
            }
        };
        let declared = &snapshot.spec.columns[column];
        let kind = declared.kind();
        let misfit =
            || SearchError::BadRequest(format!("\"interval\" does not fit the type of the column `{name}`"));
        let texts = || snapshot.ordinals(column).ok_or_else(misfit);
        let kind = match (&level.interval, kind) {
            (Interval::Value, ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object) => {
                match &declared.separator {
                    Some(separator) => elements(texts()?, separator),
                    None => Kind::Texts(texts()?),
                }
            }
            (Interval::Value, ColumnKind::Integer) => Kind::Integers,
            (Interval::Value, ColumnKind::Number) => Kind::Numbers,
            (Interval::Value, ColumnKind::Date) => Kind::Days,
            (Interval::Value, ColumnKind::Boolean) => Kind::Booleans,
            (Interval::Number(width), ColumnKind::Integer | ColumnKind::Number) if *width > 0.0 => {
                Kind::NumberIntervals(*width)
            }
            (Interval::Calendar(unit), ColumnKind::Date) => Kind::DayUnits(Calendar::parse(unit)?),
            (Interval::Calendar(unit), ColumnKind::DateTime) => {
                Kind::InstantUnits(Calendar::parse(unit)?, time::zone(declared.zone()))
            }
            (Interval::Fixed(length), ColumnKind::Date | ColumnKind::DateTime) if *length > 0 => {
                Kind::Fixed(*length, time::zone(declared.zone()), kind)
            }
            _ => return Err(misfit()),
        };
        let mut keys = Self::plain(snapshot, column, kind);
        if let Some(operand) = &level.missing {
            keys.set_missing(operand)?;
        }
        Ok(keys)
    }

    fn plain(snapshot: &'a Snapshot, column: usize, kind: Kind<'a>) -> Self {
        Self { snapshot, column, kind, missing: None, missing_text: None }
    }

    fn set_missing(&mut self, operand: &Operand) -> SearchResult<()> {
        let number = match operand {
            Operand::Integer(value) => Some(*value as f64),
            Operand::Number(value) => Some(*value),
            _ => None,
        };
        let wrong = |what: &str| SearchError::BadRequest(format!("missing should be a {what}"));
        self.missing = Some(match (&self.kind, operand) {
            (Kind::Texts(texts), Operand::Text(text)) => match texts.find(text) {
                (ordinal, true) => i64::from(ordinal),
                _ => UNKNOWN_TEXT,
            },
            (Kind::Elements { names, .. }, Operand::Text(text)) => {
                names.binary_search(text).map_or(UNKNOWN_TEXT, |place| place as i64)
            }
            (Kind::Booleans, Operand::Boolean(value)) => i64::from(*value),
            (Kind::Booleans, _) => return Err(wrong("boolean")),
            (Kind::Days, Operand::Day(day)) => i64::from(*day),
            (Kind::DayUnits(unit), Operand::Day(day)) => {
                i64::from(time::day_number(unit.first_day(time::date_of_day(*day))))
            }
            (Kind::InstantUnits(unit, zone), Operand::Instant(millis)) => unit.floor(*millis, zone),
            (Kind::Fixed(length, ..), Operand::Instant(millis)) => millis.div_euclid(*length) * length,
            (Kind::Integers, _) => number.ok_or_else(|| wrong("number"))? as i64,
            (Kind::Numbers, _) => of_number(number.ok_or_else(|| wrong("number"))?),
            (Kind::NumberIntervals(width), _) => {
                (number.ok_or_else(|| wrong("number"))? / width).floor() as i64
            }
            _ => return Err(SearchError::BadRequest("missing does not fit the column".to_owned())),
        });
        if let (Some(UNKNOWN_TEXT), Operand::Text(text)) = (self.missing, operand) {
            self.missing_text = Some(text.clone());
        }
        Ok(())
    }

    /// Number of keys if they count from 0 and rows without value have none of their own.
    pub(crate) fn dense(&self) -> Option<usize> {
        match &self.kind {
            Kind::Texts(texts) if self.missing != Some(UNKNOWN_TEXT) => Some(texts.len()),
            Kind::Booleans => Some(2),
            _ => None,
        }
    }

    /// The key of rows without value, if they are counted.
    pub(crate) fn missing(&self) -> Option<i64> {
        self.missing
    }

    /// Whether keys follow from steps ([`Self::each_step`]), of which there are few side by side.
    pub(crate) fn has_steps(&self) -> bool {
        matches!(
            self.kind,
            Kind::Integers
                | Kind::Days
                | Kind::NumberIntervals(_)
                | Kind::DayUnits(_)
                | Kind::InstantUnits(..)
                | Kind::Fixed(..)
        )
    }

    /// Gives `take` each row of a chunk with the number that decides its key, `None` for a row without value.
    pub(crate) fn each_step(&self, part: usize, rows: &[u32], mut take: impl FnMut(u32, Option<i64>)) {
        let column = &self.snapshot.parts[part].part.columns[self.column];
        macro_rules! each {
            (|$row:ident| $step:expr) => {
                if column.is_full() {
                    for &at in rows {
                        let $row = at as usize;
                        take(at, Some($step));
                    }
                } else {
                    for &at in rows {
                        let $row = at as usize;
                        take(at, column.has($row).then(|| $step));
                    }
                }
            };
        }
        let mut each_instant = |length: i64, millis: &[i64]| {
            for &at in rows {
                let millis = millis[at as usize];
                take(at, (millis != NO_INSTANT).then(|| millis.div_euclid(length)));
            }
        };
        match (&self.kind, &column.values) {
            (Kind::InstantUnits(unit, _), Values::Instant(_, millis)) => each_instant(step_ms(*unit), millis),
            (Kind::Fixed(length, ..), Values::Instant(_, millis)) => each_instant(*length, millis),
            (Kind::Integers, Values::Integer(values)) => each!(|row| values[row]),
            (Kind::Days | Kind::DayUnits(_), Values::Day(values)) => each!(|row| i64::from(values[row])),
            (Kind::NumberIntervals(width), Values::Integer(values)) => {
                each!(|row| (values[row] as f64 / width).floor() as i64);
            }
            (Kind::NumberIntervals(width), Values::Number(values)) => {
                each!(|row| (values[row] / width).floor() as i64);
            }
            (Kind::Fixed(length, ..), Values::Day(values)) => {
                each!(|row| (i64::from(values[row]) * DAY_MS).div_euclid(*length));
            }
            _ => {}
        }
    }

    /// The key that a step decides.
    pub(crate) fn key_of_step(&self, step: i64) -> i64 {
        match &self.kind {
            Kind::DayUnits(unit) => {
                i64::from(time::day_number(unit.first_day(time::date_of_day(step as i32))))
            }
            Kind::InstantUnits(unit, zone) => unit.floor(step.saturating_mul(step_ms(*unit)), zone),
            Kind::Fixed(length, ..) => step.saturating_mul(*length),
            _ => step,
        }
    }

    /// Gives `take` each row of a chunk with its key, whether keys have steps or not; several times when the row has
    /// several values.
    pub(crate) fn each_key(&self, part: usize, rows: &[u32], mut take: impl FnMut(u32, i64)) {
        if !self.has_steps() {
            return self.each(part, rows, take);
        }
        self.each_step(part, rows, |row, step| {
            if let Some(key) = step.map(|step| self.key_of_step(step)).or(self.missing) {
                take(row, key);
            }
        });
    }

    /// Gives `take` each row of a chunk with its key, when keys have no steps; several times when the row has several
    /// values.
    pub(crate) fn each(&self, part: usize, rows: &[u32], mut take: impl FnMut(u32, i64)) {
        if let Kind::Cells(characters) = self.kind {
            return self.each_cell(part, rows, characters, take);
        }
        let column = &self.snapshot.parts[part].part.columns[self.column];
        let missing = self.missing;
        macro_rules! each {
            (|$row:ident| $key:expr) => {
                for &at in rows {
                    let $row = at as usize;
                    match column.has($row).then(|| $key).or(missing) {
                        Some(key) => take(at, key),
                        None => {}
                    }
                }
            };
        }
        match (&self.kind, &column.values) {
            (Kind::Texts(texts), Values::Text(dictionary) | Values::Instant(dictionary, _)) => {
                let (codes, map) = (dictionary.codes(), texts.map(part));
                for &at in rows {
                    match codes[at as usize] {
                        NO_VALUE => missing.into_iter().for_each(|key| take(at, key)),
                        code => take(at, i64::from(map[code as usize])),
                    }
                }
            }
            (Kind::Elements { texts, of, .. }, _) => {
                for &at in rows {
                    match texts.ordinal(part, at as usize) {
                        None => missing.into_iter().for_each(|key| take(at, key)),
                        Some(ordinal) => {
                            of[ordinal as usize].iter().for_each(|key| take(at, i64::from(*key)));
                        }
                    }
                }
            }
            (Kind::Numbers, Values::Number(values)) => each!(|row| of_number(values[row])),
            (Kind::Booleans, Values::Boolean(values)) => each!(|row| i64::from(values.value(row))),
            _ => {}
        }
    }

    /// Like [`Self::each`], by the cell of the point.
    fn each_cell(&self, part: usize, rows: &[u32], characters: u8, mut take: impl FnMut(u32, i64)) {
        let Some(points) = &self.snapshot.parts[part].part.points else { return };
        for &at in rows {
            if let Some((lon, lat)) = points.get(at as usize) {
                take(at, geohash::cell(lon, lat, characters).cast_signed());
            }
        }
    }

    /// The value of a key, as the answer gives it.
    pub(crate) fn value(&self, key: i64) -> Value {
        match &self.kind {
            Kind::Texts(_) | Kind::Elements { .. } if key == UNKNOWN_TEXT => {
                self.missing_text.clone().unwrap_or_default().into()
            }
            Kind::Texts(texts) => texts.text(key as u32).into(),
            Kind::Cells(characters) => geohash::name(key.cast_unsigned(), *characters).into(),
            Kind::Elements { names, .. } => names[key as usize].clone().into(),
            Kind::Integers => key.into(),
            Kind::Numbers => number_value(to_number(key)),
            Kind::Booleans => (key == 1).to_string().into(),
            Kind::NumberIntervals(width) => number_value(key as f64 * width),
            Kind::Days | Kind::DayUnits(_) => time::day_text(key as i32).into(),
            Kind::InstantUnits(_, zone) => time::instant_text(key, zone).into(),
            Kind::Fixed(_, _, ColumnKind::Date) => time::day_text(key.div_euclid(DAY_MS) as i32).into(),
            Kind::Fixed(_, zone, _) => time::instant_text(key, zone).into(),
        }
    }

    /// How two keys compare by value.
    pub(crate) fn compare(&self, a: i64, b: i64) -> std::cmp::Ordering {
        match (&self.missing_text, &self.kind) {
            (Some(missing), Kind::Texts(_) | Kind::Elements { .. }) => {
                let text = |key| match self.value(key) {
                    Value::String(text) => text,
                    _ => missing.clone(),
                };
                text(a).cmp(&text(b))
            }
            _ => a.cmp(&b),
        }
    }

    /// Whether groups are intervals of time, which come in their order unless asked otherwise.
    pub(crate) fn is_time_interval(&self) -> bool {
        matches!(self.kind, Kind::DayUnits(_) | Kind::InstantUnits(..) | Kind::Fixed(..))
    }

    /// The intervals between those that have rows; nothing for single values.
    ///
    /// # Errors
    ///
    /// `BadRequest` when there would be too many.
    pub(crate) fn between(&self, first: i64, last: i64) -> SearchResult<Vec<i64>> {
        let mut keys = Vec::new();
        let mut key = first;
        while key < last {
            key = match &self.kind {
                Kind::NumberIntervals(_) => key + 1,
                Kind::DayUnits(unit) => {
                    i64::from(time::day_number(unit.next_day(time::date_of_day(key as i32))))
                }
                Kind::InstantUnits(unit, zone) => unit.next(key, zone),
                Kind::Fixed(length, ..) => key.saturating_add(*length),
                _ => return Ok(keys),
            };
            keys.push(key);
            if keys.len() > GROUPS_MAX {
                let column = &self.snapshot.spec.columns[self.column].key; // intervals always have a column
                return Err(SearchError::BadRequest(format!(
                    "\"interval\" is too small: column `{column}` would have more than {GROUPS_MAX} groups"
                )));
            }
        }
        Ok(keys)
    }
}

/// Milliseconds within which the unit of an instant cannot change.
fn step_ms(unit: Calendar) -> i64 {
    if unit == Calendar::Minute { 60_000 } else { QUARTER_MS }
}

fn elements<'a>(texts: OrdinalsOf<'a>, separator: &str) -> Kind<'a> {
    let separator = if separator.trim().is_empty() { separator } else { separator.trim() };
    let split = |text: &'a str| {
        let mut found: Vec<&str> =
            text.split(separator).map(str::trim).filter(|element| !element.is_empty()).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let all: Vec<Vec<&str>> = (0..texts.len() as u32).map(|ordinal| split(texts.text(ordinal))).collect();
    let mut names: Vec<String> = all.iter().flatten().map(|name| (*name).to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    let place = |name: &str| names.binary_search_by(|known| known.as_str().cmp(name)).unwrap_or_default();
    let of = all.iter().map(|row| row.iter().map(|name| place(name) as u32).collect()).collect();
    Kind::Elements { texts, names, of }
}

/// The bits of a number, so that they order like the numbers.
pub(crate) fn of_number(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned() >> 1).cast_signed())
}

fn to_number(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63).cast_unsigned() >> 1).cast_signed())).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_like_their_numbers() {
        let numbers = [f64::NEG_INFINITY, -2.5, -0.0, 1e-9, 3.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| of_number(pair[0]) < of_number(pair[1])));
        assert!(numbers.iter().all(|number| to_number(of_number(*number)) == *number));
    }
}
