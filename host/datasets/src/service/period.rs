//! `timePeriod` of a dataset: from the first of its dates to the last (reference §3.2).

use halle_base::Timestamp;
use halle_model::{Column, ColumnKind, Dataset, concept};
use halle_search::ast::Metric;
use halle_search::{Index, Query};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::error::DatasetsResult;
use crate::views::millis;

/// Attribute of the dataset that holds it.
const ATTRIBUTE: &str = "timePeriod";

/// From the first to the last date of the lines of an index: of its columns of beginnings and ends, else of its column of
/// dates. `None` when it has neither, or no line has a date.
pub(crate) async fn of(schema: &[Column], index: &dyn Index) -> DatasetsResult<Option<Value>> {
    let date = dated(schema, "date");
    let Some(start) = dated(schema, "startDate").or(date) else { return Ok(None) };
    let Some(end) = dated(schema, "endDate").or(date) else { return Ok(None) };
    let (_, first) = index.metric(Query::All, &start.key, Metric::Min, &[]).await?;
    let (_, last) = index.metric(Query::All, &end.key, Metric::Max, &[]).await?;
    Ok(instant(&first)
        .zip(instant(&last))
        .map(|(first, last)| json!({ "startDate": millis(first), "endDate": millis(last) })))
}

/// Writes what [`of`] found into the description.
pub(crate) fn set(dataset: &mut Dataset, period: Option<Value>) {
    match period {
        Some(period) => drop(dataset.description.insert(ATTRIBUTE.to_owned(), period)),
        None => drop(dataset.description.shift_remove(ATTRIBUTE)),
    }
}

fn dated<'a>(schema: &'a [Column], id: &str) -> Option<&'a Column> {
    let concept = concept::by_id(id)?;
    let holds =
        |column: &&Column| column.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri));
    let column = schema.iter().find(holds)?;
    matches!(column.kind(), ColumnKind::Date | ColumnKind::DateTime).then_some(column)
}

/// The instant that a metric of dates tells: days begin at midnight UTC.
pub(crate) fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?;
    let day = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse::<Timestamp>().ok().or_else(day)
}
