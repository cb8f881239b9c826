//! Questions that are answered where they are asked: handing them to another thread would take longer than the answer.

use halle_search::Query;
use halle_search::ast::Operand;
use halle_search::engine::LinesRequest;

use crate::part::Part;
use crate::part::column::Values;
use crate::select::operand_text;
use crate::snapshot::{Field, Snapshot};

/// Rows of which a quick question looks at the values, over all parts.
const ROWS_MAX: usize = 1_000;

/// Lines that a quick question writes.
const LINES_MAX: usize = 100;

/// Parts of an index that quick questions are asked of.
const PARTS_MAX: usize = 32;

/// Values of a filter that are looked up.
const VALUES_MAX: usize = 16;

/// Whether a page is a handful of lines that are found by a value, without reading a column from one end to the other.
pub(crate) fn is_quick_page(snapshot: &Snapshot, request: &LinesRequest) -> bool {
    request.size <= LINES_MAX
        && request.highlight.is_empty()
        && request.collapse.is_none()
        && is_quick(snapshot, &request.query)
}

/// Whether few rows can match, and are found by a value.
pub(crate) fn is_quick(snapshot: &Snapshot, query: &Query) -> bool {
    if snapshot.parts.len() > PARTS_MAX {
        return false;
    }
    match query {
        Query::And(parts) => parts.iter().all(is_filter) && parts.iter().any(|part| few_rows(snapshot, part)),
        other => few_rows(snapshot, other),
    }
}

/// Whether it is asked of each row that others left.
fn is_filter(query: &Query) -> bool {
    matches!(query, Query::All | Query::In { .. } | Query::Range { .. } | Query::Exists { .. })
}

fn few_rows(snapshot: &Snapshot, query: &Query) -> bool {
    let Query::In { column, values } = query else { return false };
    let Some(field) = snapshot.field(column).filter(|_| values.len() <= VALUES_MAX) else { return false };
    let mut rows = 0;
    snapshot.parts.iter().all(|live| {
        let found = match field {
            Field::Column(index) if snapshot.spec.columns[index].separator.is_none() => {
                values.iter().map(|value| rows_with(&live.part, index, value)).sum()
            }
            // One row for each, found by its number or in a dictionary of identifiers.
            Field::Id if live.part.ids.is_some() || live.part.rows_of_lines(0, 0).is_some() => {
                Some(values.len())
            }
            _ => None,
        };
        rows += found.unwrap_or(ROWS_MAX + 1);
        rows <= ROWS_MAX
    })
}

/// How many rows of a part have the text; `None` when that is not known without reading the column.
fn rows_with(part: &Part, column: usize, value: &Operand) -> Option<usize> {
    let Values::Text(texts) = &part.columns[column].values else { return None };
    match texts.find(&operand_text(value)) {
        (code, true) => texts.rows_of(code..code + 1).map(<[u32]>::len),
        (_, false) => Some(0),
    }
}
