//! What the extensions of a dataset would add to a line.

use std::time::Duration;

use arrow::record_batch::RecordBatch;
use halle_model::{Caller, Column};
use halle_store::LineRecord;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::enrich::EnrichError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::extend::joined;
use crate::service::columns;
use crate::service::write::{batch, check};
use crate::state::Datasets;

impl Datasets {
    /// The line with the values that the active extensions compute for it; nothing is kept. Computed values and those of
    /// the platform (`_id`, `_i`...) in the line are ignored. 400 when the line does not obey the schema, or an extension
    /// that is mandatory cannot treat it. With `arrays`, columns of several values are arrays.
    pub async fn simulate_extension(
        &self,
        caller: &Caller,
        id: &str,
        mut line: Map<String, Value>,
        arrays: bool,
    ) -> DatasetsResult<Map<String, Value>> {
        let dataset = self.load(caller, id, "simulateExtension").await?.entity;
        let known = dataset.building.as_ref().map(|building| &building.schema);
        let known = known.filter(|schema| !schema.is_empty()).unwrap_or(&dataset.schema);
        let mut all = columns::of_the_file(known);
        let is_filled =
            |key: &str| known.iter().any(|column| column.key == key && column.extension.is_some());
        line.retain(|key, _| !key.starts_with('_') && !is_filled(key));
        // A line that is not written may lack what is required.
        let free: Vec<Column> = all.iter().map(without_rules).collect();
        let body = check::line(&free, line).map_err(DatasetsError::BadRequest)?;
        let record = LineRecord { id: String::new(), i: 0, body: body.clone(), deleted: false };
        let rows = batch::of(&all, &[&record])?;
        let mut rows = rows.ok_or_else(|| DatasetsError::internal("a line that is there makes a row"))?;
        for extension in dataset.extensions.iter().filter(|extension| extension.active) {
            let cancel = CancellationToken::new();
            let opened = self.open_enrichment(&dataset, extension, &all, (cancel, Duration::ZERO)).await;
            let mut enrichment = opened.map_err(refused)?;
            let enriched = enrichment.run(rows.clone()).await.map_err(refused)?;
            // Others tell it in their column of errors.
            if let Some((_, problem)) = enriched.problems.first().filter(|_| extension.mandatory) {
                return Err(DatasetsError::bad_request(problem.message.clone()));
            }
            let outputs = enrichment.outputs();
            rows = joined(&rows, &enriched.columns, outputs).map_err(DatasetsError::internal)?;
            all.extend(outputs.iter().cloned());
        }
        Ok(completed(body, &all, &rows, arrays))
    }
}

fn refused(error: EnrichError) -> DatasetsError {
    match error {
        EnrichError::Invalid(message) | EnrichError::Temporary(message) => DatasetsError::BadRequest(message),
        EnrichError::OverQuota { message, .. } => DatasetsError::over_quota(message),
        EnrichError::Cancelled => DatasetsError::internal(error),
    }
}

fn without_rules(column: &Column) -> Column {
    Column { other: Map::new(), ..column.clone() }
}

/// The line with the values of extensions.
fn completed(
    mut line: Map<String, Value>,
    columns: &[Column],
    rows: &RecordBatch,
    arrays: bool,
) -> Map<String, Value> {
    for (column, array) in columns.iter().zip(rows.columns()) {
        if column.extension.is_some()
            && let Some(value) = batch::value(column.kind(), array.as_ref(), 0)
        {
            line.insert(column.key.clone(), value);
        }
    }
    for column in columns.iter().filter(|_| arrays) {
        let separator = column.separator.as_deref().filter(|separator| !separator.is_empty());
        if let (Some(separator), Some(value)) = (separator, line.get_mut(&column.key))
            && let Some(text) = value.as_str()
        {
            *value = text.split(separator).map(|part| Value::from(part.trim())).collect();
        }
    }
    line
}
