//! Edited lines as columns for the index.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, StringBuilder,
};
use arrow::datatypes::{Date32Type, Field, Float64Type, Int64Type, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_model::{Column, ColumnKind};
use halle_store::LineRecord;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use crate::error::{DatasetsError, DatasetsResult};

/// 1970-01-01, from which days are counted.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// The lines that are not deleted, under the columns of the index; `None` when all are deleted.
pub(crate) fn of(columns: &[Column], lines: &[&LineRecord]) -> DatasetsResult<Option<RecordBatch>> {
    let alive: Vec<&LineRecord> = lines.iter().copied().filter(|line| !line.deleted).collect();
    if alive.is_empty() { Ok(None) } else { table(columns, &alive).map(Some) }
}

/// All lines, whether there are any or not.
pub(crate) fn all(columns: &[Column], lines: &[LineRecord]) -> DatasetsResult<RecordBatch> {
    table(columns, &lines.iter().collect::<Vec<_>>())
}

fn table(columns: &[Column], lines: &[&LineRecord]) -> DatasetsResult<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for column in columns {
        let array = array(column, lines);
        fields.push(Field::new(&column.key, array.data_type().clone(), true));
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    // A dataset without columns has rows too.
    let rows = RecordBatchOptions::new().with_row_count(Some(lines.len()));
    RecordBatch::try_new_with_options(schema, arrays, &rows).map_err(DatasetsError::internal)
}

/// The column as lines have it.
pub(crate) fn column(column: &Column, lines: &[LineRecord]) -> ArrayRef {
    array(column, &lines.iter().collect::<Vec<_>>())
}

/// A cell as a line holds it; `None` when it is empty.
pub(crate) fn value(kind: ColumnKind, array: &dyn Array, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match kind {
        ColumnKind::Text | ColumnKind::DateTime => array.as_string::<i32>().value(row).into(),
        ColumnKind::Object => serde_json::from_str(array.as_string::<i32>().value(row)).ok()?,
        ColumnKind::Integer => array.as_primitive::<Int64Type>().value(row).into(),
        ColumnKind::Number => array.as_primitive::<Float64Type>().value(row).into(),
        ColumnKind::Boolean => array.as_boolean().value(row).into(),
        ColumnKind::Date => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            EPOCH.checked_add(days.days()).ok()?.to_string().into()
        }
    })
    // A number that JSON cannot write is none.
    .filter(|value: &Value| !value.is_null())
}

fn array(column: &Column, lines: &[&LineRecord]) -> ArrayRef {
    match column.key.as_str() {
        "_id" => {
            return Arc::new(
                lines.iter().map(|line| Some(line.id.as_str())).collect::<arrow::array::StringArray>(),
            );
        }
        "_i" => return Arc::new(lines.iter().map(|line| Some(line.i)).collect::<arrow::array::Int64Array>()),
        _ => {}
    }
    let values = lines.iter().map(|line| line.body.get(&column.key).filter(|value| !value.is_null()));
    match column.kind() {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            let mut builder = StringBuilder::new();
            for value in values {
                match value {
                    Some(Value::String(text)) => builder.append_value(text),
                    Some(other) => builder.append_value(other.to_string()),
                    None => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        ColumnKind::Integer => {
            let mut builder = Int64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_i64)));
            Arc::new(builder.finish())
        }
        ColumnKind::Number => {
            let mut builder = Float64Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_f64)));
            Arc::new(builder.finish())
        }
        ColumnKind::Boolean => {
            let mut builder = BooleanBuilder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_bool)));
            Arc::new(builder.finish())
        }
        ColumnKind::Date => {
            let mut builder = Date32Builder::new();
            values.for_each(|value| builder.append_option(value.and_then(Value::as_str).and_then(day)));
            Arc::new(builder.finish())
        }
    }
}

/// Days since 1970-01-01; `None` for what the check of lines does not let through.
fn day(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    date.since(EPOCH).ok().map(|span| span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::DataType;
    use serde_json::json;

    fn data_type(kind: ColumnKind) -> DataType {
        match kind {
            ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => DataType::Utf8,
            ColumnKind::Integer => DataType::Int64,
            ColumnKind::Number => DataType::Float64,
            ColumnKind::Boolean => DataType::Boolean,
            ColumnKind::Date => DataType::Date32,
        }
    }

    #[test]
    fn lines_become_columns_of_the_types_that_kinds_have() {
        use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
        let kinds = [Text, Integer, Number, Boolean, Date, DateTime, Object];
        let mut columns: Vec<Column> =
            kinds.iter().enumerate().map(|(i, kind)| Column::new(format!("c{i}"), *kind)).collect();
        columns.push(Column::new("_id", Text));
        columns.push(Column::new("_i", Integer));
        let body = json!({ "c0": "a", "c1": 1, "c2": 1.5, "c3": true, "c4": "1970-01-02", "c6": { "x": 1 } });
        let line = |id: &str, i, deleted| LineRecord {
            id: id.to_owned(),
            i,
            body: body.as_object().unwrap().clone(),
            deleted,
        };
        let batch = of(&columns, &[&line("x", 4, false), &line("y", 5, true)]).unwrap().unwrap();
        assert_eq!(batch.num_rows(), 1, "deleted lines are left out");
        for (column, array) in columns.iter().zip(batch.columns()) {
            assert_eq!(*array.data_type(), data_type(column.kind()), "{}", column.key);
        }
        assert!(batch.column(5).is_null(0) && batch.column(4).is_valid(0));
        assert!(of(&columns, &[&line("y", 5, true)]).unwrap().is_none());
    }
}
