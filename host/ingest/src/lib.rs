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
//! [`RECORD_BYTES_MAX`]), one batch, and a few facts per column.
//!
//! **Invariant:** compressed input is read through a guard that stops zip bombs before they fill anything
//! ([`EXPANSION_RATIO_MAX`], [`EXPANDED_BYTES_MAX`]).
//!
//! **Invariant:** an error names the line, and the column where there is one. A value that does not fit its column is
//! no error of the file: it is reported as a [`CellProblem`] and becomes absent.
//!
//! One module per format: `csv` now; another format adds a module, a [`Format`], and an arm in [`analyze`] and
//! [`read`].

mod analysis;
mod batch;
mod csv;
mod encoding;
mod error;
mod format;
pub mod rows;
mod source;
mod typing;

use std::path::Path;

use halle_model::Column;

pub use analysis::{Analysis, Dialect, FileColumn, Options, Warning};
pub use batch::{BATCH_PROBLEMS_MAX, Batch, CellProblem};
pub use error::{IngestError, IngestResult};
pub use format::{Container, Format, accept};
pub use source::{EXPANDED_BYTES_MAX, EXPANSION_FREE_BYTES, EXPANSION_RATIO_MAX};

/// Bytes of one record, after decoding: all its cells together.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Reads the whole file and decides what it is.
///
/// `file_name` is the name that the producer gave: its extension decides the format. Fails with
/// [`IngestError::Unsupported`] for a format this version does not read, and with an error that names the line for a
/// file that is broken.
pub fn analyze(path: &Path, file_name: &str, options: &Options<'_>) -> IngestResult<Analysis> {
    let (format, container) = accept(file_name)?;
    match format {
        Format::Csv => csv::analyze(path, container, options),
    }
}

/// Reads the rows of a file that was analysed, as the given columns.
///
/// Columns are looked for under their keys. One that the file does not have is absent in every row, so that the
/// columns of extensions may be among them. Types are those of `columns`, which may differ from what was observed;
/// formats of dates are taken from the column, else from the analysis.
pub fn read(path: &Path, analysis: &Analysis, columns: &[Column]) -> IngestResult<Rows> {
    match analysis.format {
        Format::Csv => csv::CsvRows::open(path, analysis, columns).map(Rows),
    }
}

/// Rows of a file, batch by batch; ends after the first error.
pub struct Rows(csv::CsvRows);

impl Iterator for Rows {
    type Item = IngestResult<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}
