//! Writing columns one after the other, each in a loop of its own: less work than row by row, above all in a guest.

use crate::builder::{Values, append, empty, mark};
use crate::columns::{Batch, Column, ColumnData, Field};
use crate::problem::{Problem, Result};
use crate::rows::Cell;
use crate::texts::texts_of;

impl Column {
    /// A column of a field from its cells, one for each row. A cell of another kind than the field is a problem (`batch/kind`).
    ///
    /// ```
    /// use halle_plugin::{Batch, Column, Field, Kind};
    /// let name = Field::new("name", Kind::Text);
    /// let names = [Some("Brest"), None];
    /// let column = Column::of(&name, names.iter().map(|name| (*name).into()))?;
    /// assert_eq!(Batch::of_columns(2, vec![column])?.rows, 2);
    /// # Ok::<(), halle_plugin::Problem>(())
    /// ```
    pub fn of<'a>(field: &Field, cells: impl IntoIterator<Item = Cell<'a>>) -> Result<Self> {
        let mut valid = Vec::new();
        let mut unfit = None;
        let mut note = |row: usize, is_missing: bool| {
            // A column without a missing value has no bitmap.
            if is_missing || !valid.is_empty() {
                mark(&mut valid, row, is_missing);
            }
        };
        let cells = cells.into_iter().enumerate();
        let data = match empty(field.known_kind()) {
            Values::Texts(_) => ColumnData::Texts(texts_of(cells.map(|(row, cell)| {
                note(row, cell == Cell::Null);
                match cell {
                    Cell::Text(text) => text.as_bytes(),
                    Cell::Null => b"",
                    _ => {
                        unfit.get_or_insert(cell);
                        b""
                    }
                }
            }))),
            Values::Others(mut data) => {
                for (row, cell) in cells {
                    note(row, cell == Cell::Null);
                    if !append(&mut data, row, &cell) {
                        unfit.get_or_insert(cell);
                        break;
                    }
                }
                data
            }
        };
        match unfit {
            None => Ok(Self { valid, data }),
            Some(cell) => Err(wrong_kind(field, cell)),
        }
    }

    /// Whether it has as many values.
    fn has_length(&self, rows: usize) -> bool {
        let length = match &self.data {
            ColumnData::Bools(bits) => return bits.len() == rows.div_ceil(8),
            ColumnData::Ints(values) | ColumnData::Instants(values) => values.len(),
            ColumnData::Floats(values) => values.len(),
            ColumnData::Days(values) => values.len(),
            ColumnData::Texts(texts) | ColumnData::Bytes(texts) => texts.offsets.len().saturating_sub(1),
        };
        length == rows
    }
}

impl Batch {
    /// A batch of columns that [`Column::of`] made, in the order of their fields. One that has not as many values as there are
    /// rows is a problem (`batch/columns`).
    pub fn of_columns(rows: usize, columns: Vec<Column>) -> Result<Self> {
        if let Some(index) = columns.iter().position(|column| !column.has_length(rows)) {
            let message = format!("La colonne {} n'a pas {rows} valeurs, une par ligne", index + 1);
            return Err(Problem::new("batch/columns", message));
        }
        Ok(Self { rows: u32::try_from(rows).unwrap_or(u32::MAX), columns })
    }
}

/// The refusal of a cell of another kind than its column.
#[cold]
pub(crate) fn wrong_kind(field: &Field, cell: Cell<'_>) -> Problem {
    let message = format!("La colonne « {} » est de type {} : {cell:?}", field.key, field.kind);
    Problem::new("batch/kind", message)
}
