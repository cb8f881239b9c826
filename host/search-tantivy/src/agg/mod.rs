//! Groups and metrics, from the columns.

pub(crate) mod keys;
mod metrics;
mod rows;
mod slots;
mod words;

use std::cmp::Ordering;

use bytes::Bytes;
use halle_search::ast::{GroupBy, GroupOrder, Metric};
use halle_search::engine::{Group, Groups, LineFields, SearchResult, ValuesAggRequest};
use halle_search::{Query, SearchError};
use serde_json::{Map, Value};

use self::keys::Keys;
use self::metrics::Measure;
use self::rows::RowSet;
use self::slots::{Counting, NO_SLOT};
pub(crate) use self::words::words;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::geo::Extent;
use crate::lines::render::RowWriter;
use crate::order::{First, Order};
use crate::select::{Scores, Selection};
use crate::snapshot::Snapshot;

/// Groups of the lines that match.
pub(crate) fn groups(
    snapshot: &Snapshot,
    request: &ValuesAggRequest,
    deadline: &Deadline,
) -> SearchResult<Groups> {
    let selection = Selection::new(snapshot, &request.query, deadline)?;
    let scored = request.size > 0 && selection.plan.scores();
    let mut rows: Vec<Bits> = Vec::with_capacity(snapshot.parts.len());
    let mut scores = Vec::new();
    for part in 0..snapshot.parts.len() {
        let hits = selection.hits(part, scored)?;
        rows.push(hits.rows);
        scores.push(hits.scores);
    }
    let order = Order::new(snapshot, &request.sort, &selection.plan)?;
    let fields = LineFields { score: true, ..LineFields::default() };
    let writer = RowWriter::new(snapshot, &request.select, fields, None)?;
    let question =
        Question { snapshot, request, deadline, order, writer, scores, scored, groups: Default::default() };
    question.level(0, &RowSet::Hits(rows))
}

struct Question<'a> {
    snapshot: &'a Snapshot,
    request: &'a ValuesAggRequest,
    deadline: &'a Deadline,
    order: Order<'a>,
    writer: RowWriter<'a>,
    scores: Vec<Option<Scores>>,
    scored: bool,
    /// Groups answered so far, over all levels.
    groups: std::cell::Cell<usize>,
}

impl<'a> Question<'a> {
    fn level(&self, depth: usize, rows: &RowSet) -> SearchResult<Groups> {
        let Some(level) = self.request.levels.get(depth) else {
            return Err(SearchError::BadRequest("Le paramètre \"field\" est obligatoire".to_owned()));
        };
        let total = rows.count();
        let mut counting = self.count(level, rows, total)?;
        self.fill_gaps(&mut counting)?;
        let total_values = counting.key_of.len() as u64;
        let ordering = self.request.metrics.iter().position(|(_, _, name)| name == "metric");
        let chosen = choose(level, &counting, ordering);
        self.groups.set(self.groups.get() + chosen.len());
        if self.groups.get() > keys::GROUPS_MAX {
            let text =
                format!("\"agg_size\" is too large: there would be more than {} groups", keys::GROUPS_MAX);
            return Err(SearchError::BadRequest(text));
        }
        let shown: u64 = chosen.iter().map(|slot| counting.counts[*slot as usize]).sum();

        let inner = depth + 1 < self.request.levels.len();
        let members = if inner || self.request.size > 0 {
            self.members(&mut counting, &chosen, rows)?
        } else {
            Vec::new()
        };
        let mut members = members.into_iter();
        let mut groups = Vec::with_capacity(chosen.len());
        for &slot in &chosen {
            let at = slot as usize;
            let mut group = Group {
                total: counting.counts[at],
                value: counting.keys.value(counting.key_of[at]),
                centroid: counting.centroid(at),
                metrics: self.metrics_of(&counting, at),
                ..Group::default()
            };
            if let Some(rows) = members.next() {
                let rows = RowSet::Listed(rows);
                if inner {
                    group.inner = Some(self.level(depth + 1, &rows)?);
                } else {
                    group.lines = self.sample(&rows)?;
                }
            }
            groups.push(group);
        }
        Ok(Groups { total, total_values, total_other: total.saturating_sub(shown), groups })
    }

    fn count(&self, level: &GroupBy, rows: &RowSet, total: u64) -> SearchResult<Counting<'a>> {
        let keys = Keys::new(self.snapshot, level)?;
        let measure = |(column, metric, _): &(String, Metric, String)| {
            Measure::new(self.snapshot, *metric, column, &[])
        };
        let measures = self.request.metrics.iter().map(measure).collect::<SearchResult<Vec<_>>>()?;
        let mut counting = Counting::new(keys, measures, total);
        let mut scratch = Vec::new();
        rows.each_chunk(self.deadline, |part, chunk| {
            let points = self.snapshot.parts[part].part.points.as_ref();
            counting.add(part, chunk, points.filter(|_| self.request.places), &mut scratch);
            Ok(())
        })?;
        counting.finish();
        Ok(counting)
    }

    /// Adds the empty intervals between the first and the last.
    fn fill_gaps(&self, counting: &mut Counting<'_>) -> SearchResult<()> {
        let (Some(&first), Some(&last)) = (counting.key_of.iter().min(), counting.key_of.iter().max()) else {
            return Ok(());
        };
        for key in counting.keys.between(first, last)? {
            counting.add_empty(key);
        }
        for measure in &mut counting.measures {
            measure.grow(counting.key_of.len());
        }
        Ok(())
    }

    fn metrics_of(&self, counting: &Counting<'_>, group: usize) -> Map<String, Value> {
        let names = self.request.metrics.iter().map(|(_, _, name)| name.clone());
        names.zip(counting.measures.iter().map(|measure| measure.value(group))).collect()
    }

    /// The rows of each chosen group, part by part.
    fn members(
        &self,
        counting: &mut Counting<'_>,
        chosen: &[u32],
        rows: &RowSet,
    ) -> SearchResult<Vec<Vec<Vec<u32>>>> {
        let mut place = vec![NO_SLOT; counting.key_of.len()];
        for (at, &slot) in chosen.iter().enumerate() {
            place[slot as usize] = at as u32;
        }
        let mut members = vec![vec![Vec::new(); self.snapshot.parts.len()]; chosen.len()];
        let mut slots_of_rows = Vec::new();
        rows.each_chunk(self.deadline, |part, chunk| {
            counting.assign(part, chunk, &mut slots_of_rows);
            for &(row, slot) in &slots_of_rows {
                let at = place[slot as usize];
                if at != NO_SLOT {
                    members[at as usize][part].push(row);
                }
            }
            Ok(())
        })?;
        Ok(members)
    }

    fn sample(&self, rows: &RowSet) -> SearchResult<Vec<Bytes>> {
        let mut first = First::new(&self.order, self.request.size, None);
        rows.each_chunk(self.deadline, |part, chunk| {
            for &row in chunk {
                let score = self.scores[part].as_ref().map_or(0.0, |scores| scores[row as usize]);
                first.add((part as u32, row), score);
            }
            Ok(())
        })?;
        let line = |(row, score)| {
            let mut out = Vec::new();
            self.writer.write(&mut out, row, self.scored.then_some(score));
            Bytes::from(out)
        };
        Ok(first.into_rows().into_iter().map(line).collect())
    }
}

/// The slots of the groups to answer, in order; `ordering` is the metric by which groups may be ordered.
fn choose(level: &GroupBy, counting: &Counting<'_>, ordering: Option<usize>) -> Vec<u32> {
    let measure = ordering.map(|at| &counting.measures[at]);
    let mut slots: Vec<u32> = (0..counting.key_of.len() as u32).collect();
    let default = match measure {
        _ if counting.keys.is_time_interval() => vec![(GroupOrder::Key, false)],
        Some(_) => vec![(GroupOrder::Metric, true), (GroupOrder::Count, true)],
        None => vec![(GroupOrder::Count, true)],
    };
    let orders = if level.order.is_empty() { &default } else { &level.order };
    let ranks: Vec<Option<f64>> = match measure {
        Some(measure) if orders.iter().any(|(order, _)| *order == GroupOrder::Metric) => {
            (0..slots.len()).map(|slot| measure.rank(slot)).collect()
        }
        _ => Vec::new(),
    };
    let compare = |a: &u32, b: &u32| {
        let (a, b) = (*a as usize, *b as usize);
        let by_key = || counting.keys.compare(counting.key_of[a], counting.key_of[b]);
        for (order, descending) in orders {
            let found = match order {
                GroupOrder::Count => counting.counts[a].cmp(&counting.counts[b]),
                GroupOrder::Key => by_key(),
                GroupOrder::Metric if ranks.is_empty() => Ordering::Equal,
                GroupOrder::Metric => match (ranks[a], ranks[b]) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    // Groups without metric come last either way.
                    (None, Some(_)) => return Ordering::Greater,
                    (Some(_), None) => return Ordering::Less,
                    (None, None) => Ordering::Equal,
                },
            };
            if found.is_ne() {
                return if *descending { found.reverse() } else { found };
            }
        }
        by_key()
    };
    if level.size > 0 && level.size < slots.len() {
        slots.select_nth_unstable_by(level.size - 1, compare);
    }
    slots.truncate(level.size);
    slots.sort_unstable_by(compare);
    slots
}

/// One metric over the lines that match, and their number.
pub(crate) fn metric(
    snapshot: &Snapshot,
    query: &Query,
    column: &str,
    metric: Metric,
    percents: &[f64],
    deadline: &Deadline,
) -> SearchResult<(u64, Value)> {
    let mut measure = Measure::new(snapshot, metric, column, percents)?;
    measure.grow(1);
    let selection = Selection::new(snapshot, query, deadline)?;
    let hits = (0..snapshot.parts.len()).map(|part| Ok(selection.hits(part, false)?.rows));
    let hits: Vec<Bits> = hits.collect::<SearchResult<_>>()?;
    if metric == Metric::Cardinality
        && let Some(texts) = measure.texts()
    {
        let lines = hits.iter().map(|rows| rows.count() as u64).sum();
        return Ok((lines, metrics::distinct_texts(texts, &hits, deadline)?.into()));
    }
    let rows = RowSet::Hits(hits);
    let mut in_group: Vec<(u32, u32)> = Vec::new();
    rows.each_chunk(deadline, |part, chunk| {
        in_group.clear();
        in_group.extend(chunk.iter().map(|row| (*row, 0)));
        measure.add(part, &in_group);
        Ok(())
    })?;
    Ok((rows.count(), measure.value(0)))
}

/// The box of the lines that match: of their shapes, else of their points.
pub(crate) fn bbox(
    snapshot: &Snapshot,
    query: &Query,
    deadline: &Deadline,
) -> SearchResult<Option<[f64; 4]>> {
    let selection = Selection::new(snapshot, query, deadline)?;
    let mut extent = Extent::default();
    for (at, live) in snapshot.parts.iter().enumerate() {
        let part = &live.part;
        if part.points.is_none() && part.shapes.is_none() {
            continue;
        }
        for row in selection.hits(at, false)?.rows.iter() {
            if let Some([west, south, east, north]) =
                part.shapes.as_ref().and_then(|shapes| shapes.extent(row))
            {
                extent.add((west, south));
                extent.add((east, north));
            } else if let Some(point) = part.points.as_ref().and_then(|points| points.get(row)) {
                extent.add(point);
            }
        }
    }
    Ok(extent.0)
}
