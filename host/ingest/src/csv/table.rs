//! Records with a header: what a row may be.

use std::io::Read;

use crate::csv::records::{Marks, Records, RecordsError};
use crate::error::{IngestError, IngestResult};
use crate::record::Record;
use crate::table::{Declared, Field, Table, check_header};

/// A file whose header has been read.
pub(crate) struct CsvTable<R> {
    records: Records<R>,
    fields: Vec<Field>,
}

impl<R: Read> CsvTable<R> {
    /// Reads the header: the first record that is not blank. Outer spaces of headers go.
    pub(crate) fn open(text: R, marks: Marks) -> IngestResult<Self> {
        let mut table = Self { records: Records::new(text, marks), fields: Vec::new() };
        let mut record = Record::default();
        while table.fields.is_empty() {
            if !table.advance(&mut record)? {
                return Err(IngestError::NoColumn);
            }
            if !record.is_blank() {
                table.fields = record.cells().map(|header| Field::new(header, Declared::Unknown)).collect();
            }
        }
        check_header(&table.fields)?;
        Ok(table)
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
        match self.fields.get(cell) {
            Some(field) if !field.header.is_empty() => field.header.clone(),
            _ => (cell + 1).to_string(),
        }
    }
}

impl<R: Read + Send> Table for CsvTable<R> {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Blank cells beyond the header are tolerated, values there are not.
    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        loop {
            if !self.advance(record)? {
                return Ok(false);
            }
            if record.is_blank() {
                continue;
            }
            let expected = self.fields.len();
            let last = (expected..record.len()).rev().find(|index| !record.cell(*index).trim().is_empty());
            return match last {
                Some(index) => {
                    Err(IngestError::TooManyValues { line: record.line(), found: index + 1, expected })
                }
                None => Ok(true),
            };
        }
    }

    fn lines(&self) -> Option<u64> {
        Some(self.records.lines())
    }
}
