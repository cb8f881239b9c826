//! Records with a header: what a row may be.

use std::io::Read;

use halle_base::limits::DATASET_COLUMNS_MAX;

use crate::csv::records::{Marks, Record, Records, RecordsError};
use crate::error::{IngestError, IngestResult};

/// A file whose header has been read.
pub(crate) struct Table<R> {
    records: Records<R>,
    headers: Vec<String>,
}

impl<R: Read> Table<R> {
    /// Reads the header: the first record that is not blank. Outer spaces of headers go.
    pub(crate) fn open(text: R, marks: Marks) -> IngestResult<Self> {
        let mut table = Self { records: Records::new(text, marks), headers: Vec::new() };
        let mut record = Record::default();
        while table.headers.is_empty() {
            if !table.advance(&mut record)? {
                return Err(IngestError::NoColumn);
            }
            if !record.is_blank() {
                table.headers = record.cells().map(|header| header.trim().to_owned()).collect();
            }
        }
        if !table.headers.iter().any(|header| header.contains(char::is_alphanumeric)) {
            return Err(IngestError::NoColumn);
        }
        let named = table.headers.iter().filter(|header| !header.is_empty()).count();
        if named > DATASET_COLUMNS_MAX {
            return Err(IngestError::TooManyColumns { found: named, max: DATASET_COLUMNS_MAX });
        }
        Ok(table)
    }

    /// The headers in the order of the file; empty where the file has none.
    pub(crate) fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Physical lines read so far.
    pub(crate) fn lines(&self) -> u64 {
        self.records.lines()
    }

    /// Reads the next row that is not blank; false at the end. Blank cells beyond the header are tolerated, values there
    /// are not.
    pub(crate) fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            if !self.advance(record)? {
                return Ok(false);
            }
            if record.is_blank() {
                continue;
            }
            let expected = self.headers.len();
            let last = (expected..record.len()).rev().find(|index| !record.cell(*index).trim().is_empty());
            return match last {
                Some(index) => {
                    Err(IngestError::TooManyValues { line: record.line(), found: index + 1, expected })
                }
                None => Ok(true),
            };
        }
    }

    fn advance(&mut self, record: &mut Record) -> IngestResult<bool> {
        self.records.next(record).map_err(|error| match error {
            RecordsError::UnclosedQuote { line, cell } => {
                IngestError::UnclosedQuote { line, column: self.name(cell) }
            }
            RecordsError::CellTooLong { line, cell } => {
                IngestError::CellTooLong { line, column: self.name(cell) }
            }
            RecordsError::RecordTooLong { line } => IngestError::RecordTooLong { line },
            RecordsError::Io(error) => error.into(),
        })
    }

    /// Header of a cell, or its number from 1.
    fn name(&self, cell: usize) -> String {
        match self.headers.get(cell) {
            Some(header) if !header.is_empty() => header.clone(),
            _ => (cell + 1).to_string(),
        }
    }
}
