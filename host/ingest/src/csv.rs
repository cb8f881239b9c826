//! Delimited text.

use std::path::Path;

use halle_model::Column;

use crate::analysis::{Analysis, Options};
use crate::batch::Batch;
use crate::error::IngestResult;
use crate::format::{Container, unsupported};

/// See [`crate::analyze`].
pub(crate) fn analyze(_path: &Path, _container: Container, _options: &Options<'_>) -> IngestResult<Analysis> {
    Err(unsupported("text/csv"))
}

/// See [`crate::read`].
#[derive(Debug)]
pub(crate) struct CsvRows;

impl CsvRows {
    pub(crate) fn open(_path: &Path, _analysis: &Analysis, _columns: &[Column]) -> IngestResult<Self> {
        Err(unsupported("text/csv"))
    }
}

impl Iterator for CsvRows {
    type Item = IngestResult<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
