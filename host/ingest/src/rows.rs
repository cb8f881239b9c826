//! Canonical rows of a dataset version, as Parquet: what every later stage reads, and what `reindex` starts from.
//!
//! The file keeps the columns it was written for beside the rows, so that it can be read without the database.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use halle_base::limits::BATCH_ROWS_MAX;
use halle_model::{Column, ColumnKind};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::error::{IngestError, IngestResult};

/// Rows of one row group.
pub const ROW_GROUP_ROWS_MAX: usize = 65_536;

/// Bytes of one row group in the making: wide or long rows make smaller groups, so that memory stays bounded.
pub const ROW_GROUP_BYTES_MAX: usize = 64 << 20;

/// Under which name the columns are kept in the file's metadata.
const COLUMNS_KEY: &str = "halle.columns";

/// Arrow type of a kind, as the documentation of [`ColumnKind`] tells.
pub fn arrow_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => DataType::Utf8,
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Number => DataType::Float64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Date => DataType::Date32,
    }
}

/// Arrow schema of columns: a nullable field each, under its key.
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.key, arrow_type(column.kind()), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Writes canonical rows: zstd, row groups of at most [`ROW_GROUP_ROWS_MAX`] rows. Without [`finish`](Self::finish) the
/// file is not readable.
pub struct RowsWriter {
    writer: ArrowWriter<File>,
    rows: u64,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsSummary {
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl RowsWriter {
    /// Creates the file, or empties it.
    pub fn create(path: &Path, columns: &[Column]) -> IngestResult<Self> {
        let described = serde_json::to_string(columns).map_err(rows_error)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES_MAX))
            .set_key_value_metadata(Some(vec![KeyValue::new(COLUMNS_KEY.to_owned(), described)]))
            .build();
        let writer = ArrowWriter::try_new(File::create(path)?, arrow_schema(columns), Some(properties))
            .map_err(rows_error)?;
        Ok(Self { writer, rows: 0 })
    }

    /// Adds rows. Their schema must be that of the columns.
    pub fn write(&mut self, rows: &RecordBatch) -> IngestResult<()> {
        self.writer.write(rows).map_err(rows_error)?;
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Makes the file whole and durable.
    pub fn finish(self) -> IngestResult<RowsSummary> {
        let file = self.writer.into_inner().map_err(rows_error)?;
        file.sync_all()?;
        Ok(RowsSummary { rows: self.rows, bytes: file.metadata()?.len() })
    }
}

/// Reads canonical rows in their order, in batches of at most [`BATCH_ROWS_MAX`] rows.
pub struct RowsReader {
    reader: ParquetRecordBatchReader,
    columns: Vec<Column>,
    rows: u64,
}

impl RowsReader {
    /// Opens a file. With a projection, only these columns are read, in the order of the projection; fails when one is
    /// not there.
    pub fn open(path: &Path, projection: Option<&[&str]>) -> IngestResult<Self> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?).map_err(rows_error)?;
        let mut columns = stored_columns(&builder)?;
        let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mut builder = builder.with_batch_size(BATCH_ROWS_MAX);
        if let Some(keys) = projection {
            let missing = keys.iter().find(|key| !columns.iter().any(|column| column.key == **key));
            if let Some(key) = missing {
                return Err(IngestError::Rows(format!("no column `{key}`")));
            }
            // By position: keys of extensions hold a dot, which Parquet's names would take for a nested field.
            let wanted = columns.iter().enumerate().filter(|(_, column)| keys.contains(&column.key.as_str()));
            let mask = ProjectionMask::roots(builder.parquet_schema(), wanted.map(|(index, _)| index));
            builder = builder.with_projection(mask);
            columns =
                keys.iter().filter_map(|key| columns.iter().find(|c| c.key == **key)).cloned().collect();
        }
        Ok(Self { reader: builder.build().map_err(rows_error)?, columns, rows })
    }

    /// The columns, in the order of the batches.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Rows of the whole file.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Puts the columns of a batch in the order asked; Parquet gives them in the order of the file.
    fn in_order(&self, batch: &RecordBatch) -> IngestResult<RecordBatch> {
        let index = |column: &Column| batch.schema().index_of(&column.key).map_err(rows_error);
        let indices = self.columns.iter().map(index).collect::<IngestResult<Vec<_>>>()?;
        batch.project(&indices).map_err(rows_error)
    }
}

impl Iterator for RowsReader {
    type Item = IngestResult<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.next()? {
            Ok(batch) => Some(self.in_order(&batch)),
            Err(error) => Some(Err(rows_error(error))),
        }
    }
}

fn stored_columns(builder: &ParquetRecordBatchReaderBuilder<File>) -> IngestResult<Vec<Column>> {
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let described = metadata
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == COLUMNS_KEY))
        .and_then(|pair| pair.value.as_deref())
        .ok_or_else(|| IngestError::Rows("the file does not tell its columns".to_owned()))?;
    serde_json::from_str(described).map_err(rows_error)
}

fn rows_error(error: impl std::fmt::Display) -> IngestError {
    IngestError::Rows(error.to_string())
}
