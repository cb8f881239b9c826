//! Datasets, by slot; natively, tables in memory.

use std::cell::RefCell;

use crate::columns::{Batch, Field};
use crate::native::blobs::Blob;
use crate::problem::{Problem, Result};
use crate::testing::{Written, with_host};

/// What became of the rows of one write.
#[derive(Debug, Clone, PartialEq)]
pub struct WriteReport {
    /// Rows accepted.
    pub accepted: u64,
    /// Rows refused, and why.
    pub problems: Vec<(u32, Problem)>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReport {
    /// Rows written.
    pub rows: u64,
}

/// Lines being read.
#[derive(Debug)]
pub struct Reader {
    schema: Vec<Field>,
    batches: RefCell<std::vec::IntoIter<Batch>>,
}

impl Reader {
    /// Columns.
    pub fn schema(&self) -> Vec<Field> {
        self.schema.clone()
    }

    /// The next rows.
    pub fn next(&self, _max_rows: u32) -> Result<Option<Batch>> {
        Ok(self.batches.borrow_mut().next())
    }
}

/// A transaction: nothing is visible before it is committed.
#[derive(Debug)]
pub struct Writer(RefCell<Written>);

impl Writer {
    /// Adds rows.
    pub fn write(&self, batch: &Batch) -> Result<WriteReport> {
        self.0.borrow_mut().batches.push(batch.clone());
        Ok(WriteReport { accepted: u64::from(batch.rows), problems: Vec::new() })
    }

    /// Makes a blob the content of the dataset.
    pub fn replace_file(&self, name: &str, file: &Blob) -> Result<()> {
        self.0.borrow_mut().file = Some((name.to_owned(), file.bytes().to_vec()));
        Ok(())
    }

    /// Makes everything visible at once.
    pub fn commit(writer: Self) -> Result<CommitReport> {
        let written = writer.0.into_inner();
        let rows = written.batches.iter().map(|batch| u64::from(batch.rows)).sum();
        with_host(|host| host.written.push(written));
        Ok(CommitReport { rows })
    }
}

/// Lines of the dataset in a slot.
pub fn open_read(slot: &str, _query: &str) -> Result<Reader> {
    let table = with_host(|host| host.tables.get(slot).cloned());
    let (schema, batch) =
        table.ok_or_else(|| Problem::new("denied/slot", format!("no table in slot {slot}")))?;
    Ok(Reader { schema, batches: RefCell::new(vec![batch].into_iter()) })
}

/// A transaction on the dataset in a slot.
pub fn open_write(slot: &str, mode: &str, schema: &[Field]) -> Result<Writer> {
    let written = Written {
        slot: slot.to_owned(),
        mode: mode.to_owned(),
        schema: schema.to_vec(),
        batches: Vec::new(),
        file: None,
    };
    Ok(Writer(RefCell::new(written)))
}
