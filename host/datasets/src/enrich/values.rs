//! Batches as values by column, and back: for enrichments that work row by row.

use arrow::record_batch::RecordBatch;
use halle_model::Column;
use halle_store::LineRecord;
use serde_json::{Map, Value};

use super::EnrichError;
use crate::service::write::batch;

/// The values that a row has, by key of column; empty cells are left out. The batch holds `columns`, in order.
pub fn row_values(columns: &[Column], rows: &RecordBatch, row: usize) -> Map<String, Value> {
    let values = columns.iter().zip(rows.columns()).filter_map(|(column, array)| {
        Some((column.key.clone(), batch::value(column.kind(), array.as_ref(), row)?))
    });
    values.collect()
}

/// A batch of `columns`, a row for each of these.
pub fn rows_of(columns: &[Column], rows: Vec<Map<String, Value>>) -> Result<RecordBatch, EnrichError> {
    let line = |body| LineRecord { id: String::new(), i: 0, body, deleted: false };
    let lines: Vec<LineRecord> = rows.into_iter().map(line).collect();
    batch::all(columns, &lines).map_err(|error| EnrichError::Temporary(error.to_string()))
}
