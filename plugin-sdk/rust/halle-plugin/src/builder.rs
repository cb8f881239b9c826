//! Writing rows: cells in, a batch of columns out.

use serde_json::Value;

use crate::columns::{Batch, Column, ColumnData, Field, Kind, push_bit};
use crate::dates;
use crate::problem::{Problem, Result};
use crate::rows::Cell;
use crate::texts::TextsBuilder;

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
    columns: Vec<Making>,
    rows: usize,
}

/// A column in the making.
#[derive(Debug)]
struct Making {
    /// What its cells may be: a bit for each of [`Shape`].
    accepts: u8,
    /// As in [`Column`].
    valid: Vec<u8>,
    values: Values,
}

/// Its values.
#[derive(Debug)]
enum Values {
    /// Of a text or an object.
    Texts(TextsBuilder),
    /// Of any other kind.
    Others(ColumnData),
}

impl BatchBuilder {
    /// An empty batch with these columns.
    pub fn new(fields: &[Field]) -> Self {
        let columns = fields.iter().map(|field| Making::new(field.known_kind())).collect();
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
        let fit = |(column, cell): (&Making, &Cell<'_>)| column.accepts & shape(*cell) != 0;
        if cells.len() != self.columns.len() || !self.columns.iter().zip(cells).all(fit) {
            return Err(self.refused(cells));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(self.rows, *cell);
        }
        self.rows += 1;
        Ok(())
    }

    /// What is wrong with a row that does not fit.
    #[cold]
    fn refused(&self, cells: &[Cell<'_>]) -> Problem {
        let columns = self.fields.iter().zip(&self.columns).zip(cells);
        let mut unfit = columns.filter(|((_, column), cell)| column.accepts & shape(**cell) == 0);
        match unfit.next() {
            Some(((field, _), cell)) if cells.len() == self.fields.len() => {
                let message = format!("La colonne « {} » est de type {} : {cell:?}", field.key, field.kind);
                Problem::new("batch/kind", message)
            }
            _ => {
                let message = format!("{} valeurs pour {} colonnes", cells.len(), self.fields.len());
                Problem::new("batch/columns", message)
            }
        }
    }

    /// Adds a row without any value.
    pub fn push_missing(&mut self) -> Result<()> {
        for column in &mut self.columns {
            column.push(self.rows, Cell::Null);
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

/// What a cell is, as a bit.
fn shape(cell: Cell<'_>) -> u8 {
    match cell {
        Cell::Null => 1,
        Cell::Text(_) => 1 << 1,
        Cell::Integer(_) => 1 << 2,
        Cell::Number(_) => 1 << 3,
        Cell::Boolean(_) => 1 << 4,
        Cell::Date(_) => 1 << 5,
        Cell::DateTime(_) => 1 << 6,
    }
}

/// A column without values, and what cells it takes besides missing ones.
fn empty(kind: Kind) -> (Values, &'static [Cell<'static>]) {
    use ColumnData::{Bools, Days, Floats, Instants, Ints};
    match kind {
        Kind::Text | Kind::Object => (Values::Texts(TextsBuilder::new()), &[Cell::Text("")]),
        Kind::Integer => (Values::Others(Ints(Vec::new())), &[Cell::Integer(0)]),
        Kind::Number => (Values::Others(Floats(Vec::new())), &[Cell::Number(0.0), Cell::Integer(0)]),
        Kind::Boolean => (Values::Others(Bools(Vec::new())), &[Cell::Boolean(false)]),
        Kind::Date => (Values::Others(Days(Vec::new())), &[Cell::Date(0)]),
        Kind::DateTime => (Values::Others(Instants(Vec::new())), &[Cell::DateTime(0)]),
    }
}

impl Making {
    fn new(kind: Kind) -> Self {
        let (values, takes) = empty(kind);
        let accepts = takes.iter().fold(shape(Cell::Null), |accepts, cell| accepts | shape(*cell));
        Self { accepts, valid: Vec::new(), values }
    }

    /// Adds a cell that it accepts after `length` others; a missing one as the zero of the type.
    #[inline]
    fn push(&mut self, length: usize, cell: Cell<'_>) {
        // A column without a missing value has no bitmap.
        if cell == Cell::Null || !self.valid.is_empty() {
            mark(&mut self.valid, length, cell == Cell::Null);
        }
        match &mut self.values {
            Values::Texts(texts) => texts.push(cell.text().unwrap_or_default().as_bytes()),
            Values::Others(data) => append(data, length, cell),
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
fn mark(valid: &mut Vec<u8>, length: usize, is_missing: bool) {
    if valid.is_empty() {
        // All before it are there.
        valid.resize(length / 8, 0xff);
        if !length.is_multiple_of(8) {
            valid.push((1 << (length % 8)) - 1);
        }
    }
    push_bit(valid, length, !is_missing);
}

/// Appends a cell to values that are no texts.
fn append(data: &mut ColumnData, length: usize, cell: Cell<'_>) {
    match data {
        ColumnData::Bools(bits) => push_bit(bits, length, cell == Cell::Boolean(true)),
        ColumnData::Ints(values) => values.push(if let Cell::Integer(value) = cell { value } else { 0 }),
        ColumnData::Floats(values) => values.push(cell.number().unwrap_or_default()),
        ColumnData::Days(values) => values.push(if let Cell::Date(value) = cell { value } else { 0 }),
        ColumnData::Instants(values) => values.push(if let Cell::DateTime(value) = cell { value } else { 0 }),
        ColumnData::Texts(_) | ColumnData::Bytes(_) => {}
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
