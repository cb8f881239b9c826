//! `halle:host/source`: the dataset that is being published, as a file.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use halle_extensions::services::RowsReader;
use halle_extensions::{Field, Problem};
use halle_model::ColumnKind;
use serde_json::Value;
use wasmtime::component::Resource;

use super::blobs::{BlobHandle, NewBlob};
use super::room::Room;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::source;
use crate::guest::{Guest, problem};

/// Name of the slot that a connector may read.
const SLOT: &str = "source";
/// Rows read at a time.
const ROWS: u32 = 4_096;

impl source::Host for Guest {
    async fn file(&mut self, format: String) -> wasmtime::Result<Result<Resource<BlobHandle>, wit::Problem>> {
        self.enter()?;
        if format != "csv" {
            return Ok(Err(problem("dataset/format", "the content is given as `csv` only")));
        }
        let mut reader = match self.open_slot(SLOT, &Value::Object(serde_json::Map::new())).await {
            Ok(handle) => handle.reader,
            Err(refused) => return Ok(Err(refused)),
        };
        let room = self.room.clone();
        match self.wait(write_csv(&mut *reader, &room)).await {
            Ok(blob) => Ok(Ok(self.push(blob)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> Problem {
    Problem::new("dataset/format", format!("the content cannot be written as CSV: {error}"))
}

async fn write_csv(reader: &mut dyn RowsReader, room: &Room) -> Result<BlobHandle, Problem> {
    let mut blob = NewBlob::create(room).await?;
    let fields = reader.schema().to_vec();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(fields.iter().map(|field| field.key.as_str())).map_err(|error| failed(&error))?;
    blob.append(&writer.into_inner().map_err(|error| failed(&error))?).await?;
    while let Some(rows) = reader.next(ROWS).await? {
        blob.append(&rows_to_csv(&rows, &fields)?).await?;
    }
    blob.finish(Some("text/csv; charset=utf-8".to_owned())).await
}

fn rows_to_csv(rows: &RecordBatch, fields: &[Field]) -> Result<Vec<u8>, Problem> {
    let columns = fields.iter().map(|field| {
        let column =
            rows.column_by_name(&field.key).ok_or_else(|| failed(&format!("no column `{}`", field.key)))?;
        cells(column, field)
    });
    let columns = columns.collect::<Result<Vec<Vec<String>>, Problem>>()?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in 0..rows.num_rows() {
        writer
            .write_record(columns.iter().map(|column| column[row].as_str()))
            .map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// Values as text; a missing one is empty.
fn cells(column: &ArrayRef, field: &Field) -> Result<Vec<String>, Problem> {
    if *column.data_type() != crate::columns::data_type(field.kind) {
        return Err(failed(&format!("column `{}` is {}", field.key, column.data_type())));
    }
    let cell = |row: usize| match field.kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            column.as_string::<i32>().value(row).to_owned()
        }
        ColumnKind::Integer => column.as_primitive::<Int64Type>().value(row).to_string(),
        ColumnKind::Number => column.as_primitive::<Float64Type>().value(row).to_string(),
        ColumnKind::Boolean => column.as_boolean().value(row).to_string(),
        ColumnKind::Date => {
            let date = column.as_primitive::<Date32Type>().value_as_date(row);
            date.map(|date| date.to_string()).unwrap_or_default()
        }
    };
    Ok((0..column.len()).map(|row| if column.is_null(row) { String::new() } else { cell(row) }).collect())
}
