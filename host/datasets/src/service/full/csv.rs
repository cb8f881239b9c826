//! Canonical rows as CSV.

use std::io;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use halle_model::Column;

/// The line of headers.
pub(crate) fn header(columns: &[Column]) -> io::Result<Bytes> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let name = |column: &Column| column.original_name.clone().unwrap_or_else(|| column.key.clone());
    writer.write_record(columns.iter().map(name))?;
    finished(writer)
}

/// The lines of a batch.
pub(crate) fn piece(batch: &RecordBatch) -> io::Result<Bytes> {
    let options = FormatOptions::default();
    let formatters = batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options));
    let formatters = formatters.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in 0..batch.num_rows() {
        for (array, formatter) in batch.columns().iter().zip(&formatters) {
            let text = match array.data_type() {
                _ if array.is_null(row) => String::new(),
                DataType::Boolean => if array.as_boolean().value(row) { "1" } else { "0" }.to_owned(),
                DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
                _ => formatter.value(row).to_string(),
            };
            writer.write_field(text)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    finished(writer)
}

fn finished(writer: csv::Writer<Vec<u8>>) -> io::Result<Bytes> {
    writer.into_inner().map(Bytes::from).map_err(|error| io::Error::other(error.to_string()))
}
