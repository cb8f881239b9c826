//! Lines as a workbook: the sheets `data`, `metadata`, `schema`, `labels`, `query` (reference §2.8).

use std::fs::File;
use std::path::Path;

use arrow::record_batch::RecordBatch;
use halle_model::{Column, ColumnKind, Dataset};
use halle_search::params::Params;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::cells::{Cell, Cells};
use crate::error::{DatasetsError, DatasetsResult};

/// Lines that fit below the header (limits of Excel: 1,048,576 rows).
pub(super) const SHEET_LINES_MAX: u32 = 1_048_575;

/// Characters of a cell (limits of Excel).
const CELL_CHARS_MAX: usize = 32_767;

/// Whole numbers beyond it lose digits in a spreadsheet, which knows only binary numbers of 53 bits.
const EXACT_INTEGER_MAX: i64 = 1 << 53;

/// What is said of the dataset and the question beside the data.
pub(super) struct About {
    metadata: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
}

impl About {
    /// What can be said without reading any line.
    pub(super) fn new(dataset: &Dataset, params: &Params) -> Self {
        let described = |name: &str| dataset.description.get(name);
        let text = |name: &str| described(name).and_then(|value| value.as_str()).map(str::to_owned);
        let license = described("license").and_then(|license| license.get("title"));
        let license = license.and_then(|title| title.as_str()).map(str::to_owned);
        let updated = dataset.finalized_at.unwrap_or(dataset.updated_at).to_string();
        let metadata = [
            ("Titre", Some(dataset.title.clone())),
            ("Identifiant", Some(dataset.id.clone())),
            ("Résumé", text("summary")),
            ("Description", text("description")),
            ("Licence", license),
            ("Origine", text("origin")),
            ("Propriétaire", Some(dataset.owner.name.clone())),
            ("Mis à jour le", Some(updated)),
        ];
        let metadata = metadata.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let query = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { metadata, query }
    }
}

/// Writes a workbook whose data sheet is never in memory.
pub(super) struct WorkbookWriter {
    workbook: Workbook,
    columns: Vec<Column>,
    lines: u32,
    cut_cells: u64,
    day: Format,
    instant: Format,
}

fn failed(error: XlsxError) -> DatasetsError {
    DatasetsError::internal(error)
}

impl WorkbookWriter {
    /// Begins the data sheet with the original names of the columns.
    pub(super) fn new(columns: &[Column], temp_dir: &Path) -> DatasetsResult<Self> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(temp_dir).map_err(failed)?;
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name("data").map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        let bold = Format::new().set_bold();
        for (index, column) in columns.iter().enumerate() {
            let name = column.original_name.as_deref().unwrap_or(&column.key);
            sheet.write_string_with_format(0, place(index)?, cut(name).0, &bold).map_err(failed)?;
        }
        Ok(Self {
            workbook,
            columns: columns.to_vec(),
            lines: 0,
            cut_cells: 0,
            day: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        })
    }

    /// Adds lines.
    ///
    /// # Errors
    ///
    /// 400 when the sheet is full.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> DatasetsResult<()> {
        let cells = Cells::of(batch)?;
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for row in 0..batch.num_rows() {
            if self.lines == SHEET_LINES_MAX {
                return Err(too_many_lines());
            }
            self.lines += 1;
            for (index, (column, cells)) in self.columns.iter().zip(&cells).enumerate() {
                let at = (self.lines, place(index)?);
                let formats = (&self.day, &self.instant);
                self.cut_cells += u64::from(write_cell(sheet, at, column.kind(), &cells.get(row), formats)?);
            }
        }
        Ok(())
    }

    /// Adds the other sheets and writes everything.
    pub(super) fn finish(mut self, about: &About, file: &mut File) -> DatasetsResult<()> {
        let note = (self.cut_cells > 0).then(|| {
            format!(
                "{} cellules dépassaient les {CELL_CHARS_MAX} caractères d'une cellule de tableur et ont été coupées.",
                self.cut_cells
            )
        });
        for side in side_sheets(about, &self.columns, self.lines, note) {
            let sheet = self.workbook.add_worksheet();
            sheet.set_name(side.name).map_err(failed)?;
            for (row, cells) in (0..).zip(&side.rows) {
                for (index, text) in cells.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
                    sheet.write_string(row, place(index)?, cut(text).0).map_err(failed)?;
                }
            }
        }
        self.workbook.save_to_writer(file).map_err(failed)
    }
}

/// A sheet beside the data: texts, the header first.
pub(super) struct SideSheet {
    pub(super) name: &'static str,
    pub(super) rows: Vec<Vec<String>>,
}

/// The sheets `metadata`, `schema`, `labels` and `query`; `note` is what the reader should know of the data.
pub(super) fn side_sheets(
    about: &About,
    columns: &[Column],
    lines: u32,
    note: Option<String>,
) -> Vec<SideSheet> {
    let header = |names: &[&str]| vec![names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>()];
    let mut metadata = header(&["", ""]);
    metadata.extend(about.metadata.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]));
    metadata.push(vec!["Lignes".to_owned(), lines.to_string()]);
    metadata.extend(note.map(|note| vec!["Remarque".to_owned(), note]));
    let mut schema = header(&["Clé", "Nom d'origine", "Libellé", "Type", "Concept"]);
    schema.extend(columns.iter().map(|column| {
        let refers = column.refers_to.clone().unwrap_or_default();
        let original = column.original_name.clone().unwrap_or_default();
        let kind = format!("{:?}", column.kind()).to_lowercase();
        vec![column.key.clone(), original, column.label().to_owned(), kind, refers]
    }));
    let mut labels = header(&["Colonne", "Valeur", "Libellé"]);
    labels.extend(columns.iter().flat_map(|column| {
        let labels = column.labels.iter().flatten();
        labels.map(|(value, label)| vec![column.key.clone(), value.clone(), label.clone()])
    }));
    let mut query = header(&["Paramètre", "Valeur"]);
    query.extend(about.query.iter().map(|(name, value)| vec![name.clone(), value.clone()]));
    let sheets = [("metadata", metadata), ("schema", schema), ("labels", labels), ("query", query)];
    sheets.into_iter().map(|(name, rows)| SideSheet { name, rows }).collect()
}

/// The refusal of more lines than a sheet has.
pub(super) fn too_many_lines() -> DatasetsError {
    DatasetsError::bad_request(format!(
        "Une feuille de calcul ne contient pas plus de {SHEET_LINES_MAX} lignes : filtrez, ou demandez un autre format (csv, parquet)."
    ))
}

/// Number of a column of a sheet.
fn place(index: usize) -> DatasetsResult<u16> {
    u16::try_from(index).map_err(|_| {
        DatasetsError::bad_request(
            "Une feuille de calcul n'a pas assez de colonnes : choisissez-en avec select.",
        )
    })
}

/// The text as far as it fits into a cell, and whether it was cut.
fn cut(text: &str) -> (&str, bool) {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        // Excel counts UTF-16 units: a text of rare characters is cut by the library's error otherwise.
        None if text.encode_utf16().count() <= CELL_CHARS_MAX => (text, false),
        _ => {
            let mut units = 0;
            let end = text.char_indices().find(|(_, c)| {
                units += c.len_utf16();
                units > CELL_CHARS_MAX
            });
            (&text[..end.map_or(text.len(), |(at, _)| at)], true)
        }
    }
}

/// Writes a cell; tells whether it was cut.
fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    kind: ColumnKind,
    cell: &Cell<'_>,
    (day, instant): (&Format, &Format),
) -> DatasetsResult<bool> {
    let text = match cell {
        Cell::Empty => return Ok(false),
        Cell::Number(number) => {
            return sheet.write_number(row, column, *number).map(|_| false).map_err(failed);
        }
        Cell::Boolean(truth) => {
            return sheet.write_boolean(row, column, *truth).map(|_| false).map_err(failed);
        }
        Cell::Integer(number) if number.abs() <= EXACT_INTEGER_MAX => {
            return sheet.write_number(row, column, *number as f64).map(|_| false).map_err(failed);
        }
        Cell::Integer(number) => &number.to_string(),
        Cell::Text(text) => *text,
        Cell::Owned(text) => text.as_str(),
    };
    let dated = match kind {
        ColumnKind::Date => Some((text, day)),
        // The local time, as written: a spreadsheet knows no zones.
        ColumnKind::DateTime => Some((text.get(..19).unwrap_or(text), instant)),
        _ => None,
    };
    let dated = dated.and_then(|(text, format)| Some((ExcelDateTime::parse_from_str(text).ok()?, format)));
    if let Some((date, format)) = dated {
        return sheet.write_datetime_with_format(row, column, &date, format).map(|_| false).map_err(failed);
    }
    let (text, was_cut) = cut(text);
    sheet.write_string(row, column, text).map(|_| was_cut).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_where_a_cell_ends() {
        assert_eq!(cut("abc"), ("abc", false));
        let long = "é".repeat(CELL_CHARS_MAX + 1);
        assert_eq!(cut(&long), (&long[..CELL_CHARS_MAX * 2], true));
        // Two units each: half as many fit.
        let rare = "😀".repeat(CELL_CHARS_MAX / 2 + 1);
        let (text, was_cut) = cut(&rare);
        assert!(was_cut && text.chars().count() == CELL_CHARS_MAX / 2);
    }
}
