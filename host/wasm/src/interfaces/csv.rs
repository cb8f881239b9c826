//! Rows of a CSV blob: each column as text, a few thousand rows at a time.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::record_batch::RecordBatch;
use halle_base::limits::{BATCH_BYTES_MAX, CELL_BYTES_MAX, DATASET_COLUMNS_MAX};
use halle_extensions::{Field, Problem};
use halle_model::ColumnKind;
use serde::Deserialize;

use super::blobs::{BlobHandle, io};
use crate::columns;

/// Options of `blob.csv`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    delimiter: Option<String>,
}

/// A reader at some row.
pub struct CsvReader {
    fields: Arc<[Field]>,
    /// Taken while a thread reads with it; gone for good if that failed.
    reader: Option<csv::Reader<std::fs::File>>,
    /// Keeps the file.
    _blob: BlobHandle,
}

fn refused(reason: impl std::fmt::Display) -> Problem {
    Problem::new("blob/csv", reason.to_string())
}

impl CsvReader {
    /// Reads the header.
    pub async fn open(blob: BlobHandle, options: &str) -> Result<Self, Problem> {
        let options: Options =
            serde_json::from_str(options).map_err(|error| refused(format!("options: {error}")))?;
        let delimiter = match options.delimiter.as_deref().map(str::as_bytes) {
            None => b',',
            Some([byte]) if byte.is_ascii() => *byte,
            Some(_) => return Err(refused("`delimiter` must be one ASCII character")),
        };
        let path = blob.file().to_owned();
        let open = move || {
            let file = std::fs::File::open(path).map_err(|error| io(&error))?;
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file);
            let header = reader.byte_headers().map_err(refused)?;
            let header =
                header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect::<Vec<_>>();
            Ok((reader, fields(header)?))
        };
        let (reader, fields) = tokio::task::spawn_blocking(open).await.map_err(|error| io(&error))??;
        Ok(Self { fields: fields.into(), reader: Some(reader), _blob: blob })
    }

    /// Columns.
    pub fn schema(&self) -> &[Field] {
        &self.fields
    }

    /// At most `max_rows` rows, or `None` at the end.
    pub async fn next(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, Problem> {
        let Some(mut reader) = self.reader.take() else {
            return Err(refused("an earlier row of this file could not be read"));
        };
        let fields = Arc::clone(&self.fields);
        let read = move || read(&mut reader, &fields, max_rows).map(|rows| (reader, rows));
        let (reader, rows) = tokio::task::spawn_blocking(read).await.map_err(|error| io(&error))??;
        self.reader = Some(reader);
        Ok(rows)
    }
}

fn fields(header: Vec<String>) -> Result<Vec<Field>, Problem> {
    if header.len() > DATASET_COLUMNS_MAX {
        return Err(refused(format!("more than {DATASET_COLUMNS_MAX} columns")));
    }
    let mut fields: Vec<Field> = Vec::with_capacity(header.len());
    for (at, name) in header.into_iter().enumerate() {
        let name = if at == 0 { name.trim_start_matches('\u{feff}').to_owned() } else { name };
        let is_taken = fields.iter().any(|field| field.key == name);
        let key = if is_taken || name.is_empty() { format!("{name}_{}", at + 1) } else { name };
        fields.push(Field { key, kind: ColumnKind::Text, nullable: true, title: None, concept: None });
    }
    Ok(fields)
}

fn read(
    reader: &mut csv::Reader<std::fs::File>,
    fields: &[Field],
    max_rows: usize,
) -> Result<Option<RecordBatch>, Problem> {
    let mut builders: Vec<StringBuilder> = fields.iter().map(|_| StringBuilder::new()).collect();
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut bytes) = (0, 0);
    while rows < max_rows
        && bytes < BATCH_BYTES_MAX
        && reader.read_byte_record(&mut record).map_err(refused)?
    {
        for (builder, cell) in builders.iter_mut().zip(record.iter()) {
            if cell.len() > CELL_BYTES_MAX {
                let line = record.position().map_or(0, csv::Position::line);
                return Err(refused(format!("line {line}: a cell has more than {CELL_BYTES_MAX} bytes")));
            }
            match cell {
                [] => builder.append_null(),
                cell => builder.append_value(String::from_utf8_lossy(cell)),
            }
        }
        bytes += record.as_slice().len();
        rows += 1;
    }
    if rows == 0 {
        return Ok(None);
    }
    let arrays = builders.into_iter().map(|mut builder| Arc::new(builder.finish()) as ArrayRef).collect();
    RecordBatch::try_new(columns::schema(fields), arrays).map(Some).map_err(refused)
}
