//! Filters on values: a test of one row, or a scan of a column.

use std::cell::RefCell;

use halle_geo::Shape;
use halle_search::ast::{Bound, Operand};
use halle_search::engine::SearchResult;

use super::plan::Test;
use super::texts::{of_texts, text_bounds, wildcard_matches};
use crate::bits::Bits;
use crate::geo;
use crate::part::column::{Column, NO_INSTANT, Values};
use crate::part::dictionary::{Dictionary, NO_VALUE};
use crate::part::{Part, Points, shapes};
use crate::snapshot::{Field, Snapshot};
use crate::time::{self, DAY_MS};

/// Whole numbers of a part, whatever they stand for.
pub(super) enum Integers<'a> {
    Long(&'a [i64]),
    Day(&'a [i32]),
    Line(&'a Part),
    Random(&'a Part, u64),
}

impl Integers<'_> {
    #[inline]
    fn get(&self, row: usize) -> i64 {
        match self {
            Self::Long(values) => values[row],
            Self::Day(values) => i64::from(values[row]),
            Self::Line(part) => part.line(row),
            Self::Random(part, seed) => part.random(row, *seed),
        }
    }
}

/// Values of one type: a range with both ends, or a sorted set.
pub(super) enum Wanted<T> {
    Range(T, T),
    Set(Vec<T>),
}

impl<T: PartialOrd + Copy> Wanted<T> {
    #[inline]
    fn has(&self, value: T) -> bool {
        match self {
            Self::Range(low, high) => *low <= value && value <= *high,
            Self::Set(values) => values.contains(&value),
        }
    }
}

/// A filter, resolved against one part.
pub(super) enum RowTest<'a> {
    Never,
    Always,
    Present(&'a Column),
    /// Rows whose code is in the range.
    Codes(&'a Dictionary, std::ops::Range<u32>),
    /// Rows whose code is in the set.
    CodeSet(&'a Dictionary, Bits),
    Integers(Integers<'a>, Option<&'a Column>, Wanted<i64>),
    Numbers(&'a [f64], &'a Column, Wanted<f64>),
    /// Rows whose point is in the box.
    Inside(&'a Points, [f64; 4]),
    Custom(Box<dyn Fn(usize) -> bool + 'a>),
}

impl<'a> RowTest<'a> {
    /// Whether the row passes.
    #[inline]
    pub(super) fn matches(&self, row: usize) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::Present(column) => column.has(row),
            Self::Codes(texts, codes) => codes.contains(&texts.codes()[row]),
            Self::CodeSet(texts, set) => {
                let code = texts.codes()[row];
                code != NO_VALUE && set.get(code as usize)
            }
            Self::Integers(values, column, wanted) => {
                wanted.has(values.get(row)) && column.is_none_or(|column| column.has(row))
            }
            Self::Numbers(values, column, wanted) => wanted.has(values[row]) && column.has(row),
            // No point is NaN, which is in no box.
            Self::Inside(points, area) => geo::in_box(area, points.lon[row], points.lat[row]),
            Self::Custom(test) => test(row),
        }
    }

    /// Whether few rows pass, which are had without asking the others.
    pub(super) fn is_selective(&self) -> bool {
        match self {
            Self::Never => true,
            Self::Codes(texts, codes) => {
                texts.rows_of(codes.clone()).is_some_and(|rows| rows.len() < texts.codes().len() / 16)
            }
            Self::Integers(Integers::Line(part), None, Wanted::Range(low, high)) => {
                part.rows_of_lines(*low, *high).is_some_and(|rows| rows.len() < part.rows / 16)
            }
            _ => false,
        }
    }

    /// All rows that pass.
    pub(super) fn fill(&self, rows: usize) -> Bits {
        match self {
            Self::Never => Bits::none(rows),
            Self::Always => Bits::all(rows),
            Self::Codes(texts, codes) => {
                if let Some(found) = texts.rows_of(codes.clone()) {
                    let mut bits = Bits::none(rows);
                    found.iter().for_each(|row| bits.set(*row as usize));
                    return bits;
                }
                let (all, start, width) = (texts.codes(), codes.start, codes.end - codes.start);
                Bits::of(rows, |row| all[row].wrapping_sub(start) < width)
            }
            Self::Integers(Integers::Line(part), None, Wanted::Range(low, high))
                if let Some(found) = part.rows_of_lines(*low, *high) =>
            {
                let mut bits = Bits::none(rows);
                found.for_each(|row| bits.set(row));
                bits
            }
            Self::Inside(points, [west, south, east, north]) if west <= east => {
                let (lon, lat) = (&points.lon[..rows], &points.lat[..rows]);
                Bits::of(rows, |row| {
                    (*west <= lon[row]) & (lon[row] <= *east) & (*south <= lat[row]) & (lat[row] <= *north)
                })
            }
            Self::Integers(Integers::Long(values), column, Wanted::Range(low, high)) => {
                let bits = Bits::of(rows, |row| (*low <= values[row]) & (values[row] <= *high));
                with_values(bits, *column)
            }
            Self::Integers(Integers::Day(values), column, Wanted::Range(low, high)) => {
                let bits = Bits::of(rows, |row| {
                    let day = i64::from(values[row]);
                    (*low <= day) & (day <= *high)
                });
                with_values(bits, *column)
            }
            Self::Numbers(values, column, Wanted::Range(low, high)) => {
                let bits = Bits::of(rows, |row| (*low <= values[row]) & (values[row] <= *high));
                with_values(bits, Some(column))
            }
            _ => Bits::of(rows, |row| self.matches(row)),
        }
    }

    /// Rows whose shape, else point, is in the box at least in part.
    pub(super) fn in_box(part: &'a Part, area: [f64; 4]) -> Self {
        match (&part.shapes, &part.points) {
            (None, None) => Self::Never,
            (None, Some(points)) => Self::Inside(points, area),
            (Some(shapes), points) => {
                let boxes = shapes::boxes_on_grid(&area);
                let scratch = RefCell::new(Shape::default());
                Self::Custom(Box::new(move |row| {
                    let in_box = |points: &Points| geo::in_box(&area, points.lon[row], points.lat[row]);
                    match shapes.touch(row, &boxes, &mut scratch.borrow_mut()) {
                        Some(touches) => touches,
                        None => points.as_ref().is_some_and(in_box),
                    }
                }))
            }
        }
    }

    /// Rows whose point is within `metres` of the place.
    pub(super) fn near(part: &'a Part, place: (f64, f64), metres: f64) -> Self {
        match &part.points {
            None => Self::Never,
            Some(points) => Self::Custom(Box::new(move |row| {
                points.get(row).is_some_and(|point| geo::distance_m(place, point) <= metres)
            })),
        }
    }

    /// A test of a column.
    pub(super) fn of_column(
        snapshot: &'a Snapshot,
        at: usize,
        field: Field,
        test: &Test,
    ) -> SearchResult<Self> {
        let part = &*snapshot.parts[at].part;
        let index = match field {
            Field::Column(index) => index,
            Field::Line => return Ok(integers(Integers::Line(part), None, test, Operand::whole)),
            Field::Random => {
                return Ok(integers(Integers::Random(part, snapshot.seed(at)), None, test, Operand::whole));
            }
            Field::Id => return Ok(Self::of_derived_id(snapshot, at, test)),
            Field::Point => {
                return Ok(match (&part.points, test) {
                    (Some(points), Test::Exists) => Self::Custom(Box::new(|row| points.get(row).is_some())),
                    _ => Self::Never,
                });
            }
        };
        let column = &part.columns[index];
        if *test == Test::Exists {
            return Ok(if column.is_full() { Self::Always } else { Self::Present(column) });
        }
        let declared = &snapshot.spec.columns[index];
        Ok(match &column.values {
            Values::Integer(values) => integers(Integers::Long(values), Some(column), test, Operand::whole),
            Values::Day(values) => integers(Integers::Day(values), Some(column), test, Operand::day),
            Values::Number(values) => match wanted(test, Operand::number, f64::next_up, f64::next_down) {
                Some(wanted) => Self::Numbers(values, column, wanted),
                None => Self::Never,
            },
            Values::Boolean(values) => match test {
                Test::In(wanted) => {
                    let has = |value| wanted.contains(&Operand::Boolean(value));
                    let (yes, no) = (has(true), has(false));
                    Self::Custom(Box::new(move |row| {
                        column.has(row) && if values.value(row) { yes } else { no }
                    }))
                }
                _ => Self::Never,
            },
            Values::Text(texts) => of_texts(texts, test, declared.separator.as_deref()),
            Values::Instant(texts, millis) => match test {
                Test::Prefix(_) | Test::Wildcard(_) => of_texts(texts, test, None),
                _ => {
                    let zone = time::zone(declared.zone());
                    let instant = |operand: &Operand| operand.instant(&zone);
                    // The one instant that stands for none is excluded by asking for a value above it.
                    match integers(Integers::Long(millis), Some(column), test, instant) {
                        Self::Integers(values, column, Wanted::Range(low, high)) => {
                            Self::Integers(values, column, Wanted::Range(low.max(NO_INSTANT + 1), high))
                        }
                        other => other,
                    }
                }
            },
        })
    }

    fn of_derived_id(snapshot: &'a Snapshot, at: usize, test: &Test) -> Self {
        let (test, part) = (test.clone(), &*snapshot.parts[at].part);
        match test {
            Test::Exists => Self::Always,
            Test::In(ids) => {
                let ids: Vec<String> = ids.iter().map(OperandExt::text).collect();
                let within = ids.iter().filter_map(|id| snapshot.id_within(at, id));
                match &part.ids {
                    Some(texts) => {
                        let own = within.map(|id| Operand::Text(id.to_owned())).collect();
                        of_texts(texts, &Test::In(own), None)
                    }
                    None => {
                        let whole = |id: &str| id.parse().ok().filter(|line: &i64| line.to_string() == id);
                        let lines: Vec<i64> = within.filter_map(whole).collect();
                        let wanted = match lines[..] {
                            [only] => Wanted::Range(only, only),
                            _ => Wanted::Set(lines),
                        };
                        Self::Integers(Integers::Line(part), None, wanted)
                    }
                }
            }
            Test::Range(lower, upper) => {
                let bounds = text_bounds(&lower, &upper);
                Self::Custom(Box::new(move |row| {
                    let id = snapshot.id_of(at, row);
                    bounds.0.as_ref().is_none_or(|(low, open)| id > *low || (id == *low && !open))
                        && bounds.1.as_ref().is_none_or(|(high, open)| id < *high || (id == *high && !open))
                }))
            }
            Test::Prefix(prefix) => {
                Self::Custom(Box::new(move |row| snapshot.id_of(at, row).starts_with(&prefix)))
            }
            Test::Wildcard(pattern) => {
                Self::Custom(Box::new(move |row| wildcard_matches(&pattern, &snapshot.id_of(at, row))))
            }
        }
    }
}

fn with_values(mut bits: Bits, column: Option<&Column>) -> Bits {
    if let Some(column) = column.filter(|column| !column.is_full()) {
        bits.retain(|row| column.has(row));
    }
    bits
}

/// What an operand is for a column of another kind.
pub(super) trait OperandExt {
    fn whole(&self) -> Option<i64>;
    fn number(&self) -> Option<f64>;
    fn day(&self) -> Option<i64>;
    fn instant(&self, zone: &jiff::tz::TimeZone) -> Option<i64>;
    fn text(&self) -> String;
}

impl OperandExt for Operand {
    fn whole(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            Self::Number(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn day(&self) -> Option<i64> {
        match self {
            Self::Day(day) => Some(i64::from(*day)),
            Self::Instant(millis) => Some(millis.div_euclid(DAY_MS)),
            Self::Text(text) => text.parse().ok().map(|date| i64::from(time::day_number(date))),
            _ => None,
        }
    }

    fn instant(&self, zone: &jiff::tz::TimeZone) -> Option<i64> {
        match self {
            Self::Instant(millis) => Some(*millis),
            Self::Day(day) => Some(i64::from(*day) * DAY_MS),
            Self::Text(text) => time::instant(text, zone),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
            Self::Boolean(value) => value.to_string(),
            Self::Day(day) => time::day_text(*day),
            Self::Instant(millis) => time::instant_text(*millis, &jiff::tz::TimeZone::UTC),
        }
    }
}

fn integers<'a>(
    values: Integers<'a>,
    column: Option<&'a Column>,
    test: &Test,
    convert: impl Fn(&Operand) -> Option<i64>,
) -> RowTest<'a> {
    if let (Test::Exists, None) = (test, column) {
        return RowTest::Always;
    }
    let up = |value: i64| value.saturating_add(1);
    let down = |value: i64| value.saturating_sub(1);
    match wanted(test, convert, up, down).or_else(|| fractional_range(test)) {
        Some(wanted) => RowTest::Integers(values, column, wanted),
        None => RowTest::Never,
    }
}

/// A range of whole numbers between bounds that are not whole.
fn fractional_range(test: &Test) -> Option<Wanted<i64>> {
    let Test::Range(lower, upper) = test else { return None };
    let Wanted::Range(low, high) =
        wanted(&Test::Range(lower.clone(), upper.clone()), Operand::number, f64::next_up, f64::next_down)?
    else {
        return None;
    };
    // `as` saturates: an infinite end becomes the last whole number.
    Some(Wanted::Range(low.ceil() as i64, high.floor() as i64))
}

/// The values that a test wants; `None` when it cannot be asked of such a column.
fn wanted<T: PartialOrd + Copy + Extremes>(
    test: &Test,
    convert: impl Fn(&Operand) -> Option<T>,
    up: impl Fn(T) -> T,
    down: impl Fn(T) -> T,
) -> Option<Wanted<T>> {
    match test {
        Test::In(values) => {
            let values: Vec<T> = values.iter().filter_map(convert).collect();
            match values[..] {
                [only] => Some(Wanted::Range(only, only)),
                _ => Some(Wanted::Set(values)),
            }
        }
        Test::Range(lower, upper) => {
            let low = match lower {
                Bound::None => T::LOWEST,
                Bound::Included(operand) => convert(operand)?,
                Bound::Excluded(operand) => up(convert(operand)?),
            };
            let high = match upper {
                Bound::None => T::HIGHEST,
                Bound::Included(operand) => convert(operand)?,
                Bound::Excluded(operand) => down(convert(operand)?),
            };
            Some(Wanted::Range(low, high))
        }
        _ => None,
    }
}

trait Extremes {
    const LOWEST: Self;
    const HIGHEST: Self;
}

impl Extremes for i64 {
    const LOWEST: Self = Self::MIN;
    const HIGHEST: Self = Self::MAX;
}

impl Extremes for f64 {
    const LOWEST: Self = Self::NEG_INFINITY;
    const HIGHEST: Self = Self::INFINITY;
}
