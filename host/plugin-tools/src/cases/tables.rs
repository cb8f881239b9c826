//! Rows of case files as columns, and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_extensions::Field;
use halle_model::ColumnKind;
use serde_json::{Map, Value};

/// Days between 0001-01-01 and 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;

/// Rows as columns. A value of the wrong kind is told by row and key.
pub fn batch(fields: &[Field], rows: &[Value]) -> Result<RecordBatch, String> {
    let arrays: Vec<ArrayRef> = fields.iter().map(|field| column(field, rows)).collect::<Result<_, _>>()?;
    let schema = fields
        .iter()
        .zip(&arrays)
        .map(|(field, array)| ArrowField::new(&field.key, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(|error| error.to_string())
}

fn column(field: &Field, rows: &[Value]) -> Result<ArrayRef, String> {
    fn all<T>(
        field: &Field,
        rows: &[Value],
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<Option<T>>, String> {
        let cell = |(index, row): (usize, &Value)| match row.get(&field.key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                read(value).map(Some).ok_or_else(|| format!("row {index}: `{}` cannot be {value}", field.key))
            }
        };
        rows.iter().enumerate().map(cell).collect()
    }
    Ok(match field.kind {
        ColumnKind::Text | ColumnKind::DateTime => {
            Arc::new(StringArray::from(all(field, rows, |value| value.as_str().map(str::to_owned))?))
        }
        ColumnKind::Object => Arc::new(StringArray::from(all(field, rows, |value| Some(value.to_string()))?)),
        ColumnKind::Integer => Arc::new(Int64Array::from(all(field, rows, Value::as_i64)?)),
        ColumnKind::Number => Arc::new(Float64Array::from(all(field, rows, Value::as_f64)?)),
        ColumnKind::Boolean => Arc::new(BooleanArray::from(all(field, rows, Value::as_bool)?)),
        ColumnKind::Date => Arc::new(Date32Array::from(all(field, rows, |value| day(value.as_str()?))?)),
    })
}

/// Columns as rows, missing values left out.
pub fn rows(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let row = |index: usize| {
        let cells = schema.fields().iter().zip(batch.columns());
        let cells = cells.filter(|(_, column)| column.is_valid(index));
        let cells = cells.map(|(field, column)| (field.name().clone(), value(column.as_ref(), index)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    (0..batch.num_rows()).map(row).collect()
}

fn value(column: &dyn Array, index: usize) -> Value {
    let any = column.as_any();
    match column.data_type() {
        DataType::Int64 => any.downcast_ref::<Int64Array>().map(|array| array.value(index).into()),
        DataType::Float64 => any.downcast_ref::<Float64Array>().map(|array| array.value(index).into()),
        DataType::Boolean => any.downcast_ref::<BooleanArray>().map(|array| array.value(index).into()),
        DataType::Date32 => {
            any.downcast_ref::<Date32Array>().map(|array| format_day(array.value(index)).into())
        }
        _ => any.downcast_ref::<StringArray>().map(|array| array.value(index).into()),
    }
    .unwrap_or_default()
}

/// Days since 1970 of `2024-01-31`.
fn day(text: &str) -> Option<i32> {
    let parts: Vec<i64> = text.split('-').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [year, month, day] = parts[..] else { return None };
    let years = year - 1;
    let before = years * 365 + years / 4 - years / 100 + years / 400;
    let in_year = (1..month).map(|month| month_days(year, month)).sum::<i64>();
    let is_day = (1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day);
    is_day.then_some(before + in_year + day - 1 - DAYS_TO_1970).and_then(|days| i32::try_from(days).ok())
}

fn format_day(days: i32) -> String {
    let mut left = i64::from(days) + DAYS_TO_1970;
    let mut year = 1 + left / 366;
    left -= (year - 1) * 365 + (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400;
    let length = |year: i64| 337 + month_days(year, 2);
    while left >= length(year) {
        left -= length(year);
        year += 1;
    }
    let mut month = 1;
    while left >= month_days(year, month) {
        left -= month_days(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", left + 1)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_survive_the_way_there_and_back() {
        let kinds = [
            ("t", ColumnKind::Text),
            ("i", ColumnKind::Integer),
            ("n", ColumnKind::Number),
            ("b", ColumnKind::Boolean),
            ("d", ColumnKind::Date),
        ];
        let field = |(key, kind): (&str, ColumnKind)| Field {
            key: key.to_owned(),
            kind,
            nullable: true,
            title: None,
            concept: None,
        };
        let fields: Vec<Field> = kinds.into_iter().map(field).collect();
        let given = [
            json!({ "t": "é", "i": 3, "n": 1.5, "b": true, "d": "2024-02-29" }),
            json!({ "d": "1969-12-31" }),
            json!({}),
        ];
        assert_eq!(rows(&batch(&fields, &given).unwrap()), given);
        let error = batch(&fields, &[json!({ "i": "drei" })]).unwrap_err();
        assert_eq!(error, "row 0: `i` cannot be \"drei\"");
        assert!(batch(&fields, &[json!({ "d": "2023-02-29" })]).is_err());
    }
}
