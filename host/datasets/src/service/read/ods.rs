//! Lines as an OpenDocument spreadsheet: the same sheets as a workbook (reference §2.8).
//!
//! Two files of XML in an archive. The rows go into it as they come, so that none is in memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;

use arrow::record_batch::RecordBatch;
use halle_model::{Column, ColumnKind};
use jiff::civil::{Date, DateTime};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::cells::{Cell, Cells};
use super::workbook::{About, SHEET_LINES_MAX, side_sheets, too_many_lines};
use crate::error::{DatasetsError, DatasetsResult};

/// Media type, and content of the archive's first file.
pub(super) const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.spreadsheet";

const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3"><manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"#;

/// Namespaces, and how dates are shown.
const HEAD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:number="urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0" office:version="1.3"><office:automatic-styles><number:date-style style:name="N1"><number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/></number:date-style><number:date-style style:name="N2"><number:year number:style="long"/><number:text>-</number:text><number:month number:style="long"/><number:text>-</number:text><number:day number:style="long"/><number:text> </number:text><number:hours number:style="long"/><number:text>:</number:text><number:minutes number:style="long"/><number:text>:</number:text><number:seconds number:style="long"/></number:date-style><style:style style:name="day" style:family="table-cell" style:data-style-name="N1"/><style:style style:name="instant" style:family="table-cell" style:data-style-name="N2"/></office:automatic-styles><office:body><office:spreadsheet>"#;

const TAIL: &str = "</office:spreadsheet></office:body></office:document-content>";

/// Writes a spreadsheet whose data sheet is never in memory.
pub(super) struct OdsWriter {
    zip: ZipWriter<File>,
    columns: Vec<Column>,
    lines: u32,
    out: String,
}

impl OdsWriter {
    /// Begins the data sheet with the original names of the columns.
    pub(super) fn new(columns: &[Column], file: File) -> DatasetsResult<Self> {
        let mut zip = ZipWriter::new(file);
        let plain = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        let packed = SimpleFileOptions::default().large_file(true);
        for (name, content, options) in
            [("mimetype", MEDIA_TYPE, plain), ("META-INF/manifest.xml", MANIFEST, packed)]
        {
            zip.start_file(name, options).map_err(DatasetsError::internal)?;
            zip.write_all(content.as_bytes()).map_err(DatasetsError::internal)?;
        }
        zip.start_file("content.xml", packed).map_err(DatasetsError::internal)?;
        let mut writer = Self { zip, columns: columns.to_vec(), lines: 0, out: HEAD.to_owned() };
        writer.open_sheet("data", columns.len());
        let names = columns.iter().map(|column| column.original_name.as_deref().unwrap_or(&column.key));
        writer.text_row(names);
        writer.flush()?;
        Ok(writer)
    }

    /// Adds lines.
    ///
    /// # Errors
    ///
    /// 400 when the sheet is full.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> DatasetsResult<()> {
        let cells = Cells::of(batch)?;
        for row in 0..batch.num_rows() {
            if self.lines == SHEET_LINES_MAX {
                return Err(too_many_lines());
            }
            self.lines += 1;
            self.out.push_str("<table:table-row>");
            for (column, cells) in self.columns.iter().zip(&cells) {
                write_cell(column.kind(), &cells.get(row), &mut self.out);
            }
            self.out.push_str("</table:table-row>");
        }
        self.flush()
    }

    /// Adds the other sheets and ends the file.
    pub(super) fn finish(mut self, about: &About) -> DatasetsResult<File> {
        self.out.push_str("</table:table>");
        for sheet in side_sheets(about, &self.columns, self.lines, None) {
            let width = sheet.rows.first().map_or(1, Vec::len);
            self.open_sheet(sheet.name, width);
            for row in &sheet.rows {
                self.text_row(row.iter().map(String::as_str));
            }
            self.out.push_str("</table:table>");
        }
        self.out.push_str(TAIL);
        self.flush()?;
        self.zip.finish().map_err(DatasetsError::internal)
    }

    fn open_sheet(&mut self, name: &str, columns: usize) {
        // Writing to a text cannot fail.
        let _ = write!(
            self.out,
            "<table:table table:name=\"{name}\"><table:table-column table:number-columns-repeated=\"{}\"/>",
            columns.max(1)
        );
    }

    fn text_row<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        self.out.push_str("<table:table-row>");
        for text in texts {
            let cell = if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
            write_cell(ColumnKind::Text, &cell, &mut self.out);
        }
        self.out.push_str("</table:table-row>");
    }

    fn flush(&mut self) -> DatasetsResult<()> {
        self.zip.write_all(self.out.as_bytes()).map_err(DatasetsError::internal)?;
        self.out.clear();
        Ok(())
    }
}

fn write_cell(kind: ColumnKind, cell: &Cell<'_>, out: &mut String) {
    let text = match cell {
        Cell::Empty => {
            out.push_str("<table:table-cell/>");
            return;
        }
        Cell::Integer(number) => return write_value("float", "value", &number.to_string(), "", out),
        Cell::Number(number) => return write_value("float", "value", &number.to_string(), "", out),
        Cell::Boolean(truth) => {
            return write_value("boolean", "boolean-value", if *truth { "true" } else { "false" }, "", out);
        }
        Cell::Text(text) => *text,
        Cell::Owned(text) => text.as_str(),
    };
    let is_date = || kind == ColumnKind::Date && text.parse::<Date>().is_ok();
    // The local time, as written: a spreadsheet knows no zones.
    let instant =
        text.get(..19).filter(|text| kind == ColumnKind::DateTime && text.parse::<DateTime>().is_ok());
    match instant {
        Some(instant) => write_value("date", "date-value", instant, " table:style-name=\"instant\"", out),
        None if is_date() => write_value("date", "date-value", text, " table:style-name=\"day\"", out),
        None => {
            out.push_str("<table:table-cell office:value-type=\"string\">");
            for line in text.split('\n') {
                out.push_str("<text:p>");
                write_text(line, out);
                out.push_str("</text:p>");
            }
            out.push_str("</table:table-cell>");
        }
    }
}

fn write_value(kind: &str, attribute: &str, value: &str, style: &str, out: &mut String) {
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "<table:table-cell{style} office:value-type=\"{kind}\" office:{attribute}=\"{value}\"><text:p>{value}</text:p></table:table-cell>"
    );
}

/// A line of text. Spaces that follow others have an element of their own, else readers make one of them; characters that
/// XML cannot say are left out.
fn write_text(line: &str, out: &mut String) {
    let mut after_space = true;
    for character in line.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("<text:tab/>"),
            ' ' if after_space => out.push_str("<text:s/>"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => continue,
            character => out.push(character),
        }
        after_space = character == ' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: ColumnKind, text: &str) -> String {
        let mut out = String::new();
        write_cell(kind, &Cell::Text(text), &mut out);
        out
    }

    #[test]
    fn texts_keep_their_spaces_and_lines_and_dates_are_dates() {
        assert_eq!(
            written(ColumnKind::Text, "a  <b>\n\u{1}c"),
            "<table:table-cell office:value-type=\"string\"><text:p>a <text:s/>&lt;b&gt;</text:p><text:p>c</text:p></table:table-cell>"
        );
        assert!(written(ColumnKind::Date, "2024-02-29").contains("office:date-value=\"2024-02-29\""));
        assert!(written(ColumnKind::Date, "demain").contains("value-type=\"string\""));
        let instant = written(ColumnKind::DateTime, "2024-02-29T10:00:00+01:00");
        assert!(instant.contains("office:date-value=\"2024-02-29T10:00:00\""), "{instant}");
    }
}
