//! Writing rows: cells in, a batch of columns out.

use serde_json::Value;

use crate::columns::{Batch, Column, ColumnData, Field, Kind, Texts, push_bit};
use crate::dates;
use crate::problem::{Problem, Result};
use crate::rows::Cell;

/// Builds a batch row by row.
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
    /// Those of the fields, which keep them by name.
    kinds: Vec<Kind>,
    columns: Vec<Column>,
    rows: usize,
}

impl BatchBuilder {
    /// An empty batch with these columns.
    pub fn new(fields: &[Field]) -> Self {
        let kinds: Vec<Kind> = fields.iter().map(Field::known_kind).collect();
        let columns = kinds.iter().map(|kind| Column { valid: Vec::new(), data: empty(*kind) }).collect();
        Self { fields: fields.to_vec(), kinds, columns, rows: 0 }
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
        if cells.len() != self.fields.len() {
            let message = format!("{} valeurs pour {} colonnes", cells.len(), self.fields.len());
            return Err(Problem::new("batch/columns", message));
        }
        if let Some(index) = self.kinds.iter().zip(cells).position(|(kind, cell)| !fits(*kind, *cell)) {
            let (field, cell) = (&self.fields[index], cells[index]);
            let message = format!("La colonne « {} » est de type {} : {cell:?}", field.key, field.kind);
            return Err(Problem::new("batch/kind", message));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            mark(&mut column.valid, self.rows, *cell == Cell::Null);
            append(&mut column.data, self.rows, *cell);
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a row without any value.
    pub fn push_missing(&mut self) -> Result<()> {
        self.push(vec![Cell::Null; self.fields.len()])
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
        Batch { rows: u32::try_from(self.rows).unwrap_or(u32::MAX), columns: self.columns }
    }
}

/// Notes whether the value after `length` others is there. A column without a missing value has no bitmap.
fn mark(valid: &mut Vec<u8>, length: usize, is_missing: bool) {
    if valid.is_empty() {
        if !is_missing {
            return;
        }
        // All before it are there.
        valid.resize(length / 8, 0xff);
        if !length.is_multiple_of(8) {
            valid.push((1 << (length % 8)) - 1);
        }
    }
    push_bit(valid, length, !is_missing);
}

fn empty(kind: Kind) -> ColumnData {
    match kind {
        Kind::Text | Kind::Object => ColumnData::Texts(Texts { offsets: vec![0], data: Vec::new() }),
        Kind::Integer => ColumnData::Ints(Vec::new()),
        Kind::Number => ColumnData::Floats(Vec::new()),
        Kind::Boolean => ColumnData::Bools(Vec::new()),
        Kind::Date => ColumnData::Days(Vec::new()),
        Kind::DateTime => ColumnData::Instants(Vec::new()),
    }
}

fn fits(kind: Kind, cell: Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(_) => matches!(kind, Kind::Text | Kind::Object),
        Cell::Integer(_) => matches!(kind, Kind::Integer | Kind::Number),
        Cell::Number(_) => kind == Kind::Number,
        Cell::Boolean(_) => kind == Kind::Boolean,
        Cell::Date(_) => kind == Kind::Date,
        Cell::DateTime(_) => kind == Kind::DateTime,
    }
}

/// Appends a cell that [`fits`]; a missing one as the zero of the type.
fn append(data: &mut ColumnData, length: usize, cell: Cell<'_>) {
    match data {
        ColumnData::Bools(bits) => push_bit(bits, length, cell == Cell::Boolean(true)),
        ColumnData::Ints(values) => values.push(if let Cell::Integer(value) = cell { value } else { 0 }),
        ColumnData::Floats(values) => values.push(cell.number().unwrap_or_default()),
        ColumnData::Texts(texts) | ColumnData::Bytes(texts) => {
            texts.push(cell.text().unwrap_or_default().as_bytes());
        }
        ColumnData::Days(values) => values.push(if let Cell::Date(value) = cell { value } else { 0 }),
        ColumnData::Instants(values) => values.push(if let Cell::DateTime(value) = cell { value } else { 0 }),
    }
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
