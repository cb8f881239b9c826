//! Writing rows: cells in, a batch of columns out.

use serde_json::Value;

use crate::by_column::wrong_kind;
use crate::columns::{Batch, Column, ColumnData, Field, Kind, push_bit};
use crate::dates;
use crate::problem::{Problem, Result};
use crate::rows::Cell;
use crate::texts::TextsBuilder;

/// Builds a batch row by row. Where rows come out by columns anyway, [`Column::of`] costs less.
///
/// ```
/// use halle_plugin::{BatchBuilder, Field, Kind};
/// let fields = [Field::new("name", Kind::Text), Field::new("size", Kind::Integer)];
/// let mut out = BatchBuilder::new(&fields);
/// out.push([Some("Brest").into(), 139_456_i64.into()])?;
/// assert_eq!(out.finish().rows, 1);
/// # Ok::<(), halle_plugin::Problem>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    fields: Vec<Field>,
    columns: Vec<Making>,
    rows: usize,
}

/// A column in the making.
#[derive(Debug)]
struct Making {
    /// As in [`Column`].
    valid: Vec<u8>,
    values: Values,
}

/// Its values.
#[derive(Debug)]
pub(crate) enum Values {
    /// Of a text or an object.
    Texts(TextsBuilder),
    /// Of any other kind.
    Others(ColumnData),
}

impl BatchBuilder {
    /// An empty batch with these columns.
    pub fn new(fields: &[Field]) -> Self {
        let making = |field: &Field| Making { valid: Vec::new(), values: empty(field.known_kind()) };
        let columns = fields.iter().map(making).collect();
        Self { fields: fields.to_vec(), columns, rows: 0 }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row: one cell per field, in their order. A cell of another kind than its field is a problem
    /// (`batch/kind`) and leaves the batch as it was.
    pub fn push<'a, C>(&mut self, cells: C) -> Result<()>
    where
        C: AsRef<[Cell<'a>]>,
    {
        let cells = cells.as_ref();
        if cells.len() != self.columns.len() {
            let message = format!("{} valeurs pour {} colonnes", cells.len(), self.fields.len());
            return Err(Problem::new("batch/columns", message));
        }
        for (index, (column, cell)) in self.columns.iter_mut().zip(cells).enumerate() {
            if !column.push(self.rows, cell) {
                return Err(self.take_back(index, *cell));
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Removes what was written of a row whose cell does not fit its column, and says so. Rows that fit, which are nearly all,
    /// are looked at once for it.
    #[cold]
    fn take_back(&mut self, index: usize, cell: Cell<'_>) -> Problem {
        for column in &mut self.columns {
            column.truncate(self.rows);
        }
        wrong_kind(&self.fields[index], cell)
    }

    /// Adds a row without any value.
    pub fn push_missing(&mut self) -> Result<()> {
        for column in &mut self.columns {
            column.push(self.rows, &Cell::Null);
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a row from JSON values, converted to the kinds of the columns. What cannot be converted is left out, and its
    /// problem returned.
    pub fn push_json(&mut self, values: &[&Value]) -> Result<Vec<Problem>> {
        let mut problems = Vec::new();
        let texts: Vec<String> =
            self.fields.iter().zip(values).map(|(field, value)| as_text(field, value)).collect();
        let mut cells = Vec::with_capacity(texts.len());
        for ((field, value), text) in self.fields.iter().zip(values).zip(&texts) {
            cells.push(convert(field, value, text).unwrap_or_else(|problem| {
                problems.push(problem);
                Cell::Null
            }));
        }
        self.push(&cells)?;
        Ok(problems)
    }

    /// The batch.
    pub fn finish(self) -> Batch {
        let columns = self.columns.into_iter().map(Making::finish).collect();
        Batch { rows: u32::try_from(self.rows).unwrap_or(u32::MAX), columns }
    }
}

/// A column without values.
pub(crate) fn empty(kind: Kind) -> Values {
    use ColumnData::{Bools, Days, Floats, Instants, Ints};
    match kind {
        Kind::Text | Kind::Object => Values::Texts(TextsBuilder::new()),
        Kind::Integer => Values::Others(Ints(Vec::new())),
        Kind::Number => Values::Others(Floats(Vec::new())),
        Kind::Boolean => Values::Others(Bools(Vec::new())),
        Kind::Date => Values::Others(Days(Vec::new())),
        Kind::DateTime => Values::Others(Instants(Vec::new())),
    }
}

impl Making {
    /// Adds a cell after `length` others, a missing one as the zero of the type; `false` when it is of another kind, and nothing
    /// was added. The cell comes by reference: to read again as a whole what has just been written in parts makes a processor wait.
    #[inline]
    fn push(&mut self, length: usize, cell: &Cell<'_>) -> bool {
        if let (Values::Texts(texts), Cell::Text(text)) = (&mut self.values, cell) {
            texts.push(text.as_bytes());
            if !self.valid.is_empty() {
                mark(&mut self.valid, length, false);
            }
            return true;
        }
        self.push_other(length, cell)
    }

    /// Adds any cell but a text to a column of texts, which is what most are.
    #[inline(never)]
    fn push_other(&mut self, length: usize, cell: &Cell<'_>) -> bool {
        let is_missing = matches!(cell, Cell::Null);
        match &mut self.values {
            Values::Texts(texts) if is_missing => texts.push(b""),
            Values::Texts(_) => return false,
            Values::Others(data) => {
                if !append(data, length, cell) {
                    return false;
                }
            }
        }
        // A column without a missing value has no bitmap.
        if is_missing || !self.valid.is_empty() {
            mark(&mut self.valid, length, is_missing);
        }
        true
    }

    /// Removes what comes after the first `length` cells.
    fn truncate(&mut self, length: usize) {
        truncate_bits(&mut self.valid, length);
        match &mut self.values {
            Values::Texts(texts) => texts.truncate(length),
            Values::Others(ColumnData::Bools(bits)) => truncate_bits(bits, length),
            Values::Others(ColumnData::Ints(values)) => values.truncate(length),
            Values::Others(ColumnData::Floats(values)) => values.truncate(length),
            Values::Others(ColumnData::Days(values)) => values.truncate(length),
            Values::Others(ColumnData::Instants(values)) => values.truncate(length),
            Values::Others(ColumnData::Texts(_) | ColumnData::Bytes(_)) => {}
        }
    }

    fn finish(self) -> Column {
        let data = match self.values {
            Values::Texts(texts) => ColumnData::Texts(texts.finish()),
            Values::Others(data) => data,
        };
        Column { valid: self.valid, data }
    }
}

/// Notes whether the value after `length` others is there.
pub(crate) fn mark(valid: &mut Vec<u8>, length: usize, is_missing: bool) {
    if valid.is_empty() {
        // All before it are there.
        valid.resize(length / 8, 0xff);
        if !length.is_multiple_of(8) {
            valid.push((1 << (length % 8)) - 1);
        }
    }
    push_bit(valid, length, !is_missing);
}

/// The first `length` bits, with zeroes after them in the last byte.
fn truncate_bits(bits: &mut Vec<u8>, length: usize) {
    bits.truncate(length.div_ceil(8));
    if let Some(last) = bits.last_mut()
        && !length.is_multiple_of(8)
    {
        *last &= (1 << (length % 8)) - 1;
    }
}

/// Appends a cell to values that are no texts; `false` when it is of another kind than they are.
pub(crate) fn append(data: &mut ColumnData, length: usize, cell: &Cell<'_>) -> bool {
    match (data, cell) {
        (ColumnData::Bools(bits), Cell::Boolean(value)) => push_bit(bits, length, *value),
        (ColumnData::Bools(bits), Cell::Null) => push_bit(bits, length, false),
        (ColumnData::Ints(values), Cell::Integer(value)) => values.push(*value),
        (ColumnData::Ints(values), Cell::Null) => values.push(0),
        (ColumnData::Floats(values), Cell::Number(value)) => values.push(*value),
        (ColumnData::Floats(values), Cell::Integer(value)) => values.push(*value as f64),
        (ColumnData::Floats(values), Cell::Null) => values.push(0.0),
        (ColumnData::Days(values), Cell::Date(value)) => values.push(*value),
        (ColumnData::Days(values), Cell::Null) => values.push(0),
        (ColumnData::Instants(values), Cell::DateTime(value)) => values.push(*value),
        (ColumnData::Instants(values), Cell::Null) => values.push(0),
        _ => return false,
    }
    true
}

fn as_text(field: &Field, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other if matches!(field.known_kind(), Kind::Text | Kind::Object) => other.to_string(),
        _ => String::new(),
    }
}

/// A JSON value as a cell of a field; `text` is what [`as_text`] made of it.
fn convert<'a>(field: &Field, value: &Value, text: &'a str) -> Result<Cell<'a>> {
    if value.is_null() || value.as_str() == Some("") {
        return Ok(Cell::Null);
    }
    let cell = match field.known_kind() {
        Kind::Text | Kind::Object => Some(Cell::Text(text)),
        Kind::Integer => value.as_i64().or_else(|| text.parse().ok()).map(Cell::Integer),
        Kind::Number => value.as_f64().or_else(|| text.parse().ok()).map(Cell::Number),
        Kind::Boolean => value.as_bool().or_else(|| text.parse().ok()).map(Cell::Boolean),
        Kind::Date => dates::parse_day(text).map(Cell::Date),
        Kind::DateTime => dates::parse_instant(text).map(Cell::DateTime),
    };
    cell.ok_or_else(|| {
        let message =
            format!("« {value} » n'est pas une valeur de type {} (colonne « {} »)", field.kind, field.key);
        Problem::new("value/kind", message)
    })
}
