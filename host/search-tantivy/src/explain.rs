//! How a question is answered, told instead of answered.

use halle_search::engine::{Explanation, PartLines, SearchResult, Step, ValuesAggRequest};

use crate::deadline::Deadline;
use crate::select::Selection;
use crate::select::plan::Plan;
use crate::snapshot::{Field, Snapshot};

/// How the groups that are asked are found.
///
/// # Errors
///
/// As for the groups themselves.
pub(crate) fn explain(
    snapshot: &Snapshot,
    request: &ValuesAggRequest,
    deadline: &Deadline,
) -> SearchResult<Explanation> {
    let selection = Selection::new(snapshot, &request.query, deadline)?;
    let mut lines = Vec::new();
    steps(snapshot, &selection.plan, &mut lines);
    let mut parts = Vec::with_capacity(snapshot.parts.len());
    for (at, live) in snapshot.parts.iter().enumerate() {
        let deleted = live.part.rows - live.rows();
        let matched = selection.hits(at, false)?.rows.count();
        parts.push(PartLines {
            rows: live.part.rows as u64,
            deleted: deleted as u64,
            matched: matched as u64,
        });
    }
    let groups = request.levels.iter().map(|level| level.column.clone()).collect();
    let mut metrics: Vec<String> = request.metrics.iter().map(|(column, ..)| column.clone()).collect();
    metrics.dedup();
    Ok(Explanation { lines, groups, metrics, parts })
}

/// What is read for a plan, in this order.
fn steps(snapshot: &Snapshot, plan: &Plan, found: &mut Vec<Step>) {
    let column = |index: usize| snapshot.spec.columns[index].key.clone();
    let mut add = |read, column| found.push(Step { read, column });
    match plan {
        Plan::All => add("all", None),
        Plan::Nothing | Plan::Neutral => add("none", None),
        Plan::Text(field, _) => add("words", Some(column(field.column))),
        Plan::Column(field, _) => add("values", Some(name_of(snapshot, *field))),
        Plan::Box(_) | Plan::Near { .. } => add("places", None),
        Plan::Not(part) | Plan::Constant(part) | Plan::Unscored(part) => steps(snapshot, part, found),
        Plan::Or(parts) => parts.iter().for_each(|part| steps(snapshot, part, found)),
        Plan::And(parts) => {
            // As they are evaluated: what leaves few lines first, then what is asked of each of these.
            let (filters, others): (Vec<&Plan>, Vec<&Plan>) = parts.iter().partition(|part| part.is_filter());
            others.into_iter().chain(filters).for_each(|part| steps(snapshot, part, found));
        }
    }
}

fn name_of(snapshot: &Snapshot, field: Field) -> String {
    match field {
        Field::Column(index) => snapshot.spec.columns[index].key.clone(),
        Field::Id => "_id".to_owned(),
        Field::Line => "_i".to_owned(),
        Field::Random => "_rand".to_owned(),
        Field::Point => "_geopoint".to_owned(),
    }
}
