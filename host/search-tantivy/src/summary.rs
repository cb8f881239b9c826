//! Statistics of a whole index.

use halle_search::SearchError;
use halle_search::engine::{ColumnSummary, IndexSummary, SearchResult};
use serde_json::Value;

use crate::agg;
use crate::deadline::Deadline;
use crate::hash::{self, Distinct, FastMap};
use crate::lines::render::number_value;
use crate::part::column::Values;
use crate::snapshot::Snapshot;
use crate::time;

/// Distinct values counted exactly.
const EXACT_VALUES: usize = 4_096;

/// Distinct values listed at most (Data Fair: 50).
const LISTED_VALUES_MAX: usize = 50;

/// The statistics of a version; computed once.
pub(crate) fn summary<'a>(snapshot: &'a Snapshot, deadline: &Deadline) -> SearchResult<&'a IndexSummary> {
    if let Some(known) = snapshot.summary.get() {
        return Ok(known);
    }
    let columns = (0..snapshot.spec.columns.len()).map(|index| column(snapshot, index, deadline));
    let summary = IndexSummary {
        rows: snapshot.rows(),
        bytes: snapshot.parts.iter().map(|live| live.part.bytes()).sum(),
        bbox: agg::bbox(snapshot, &halle_search::Query::All, deadline)?,
        columns: columns.collect::<SearchResult<_>>()?,
    };
    Ok(snapshot.summary.get_or_init(|| summary))
}

/// A value seen, how often, and when first.
struct Seen {
    value: Value,
    count: u64,
    rank: usize,
}

/// Counts the values of a column; keeps the values themselves while they are few.
struct Tally {
    filled: u64,
    distinct: Distinct,
    seen: FastMap<u64, Seen>,
    overflow: bool,
}

impl Tally {
    fn add(&mut self, hash: u64, count: u64, value: impl FnOnce() -> Value) {
        self.filled += count;
        self.distinct.add(hash);
        if self.overflow {
            return;
        }
        let rank = self.seen.len();
        self.seen.entry(hash).or_insert_with(|| Seen { value: value(), count: 0, rank }).count += count;
        if self.seen.len() > LISTED_VALUES_MAX {
            self.overflow = true;
            self.seen.clear();
        }
    }

    fn values(self) -> Option<Vec<Value>> {
        if self.overflow {
            return None;
        }
        let mut seen: Vec<Seen> = self.seen.into_values().collect();
        seen.sort_by_key(|seen| (std::cmp::Reverse(seen.count), seen.rank));
        Some(seen.into_iter().map(|seen| seen.value).collect())
    }
}

fn column(snapshot: &Snapshot, index: usize, deadline: &Deadline) -> SearchResult<ColumnSummary> {
    // Values by which nobody may group are listed nowhere; they may be whole documents.
    let overflow = snapshot.spec.columns.get(index).is_none_or(|column| !column.capabilities.values());
    let mut tally =
        Tally { filled: 0, distinct: Distinct::new(EXACT_VALUES), seen: FastMap::default(), overflow };
    for live in &snapshot.parts {
        deadline.check()?;
        let (column, alive) = (&live.part.columns[index], live.alive());
        let rows = || alive.iter().filter(|row| column.has(*row));
        let of_number = |number: u64| hash::mix(number.wrapping_add(1));
        match &column.values {
            Values::Text(texts) | Values::Instant(texts, _) => {
                let mut counts = vec![0_u64; texts.len()];
                rows().for_each(|row| counts[texts.codes()[row] as usize] += 1);
                for (code, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                    let text = texts.text(code as u32);
                    tally.add(hash::of_bytes(text.as_bytes()), count, || text.into());
                }
            }
            Values::Integer(values) => rows().for_each(|row| {
                tally.add(of_number(values[row].cast_unsigned()), 1, || values[row].into());
            }),
            Values::Number(values) => rows().for_each(|row| {
                tally.add(of_number((values[row] + 0.0).to_bits()), 1, || number_value(values[row]));
            }),
            Values::Day(values) => rows().for_each(|row| {
                let number = i64::from(values[row]).cast_unsigned();
                tally.add(of_number(number), 1, || time::day_text(values[row]).into());
            }),
            Values::Boolean(values) => rows().for_each(|row| {
                let value = values.value(row);
                tally.add(of_number(u64::from(value)), 1, || value.into());
            }),
        }
    }
    let key = snapshot.spec.columns.get(index).map(|column| column.key.clone());
    let key = key.ok_or_else(|| SearchError::engine("a column without declaration"))?;
    let (filled, cardinality) = (tally.filled, tally.distinct.count().min(tally.filled)); // a sketch may overshoot
    Ok(ColumnSummary { key, filled, cardinality, values: tally.values() })
}
