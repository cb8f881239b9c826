//! Pages of lines, one line, and streams of all lines.

mod collapse;
pub(crate) mod gather;
mod highlight;
mod late;
pub(crate) mod render;
pub(crate) mod scan;
pub(crate) mod shapes;
mod walk;

use bytes::Bytes;
use halle_search::ast::Operand;
use halle_search::engine::{LineFields, LinesPage, LinesRequest, SearchResult};
use halle_search::{Query, SearchError};

use self::highlight::Highlighter;
use self::render::RowWriter;
use crate::deadline::Deadline;
use crate::order::{First, Order, RowAt};
use crate::select::Selection;
use crate::select::plan::Plan;
use crate::snapshot::Snapshot;

/// A page of the lines that match.
pub(crate) fn page(
    snapshot: &Snapshot,
    request: &LinesRequest,
    deadline: &Deadline,
) -> SearchResult<LinesPage> {
    let selection = Selection::new(snapshot, &request.query, deadline)?;
    let order = Order::new(snapshot, &request.sort, &selection.plan)?;
    let after = request.after.as_ref().map(|cursor| order.ranks_of(cursor)).transpose()?;
    let place = order.place().or_else(|| selection.plan.place());
    let writer = RowWriter::new(snapshot, &request.select, request.fields, place)?;
    let scored = selection.plan.scores();

    let mut highlighter = Highlighter::new(snapshot, &selection.plan, &request.highlight)?;
    let mut total_collapse = None;
    let (rows, total) = match &request.collapse {
        Some(column) => {
            let found = collapse::page(&selection, request, &order, column, after)?;
            total_collapse = request.count.then_some(found.values);
            (found.rows, request.count.then_some(found.lines))
        }
        None if order.is_stored_order() => stored(&selection, request, scored)?,
        None => match walk::page(&selection, request, &order, after.as_ref())? {
            Some(found) => found,
            None => match late::page(&selection, request, &order, after.as_ref())? {
                Some(found) => found,
                None => sorted(&selection, request, &order, after)?,
            },
        },
    };

    let mut out = Vec::new();
    let mut ends = Vec::with_capacity(rows.len());
    for &(row, score) in &rows {
        writer.write(&mut out, row, scored.then_some(score));
        if let Some(highlighter) = &mut highlighter {
            deadline.check()?;
            highlighter.append(&mut out, row);
        }
        ends.push(out.len());
    }
    let out = Bytes::from(out);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let lines = starts.zip(&ends).map(|(start, end)| out.slice(start..*end)).collect();
    let full = rows.len() == request.size;
    let next = rows.last().filter(|_| full).map(|&(row, score)| order.cursor(row, score));
    Ok(LinesPage { total, total_collapse, lines, next })
}

type Found = (Vec<(RowAt, f32)>, Option<u64>);

/// Rows in the order they are stored: nothing to compare, so parts before the page are only counted.
fn stored(selection: &Selection<'_>, request: &LinesRequest, scored: bool) -> SearchResult<Found> {
    let after = request.after.as_ref().and_then(|cursor| match &cursor[..] {
        [line] => line.as_i64().or_else(|| line.as_str()?.parse().ok()),
        _ => None,
    });
    let mut skip = if request.after.is_some() { 0 } else { request.skip };
    let mut rows = Vec::new();
    let mut total = 0;
    for (at, live) in selection.snapshot.parts.iter().enumerate() {
        let lacking = request.size - rows.len();
        if lacking == 0 && (!request.count || selection.plan == Plan::All) {
            break;
        }
        let hits = selection.hits(at, scored && request.fields.score)?;
        let count = hits.rows.count();
        total += count as u64;
        let start = after.map_or(0, |line| {
            let before = line.saturating_sub(live.part.first_line.cast_signed()).saturating_add(1);
            usize::try_from(before).unwrap_or(0).min(live.part.rows)
        });
        if after.is_none() && skip >= count {
            skip -= count;
            continue;
        }
        let score = |row: usize| hits.scores.as_ref().map_or(0.0, |scores| scores[row]);
        let page = hits.rows.iter_from(start).skip(skip).take(lacking);
        rows.extend(page.map(|row| ((at as u32, row as u32), score(row))));
        skip = 0;
    }
    if selection.plan == Plan::All {
        total = selection.snapshot.rows();
    }
    Ok((rows, request.count.then_some(total)))
}

fn sorted(
    selection: &Selection<'_>,
    request: &LinesRequest,
    order: &Order<'_>,
    after: Option<Vec<u64>>,
) -> SearchResult<Found> {
    let skip = if after.is_some() { 0 } else { request.skip };
    let mut first = First::new(order, skip.saturating_add(request.size), after);
    let scored = order.needs_scores() || request.fields.score;
    let mut total = 0;
    for at in 0..selection.snapshot.parts.len() {
        let hits = selection.hits(at, scored)?;
        total += hits.rows.count() as u64;
        if request.size == 0 {
            continue;
        }
        first.add_part(at, &hits);
    }
    let rows = first.into_rows().into_iter().skip(skip).take(request.size).collect();
    Ok((rows, request.count.then_some(total)))
}

/// The question for the line of this identifier.
pub(crate) fn with_id(id: &str) -> Query {
    Query::In { column: "_id".to_owned(), values: vec![Operand::Text(id.to_owned())] }
}

/// The line of this identifier.
pub(crate) fn line(snapshot: &Snapshot, id: &str, deadline: &Deadline) -> SearchResult<Option<Bytes>> {
    let Some(row) = find(snapshot, &with_id(id), deadline)? else { return Ok(None) };
    let mut select: Vec<String> = snapshot.spec.columns.iter().map(|column| column.key.clone()).collect();
    if snapshot.parts.iter().any(|live| live.part.points.is_some()) {
        select.push("_geopoint".to_owned());
    }
    let fields = LineFields { id: true, line: true, random: true, ..LineFields::default() };
    let mut out = Vec::new();
    RowWriter::new(snapshot, &select, fields, None)?.write(&mut out, row, None);
    Ok(Some(out.into()))
}

fn find(snapshot: &Snapshot, query: &Query, deadline: &Deadline) -> SearchResult<Option<RowAt>> {
    let selection = Selection::new(snapshot, query, deadline)?;
    for at in 0..snapshot.parts.len() {
        if let Some(row) = selection.hits(at, false)?.rows.iter().next() {
            return Ok(Some((at as u32, u32::try_from(row).map_err(SearchError::engine)?)));
        }
    }
    Ok(None)
}
