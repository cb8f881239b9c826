//! `date_match`: lines whose date, or whose period, meets a date or a period.

use halle_model::concept;
use halle_model::{Column, ColumnKind};

use super::bad;
use super::fields::Fields;
use super::operand::{self, Compare};
use super::raw::Params;
use crate::ast::{Bound, Query};
use crate::engine::SearchResult;

/// The condition of `date_match` or its concept form; `None` when there is none, or when only the concept form is given
/// and the dataset has no dates.
pub(super) fn condition(params: &Params, fields: &Fields<'_>) -> SearchResult<Option<Query>> {
    let plain = params.get("date_match");
    let Some(text) = plain.or_else(|| params.get("_c_date_match")) else { return Ok(None) };
    let (from, to) = match text.split_once(',') {
        Some((from, to)) => (from.trim(), to.trim()),
        None => (text.trim(), text.trim()),
    };
    if let Some(date) = dated(fields, "date") {
        return between(date, from, to).map(Some);
    }
    match (dated(fields, "startDate"), dated(fields, "endDate")) {
        (Some(start), Some(end)) => {
            let starts = between(start, "", to)?;
            let ends = between(end, from, "")?;
            Ok(Some(Query::And(vec![starts, ends])))
        }
        _ if plain.is_some() => Err(bad("\"date_match\" ne peut pas être utilisé sur ce jeu de données.")),
        _ => Ok(None),
    }
}

fn dated<'a>(fields: &Fields<'a>, id: &str) -> Option<&'a Column> {
    let column = fields.concept(concept::by_id(id)?)?;
    matches!(column.kind(), ColumnKind::Date | ColumnKind::DateTime).then_some(column)
}

/// The column is from `from` to `to`, both included; an empty side is open.
fn between(column: &Column, from: &str, to: &str) -> SearchResult<Query> {
    let bound = |text: &str, compare| match text {
        "" => Ok(Bound::None),
        text => operand::bound(column, compare, text, "date_match"),
    };
    Ok(Query::Range {
        column: column.key.clone(),
        lower: bound(from, Compare::GreaterOrEqual)?,
        upper: bound(to, Compare::LessOrEqual)?,
    })
}
