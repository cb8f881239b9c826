//! Excel workbooks, `.xlsx`: rows as the sheet has them, one at a time.
//!
//! Only the texts that cells share are held in memory ([`SHARED_BYTES_MAX`]). A formula has the value that the workbook
//! keeps for it; the value of a failed formula (`#N/A`) is absent.

use crate::error::{IngestError, IngestResult};
use crate::sheets::shared::Shared;
use crate::sheets::value::{Style, write_number};
use crate::sheets::{SHEET_COLUMNS_MAX, Sheet, SheetRow, no_sheet, place};
use crate::source::{self, Archive};
use crate::table::Reading;
use crate::xml::{Token, Xml};

/// Bytes of the texts that cells share.
const SHARED_BYTES_MAX: usize = 256 << 20;

/// Cell formats of one workbook; Excel allows 65,490.
const STYLES_MAX: usize = 100_000;

/// A sheet being read.
pub(super) struct XlsxSheet {
    xml: Xml,
    name: String,
    shared: Shared,
    styles: Vec<Style>,
    is_1904: bool,
    row: u64,
    value: String,
}

/// What the workbook says of itself.
#[derive(Debug, Default)]
struct Workbook {
    names: Vec<String>,
    relations: Vec<String>,
    is_1904: bool,
}

/// Opens the sheet of this position.
pub(super) fn open(reading: &Reading<'_>, index: usize) -> IngestResult<XlsxSheet> {
    let archive = Archive::open(source::open_file(reading.path, reading.container)?)?;
    let main = relations(&archive, "_rels/.rels", "")?
        .into_iter()
        .find(|relation| relation.kind.ends_with("/officeDocument"))
        .map_or_else(|| "xl/workbook.xml".to_owned(), |relation| relation.target);
    let (folder, file) = main.rsplit_once('/').unwrap_or(("", &main));
    let workbook = workbook(&archive, &main)?;
    let relations = relations(&archive, &format!("{folder}/_rels/{file}.rels"), folder)?;
    let missing = || no_sheet(index, &workbook.names);
    let (name, id) = workbook.names.get(index).zip(workbook.relations.get(index)).ok_or_else(missing)?;
    let target = relations.iter().find(|relation| relation.id == *id).ok_or_else(missing)?;
    let of_kind = |kind: &str| relations.iter().find(|r| r.kind.ends_with(kind)).map(|r| r.target.clone());
    let styles = of_kind("/styles").map_or(Ok(Vec::new()), |part| styles(&archive, &part))?;
    let shared = of_kind("/sharedStrings").map_or(Ok(Shared::default()), |part| shared(&archive, &part))?;
    let part = part(&archive, &target.target)?;
    Ok(XlsxSheet {
        xml: part.ok_or_else(missing)?,
        name: name.clone(),
        shared,
        styles,
        is_1904: workbook.is_1904,
        row: 0,
        value: String::new(),
    })
}

/// A part of the workbook; `None` when it is not there.
fn part(archive: &Archive, name: &str) -> IngestResult<Option<Xml>> {
    let index = archive.find(name.trim_start_matches('/'));
    index.map(|index| Ok(Xml::new(archive.read(index)?, format!("« {name} »")))).transpose()
}

/// What a part refers to.
#[derive(Debug)]
struct Relation {
    id: String,
    kind: String,
    target: String,
}

fn relations(archive: &Archive, name: &str, folder: &str) -> IngestResult<Vec<Relation>> {
    let mut relations = Vec::new();
    let Some(mut xml) = part(archive, name)? else { return Ok(relations) };
    loop {
        match xml.next()? {
            Token::Eof => return Ok(relations),
            Token::Start if xml.name() == "Relationship" => {
                let text = |name: &str| xml.attribute(name).unwrap_or_default().to_owned();
                let target = text("Target");
                let target = match target.strip_prefix('/') {
                    Some(absolute) => absolute.to_owned(),
                    None if folder.is_empty() => target,
                    None => format!("{folder}/{target}"),
                };
                relations.push(Relation { id: text("Id"), kind: text("Type"), target });
            }
            _ => {}
        }
    }
}

fn workbook(archive: &Archive, name: &str) -> IngestResult<Workbook> {
    let not_one = || IngestError::broken("le classeur", "ce n'est pas un classeur Excel (.xlsx)");
    let mut xml = part(archive, name)?.ok_or_else(not_one)?;
    let mut workbook = Workbook::default();
    loop {
        match xml.next()? {
            Token::Eof => return Ok(workbook),
            Token::Start if xml.name() == "workbookPr" => {
                workbook.is_1904 = matches!(xml.attribute("date1904"), Some("1" | "true"));
            }
            Token::Start if xml.name() == "sheet" => {
                workbook.names.push(xml.attribute("name").unwrap_or_default().to_owned());
                workbook.relations.push(xml.attribute("id").unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }
}

/// How numbers are meant, by the number of the cell format.
fn styles(archive: &Archive, name: &str) -> IngestResult<Vec<Style>> {
    let mut styles = Vec::new();
    let Some(mut xml) = part(archive, name)? else { return Ok(styles) };
    let (mut codes, mut is_cell_format) = (Vec::new(), false);
    loop {
        let token = xml.next()?;
        match (token, xml.name()) {
            (Token::Eof, _) => return Ok(styles),
            (Token::Start | Token::End, "cellXfs") => is_cell_format = token == Token::Start,
            (Token::Start, "numFmt") => {
                let id: Option<u32> = xml.attribute("numFmtId").and_then(|id| id.parse().ok());
                let code = xml.attribute("formatCode").map(Style::of_code);
                codes.extend(id.zip(code));
            }
            (Token::Start, "xf") if is_cell_format => {
                let id: u32 = xml.attribute("numFmtId").and_then(|id| id.parse().ok()).unwrap_or(0);
                let own = codes.iter().find(|(known, _)| *known == id).map(|(_, style)| *style);
                styles.push(own.unwrap_or_else(|| Style::builtin(id)));
            }
            _ => {}
        }
        if styles.len() > STYLES_MAX || codes.len() > STYLES_MAX {
            return Err(xml.broken(format!("plus de {STYLES_MAX} formats de cellules")));
        }
    }
}

fn shared(archive: &Archive, name: &str) -> IngestResult<Shared> {
    let mut shared = Shared::default();
    let Some(mut xml) = part(archive, name)? else { return Ok(shared) };
    loop {
        match xml.next()? {
            Token::Eof => return Ok(shared),
            Token::Start if xml.name() == "t" => xml.read_text(&mut shared.text)?,
            // How Japanese is pronounced.
            Token::Start if xml.name() == "rPh" => xml.skip()?,
            Token::End if xml.name() == "si" => shared.close(),
            _ => {}
        }
        if shared.bytes() > SHARED_BYTES_MAX {
            return Err(xml.broken(format!("les textes dépassent {} Mo", SHARED_BYTES_MAX >> 20)));
        }
    }
}

impl XlsxSheet {
    /// Reads the cells of the row whose tag was just opened.
    fn read_row(&mut self, row: &mut SheetRow) -> IngestResult<()> {
        let depth = self.xml.depth();
        let mut next_column = 0;
        loop {
            match self.xml.next()? {
                Token::Start if self.xml.name() == "c" => {
                    let column = self.xml.attribute("r").and_then(column_of).unwrap_or(next_column);
                    if column >= SHEET_COLUMNS_MAX {
                        let reason = format!("une feuille a au plus {SHEET_COLUMNS_MAX} colonnes");
                        return Err(IngestError::broken(format!("feuille « {} »", self.name), reason));
                    }
                    next_column = column + 1;
                    self.read_cell(row, column)?;
                }
                Token::End if self.xml.depth() < depth => return Ok(()),
                Token::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn read_cell(&mut self, row: &mut SheetRow, column: usize) -> IngestResult<()> {
        let depth = self.xml.depth();
        let style = self.xml.attribute("s").and_then(|style| style.parse::<usize>().ok());
        let style = style.and_then(|style| self.styles.get(style)).copied().unwrap_or_default();
        let kind = self.xml.attribute("t").map_or(Kind::Number, Kind::of);
        self.value.clear();
        while self.xml.depth() >= depth {
            if self.xml.next()? != Token::Start {
                continue;
            }
            match self.xml.name() {
                "v" => {
                    self.value.clear();
                    self.xml.read_text(&mut self.value)?;
                }
                "t" if kind == Kind::Inline => self.xml.read_text(&mut self.value)?,
                "rPh" => self.xml.skip()?,
                _ => {}
            }
        }
        if self.value.is_empty() {
            return Ok(());
        }
        let place = || place(&self.name, row.number, column);
        match kind {
            Kind::Failed => {}
            Kind::Shared => {
                let index: Option<usize> = self.value.trim().parse().ok();
                let text = index.and_then(|index| self.shared.get(index));
                let unknown =
                    || IngestError::broken(place(), format!("le texte n° {} n'existe pas", self.value));
                let text = text.ok_or_else(unknown)?;
                push_unescaped(text, row.cell(column));
            }
            Kind::Boolean => {
                row.cell(column).push_str(if self.value.trim() == "0" { "false" } else { "true" });
            }
            Kind::Inline | Kind::Text => push_unescaped(&self.value, row.cell(column)),
            Kind::Number => match self.value.trim().parse::<f64>() {
                Ok(number) => write_number(number, style, self.is_1904, row.cell(column)),
                Err(_) => {
                    let value: String = self.value.chars().take(50).collect();
                    return Err(IngestError::broken(place(), format!("« {value} » n'est pas un nombre")));
                }
            },
        }
        Ok(())
    }
}

impl Sheet for XlsxSheet {
    fn next(&mut self, row: &mut SheetRow) -> IngestResult<bool> {
        loop {
            match self.xml.next()? {
                Token::Eof => return Ok(false),
                Token::Start if self.xml.name() == "row" => {
                    let told = self.xml.attribute("r").and_then(|number| number.parse().ok());
                    self.row = told.filter(|number| *number > self.row).unwrap_or(self.row + 1);
                    row.begin(self.row);
                    self.read_row(row)?;
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// What the value of a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Shared,
    Inline,
    Boolean,
    Failed,
    /// Of a formula, or a date in ISO form.
    Text,
}

impl Kind {
    fn of(text: &str) -> Self {
        match text {
            "s" => Self::Shared,
            "inlineStr" => Self::Inline,
            "b" => Self::Boolean,
            "e" => Self::Failed,
            "str" | "d" => Self::Text,
            _ => Self::Number,
        }
    }
}

/// Column of a reference such as `AB12`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters
        .take(8)
        .fold(0_usize, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// Appends a text in which `_x000D_` stands for a character that XML cannot hold.
fn push_unescaped(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        let char = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        match char {
            Some(char) => {
                out.push(char);
                rest = &rest[7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_columns() {
        for (reference, column) in [("A1", Some(0)), ("AB12", Some(27)), ("xfd1", Some(16_383)), ("12", None)]
        {
            assert_eq!(column_of(reference), column, "{reference}");
        }
    }

    #[test]
    fn characters_that_xml_cannot_hold_come_back() {
        for (text, expected) in
            [("a_x000D_b", "a\rb"), ("_x", "_x"), ("a_xyz_", "a_xyz_"), ("_x005F_x0041_", "_x0041_")]
        {
            let mut out = String::new();
            push_unescaped(text, &mut out);
            assert_eq!(out, expected, "{text}");
        }
    }
}
