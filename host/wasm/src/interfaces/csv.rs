//! Rows of a CSV blob: each column as text, a few thousand rows at a time.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{ArrayRef, StringBuilder};
use arrow::record_batch::RecordBatch;
use halle_base::limits::{BATCH_BYTES_MAX, CELL_BYTES_MAX, DATASET_COLUMNS_MAX};
use halle_extensions::{Field, Problem};
use halle_model::ColumnKind;
use serde::Deserialize;

use super::blobs::{BlobHandle, io};
use crate::columns;

/// Bytes of one row: whoever forgets a quotation mark makes all that follows one row, and it would all be in memory.
const ROW_BYTES_MAX: u64 = 16 << 20;

/// Bytes of the first row: names of columns, each of which costs far more in memory than the comma behind it.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// Options of `blob.csv`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    delimiter: Option<String>,
}

/// What the present row may take.
struct Ration {
    /// Bytes left.
    left: AtomicU64,
    /// Whether it is the header.
    is_header: AtomicBool,
}

impl Ration {
    /// Takes bytes, or says that there are too many.
    fn take(&self, count: u64) -> Result<(), String> {
        let left = self.left.load(Ordering::Relaxed).checked_sub(count);
        let left = left.ok_or_else(|| {
            if self.is_header.load(Ordering::Relaxed) {
                let mib = HEADER_BYTES_MAX >> 20;
                return format!(
                    "the first row has more than {mib} MiB: put the names of the columns there, and check the delimiter and \
                     the quotation marks"
                );
            }
            format!("a row has more than {} MiB: is a quotation mark left open?", ROW_BYTES_MAX >> 20)
        })?;
        self.left.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// A file of which one row at a time is read, and no more than a row may have.
struct Rationed {
    file: File,
    ration: Arc<Ration>,
}

impl Read for Rationed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.ration.take(count as u64).map_err(std::io::Error::other)?;
        Ok(count)
    }
}

/// The rows of a file, and what the present one may still take.
struct Rows {
    reader: csv::Reader<Rationed>,
    ration: Arc<Ration>,
}

impl Rows {
    fn open(path: &std::path::Path, delimiter: u8) -> std::io::Result<Self> {
        let ration =
            Arc::new(Ration { left: AtomicU64::new(HEADER_BYTES_MAX), is_header: AtomicBool::new(true) });
        let file = Rationed { file: File::open(path)?, ration: Arc::clone(&ration) };
        Ok(Self { reader: csv::ReaderBuilder::new().delimiter(delimiter).from_reader(file), ration })
    }

    /// Names of the columns, counted before anything is made of them.
    fn header(&mut self) -> Result<Vec<String>, Problem> {
        let header = self.reader.byte_headers().map_err(refused)?;
        if header.len() > DATASET_COLUMNS_MAX {
            return Err(refused(format!(
                "{} columns, more than {DATASET_COLUMNS_MAX}: check the delimiter, or leave columns out",
                header.len()
            )));
        }
        Ok(header.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Reads the next row; `false` at the end.
    fn next(&mut self, record: &mut csv::ByteRecord) -> csv::Result<bool> {
        self.ration.left.store(ROW_BYTES_MAX, Ordering::Relaxed);
        self.ration.is_header.store(false, Ordering::Relaxed);
        self.reader.read_byte_record(record)
    }
}

/// A reader at some row.
pub struct CsvReader {
    fields: Arc<[Field]>,
    /// Taken while a thread reads with it; gone for good if that failed.
    rows: Option<Rows>,
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
            let mut rows = Rows::open(&path, delimiter).map_err(|error| io(&error))?;
            let fields = fields(rows.header()?);
            Ok((rows, fields))
        };
        let (rows, fields) = tokio::task::spawn_blocking(open).await.map_err(|error| io(&error))??;
        Ok(Self { fields: fields.into(), rows: Some(rows), _blob: blob })
    }

    /// Columns.
    pub fn schema(&self) -> &[Field] {
        &self.fields
    }

    /// At most `max_rows` rows, or `None` at the end.
    pub async fn next(&mut self, max_rows: usize) -> Result<Option<RecordBatch>, Problem> {
        let Some(mut rows) = self.rows.take() else {
            return Err(refused("an earlier row of this file could not be read"));
        };
        let fields = Arc::clone(&self.fields);
        let read = move || read(&mut rows, &fields, max_rows).map(|batch| (rows, batch));
        let (rows, batch) = tokio::task::spawn_blocking(read).await.map_err(|error| io(&error))??;
        self.rows = Some(rows);
        Ok(batch)
    }
}

fn fields(header: Vec<String>) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::with_capacity(header.len());
    for (at, name) in header.into_iter().enumerate() {
        let name = if at == 0 { name.trim_start_matches('\u{feff}').to_owned() } else { name };
        let is_taken = fields.iter().any(|field| field.key == name);
        let key = if is_taken || name.is_empty() { format!("{name}_{}", at + 1) } else { name };
        fields.push(Field { key, kind: ColumnKind::Text, nullable: true, title: None, concept: None });
    }
    fields
}

fn read(rows_of: &mut Rows, fields: &[Field], max_rows: usize) -> Result<Option<RecordBatch>, Problem> {
    let mut builders: Vec<StringBuilder> = fields.iter().map(|_| StringBuilder::new()).collect();
    let mut record = csv::ByteRecord::new();
    let (mut rows, mut bytes) = (0, 0);
    while rows < max_rows && bytes < BATCH_BYTES_MAX && rows_of.next(&mut record).map_err(refused)? {
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
