//! The table of a shapefile: dBASE III, texts in UTF-8.
//!
//! The width of a column is the same in all rows and stands at the beginning; so values wait in a temporary file until all
//! are known.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use halle_model::{Column, ColumnKind};
use jiff::civil::Date;

use super::super::cells::Cell;
use crate::error::{DatasetsError, DatasetsResult};

/// Columns of a table.
const COLUMNS_MAX: usize = 255;

/// Bytes of the name of a column.
const NAME_BYTES_MAX: usize = 10;

/// Bytes of a text.
const TEXT_BYTES_MAX: usize = 254;

/// Bytes of a number written with all its digits; longer ones are written with an exponent.
const NUMBER_BYTES_MAX: usize = 24;

/// Decimals of a number.
const DECIMALS_MAX: usize = 15;

/// Refuses more columns than a table has.
pub(super) fn check(columns: &[Column]) -> DatasetsResult<()> {
    if columns.len() > COLUMNS_MAX {
        return Err(too_wide());
    }
    Ok(())
}

fn too_wide() -> DatasetsError {
    DatasetsError::bad_request(
        "Une table shapefile n'a pas plus de 255 colonnes et 65 535 octets par ligne : choisissez des colonnes avec select.",
    )
}

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Integer,
    Number,
    Day,
    Logical,
}

/// A column, and what is known of its values so far.
struct Field {
    name: [u8; NAME_BYTES_MAX],
    form: Form,
    /// Longest value, in bytes; of numbers, what stands before the point.
    width: usize,
    decimals: usize,
}

/// A table being written.
pub(super) struct Table {
    fields: Vec<Field>,
    /// Values of all rows: length and bytes of each.
    values: BufWriter<File>,
    rows: u32,
}

impl Table {
    /// A table of these columns; `values` is where values wait.
    pub(super) fn new(columns: &[Column], values: File) -> Self {
        let mut names: Vec<String> = Vec::with_capacity(columns.len());
        for column in columns {
            names.push(name(&column.key, &names));
        }
        let field = |(column, name): (&Column, &String)| {
            let mut bytes = [0; NAME_BYTES_MAX];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            let (form, width) = match column.kind() {
                ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => (Form::Text, 1),
                ColumnKind::Integer => (Form::Integer, 1),
                ColumnKind::Number => (Form::Number, 1),
                ColumnKind::Boolean => (Form::Logical, 1),
                ColumnKind::Date => (Form::Day, 8),
            };
            Field { name: bytes, form, width, decimals: 0 }
        };
        let fields = columns.iter().zip(&names).map(field).collect();
        Self { fields, values: BufWriter::new(values), rows: 0 }
    }

    /// Adds a row: a cell for each column.
    pub(super) fn add<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) -> DatasetsResult<()> {
        for (field, cell) in self.fields.iter_mut().zip(cells) {
            let text = text_of(field.form, &cell);
            let text = cut(&text);
            match text.split_once('.').filter(|_| field.form == Form::Number) {
                Some((whole, fraction)) if !text.contains('e') => {
                    field.width = field.width.max(whole.len());
                    field.decimals = field.decimals.max(fraction.len().min(DECIMALS_MAX));
                }
                _ => field.width = field.width.max(text.len()),
            }
            // At most 254 bytes.
            self.values.write_all(&[text.len() as u8]).map_err(DatasetsError::internal)?;
            self.values.write_all(text.as_bytes()).map_err(DatasetsError::internal)?;
        }
        self.rows += 1;
        Ok(())
    }

    /// Writes the table.
    ///
    /// # Errors
    ///
    /// 400 when rows are wider than the format allows.
    pub(super) fn finish(self, changed: Date, out: &mut impl Write) -> DatasetsResult<()> {
        let widths: Vec<usize> = self.fields.iter().map(Field::bytes).collect();
        let row_bytes = u16::try_from(widths.iter().sum::<usize>() + 1).map_err(|_| too_wide())?;
        let header_bytes = u16::try_from(32 * (self.fields.len() + 1) + 1).map_err(|_| too_wide())?;
        let mut header = vec![3, (changed.year() - 1900).clamp(0, 255) as u8];
        header.extend([changed.month().unsigned_abs(), changed.day().unsigned_abs()]);
        header.extend(self.rows.to_le_bytes());
        header.extend(header_bytes.to_le_bytes());
        header.extend(row_bytes.to_le_bytes());
        header.extend([0; 20]);
        for (field, width) in self.fields.iter().zip(&widths) {
            header.extend(field.name);
            header.push(0);
            header.push(match field.form {
                Form::Text => b'C',
                Form::Integer | Form::Number => b'N',
                Form::Day => b'D',
                Form::Logical => b'L',
            });
            header.extend([0; 4]);
            header.extend([*width as u8, field.decimals as u8]);
            header.extend([0; 14]);
        }
        header.push(b'\r');
        out.write_all(&header).map_err(DatasetsError::internal)?;

        let mut file = self.values.into_inner().map_err(DatasetsError::internal)?;
        file.seek(SeekFrom::Start(0)).map_err(DatasetsError::internal)?;
        let mut values = BufReader::new(file);
        let (mut row, mut value) = (Vec::with_capacity(usize::from(row_bytes)), [0; TEXT_BYTES_MAX]);
        for _ in 0..self.rows {
            row.clear();
            row.push(b' ');
            for (field, width) in self.fields.iter().zip(&widths) {
                let mut length = [0];
                values.read_exact(&mut length).map_err(DatasetsError::internal)?;
                let value = &mut value[..usize::from(length[0])];
                values.read_exact(value).map_err(DatasetsError::internal)?;
                field.write(value, *width, &mut row);
            }
            out.write_all(&row).map_err(DatasetsError::internal)?;
        }
        out.write_all(&[0x1a]).map_err(DatasetsError::internal)
    }
}

impl Field {
    /// Bytes of a value.
    fn bytes(&self) -> usize {
        let point = usize::from(self.decimals > 0);
        (self.width + point + self.decimals).min(TEXT_BYTES_MAX)
    }

    /// Writes a value: texts to the left, numbers to the right, all with the same decimals.
    fn write(&self, value: &[u8], width: usize, row: &mut Vec<u8>) {
        let number =
            std::str::from_utf8(value).ok().filter(|text| self.form == Form::Number && !text.contains('e'));
        let number = number.and_then(|text| text.parse::<f64>().ok());
        let aligned = number.map(|number| format!("{number:.*}", self.decimals));
        let value = aligned.as_deref().map_or(value, str::as_bytes);
        let value = &value[..value.len().min(width)];
        let padding = std::iter::repeat_n(b' ', width - value.len());
        if matches!(self.form, Form::Integer | Form::Number) {
            row.extend(padding);
            row.extend_from_slice(value);
        } else {
            row.extend_from_slice(value);
            row.extend(padding);
        }
    }
}

fn text_of(form: Form, cell: &Cell<'_>) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) if form == Form::Day => text.replace('-', ""),
        Cell::Owned(text) if form == Form::Day => text.replace('-', ""),
        Cell::Text(text) => (*text).to_owned(),
        Cell::Owned(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => {
            let plain = number.to_string();
            if plain.len() <= NUMBER_BYTES_MAX { plain } else { format!("{number:e}") }
        }
        Cell::Boolean(truth) => if *truth { "T" } else { "F" }.to_owned(),
    }
}

/// The text as far as it fits.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A name of at most ten letters, digits and `_`, that no other column has.
fn name(key: &str, taken: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let short: String = key.chars().map(plain).take(NAME_BYTES_MAX).collect();
    let numbered = (1..).map(|number: u32| {
        let end = format!("_{number}");
        let kept = NAME_BYTES_MAX.saturating_sub(end.len()).min(short.len());
        format!("{}{end}", &short[..kept])
    });
    let is_free = |name: &String| !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    // There are more numbers than columns, so one is free.
    std::iter::once(short.clone()).chain(numbered).find(is_free).unwrap_or(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_differ() {
        let mut names: Vec<String> = Vec::new();
        for key in ["code", "code_commune_insee", "code_commune_nom", "CODE_COMMU", "_up.nom"] {
            names.push(name(key, &names));
        }
        assert_eq!(names, ["code", "code_commu", "code_com_1", "CODE_COM_2", "_up_nom"]);
    }

    #[test]
    fn numbers_are_aligned_and_texts_cut() {
        let columns = [Column::new("x", ColumnKind::Number), Column::new("nom", ColumnKind::Text)];
        let mut table = Table::new(&columns, tempfile::tempfile().unwrap());
        let long = "é".repeat(200);
        for cells in [[Cell::Number(1.5), Cell::Text(&long)], [Cell::Number(-12.0), Cell::Empty]] {
            table.add(cells.into_iter()).unwrap();
        }
        let mut out = Vec::new();
        table.finish(Date::constant(2026, 1, 2), &mut out).unwrap();
        assert_eq!(&out[..8], [3, 126, 1, 2, 2, 0, 0, 0]);
        let rows = &out[97..];
        assert_eq!(&rows[..6], b"   1.5");
        assert_eq!(&rows[6..260], "é".repeat(127).as_bytes());
        assert_eq!(&rows[260..266], b" -12.0");
        assert_eq!(rows.last(), Some(&0x1a));
    }
}
