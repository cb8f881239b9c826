//! Bytes in, typed batches out: what a producer's file holds, and its rows as Arrow.
//!
//! Two passes. [`analyze`] reads the whole file and decides: encoding, dialect, columns and their types, by the
//! evidence of *every* value. [`read`] reads it again and gives batches of at most
//! [`BATCH_ROWS_MAX`](halle_base::limits::BATCH_ROWS_MAX) rows in those types. [`rows`] keeps canonical rows as Parquet.
//! Everything here is synchronous: callers put it on a blocking thread.
//!
//! **Invariant:** no database, no HTTP, no clock.
//!
//! **Invariant:** memory does not grow with the file. What is held is one buffer, one record (at most
//! [`RECORD_BYTES_MAX`]), one batch, and a few facts per column; of a workbook, the texts that its cells share, and the
//! cells of an `.xls`, up to the limits that `sheets` names.
//!
//! **Invariant:** compressed input is read through a guard that stops zip bombs before they fill anything
//! ([`EXPANSION_RATIO_MAX`], [`EXPANDED_BYTES_MAX`]).
//!
//! **Invariant:** an error names the line, and the column where there is one: the cell of a sheet, the rank of an element.
//! No file makes a reader panic, whatever is in it. A value that does not fit its column is
//! no error of the file: it is reported as a [`CellProblem`] and becomes absent.
//!
//! [`document`] reads something else: the words of files that come along with lines.
//!
//! A format is a module that gives a `Table` of text cells; typing, columns and batches are the same for all. A new one
//! adds a module, a [`Format`], and a line in `table::open`. Readers are our own where a library would hold the whole file
//! (XML, JSON), run what is in it (SQLite), or leave no place to say what is wrong and where.

mod analysis;
mod attachments;
mod batch;
mod columns;
mod csv;
mod dbf;
pub mod document;
mod encoding;
mod error;
mod format;
mod geo;
mod geojson;
mod gpkg;
mod gpx;
mod ics;
mod json;
mod kml;
mod parquet_file;
mod read;
mod record;
pub mod rows;
mod shapefile;
mod sheets;
mod source;
mod survey;
mod table;
mod transform;
mod typing;
mod xml;

use std::io::Read;
use std::path::Path;

use halle_model::Column;

pub use analysis::{Analysis, Dialect, FileColumn, NormalizeOptions, Options, Warning};
pub use attachments::{Attachment, Attachments, each_attachment};
pub use batch::{BATCH_PROBLEMS_MAX, Batch, CellProblem};
pub use error::{IngestError, IngestResult};
pub use format::{Container, Format, Kind, accept};
pub use read::Rows;
pub use source::{EXPANDED_BYTES_MAX, EXPANSION_FREE_BYTES, EXPANSION_RATIO_MAX};
pub use transform::transform_problem;

/// Bytes of one record, after decoding: all its cells together.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Reads the whole file and decides what it is.
///
/// `file_name` is the name that the producer gave: its extension decides the format. Fails with
/// [`IngestError::Unsupported`] for a format this version does not read, and with an error that names the line for a
/// file that is broken.
pub fn analyze(path: &Path, file_name: &str, options: &Options<'_>) -> IngestResult<Analysis> {
    let (format, container) = source::identify(path, file_name)?;
    survey::analyze(path, format, container, options)
}

/// Reads the rows of a file that was analysed, as the given columns.
///
/// Columns are looked for under their keys. One that the file does not have is absent in every row, so that the
/// columns of extensions may be among them. Types are those of `columns`, which may differ from what was observed;
/// formats of dates are taken from the column, else from the analysis.
pub fn read(path: &Path, analysis: &Analysis, columns: &[Column]) -> IngestResult<Rows> {
    Rows::open(path, analysis, columns)
}

/// Format and container of a file: by its name, and for a zip by what is in it. Fails with [`IngestError::Unsupported`].
pub fn identify(path: &Path, file_name: &str) -> IngestResult<(Format, Container)> {
    source::identify(path, file_name)
}

/// The text of a file as UTF-8, decompressed under the guard of all compressed input. `encoding` is the one that the
/// producer chose; detected when absent.
pub fn open_text(
    path: &Path,
    container: Container,
    encoding: Option<&str>,
) -> IngestResult<Box<dyn Read + Send>> {
    let encoding = encoding::detect(|| source::open(path, container), encoding)?;
    Ok(Box::new(encoding::Decoded::new(source::open(path, container)?, encoding)?))
}
