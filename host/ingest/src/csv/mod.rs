//! Delimited text: `.csv`, `.tsv`, `.txt`.

mod dialect;
mod records;
mod table;

use std::io::Read;

use crate::csv::table::CsvTable;
use crate::error::IngestResult;
use crate::table::{Opened, Reading};

/// Opens delimited text. Its dialect is sniffed on the beginning, unless it is known.
pub(crate) fn open(reading: &Reading<'_>) -> IngestResult<Opened> {
    let (text, encoding) = reading.text()?;
    let dialect = match reading.dialect {
        Some(known) => known.clone(),
        None => {
            let mut sample = Vec::new();
            reading.text()?.0.take(dialect::SAMPLE_BYTES as u64).read_to_end(&mut sample)?;
            dialect::sniff(&sample)
        }
    };
    let table = CsvTable::open(text, dialect::marks(&dialect))?;
    Ok(Opened { table: Box::new(table), encoding, dialect: Some(dialect) })
}
