//! A page of words in an order of values: what a row scores tells those of equal values apart, so that few rows need it.

use halle_search::engine::{LinesRequest, SearchResult};

use super::Found;
use crate::order::{First, Leading, Order};
use crate::select::Selection;

/// The page; `None` when scores decide more than that, or cost as much for few rows as for all.
pub(super) fn page(
    selection: &Selection<'_>,
    request: &LinesRequest,
    order: &Order<'_>,
    after: Option<&Vec<u64>>,
) -> SearchResult<Option<Found>> {
    let plan = &selection.plan;
    if order.is_by_score() || request.size == 0 || !plan.scores() || !plan.scores_by_words() {
        return Ok(None);
    }
    let skip = if after.is_some() { 0 } else { request.skip };
    let wanted = skip.saturating_add(request.size);
    let mut leading = Leading::new(wanted, after.and_then(|ranks| ranks.first().copied()));
    let mut total = 0;
    for part in 0..selection.snapshot.parts.len() {
        let hits = selection.hits(part, false)?;
        total += hits.rows.count() as u64;
        leading.add_part(order, part, &hits);
    }
    let Some(mut rows) = leading.into_rows() else { return Ok(None) };
    rows.sort_unstable_by_key(|(_, row)| *row);
    let mut first = First::new(order, wanted, after.cloned());
    for rows in rows.chunk_by(|(_, (a, _)), (_, (b, _))| a == b) {
        let part = rows[0].1.0 as usize;
        let places: Vec<u32> = rows.iter().map(|(_, (_, row))| *row).collect();
        let scores = selection.scores_of(part, &places)?;
        rows.iter().zip(scores).for_each(|((rank, row), score)| first.offer(*rank, *row, score));
    }
    let rows = first.into_rows().into_iter().skip(skip).take(request.size).collect();
    Ok(Some((rows, request.count.then_some(total))))
}
