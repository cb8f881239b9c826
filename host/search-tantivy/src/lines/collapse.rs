//! Pages of which each line is the best of its value.

use std::collections::hash_map::Entry;

use halle_search::SearchError;
use halle_search::ast::{GroupBy, Interval};
use halle_search::engine::{LinesRequest, SearchResult};

use crate::agg::keys::Keys;
use crate::hash::FastMap;
use crate::order::{Candidate, Order, RowAt};
use crate::select::Selection;
use crate::snapshot::Field;

/// A page of collapsed lines.
pub(super) struct Collapsed {
    pub(super) rows: Vec<(RowAt, f32)>,
    /// Lines that match, before they were collapsed.
    pub(super) lines: u64,
    /// Distinct values among them.
    pub(super) values: u64,
}

/// Keeps the first line of each value of `column`, then cuts the page. Holds one row per value.
///
/// # Errors
///
/// `BadRequest` in the words of Data Fair for a column that does not exist.
pub(super) fn page(
    selection: &Selection<'_>,
    request: &LinesRequest,
    order: &Order<'_>,
    column: &str,
    after: Option<Vec<u64>>,
) -> SearchResult<Collapsed> {
    let snapshot = selection.snapshot;
    let Some(Field::Column(index)) = snapshot.field(column) else {
        let text = format!(
            "Impossible de dédoublonner sur le champ {column}, il n'existe pas dans le jeu de données."
        );
        return Err(SearchError::BadRequest(text));
    };
    let level = GroupBy {
        column: column.to_owned(),
        interval: Interval::Value,
        size: 1,
        order: Vec::new(),
        missing: None,
    };
    let keys = Keys::new(snapshot, &level)?;
    let mut best: FastMap<i64, Candidate> = FastMap::default();
    let mut nameless: Option<Candidate> = None;
    let mut lines = 0;
    let scored = order.needs_scores() || request.fields.score;
    for (part, live) in snapshot.parts.iter().enumerate() {
        let hits = selection.hits(part, scored)?;
        let stored = &live.part.columns[index];
        let score = |row: u32| hits.scores.as_ref().map_or(0.0, |scores| scores[row as usize]);
        let rows: Vec<u32> = hits.rows.iter().map(|row| row as u32).collect();
        lines += rows.len() as u64;
        for &row in rows.iter().filter(|row| !stored.has(**row as usize)) {
            let found = order.before(nameless.as_ref(), (part as u32, row), score(row));
            nameless = found.or(nameless);
        }
        keys.each_key(part, &rows, |row, key| match best.entry(key) {
            Entry::Vacant(entry) => {
                if let Some(found) = order.before(None, (part as u32, row), score(row)) {
                    entry.insert(found);
                }
            }
            Entry::Occupied(mut entry) => {
                if let Some(found) = order.before(Some(entry.get()), (part as u32, row), score(row)) {
                    entry.insert(found);
                }
            }
        });
    }
    let values = best.len() as u64;
    let mut found: Vec<Candidate> = best.into_values().chain(nameless).collect();
    if let Some(after) = &after {
        found.retain(|candidate| candidate.is_after(after));
    }
    found.sort_unstable();
    let skip = if after.is_some() { 0 } else { request.skip };
    let rows = found.iter().skip(skip).take(request.size).map(Candidate::row).collect();
    Ok(Collapsed { rows, lines, values })
}
