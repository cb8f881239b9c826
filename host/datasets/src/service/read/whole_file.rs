//! Formats whose end must be known before their beginning can be sent: spreadsheets, Parquet, shapefiles. They are written to a
//! temporary file, which goes when the answer has been sent.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use halle_ingest::rows::RowsWriter;
use halle_model::{Column, ColumnKind};
use halle_search::params::{LinesParams, Params, Size};
use halle_store::ByteStream;
use tokio::sync::mpsc;
use tokio_util::io::ReaderStream;

use super::Reading;
use super::geojson::GEOMETRY;
use super::ods::{self, OdsWriter};
use super::shapefile::{self, ShapefileWriter};
use super::workbook::{About, WorkbookWriter};
use crate::error::{DatasetsError, DatasetsResult};

/// Batches that wait to be written.
const BATCHES_WAITING_MAX: usize = 4;

/// A format that is written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WholeFormat {
    /// Office Open XML workbook.
    Xlsx,
    /// OpenDocument spreadsheet.
    Ods,
    /// Apache Parquet, with the types of the columns.
    Parquet,
    /// Shapefiles in an archive.
    Shapefile,
}

impl WholeFormat {
    /// The format of this name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "xlsx" => Some(Self::Xlsx),
            "ods" => Some(Self::Ods),
            "shp" => Some(Self::Shapefile),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Ods => ods::MEDIA_TYPE,
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Shapefile => "application/zip",
        }
    }

    /// Extension of files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
            Self::Parquet => "parquet",
            Self::Shapefile => "zip",
        }
    }
}

impl Reading {
    /// Lines as one file: a page, or everything with `size=all`. `temp_dir` is where it is written on its way.
    ///
    /// # Errors
    ///
    /// 400 for `after`, which these formats do not know, and for more lines than a spreadsheet holds.
    pub async fn whole_file(
        &self,
        params: &Params,
        format: WholeFormat,
        temp_dir: &Path,
    ) -> DatasetsResult<ByteStream> {
        let asked = LinesParams::parse(params, &self.fields())?;
        if format == WholeFormat::Shapefile && !self.fields().is_geolocated() {
            let message = "\"shp\" format cannot be used on this dataset. It is not geolocalized.";
            return Err(DatasetsError::bad_request(message));
        }
        if asked.after.is_some() {
            let message =
                format!("\"after\" cannot be used with format={}: ask for size=all", format.extension());
            return Err(DatasetsError::bad_request(message));
        }
        let mut columns = self.exported(&asked);
        let mut shape = None;
        if format == WholeFormat::Shapefile {
            // What is drawn is not a column of the table; a table has one column at least.
            shape = self.columns().iter().find(|column| column.refers_to.as_deref() == Some(GEOMETRY));
            columns.retain(|column| column.refers_to.as_deref() != Some(GEOMETRY));
            if columns.is_empty() {
                columns.push(Column::new("_i", ColumnKind::Integer));
            }
        }
        let mut keys: Vec<String> = columns.iter().map(|column| column.key.clone()).collect();
        if format == WholeFormat::Shapefile {
            keys.extend(shape.map(|column| column.key.clone()));
            keys.push(shapefile::POINT.to_owned());
        }
        let mut scan = asked.scan(keys);
        let mut skip = 0;
        if let Size::Lines(size) = asked.size {
            skip = (asked.page - 1).saturating_mul(size);
            scan.limit = Some(skip.saturating_add(size));
        }
        let mut batches = self.index.scan(scan).await?;
        let writing = Writing {
            format,
            columns,
            about: About::new(self.dataset(), params),
            name: self.dataset().slug.clone(),
            changed: self.changed_at().to_zoned(jiff::tz::TimeZone::UTC).date(),
            has_shapes: shape.is_some(),
            temp_dir: temp_dir.to_owned(),
        };
        let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
        let written = tokio::task::spawn_blocking(move || writing.run(receiver));
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            let skipped = skip.min(batch.num_rows());
            skip -= skipped;
            // The writer leaves only with an error, which it tells below.
            if sender.send(batch.slice(skipped, batch.num_rows() - skipped)).await.is_err() {
                break;
            }
        }
        drop(sender);
        let mut file = written.await.map_err(DatasetsError::internal)??;
        file.seek(SeekFrom::Start(0)).map_err(DatasetsError::internal)?;
        Ok(ReaderStream::new(tokio::fs::File::from_std(file)).boxed())
    }
}

/// What the writing thread needs.
struct Writing {
    format: WholeFormat,
    columns: Vec<Column>,
    about: About,
    /// Of the files in an archive.
    name: String,
    /// When the lines last changed.
    changed: jiff::civil::Date,
    /// Whether batches have a column of geometries.
    has_shapes: bool,
    temp_dir: std::path::PathBuf,
}

impl Writing {
    /// Writes the batches as they come; the file has no name any more when it is returned.
    fn run(self, mut batches: mpsc::Receiver<RecordBatch>) -> DatasetsResult<File> {
        match self.format {
            WholeFormat::Parquet => {
                let file =
                    tempfile::NamedTempFile::new_in(&self.temp_dir).map_err(DatasetsError::internal)?;
                let mut writer =
                    RowsWriter::create(file.path(), &self.columns).map_err(DatasetsError::internal)?;
                while let Some(batch) = batches.blocking_recv() {
                    writer.write(&batch).map_err(DatasetsError::internal)?;
                }
                writer.finish().map_err(DatasetsError::internal)?;
                file.reopen().map_err(DatasetsError::internal)
            }
            WholeFormat::Ods => {
                let file = tempfile::tempfile_in(&self.temp_dir).map_err(DatasetsError::internal)?;
                let mut writer = OdsWriter::new(&self.columns, file)?;
                while let Some(batch) = batches.blocking_recv() {
                    writer.write(&batch)?;
                }
                writer.finish(&self.about)
            }
            WholeFormat::Shapefile => {
                let Self { name, changed, columns, has_shapes, temp_dir, .. } = &self;
                let mut writer =
                    ShapefileWriter::new(name, *changed, columns, *has_shapes, temp_dir.clone())?;
                while let Some(batch) = batches.blocking_recv() {
                    writer.write(&batch)?;
                }
                writer.finish(tempfile::tempfile_in(&self.temp_dir).map_err(DatasetsError::internal)?)
            }
            WholeFormat::Xlsx => {
                let mut writer = WorkbookWriter::new(&self.columns, &self.temp_dir)?;
                while let Some(batch) = batches.blocking_recv() {
                    writer.write(&batch)?;
                }
                let mut file = tempfile::tempfile_in(&self.temp_dir).map_err(DatasetsError::internal)?;
                writer.finish(&self.about, &mut file)?;
                Ok(file)
            }
        }
    }
}
