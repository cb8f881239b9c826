//! A page of an order that is kept: rows are walked from where the page begins, instead of looking at each of them.

use halle_search::engine::{LinesRequest, SearchResult};

use super::Found;
use crate::bits::Bits;
use crate::order::{First, Order};
use crate::part::sorts::Sorted;
use crate::select::Selection;
use crate::select::plan::Plan;

/// The page; `None` when looking at every match is the better way, or the only one.
pub(super) fn page(
    selection: &Selection<'_>,
    request: &LinesRequest,
    order: &Order<'_>,
    after: Option<&Vec<u64>>,
) -> SearchResult<Option<Found>> {
    if selection.plan.scores() || request.size == 0 {
        return Ok(None);
    }
    let Some(parts) = order.sorted_parts() else { return Ok(None) };
    let skip = if after.is_some() { 0 } else { request.skip };
    let live = &selection.snapshot.parts;
    let walk = Walk { order, parts };
    if selection.plan == Plan::All && live.iter().all(|live| live.deleted.is_none()) {
        let (from, before) = if after.is_some() { (0, 0) } else { walk.boundary(skip) };
        let skip = skip - before;
        let mut first = First::new(order, skip.saturating_add(request.size), after.cloned());
        for part in 0..live.len() {
            selection.deadline.check()?;
            walk.part(part, None, from, &mut first);
        }
        return Ok(Some(taken(first, skip, request, selection.snapshot.rows())));
    }
    let hits = (0..live.len()).map(|part| Ok(selection.hits(part, false)?.rows));
    let hits = hits.collect::<SearchResult<Vec<Bits>>>()?;
    let total: u64 = hits.iter().map(|rows| rows.count() as u64).sum();
    let wanted = skip.saturating_add(request.size);
    // A match is met every `rows / total` steps, in each part anew.
    let rows: u64 = live.iter().map(|live| live.part.rows as u64).sum();
    let steps = (wanted as u64).saturating_mul(live.len() as u64).saturating_mul(rows / total.max(1) + 1);
    let mut first = First::new(order, wanted, after.cloned());
    for (part, rows) in hits.into_iter().enumerate() {
        selection.deadline.check()?;
        if steps < total {
            walk.part(part, Some(&rows), 0, &mut first);
        } else {
            first.add_part(part, &crate::select::Hits { rows, scores: None });
        }
    }
    Ok(Some(taken(first, skip, request, total)))
}

fn taken(first: First<'_>, skip: usize, request: &LinesRequest, total: u64) -> Found {
    let rows = first.into_rows().into_iter().skip(skip).take(request.size).collect();
    (rows, request.count.then_some(total))
}

struct Walk<'a> {
    order: &'a Order<'a>,
    parts: Vec<std::sync::Arc<Sorted>>,
}

impl Walk<'_> {
    fn rank(&self, part: usize, row: usize) -> u64 {
        self.order.first_rank((part as u32, row as u32))
    }

    /// The place in a part of its first row whose rank is not below `rank`.
    fn place(&self, part: usize, rank: u64) -> usize {
        let descending = self.order.is_descending();
        self.parts[part].partition(descending, |row| self.rank(part, row) < rank)
    }

    /// The rank of the row that comes after `skip` others, and how many rows come before all of that rank.
    fn boundary(&self, skip: usize) -> (u64, usize) {
        let below = |rank| (0..self.parts.len()).map(|part| self.place(part, rank)).sum::<usize>();
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = high - (high - low) / 2;
            if below(middle) <= skip {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        (low, below(low))
    }

    /// Offers the rows of a part that may be among the first, from the rank `from` on.
    fn part(&self, part: usize, rows: Option<&Bits>, from: u64, first: &mut First<'_>) {
        let (wanted, after) = first.wants();
        let descending = self.order.is_descending();
        let sorted = &self.parts[part];
        let (mut counted, mut last) = (0, None);
        for place in self.place(part, from.max(after.unwrap_or(0)))..sorted.len() {
            let row = sorted.row(place, descending);
            let rank = self.rank(part, row);
            // Rows of one rank are told apart by other keys: all of them or none.
            if counted >= wanted && last != Some(rank) {
                break;
            }
            last = Some(rank);
            if rows.is_some_and(|rows| !rows.get(row)) {
                continue;
            }
            // Of the rows of the cursor's own rank, some come before it.
            counted += usize::from(after != Some(rank));
            first.offer(rank, (part as u32, row as u32), 0.0);
        }
    }
}
