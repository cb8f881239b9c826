//! Excel 97 workbooks, `.xls`, and those of Excel 5.
//!
//! A sheet has at most 65,536 rows and its cells may be in any order, so the cells of the sheet are held in memory:
//! [`BYTES_MAX`] bounds them.

mod compound;
mod texts;

use encoding_rs::Encoding;

use crate::error::{IngestError, IngestResult};
use crate::sheets::shared::Shared;
use crate::sheets::value::{Style, write_number};
use crate::sheets::{Sheet, SheetRow, no_sheet, place};
use crate::source;
use crate::table::Reading;
use compound::{u16_at, u32_at};
use texts::text_of;

/// Bytes of a workbook: the reference's limit. Its cells take at most seven times as much in memory.
const BYTES_MAX: usize = 50 << 20;

/// Numbers of records, as Microsoft's format description (MS-XLS) has them.
mod record {
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const EOF: u16 = 0x000a;
    pub(super) const DATE_MODE: u16 = 0x0022;
    pub(super) const FILE_PASS: u16 = 0x002f;
    pub(super) const CONTINUE: u16 = 0x003c;
    pub(super) const CODE_PAGE: u16 = 0x0042;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const MUL_RK: u16 = 0x00bd;
    pub(super) const RICH_STRING: u16 = 0x00d6;
    pub(super) const XF: u16 = 0x00e0;
    pub(super) const SST: u16 = 0x00fc;
    pub(super) const LABEL_SST: u16 = 0x00fd;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const LABEL: u16 = 0x0204;
    pub(super) const BOOL_ERR: u16 = 0x0205;
    pub(super) const STRING: u16 = 0x0207;
    pub(super) const RK: u16 = 0x027e;
    pub(super) const FORMAT: u16 = 0x041e;
    pub(super) const BOF: u16 = 0x0809;
}

/// How texts are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// Excel 97 and later: UTF-16. Before: the code page.
    is_biff8: bool,
    code_page: &'static Encoding,
}

/// What the workbook says of itself.
struct Globals {
    dialect: Dialect,
    sheets: Vec<(String, usize)>,
    texts: Shared,
    formats: Vec<(u16, Style)>,
    cell_formats: Vec<u16>,
    is_1904: bool,
}

enum Value {
    Number(f64, Style),
    Shared(u32),
    Text(Box<str>),
    Boolean(bool),
}

struct Cell {
    row: u16,
    column: u16,
    value: Value,
}

/// A sheet whose cells were read, in order.
pub(super) struct XlsSheet {
    name: String,
    cells: std::iter::Peekable<std::vec::IntoIter<Cell>>,
    texts: Shared,
    is_1904: bool,
}

/// Opens the sheet of this position.
pub(super) fn open(reading: &Reading<'_>, index: usize) -> IngestResult<XlsSheet> {
    let file = source::open_file(reading.path, reading.container)?;
    let bytes = compound::stream(file, &["Workbook", "Book"], BYTES_MAX)?;
    let globals = Globals::read(&bytes)?;
    let Some((name, start)) = globals.sheets.get(index).cloned() else {
        let names: Vec<String> = globals.sheets.into_iter().map(|(name, _)| name).collect();
        return Err(no_sheet(index, &names));
    };
    let mut cells = globals.cells(&bytes, start, &name)?;
    cells.sort_by_key(|cell| (cell.row, cell.column));
    let (texts, is_1904) = (globals.texts, globals.is_1904);
    Ok(XlsSheet { name, cells: cells.into_iter().peekable(), texts, is_1904 })
}

/// The records from an offset on: number and content. Ends where the stream is cut.
fn records(bytes: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = start;
    std::iter::from_fn(move || {
        let (number, length) = (u16_at(bytes, at)?, usize::from(u16_at(bytes, at + 2)?));
        let content = bytes.get(at + 4..at + 4 + length)?;
        at += 4 + length;
        Some((number, content))
    })
}

impl Globals {
    fn read(bytes: &[u8]) -> IngestResult<Self> {
        let broken = |reason: &str| IngestError::broken("le classeur", reason);
        let mut records = records(bytes, 0).peekable();
        let first = records.next().filter(|(number, _)| *number == record::BOF);
        let version = first.and_then(|(_, content)| u16_at(content, 0));
        let is_biff8 = match version {
            Some(0x0600) => true,
            Some(0x0500) => false,
            _ => {
                return Err(broken(
                    "cette version d'Excel est trop ancienne ; enregistrez-le au format .xlsx",
                ));
            }
        };
        let mut globals = Self {
            dialect: Dialect { is_biff8, code_page: encoding_rs::WINDOWS_1252 },
            sheets: Vec::new(),
            texts: Shared::default(),
            formats: Vec::new(),
            cell_formats: Vec::new(),
            is_1904: false,
        };
        while let Some((number, content)) = records.next() {
            match number {
                record::EOF => return Ok(globals),
                record::FILE_PASS => return Err(broken("il est protégé par un mot de passe")),
                record::SST => {
                    let mut pieces = vec![content];
                    while let Some((_, more)) = records.next_if(|(number, _)| *number == record::CONTINUE) {
                        pieces.push(more);
                    }
                    globals.texts = texts::shared(&pieces);
                }
                _ => globals.take(number, content),
            }
        }
        Err(broken("il est endommagé ou incomplet"))
    }

    /// Keeps what a record tells. One that is cut tells nothing.
    fn take(&mut self, number: u16, content: &[u8]) {
        match number {
            record::DATE_MODE => self.is_1904 = u16_at(content, 0) == Some(1),
            record::CODE_PAGE => {
                let label = u16_at(content, 0).map(|page| format!("windows-{page}"));
                let known = label.and_then(|label| Encoding::for_label(label.as_bytes()));
                self.dialect.code_page = known.unwrap_or(self.dialect.code_page);
            }
            record::BOUND_SHEET => {
                let is_worksheet = content.get(5) == Some(&0);
                let name = content.get(6..).and_then(|name| text_of(name, 1, self.dialect));
                if let (Some(start), true) = (u32_at(content, 0), is_worksheet) {
                    self.sheets.push((name.unwrap_or_default(), start as usize));
                }
            }
            record::FORMAT => {
                let width = if self.dialect.is_biff8 { 2 } else { 1 };
                let code = content.get(2..).and_then(|code| text_of(code, width, self.dialect));
                self.formats.extend(u16_at(content, 0).zip(code.as_deref().map(Style::of_code)));
            }
            record::XF => self.cell_formats.extend(u16_at(content, 2)),
            _ => {}
        }
    }

    fn style(&self, cell_format: u16) -> Style {
        let Some(format) = self.cell_formats.get(usize::from(cell_format)) else { return Style::Plain };
        let own = self.formats.iter().find(|(known, _)| known == format).map(|(_, style)| *style);
        own.unwrap_or_else(|| Style::builtin(u32::from(*format)))
    }

    /// The cells of a sheet, in the order of the file.
    fn cells(&self, bytes: &[u8], start: usize, name: &str) -> IngestResult<Vec<Cell>> {
        let mut cells: Vec<Cell> = Vec::new();
        // Charts in a sheet are streams of their own within it.
        let mut depth = 0_usize;
        for (number, content) in records(bytes, start) {
            match number {
                record::BOF => depth += 1,
                record::EOF => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(cells);
                    }
                }
                record::STRING if depth == 1 => {
                    if let Some(Cell { value: Value::Text(text), .. }) = cells.last_mut() {
                        *text = text_of(content, 2, self.dialect).unwrap_or_default().into();
                    }
                }
                _ if depth == 1 => {
                    self.take_cells(number, content, &mut cells);
                }
                _ => {}
            }
        }
        Err(IngestError::broken(format!("feuille « {name} »"), "elle est incomplète"))
    }

    /// Adds the cells of a record; `None` when it is cut, or has none.
    fn take_cells(&self, number: u16, content: &[u8], cells: &mut Vec<Cell>) -> Option<()> {
        let (row, column) = (u16_at(content, 0)?, u16_at(content, 2)?);
        let style = || u16_at(content, 4).map(|format| self.style(format));
        let double = |at: usize| Some(f64::from_le_bytes(content.get(at..at + 8)?.try_into().ok()?));
        let value = match number {
            record::NUMBER => Value::Number(double(6)?, style()?),
            record::RK => Value::Number(rk(u32_at(content, 6)?), style()?),
            record::LABEL_SST => Value::Shared(u32_at(content, 6)?),
            record::LABEL | record::RICH_STRING => {
                Value::Text(text_of(content.get(6..)?, 2, self.dialect)?.into())
            }
            record::BOOL_ERR if content.get(7)? == &0 => Value::Boolean(*content.get(6)? != 0),
            record::FORMULA => match (u16_at(content, 12)?, *content.get(6)?) {
                // The text is in the next record.
                (0xffff, 0) => Value::Text(Box::default()),
                (0xffff, 1) => Value::Boolean(*content.get(8)? != 0),
                (0xffff, _) => return None,
                _ => Value::Number(double(6)?, style()?),
            },
            record::MUL_RK => {
                for (offset, pair) in content.get(4..content.len() - 2)?.chunks_exact(6).enumerate() {
                    let column = column.checked_add(u16::try_from(offset).ok()?)?;
                    let value = Value::Number(rk(u32_at(pair, 2)?), self.style(u16_at(pair, 0)?));
                    cells.push(Cell { row, column, value });
                }
                return Some(());
            }
            _ => return None,
        };
        cells.push(Cell { row, column, value });
        Some(())
    }
}

/// A number in four bytes: a whole number or the upper half of a double, either perhaps in hundredths.
fn rk(bits: u32) -> f64 {
    let number = if bits & 2 == 0 {
        f64::from_bits(u64::from(bits & !3) << 32)
    } else {
        f64::from(bits.cast_signed() >> 2)
    };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

impl Sheet for XlsSheet {
    fn next(&mut self, row: &mut SheetRow) -> IngestResult<bool> {
        let Some(first) = self.cells.peek() else { return Ok(false) };
        let number = first.row;
        row.begin(u64::from(number) + 1);
        while let Some(cell) = self.cells.next_if(|cell| cell.row == number) {
            let column = usize::from(cell.column);
            let out = row.cell(column);
            match cell.value {
                Value::Number(number, style) => write_number(number, style, self.is_1904, out),
                Value::Text(text) => out.push_str(&text),
                Value::Boolean(truth) => out.push_str(if truth { "true" } else { "false" }),
                Value::Shared(index) => match self.texts.get(index as usize) {
                    Some(text) => out.push_str(text),
                    None => {
                        let place = place(&self.name, u64::from(number) + 1, column);
                        return Err(IngestError::broken(place, format!("le texte n° {index} n'existe pas")));
                    }
                },
            }
        }
        Ok(true)
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_whole_or_halves_or_hundredths() {
        for (bits, number) in [
            (12 << 2 | 2, 12.0),
            (1_234 << 2 | 3, 12.34),
            ((-5_i32 << 2).cast_unsigned() | 2, -5.0),
            ((1.5_f64.to_bits() >> 32) as u32, 1.5),
        ] {
            assert_eq!(rk(bits), number);
        }
    }
}
