//! JSON answers of the data API as columns, the form in which visualisations get them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use halle_extensions::Field;
use halle_model::ColumnKind;
use serde_json::{Map, Value};

/// Groups of a `values_agg` answer as flat rows: `value`, `value2`... by level, `total`, and the metrics.
pub fn groups(answer: &Value) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    flatten(answer, &Map::new(), 1, &mut rows);
    rows
}

fn flatten(level: &Value, above: &Map<String, Value>, depth: usize, rows: &mut Vec<Map<String, Value>>) {
    for group in level["aggs"].as_array().into_iter().flatten() {
        let mut row = above.clone();
        let name = if depth == 1 { "value".to_owned() } else { format!("value{depth}") };
        row.insert(name, group["value"].clone());
        if group.get("aggs").is_some() {
            flatten(group, &row, depth + 1, rows);
            continue;
        }
        let others = group.as_object().into_iter().flatten();
        row.extend(
            others
                .filter(|(key, _)| !matches!(key.as_str(), "value" | "results"))
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        rows.push(row);
    }
}

/// Rows as columns. A column is numeric or boolean when all its values are; anything else is text.
pub fn columns(rows: &[Map<String, Value>]) -> Result<(Vec<Field>, RecordBatch), ArrowError> {
    let mut keys: Vec<&String> = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for key in keys {
        let values: Vec<Option<&Value>> =
            rows.iter().map(|row| row.get(key).filter(|value| !value.is_null())).collect();
        let (kind, array) = column(&values);
        fields.push(Field { key: key.clone(), kind, nullable: true, title: None, concept: None });
        arrays.push(array);
    }
    let schema = fields
        .iter()
        .zip(&arrays)
        .map(|(field, array)| ArrowField::new(&field.key, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(schema.collect::<Vec<_>>()));
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok((fields, RecordBatch::try_new_with_options(schema, arrays, &options)?))
}

fn column(values: &[Option<&Value>]) -> (ColumnKind, ArrayRef) {
    let all = |test: fn(&Value) -> bool| values.iter().flatten().all(|value| test(value));
    if all(Value::is_i64) {
        return (
            ColumnKind::Integer,
            Arc::new(values.iter().map(|v| v.and_then(Value::as_i64)).collect::<Int64Array>()),
        );
    }
    if all(Value::is_number) {
        return (
            ColumnKind::Number,
            Arc::new(values.iter().map(|v| v.and_then(Value::as_f64)).collect::<Float64Array>()),
        );
    }
    if all(Value::is_boolean) {
        return (
            ColumnKind::Boolean,
            Arc::new(values.iter().map(|v| v.and_then(Value::as_bool)).collect::<BooleanArray>()),
        );
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let array: StringArray = values.iter().map(|value| value.map(text)).collect();
    debug_assert_eq!(*arrow::array::Array::data_type(&array), DataType::Utf8);
    (ColumnKind::Text, Arc::new(array))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_groups_become_flat_rows() {
        let answer = json!({ "total": 3, "aggs": [
            { "total": 2, "value": "a", "results": [], "aggs": [
                { "total": 1, "value": 1, "metric": 2.5, "results": [] },
                { "total": 1, "value": 2, "metric": null, "results": [] } ] },
            { "total": 1, "value": "b", "results": [], "aggs": [{ "total": 1, "value": 1, "metric": 4, "results": [] }] } ] });
        let rows = groups(&answer);
        assert_eq!(
            Value::from(rows[0].clone()),
            json!({ "value": "a", "value2": 1, "total": 1, "metric": 2.5 })
        );
        assert_eq!(rows.len(), 3);
        let (fields, batch) = columns(&rows).unwrap();
        let kinds: Vec<_> = fields.iter().map(|field| (field.key.as_str(), field.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("value", ColumnKind::Text),
                ("value2", ColumnKind::Integer),
                ("total", ColumnKind::Integer),
                ("metric", ColumnKind::Number)
            ]
        );
        assert_eq!((batch.num_rows(), batch.column(3).null_count()), (3, 1));
    }

    #[test]
    fn no_rows_is_an_empty_table_and_not_an_error() {
        let (fields, batch) = columns(&[]).unwrap();
        assert!(fields.is_empty());
        assert_eq!(batch.num_rows(), 0);
    }
}
