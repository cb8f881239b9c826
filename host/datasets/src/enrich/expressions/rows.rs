//! Computed columns of rows, a batch at a time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Date32Array, Date32Builder, Float64Array,
    Float64Builder, Int64Array, Int64Builder, StringArray, StringBuilder,
};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_expressions::{Line, Value};
use halle_extensions::host::Enriched;
use halle_ingest::rows::arrow_schema;
use halle_model::{Column, ColumnKind};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::Computed;
use super::lines::text_value;
use crate::enrich::{EnrichError, Enrichment};

/// Rows between two looks at whether to stop.
const ROWS_PER_LOOK: usize = 64;

/// 1970-01-01, from which days are counted.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// An expression on the rows of one job.
pub(super) struct RowExpression {
    computed: Arc<Computed>,
    columns: Arc<Vec<Column>>,
    outputs: Vec<Column>,
    rows_before: u64,
    cancel: CancellationToken,
}

impl RowExpression {
    pub(super) fn new(computed: Computed, columns: &[Column], cancel: CancellationToken) -> Self {
        let outputs = vec![computed.column().clone()];
        let (computed, columns) = (Arc::new(computed), Arc::new(columns.to_vec()));
        Self { computed, columns, outputs, rows_before: 0, cancel }
    }
}

#[async_trait]
impl Enrichment for RowExpression {
    fn outputs(&self) -> &[Column] {
        &self.outputs
    }

    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let (computed, columns) = (Arc::clone(&self.computed), Arc::clone(&self.columns));
        let (cancel, before) = (self.cancel.clone(), self.rows_before);
        self.rows_before += rows.num_rows() as u64;
        // An expression may take its time, on a thread of its own.
        let work = tokio::task::spawn_blocking(move || compute(&computed, &columns, &rows, before, &cancel));
        let array = work.await.map_err(|error| EnrichError::Temporary(error.to_string()))??;
        let columns = RecordBatch::try_new(arrow_schema(&self.outputs), vec![array])
            .map_err(|error| EnrichError::Temporary(error.to_string()))?;
        Ok(Enriched { columns, problems: Vec::new() })
    }
}

fn compute(
    computed: &Computed,
    columns: &[Column],
    rows: &RecordBatch,
    before: u64,
    cancel: &CancellationToken,
) -> Result<ArrayRef, EnrichError> {
    let mut cells: Vec<Option<Cells<'_>>> = Vec::new();
    cells.resize_with(columns.len(), || None);
    for position in computed.reads() {
        cells[position] = Some(Cells::of(&columns[position], rows.column(position).as_ref()));
    }
    let mut row = Row { cells, row: 0 };
    let mut values = Vec::with_capacity(rows.num_rows());
    for index in 0..rows.num_rows() {
        if index % ROWS_PER_LOOK == 0 && cancel.is_cancelled() {
            return Err(EnrichError::Cancelled);
        }
        row.row = index;
        let line = before + index as u64 + 1;
        let value =
            computed.evaluate(&row).map_err(|text| EnrichError::Invalid(format!("{text} (ligne {line})")))?;
        values.push(value);
    }
    Ok(array_of(computed.column().kind(), values))
}

/// One row of a batch.
struct Row<'a> {
    /// The columns that are read.
    cells: Vec<Option<Cells<'a>>>,
    row: usize,
}

impl Line for Row<'_> {
    fn value(&self, column: usize) -> Value {
        let cells = self.cells.get(column).and_then(Option::as_ref);
        cells.map_or(Value::Null, |cells| cells.value(self.row))
    }
}

/// A column of a batch, its type known.
enum Cells<'a> {
    Text(&'a StringArray),
    /// Texts that tell something else: JSON, or several values.
    Told(&'a StringArray, &'a Column),
    Integer(&'a Int64Array),
    Number(&'a Float64Array),
    Boolean(&'a BooleanArray),
    Date(&'a Date32Array),
}

impl<'a> Cells<'a> {
    fn of(column: &'a Column, array: &'a dyn Array) -> Self {
        match column.kind() {
            ColumnKind::Object => Self::Told(array.as_string(), column),
            ColumnKind::Text | ColumnKind::DateTime if column.separator.is_some() => {
                Self::Told(array.as_string(), column)
            }
            ColumnKind::Text | ColumnKind::DateTime => Self::Text(array.as_string()),
            ColumnKind::Integer => Self::Integer(array.as_primitive::<Int64Type>()),
            ColumnKind::Number => Self::Number(array.as_primitive::<Float64Type>()),
            ColumnKind::Boolean => Self::Boolean(array.as_boolean()),
            ColumnKind::Date => Self::Date(array.as_primitive::<Date32Type>()),
        }
    }

    fn value(&self, row: usize) -> Value {
        let is_absent = match self {
            Self::Text(array) | Self::Told(array, _) => array.is_null(row),
            Self::Integer(array) => array.is_null(row),
            Self::Number(array) => array.is_null(row),
            Self::Boolean(array) => array.is_null(row),
            Self::Date(array) => array.is_null(row),
        };
        if is_absent {
            return Value::Null;
        }
        match self {
            Self::Text(array) => Value::text(array.value(row)),
            Self::Told(array, column) => text_value(column, array.value(row)),
            Self::Integer(array) => Value::Number(array.value(row) as f64),
            Self::Number(array) => Value::Number(array.value(row)),
            Self::Boolean(array) => Value::Boolean(array.value(row)),
            Self::Date(array) => match EPOCH.checked_add(i64::from(array.value(row)).days()) {
                Ok(day) => Value::text(&day.to_string()),
                Err(_) => Value::Null,
            },
        }
    }
}

/// Values that were cast, as a column.
fn array_of(kind: ColumnKind, values: Vec<Option<Json>>) -> ArrayRef {
    let values = values.into_iter();
    match kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            let mut texts = StringBuilder::new();
            for value in values {
                match value {
                    Some(Json::String(text)) => texts.append_value(text),
                    Some(other) => texts.append_value(other.to_string()),
                    None => texts.append_null(),
                }
            }
            Arc::new(texts.finish())
        }
        ColumnKind::Integer => {
            let mut numbers = Int64Builder::new();
            values.for_each(|value| numbers.append_option(value.and_then(|value| value.as_i64())));
            Arc::new(numbers.finish())
        }
        ColumnKind::Number => {
            let mut numbers = Float64Builder::new();
            values.for_each(|value| numbers.append_option(value.and_then(|value| value.as_f64())));
            Arc::new(numbers.finish())
        }
        ColumnKind::Boolean => {
            let mut truths = BooleanBuilder::new();
            values.for_each(|value| truths.append_option(value.and_then(|value| value.as_bool())));
            Arc::new(truths.finish())
        }
        ColumnKind::Date => {
            let mut days = Date32Builder::new();
            for value in values {
                let day = value.as_ref().and_then(Json::as_str).and_then(|text| text.parse::<Date>().ok());
                days.append_option(day.and_then(|day| day.since(EPOCH).ok()).map(|span| span.get_days()));
            }
            Arc::new(days.finish())
        }
    }
}
