//! Metrics of groups.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use halle_model::ColumnKind;
use halle_search::SearchError;
use halle_search::ast::Metric;
use halle_search::engine::SearchResult;
use serde_json::{Value, json};

use super::keys::of_number;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::hash::{self, Distinct, FastHasher};
use crate::lines::render::number_value;
use crate::part::column::{Column, NO_INSTANT, Values};
use crate::snapshot::{Field, OrdinalsOf, Snapshot};
use crate::time::{self, DAY_MS};

/// Percentiles when the question names none.
pub(crate) const PERCENTS_DEFAULT: [f64; 7] = [1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0];

/// Distinct values counted exactly, in values; beyond, within about half a percent.
const CARDINALITY_EXACT_VALUES: usize = 40_000;

/// Count, sum and ends of some numbers.
#[derive(Debug, Clone, Copy)]
struct Simple {
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Simple {
    const EMPTY: Self = Self { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
}

/// Distinct values of one group: kept while they are few, sketched beyond.
#[derive(Debug, Clone, Default)]
struct Cardinality {
    exact: HashSet<u64, BuildHasherDefault<FastHasher>>,
    sketch: Option<Distinct>,
}

impl Cardinality {
    fn add(&mut self, value: u64) {
        if let Some(sketch) = &mut self.sketch {
            return sketch.add(hash::mix(value.wrapping_add(1)));
        }
        self.exact.insert(value);
        if self.exact.len() > CARDINALITY_EXACT_VALUES {
            let mut sketch = Distinct::new(CARDINALITY_EXACT_VALUES);
            self.exact.drain().for_each(|value| sketch.add(hash::mix(value.wrapping_add(1))));
            self.sketch = Some(sketch);
        }
    }

    fn count(&self) -> u64 {
        self.sketch.as_ref().map_or(self.exact.len() as u64, Distinct::count)
    }
}

enum State {
    Simple(Vec<Simple>),
    Values(Vec<Vec<f64>>),
    Distinct(Vec<Cardinality>),
}

/// One metric over many groups.
pub(crate) struct Measure<'a> {
    snapshot: &'a Snapshot,
    metric: Metric,
    column: usize,
    kind: ColumnKind,
    texts: Option<OrdinalsOf<'a>>,
    percents: Vec<f64>,
    state: State,
}

impl<'a> Measure<'a> {
    /// A metric of a column, over no group yet. `percents` are those of percentiles; empty means the default.
    ///
    /// # Errors
    ///
    /// `BadRequest` in the words of Data Fair when the column has no such metric.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        metric: Metric,
        column: &str,
        percents: &[f64],
    ) -> SearchResult<Self> {
        let Some(Field::Column(index)) = snapshot.field(column) else {
            return Err(SearchError::BadRequest(format!(
                "Impossible de calculer une métrique sur le champ {column}, il n'existe pas dans le jeu de données."
            )));
        };
        let kind = snapshot.spec.columns[index].kind();
        let is_text = matches!(kind, ColumnKind::Text | ColumnKind::Object);
        let of_texts = [Metric::Min, Metric::Max, Metric::Cardinality, Metric::ValueCount];
        let supported = match kind {
            ColumnKind::Text => of_texts.contains(&metric),
            ColumnKind::Boolean | ColumnKind::Object => metric == Metric::ValueCount,
            _ => true,
        };
        if !supported {
            return Err(SearchError::BadRequest(format!(
                "Impossible de calculer une métrique sur le champ {column}. La métrique \"{}\", n'est pas supportée pour ce type de champ.",
                name(metric)
            )));
        }
        let percents = if percents.is_empty() { PERCENTS_DEFAULT.to_vec() } else { percents.to_vec() };
        let texts = if is_text { snapshot.ordinals(index) } else { None };
        let state = match metric {
            Metric::Percentiles => State::Values(Vec::new()),
            Metric::Cardinality => State::Distinct(Vec::new()),
            _ => State::Simple(Vec::new()),
        };
        Ok(Self { snapshot, metric, column: index, kind, texts, percents, state })
    }

    /// The texts of the column, if it is one of texts.
    pub(crate) fn texts(&self) -> Option<&OrdinalsOf<'a>> {
        self.texts.as_ref()
    }

    /// Makes room for this many groups.
    pub(crate) fn grow(&mut self, groups: usize) {
        match &mut self.state {
            State::Simple(groups_) => groups_.resize(groups, Simple::EMPTY),
            State::Values(groups_) => groups_.resize(groups, Vec::new()),
            State::Distinct(groups_) => groups_.resize(groups, Cardinality::default()),
        }
    }

    /// Keeps these groups, in this order, and forgets the others.
    pub(crate) fn keep(&mut self, groups: &[usize]) {
        fn kept<T: Clone>(all: &[T], groups: &[usize]) -> Vec<T> {
            groups.iter().map(|group| all[*group].clone()).collect()
        }
        match &mut self.state {
            State::Simple(all) => *all = kept(all, groups),
            State::Values(all) => *all = kept(all, groups),
            State::Distinct(all) => *all = kept(all, groups),
        }
    }

    /// Counts rows of a part, each given with its group.
    pub(crate) fn add(&mut self, part: usize, rows: &[(u32, u32)]) {
        let column = &self.snapshot.parts[part].part.columns[self.column];
        let texts = self.texts.as_ref();
        match &mut self.state {
            // Only what the metric needs: ends cost as much as all the rest.
            State::Simple(groups) => match self.metric {
                Metric::Avg | Metric::Sum => each_number(column, texts, part, rows, |group, value| {
                    let simple = &mut groups[group as usize];
                    simple.count += 1;
                    simple.sum += value;
                }),
                Metric::ValueCount => each_number(column, texts, part, rows, |group, _| {
                    groups[group as usize].count += 1;
                }),
                _ => each_number(column, texts, part, rows, |group, value| {
                    let simple = &mut groups[group as usize];
                    simple.count += 1;
                    simple.sum += value;
                    simple.min = simple.min.min(value);
                    simple.max = simple.max.max(value);
                }),
            },
            State::Values(groups) => each_number(column, None, part, rows, |group, value| {
                groups[group as usize].push(value);
            }),
            State::Distinct(groups) => {
                each_number(column, texts, part, rows, |group, value| {
                    groups[group as usize].add(of_number(value).cast_unsigned());
                });
            }
        }
    }

    /// The metric of a group as a number to sort by.
    pub(crate) fn rank(&self, group: usize) -> Option<f64> {
        match &self.state {
            State::Simple(groups) => {
                let simple = groups[group];
                match self.metric {
                    Metric::ValueCount => Some(simple.count as f64),
                    Metric::Sum => Some(simple.sum),
                    _ if simple.count == 0 => None,
                    Metric::Min => Some(simple.min),
                    Metric::Max => Some(simple.max),
                    _ => Some(simple.sum / simple.count as f64),
                }
            }
            State::Values(groups) => percentile(&mut groups[group].clone(), 50.0),
            State::Distinct(groups) => Some(groups[group].count() as f64),
        }
    }

    /// The metric of a group as the answer gives it.
    pub(crate) fn value(&self, group: usize) -> Value {
        let shown = |value: Option<f64>| value.map_or(Value::Null, |value| self.shown(value));
        match &self.state {
            State::Distinct(groups) => groups[group].count().into(),
            State::Values(groups) => {
                let mut values = groups[group].clone();
                let mut of = |percent: &f64| json!({ "key": number_value(*percent), "value": shown(percentile(&mut values, *percent)) });
                self.percents.iter().map(&mut of).collect()
            }
            State::Simple(groups) => {
                let simple = groups[group];
                let some = |value: f64| shown((simple.count > 0).then_some(value));
                let mean = simple.sum / simple.count as f64;
                match self.metric {
                    Metric::ValueCount => simple.count.into(),
                    Metric::Sum => number_value(simple.sum),
                    Metric::Min => some(simple.min),
                    Metric::Max => some(simple.max),
                    Metric::Stats => json!({
                        "count": simple.count,
                        "min": some(simple.min),
                        "max": some(simple.max),
                        "avg": some(mean),
                        "sum": number_value(simple.sum),
                    }),
                    _ => some(mean),
                }
            }
        }
    }

    fn shown(&self, value: f64) -> Value {
        match (self.kind, &self.texts) {
            (ColumnKind::Date, _) => time::day_text((value / DAY_MS as f64).floor() as i32).into(),
            (ColumnKind::DateTime, _) => {
                let zone = time::zone(self.snapshot.spec.columns[self.column].zone());
                time::instant_text(value as i64, &zone).into()
            }
            (_, Some(texts)) => texts.text(value as u32).into(),
            _ => number_value(value),
        }
    }
}

/// Name of a metric in the API.
fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::Avg => "avg",
        Metric::Sum => "sum",
        Metric::Min => "min",
        Metric::Max => "max",
        Metric::Stats => "stats",
        Metric::ValueCount => "value_count",
        Metric::Percentiles => "percentiles",
        Metric::Cardinality => "cardinality",
    }
}

/// Gives `take` the group and the value of each row that has one: dates in milliseconds, texts as ordinals.
fn each_number(
    column: &Column,
    texts: Option<&OrdinalsOf<'_>>,
    part: usize,
    rows: &[(u32, u32)],
    mut take: impl FnMut(u32, f64),
) {
    macro_rules! each {
        (|$row:ident| $value:expr) => {
            if column.is_full() {
                for &(row, group) in rows {
                    let $row = row as usize;
                    take(group, $value);
                }
            } else {
                for &(row, group) in rows {
                    let $row = row as usize;
                    if column.has($row) {
                        take(group, $value);
                    }
                }
            }
        };
    }
    match &column.values {
        Values::Integer(values) => each!(|row| values[row] as f64),
        Values::Number(values) => each!(|row| values[row]),
        Values::Day(values) => each!(|row| f64::from(values[row]) * DAY_MS as f64),
        Values::Boolean(values) => each!(|row| f64::from(u8::from(values.value(row)))),
        Values::Instant(_, millis) => {
            for &(row, group) in rows.iter().filter(|(row, _)| millis[*row as usize] != NO_INSTANT) {
                take(group, millis[row as usize] as f64);
            }
        }
        Values::Text(_) => {
            for &(row, group) in rows {
                if let Some(ordinal) = texts.and_then(|texts| texts.ordinal(part, row as usize)) {
                    take(group, f64::from(ordinal));
                }
            }
        }
    }
}

/// Number of distinct texts of some rows, exactly: a mark per text instead of a set.
pub(crate) fn distinct_texts(
    texts: &OrdinalsOf<'_>,
    hits: &[Bits],
    deadline: &Deadline,
) -> SearchResult<u64> {
    // Every text of a dictionary is that of a row.
    let whole: Vec<bool> = hits.iter().map(|rows| rows.count() == rows.len()).collect();
    if whole.iter().all(|whole| *whole) {
        return Ok(texts.len() as u64);
    }
    let mut seen = Bits::none(texts.len());
    for (part, rows) in hits.iter().enumerate() {
        deadline.check()?;
        let (codes, map) = (texts.codes(part), texts.map(part));
        if whole[part] {
            map.iter().for_each(|ordinal| seen.set(*ordinal as usize));
            continue;
        }
        // One place more for rows without a value, whose code is above all others.
        let mut marks = vec![false; map.len() + 1];
        rows.each(|row| marks[(codes[row] as usize).min(map.len())] = true);
        for (ordinal, _) in map.iter().zip(marks).filter(|(_, is_marked)| *is_marked) {
            seen.set(*ordinal as usize);
        }
    }
    Ok(seen.count() as u64)
}

/// The percentile, interpolated between the two values around it.
fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    values.sort_unstable_by(f64::total_cmp);
    let place = (percent / 100.0).clamp(0.0, 1.0) * last as f64;
    let below = values[place.floor() as usize];
    let above = values[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(&mut values, 50.0), Some(2.5));
        assert_eq!(percentile(&mut values, 0.0), Some(1.0));
        assert_eq!(percentile(&mut [], 50.0), None);
    }
}
