//! Spreadsheets: the table that begins at a header row of one sheet.
//!
//! Formats give the rows of a sheet, one at a time; the header, the first column and the sheet are chosen here alike for
//! all, as the producer said.

mod ods;
mod shared;
mod value;
mod xls;
mod xlsx;

use std::io::Read;

use crate::analysis::NormalizeOptions;
use crate::error::{IngestError, IngestResult};
use crate::format::Format;
use crate::record::Record;
use crate::table::{Declared, Field, Opened, Reading, Table, check_header};

/// Columns of a sheet: `XFD` in every program of today.
pub(crate) const SHEET_COLUMNS_MAX: usize = 16_384;

/// Rows of a sheet, in every program of today.
pub(crate) const SHEET_ROWS_MAX: u64 = 1_048_576;

/// One row of a sheet; reused from one to the next.
#[derive(Debug, Default)]
pub(crate) struct SheetRow {
    /// From 1.
    pub(crate) number: u64,
    cells: Vec<String>,
    used: usize,
}

impl SheetRow {
    /// Begins another row.
    pub(crate) fn begin(&mut self, number: u64) {
        self.number = number;
        self.cells[..self.used].iter_mut().for_each(String::clear);
        self.used = 0;
    }

    /// The cell of a column, from 0; emptied.
    pub(crate) fn cell(&mut self, column: usize) -> &mut String {
        if column >= self.cells.len() {
            self.cells.resize_with(column + 1, String::new);
        }
        self.used = self.used.max(column + 1);
        let cell = &mut self.cells[column];
        cell.clear();
        cell
    }

    fn cells(&self) -> &[String] {
        &self.cells[..self.used]
    }
}

/// Rows of a sheet, in order.
pub(crate) trait Sheet: Send {
    /// Reads the next row that has cells; false at the end.
    fn next(&mut self, row: &mut SheetRow) -> IngestResult<bool>;

    /// Name of the sheet.
    fn name(&self) -> &str;
}

/// Opens the sheet that the producer chose, else the first.
pub(crate) fn open(format: Format, reading: &Reading<'_>) -> IngestResult<Opened> {
    let index = from_one(reading.normalize.spreadsheet_worksheet_index);
    let mut encoding = encoding_rs::UTF_8.name();
    let sheet: Box<dyn Sheet> = match format {
        Format::Ods => Box::new(ods::open(reading, index)?),
        Format::Fods => {
            let (text, found) = reading.text()?;
            encoding = found;
            Box::new(ods::open_flat(text, index)?)
        }
        // Names lie: workbooks are renamed, and a password makes a new one look like an old one.
        _ if is_compound(reading)? => Box::new(xls::open(reading, index)?),
        Format::Xls if !is_zip(reading)? => Box::new(xls::open(reading, index)?),
        _ => Box::new(xlsx::open(reading, index)?),
    };
    Ok(Opened::encoded(SheetTable::open(sheet, reading.normalize)?, encoding))
}

/// Whether the file begins as those of old Office programs.
fn is_compound(reading: &Reading<'_>) -> IngestResult<bool> {
    begins_with(reading, &[0xd0, 0xcf, 0x11, 0xe0])
}

/// Whether the file begins as a zip.
fn is_zip(reading: &Reading<'_>) -> IngestResult<bool> {
    begins_with(reading, b"PK\x03\x04")
}

fn begins_with(reading: &Reading<'_>, signature: &[u8; 4]) -> IngestResult<bool> {
    let mut beginning = Vec::new();
    reading.bytes()?.take(signature.len() as u64).read_to_end(&mut beginning)?;
    Ok(beginning == signature)
}

/// A position that counts from 1, as one that counts from 0.
fn from_one(position: Option<u32>) -> usize {
    position.map_or(0, |position| position.saturating_sub(1) as usize)
}

/// The refusal of a sheet that is not there.
pub(crate) fn no_sheet(index: usize, names: &[String]) -> IngestError {
    if names.is_empty() {
        return IngestError::broken("le classeur", "il ne contient aucune feuille");
    }
    let names = names.iter().take(20).map(|name| format!("« {name} »")).collect::<Vec<_>>().join(", ");
    IngestError::broken(
        format!("feuille {}", index + 1),
        format!("elle n'existe pas ; le classeur a {names}"),
    )
}

/// Letters of a column, from 0: `A`, `B`... `XFD`.
pub(crate) fn letters(column: usize) -> String {
    let (mut rest, mut letters) = (column + 1, Vec::new());
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Where a cell is, for an error. `column` counts from 0.
pub(crate) fn place(sheet: &str, row: u64, column: usize) -> String {
    format!("feuille « {sheet} », cellule {}{row}", letters(column))
}

/// A sheet from its header on.
struct SheetTable {
    sheet: Box<dyn Sheet>,
    row: SheetRow,
    start: usize,
    fields: Vec<Field>,
}

impl SheetTable {
    fn open(mut sheet: Box<dyn Sheet>, options: &NormalizeOptions) -> IngestResult<Self> {
        let header_line = u64::from(options.spreadsheet_header_line.unwrap_or(1));
        let start = from_one(options.spreadsheet_start_col);
        let mut row = SheetRow::default();
        let fields = loop {
            if !sheet.next(&mut row)? {
                return Err(IngestError::NoColumn);
            }
            let cells = row.cells().get(start..).unwrap_or(&[]);
            let last = cells.iter().rposition(|cell| !cell.trim().is_empty());
            if let Some(last) = last.filter(|_| row.number >= header_line) {
                let field = |header: &String| Field::new(header, Declared::Unknown);
                break cells[..=last].iter().map(field).collect::<Vec<_>>();
            }
        };
        check_header(&fields)?;
        Ok(Self { sheet, row, start, fields })
    }
}

impl Table for SheetTable {
    fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Values beyond the header are those of columns without a name.
    fn next(&mut self, record: &mut Record) -> IngestResult<bool> {
        while self.sheet.next(&mut self.row)? {
            if self.row.number > SHEET_ROWS_MAX {
                let place = format!("feuille « {} »", self.sheet.name());
                return Err(IngestError::broken(place, format!("elle dépasse {SHEET_ROWS_MAX} lignes")));
            }
            record.begin(self.row.number);
            let cells = self.row.cells().get(self.start..).unwrap_or(&[]);
            cells.iter().for_each(|cell| record.push(cell));
            if record.is_blank() {
                continue;
            }
            let filled = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
            while self.fields.len() < filled {
                self.fields.push(Field::new("", Declared::Unknown));
            }
            return Ok(true);
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        for (column, expected) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (16_383, "XFD")] {
            assert_eq!(letters(column), expected);
        }
    }
}
