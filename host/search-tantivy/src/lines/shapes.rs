//! Lines with their places, for maps.

use arrow::array::{BinaryArray, BinaryBuilder};
use halle_base::limits::BATCH_ROWS_MAX;
use halle_geo::compact;
use halle_geo::grid::project;
use halle_search::Query;
use halle_search::engine::{SearchResult, ShapesPage, ShapesRequest};

use super::gather;
use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::order::{First, Order, RowAt};
use crate::select::{Hits, Selection};
use crate::snapshot::{Field, Snapshot};

/// The first of the lines that match, in the order asked; all of them in no order when they are few enough.
pub(crate) fn page(
    snapshot: &Snapshot,
    request: &ShapesRequest,
    deadline: &Deadline,
) -> SearchResult<ShapesPage> {
    let field = |name: &String| Ok((name.clone(), snapshot.selected(name)?));
    let fields: Vec<(String, Field)> = request.select.iter().map(field).collect::<SearchResult<_>>()?;
    let selection = Selection::new(snapshot, &request.query, deadline)?;
    let order = Order::new(snapshot, &request.sort, &selection.plan)?;
    let hits: Vec<Hits> = (0..snapshot.parts.len())
        .map(|part| selection.hits(part, order.needs_scores()))
        .collect::<SearchResult<_>>()?;
    let total: usize = hits.iter().map(|hits| hits.rows.count()).sum();
    let mut rows: Vec<RowAt> = Vec::with_capacity(total.min(request.limit));
    if total <= request.limit {
        for (part, hits) in hits.iter().enumerate() {
            hits.rows.each(|row| rows.push((part as u32, row as u32)));
        }
    } else {
        let mut first = First::new(&order, request.limit, None);
        hits.iter().enumerate().for_each(|(part, hits)| first.add_part(part, hits));
        rows.extend(first.into_rows().into_iter().map(|(row, _)| row));
        // Rows that stand together are read together.
        rows.sort_unstable();
    }
    let mut batches = Vec::with_capacity(rows.len().div_ceil(BATCH_ROWS_MAX));
    for chunk in rows.chunks(BATCH_ROWS_MAX) {
        deadline.check()?;
        batches.push((gather::batch(snapshot, &fields, chunk)?, places(snapshot, chunk, request.zoom)));
    }
    Ok(ShapesPage { total: total as u64, batches })
}

fn places(snapshot: &Snapshot, rows: &[RowAt], zoom: u8) -> BinaryArray {
    let mut builder = BinaryBuilder::with_capacity(rows.len(), rows.len() * 16);
    let mut point = Vec::with_capacity(16);
    for &(part, row) in rows {
        let part = &snapshot.parts[part as usize].part;
        if let Some(bytes) = part.shapes.as_ref().and_then(|shapes| shapes.compact(row as usize, zoom)) {
            builder.append_value(bytes);
            continue;
        }
        match part.points.as_ref().and_then(|points| points.get(row as usize)) {
            Some((lon, lat)) => {
                point.clear();
                compact::encode_point(project([lon, lat]), &mut point);
                builder.append_value(&point);
            }
            None => builder.append_null(),
        }
    }
    builder.finish()
}

/// How many lines match in each box.
pub(crate) fn counts(
    snapshot: &Snapshot,
    query: &Query,
    areas: &[[f64; 4]],
    deadline: &Deadline,
) -> SearchResult<Vec<u64>> {
    let selection = Selection::new(snapshot, query, deadline)?;
    let hits = (0..snapshot.parts.len()).map(|part| Ok(selection.hits(part, false)?.rows));
    let hits: Vec<Bits> = hits.collect::<SearchResult<_>>()?;
    let count = |area: &[f64; 4]| {
        let inside = Selection::new(snapshot, &Query::Box(*area), deadline)?;
        let mut count = 0;
        for (part, hits) in hits.iter().enumerate() {
            let mut rows = inside.hits(part, false)?.rows;
            rows.and(hits);
            count += rows.count() as u64;
        }
        Ok(count)
    };
    areas.iter().map(count).collect()
}
