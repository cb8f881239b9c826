//! Canonical rows as GeoJSON: a feature per row.

use std::io;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use halle_model::{Column, ColumnKind};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::service::read::GEOMETRY;

/// What is before the first feature.
pub(super) fn header() -> Bytes {
    Bytes::from_static(b"{\"type\":\"FeatureCollection\",\"features\":[\n")
}

/// What is behind the last feature.
pub(super) fn footer() -> Bytes {
    Bytes::from_static(b"\n]}\n")
}

/// The features of a batch. `is_first`: nothing was written before.
pub(super) fn piece(batch: &RecordBatch, columns: &[Column], is_first: bool) -> io::Result<Bytes> {
    let geometry = columns.iter().position(|column| column.refers_to.as_deref() == Some(GEOMETRY));
    let mut out = Vec::new();
    for row in 0..batch.num_rows() {
        if row > 0 || !is_first {
            out.extend_from_slice(b",\n");
        }
        let mut properties = Map::new();
        for (index, column) in columns.iter().enumerate().filter(|(index, _)| Some(*index) != geometry) {
            let value = value(batch.column(index), row, column.kind())?;
            if !value.is_null() {
                let name = column.original_name.clone().unwrap_or_else(|| column.key.clone());
                properties.insert(name, value);
            }
        }
        let shape = geometry.map(|index| batch.column(index)).filter(|array| array.is_valid(row));
        let shape = shape.and_then(|array| array.as_string_opt::<i32>()).map(|texts| texts.value(row));
        let shape = shape.and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
        let properties = json!(properties);
        out.extend_from_slice(b"{\"type\":\"Feature\",\"geometry\":");
        out.extend_from_slice(shape.map_or("null", RawValue::get).as_bytes());
        out.extend_from_slice(b",\"properties\":");
        serde_json::to_writer(&mut out, &properties)?;
        out.push(b'}');
    }
    Ok(Bytes::from(out))
}

/// A cell as JSON.
fn value(array: &ArrayRef, row: usize, kind: ColumnKind) -> io::Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            let object = (kind == ColumnKind::Object).then(|| serde_json::from_str(text).ok()).flatten();
            object.unwrap_or_else(|| json!(text))
        }
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(array, &options).map_err(io::Error::other)?;
            json!(formatter.value(row).to_string())
        }
    })
}
