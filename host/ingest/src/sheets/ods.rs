//! OpenDocument spreadsheets: `.ods`, and `.fods`, which is the same without a zip.

use crate::encoding::Decoded;
use crate::error::IngestResult;
use crate::sheets::{SHEET_COLUMNS_MAX, SHEET_ROWS_MAX, Sheet, SheetRow, no_sheet};
use crate::source::{self, Archive};
use crate::table::Reading;
use crate::xml::{Token, Xml};

/// Bytes of the cells and rows that a sheet says to repeat, once they are.
const REPEATED_BYTES_MAX: usize = 256 << 20;

/// A sheet being read.
pub(super) struct OdsSheet {
    xml: Xml,
    name: String,
    /// Elements that are open around the rows.
    depth: usize,
    number: u64,
    /// The last row that was read, and how many times more it is to be given.
    last: Vec<String>,
    repeats: u64,
    repeated_bytes: usize,
    value: String,
}

/// Opens the sheet of this position of a zipped document.
pub(super) fn open(reading: &Reading<'_>, index: usize) -> IngestResult<OdsSheet> {
    let archive = Archive::open(source::open_file(reading.path, reading.container)?)?;
    let Some(content) = archive.find("content.xml") else { return Err(no_sheet(index, &[])) };
    sheet(Xml::new(archive.read(content)?, "« content.xml »"), index)
}

/// Opens the sheet of this position of a document in one file.
pub(super) fn open_flat(text: Decoded, index: usize) -> IngestResult<OdsSheet> {
    sheet(Xml::new(Box::new(text), "le document"), index)
}

fn sheet(mut xml: Xml, index: usize) -> IngestResult<OdsSheet> {
    let mut names = Vec::new();
    loop {
        match xml.next()? {
            Token::Eof => return Err(no_sheet(index, &names)),
            Token::Start if xml.name() == "table" => {
                let name = xml.attribute("name").unwrap_or_default().to_owned();
                if names.len() == index {
                    let depth = xml.depth();
                    return Ok(OdsSheet {
                        xml,
                        name,
                        depth,
                        number: 0,
                        last: Vec::new(),
                        repeats: 0,
                        repeated_bytes: 0,
                        value: String::new(),
                    });
                }
                names.push(name);
                xml.skip()?;
            }
            _ => {}
        }
    }
}

impl OdsSheet {
    /// Reads the row whose tag was just opened; false when it has no value.
    fn read_row(&mut self) -> IngestResult<bool> {
        let repeated = self.repetition("number-rows-repeated");
        let depth = self.xml.depth();
        self.last.clear();
        let mut column = 0;
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            if matches!(self.xml.name(), "table-cell" | "covered-table-cell") {
                let times = self.repetition("number-columns-repeated");
                self.read_cell()?;
                let end = usize::try_from(times).unwrap_or(usize::MAX).saturating_add(column);
                if !self.value.is_empty() {
                    // Programs fill a row to its end by repeating its last cell, which is empty.
                    if end > SHEET_COLUMNS_MAX {
                        let reason = format!("une feuille a au plus {SHEET_COLUMNS_MAX} colonnes");
                        return Err(self.xml.broken(reason));
                    }
                    self.count_repeated(self.value.len(), times - 1)?;
                    self.last.resize(column, String::new());
                    self.last.resize(end, self.value.clone());
                }
                column = end;
            } else {
                self.xml.skip()?;
            }
        }
        self.number += 1;
        if self.last.is_empty() {
            self.number = self.number.saturating_add(repeated - 1);
            return Ok(false);
        }
        self.repeats = (repeated - 1).min(SHEET_ROWS_MAX);
        self.count_repeated(self.last.iter().map(String::len).sum(), self.repeats)?;
        Ok(true)
    }

    /// Stops a small file that would repeat itself into a large one.
    fn count_repeated(&mut self, bytes: usize, times: u64) -> IngestResult<()> {
        let times = usize::try_from(times).unwrap_or(usize::MAX);
        self.repeated_bytes = self.repeated_bytes.saturating_add(bytes.saturating_mul(times));
        if self.repeated_bytes > REPEATED_BYTES_MAX {
            let reason = format!("les cellules répétées dépassent {} Mo", REPEATED_BYTES_MAX >> 20);
            return Err(self.xml.broken(reason));
        }
        Ok(())
    }

    /// How many times the element whose tag was just opened counts: at least once.
    fn repetition(&self, attribute: &str) -> u64 {
        self.xml.attribute(attribute).and_then(|times| times.parse().ok()).unwrap_or(1).max(1)
    }

    /// Reads the cell whose tag was just opened: the value where it has one, else the text.
    fn read_cell(&mut self) -> IngestResult<()> {
        let value = match self.xml.attribute("value-type") {
            Some("float" | "percentage" | "currency") => self.xml.attribute("value"),
            Some("date") => self.xml.attribute("date-value"),
            Some("boolean") => self.xml.attribute("boolean-value"),
            Some("string") => self.xml.attribute("string-value"),
            _ => None,
        };
        self.value.clear();
        if let Some(value) = value {
            self.value.push_str(value);
            return self.xml.skip();
        }
        let depth = self.xml.depth();
        let mut paragraphs = 0;
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            if self.xml.name() == "p" {
                if paragraphs > 0 {
                    self.value.push('\n');
                }
                paragraphs += 1;
                self.read_paragraph()?;
            } else {
                // Notes, pictures, tables within the cell.
                self.xml.skip()?;
            }
        }
        Ok(())
    }

    /// Appends the text of a paragraph, with the blanks that have tags.
    fn read_paragraph(&mut self) -> IngestResult<()> {
        let depth = self.xml.depth();
        while self.xml.depth() >= depth {
            match self.xml.next()? {
                Token::Text => self.value.push_str(self.xml.text()),
                Token::Start => match self.xml.name() {
                    "s" => {
                        let times = self.xml.attribute("c").and_then(|times| times.parse().ok());
                        let times: usize = times.unwrap_or(1);
                        self.value.push_str(&" ".repeat(times.min(1_000)));
                    }
                    "tab" => self.value.push('\t'),
                    "line-break" => self.value.push('\n'),
                    "annotation" => self.xml.skip()?,
                    _ => {}
                },
                Token::End | Token::Eof => {}
            }
            self.xml.check_length(&self.value)?;
        }
        Ok(())
    }

    fn give(&self, row: &mut SheetRow) {
        row.begin(self.number);
        for (column, cell) in self.last.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            row.cell(column).push_str(cell);
        }
    }
}

impl Sheet for OdsSheet {
    fn next(&mut self, row: &mut SheetRow) -> IngestResult<bool> {
        if self.repeats > 0 {
            self.repeats -= 1;
            self.number += 1;
            self.give(row);
            return Ok(true);
        }
        while self.xml.depth() >= self.depth {
            // Rows may be in groups, and headers are: only what holds none is left out.
            match self.xml.next()? {
                Token::Eof => return Ok(false),
                Token::Start if self.xml.name() == "table-row" => {
                    let has_values = self.read_row()?;
                    if has_values {
                        self.give(row);
                        return Ok(true);
                    }
                }
                Token::Start if matches!(self.xml.name(), "shapes" | "forms") => self.xml.skip()?,
                _ => {}
            }
        }
        Ok(false)
    }

    fn name(&self) -> &str {
        &self.name
    }
}
