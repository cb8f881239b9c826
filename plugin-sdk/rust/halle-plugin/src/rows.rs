//! Reading rows: cells by row and column, over the columns of a batch.

use serde_json::Value;

use crate::columns::{Batch, Column, ColumnData, Field, Kind, Texts, bit};
use crate::dates;
use crate::problem::{Problem, Result};

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Missing.
    Null,
    /// Text; JSON for objects.
    Text(&'a str),
    /// Whole number.
    Integer(i64),
    /// Number.
    Number(f64),
    /// Truth value.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    DateTime(i64),
}

impl<'a> Cell<'a> {
    /// Whether there is no value. An empty text is none either.
    pub fn is_missing(self) -> bool {
        matches!(self, Self::Null | Self::Text(""))
    }

    /// The text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, whole or not.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(value as f64),
            Self::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The value as JSON: dates as `2024-01-31`, instants as RFC 3339 in UTC.
    pub fn to_json(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => text.into(),
            Self::Integer(value) => value.into(),
            Self::Number(value) => value.into(),
            Self::Boolean(value) => value.into(),
            Self::Date(days) => dates::format_day(days).into(),
            Self::DateTime(instant) => dates::format_instant(instant).into(),
        }
    }
}

macro_rules! cell_from {
    ($($source:ty => $variant:ident),*) => {$(
        impl<'a> From<$source> for Cell<'a> {
            fn from(value: $source) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}
cell_from!(&'a str => Text, i64 => Integer, f64 => Number, bool => Boolean);

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The rows of a batch, with the fields that say what its columns are.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    fields: &'a [Field],
    batch: &'a Batch,
}

impl<'a> Rows<'a> {
    /// A view; batch and fields must agree, which the host guarantees for what it sends.
    pub fn new(fields: &'a [Field], batch: &'a Batch) -> Result<Self> {
        if fields.len() == batch.columns.len() {
            return Ok(Self { fields, batch });
        }
        let message = format!("{} colonnes reçues pour {} annoncées", batch.columns.len(), fields.len());
        Err(Problem::new("batch/columns", message))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batch.rows as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the columns are.
    pub fn fields(&self) -> &'a [Field] {
        self.fields
    }

    /// The column with a key. Look it up once, before the loop over the rows.
    pub fn column(&self, key: &str) -> Result<Reader<'a>> {
        let index = self.fields.iter().position(|field| field.key == key);
        index.and_then(|index| self.column_at(index)).ok_or_else(|| missing(&format!("« {key} »")))
    }

    /// The first column with a concept.
    pub fn column_about(&self, concept: &str) -> Result<Reader<'a>> {
        let index = self.fields.iter().position(|field| field.concept.as_deref() == Some(concept));
        index.and_then(|index| self.column_at(index)).ok_or_else(|| missing(&format!("de concept {concept}")))
    }

    /// The column at an index.
    pub fn column_at(&self, index: usize) -> Option<Reader<'a>> {
        let reader = self.reader(index)?;
        let text = match &reader.column.data {
            ColumnData::Texts(texts) => std::str::from_utf8(&texts.data).ok(),
            _ => None,
        };
        Some(Reader { text, ..reader })
    }

    /// The column at an index, whose texts are checked one by one: for those who read few.
    fn reader(&self, index: usize) -> Option<Reader<'a>> {
        let kind = self.fields.get(index)?.known_kind();
        Some(Reader { kind, column: self.batch.columns.get(index)?, text: None })
    }

    /// A row as JSON; missing values are left out.
    pub fn json(&self, row: usize) -> serde_json::Map<String, Value> {
        let cells = self.fields.iter().enumerate().filter_map(|(index, field)| {
            let cell = self.reader(index)?.cell(row);
            (cell != Cell::Null).then(|| (field.key.clone(), cell.to_json()))
        });
        cells.collect()
    }
}

fn missing(which: &str) -> Problem {
    Problem::new("input/missing", format!("Il manque une colonne {which}."))
}

/// Reads the values of one column.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    kind: Kind,
    column: &'a Column,
    /// All texts of the column, when they are known to be UTF-8: looked at together, they cost a fraction.
    text: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// What the column holds.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value of a row; [`Cell::Null`] when missing or beyond the end.
    #[inline]
    pub fn cell(&self, row: usize) -> Cell<'a> {
        if !self.column.has(row) {
            return Cell::Null;
        }
        match &self.column.data {
            ColumnData::Bools(bits) => Cell::Boolean(bit(bits, row)),
            ColumnData::Ints(values) => values.get(row).copied().into(),
            ColumnData::Floats(values) => values.get(row).copied().into(),
            ColumnData::Texts(texts) => Cell::Text(self.text_of(texts, row)),
            ColumnData::Bytes(_) => Cell::Null,
            ColumnData::Days(values) => values.get(row).copied().map_or(Cell::Null, Cell::Date),
            ColumnData::Instants(values) => values.get(row).copied().map_or(Cell::Null, Cell::DateTime),
        }
    }

    #[inline]
    fn text_of(&self, texts: &'a Texts, row: usize) -> &'a str {
        // A value may end within a character of the next one, though all together are UTF-8.
        let within = self.text.zip(texts.bounds(row)).and_then(|(text, (from, to))| text.get(from..to));
        within.unwrap_or_else(|| std::str::from_utf8(texts.get(row)).unwrap_or_default())
    }

    /// The text of a row, if it has one.
    pub fn text(&self, row: usize) -> Option<&'a str> {
        self.cell(row).text()
    }

    /// The number of a row, if it has one.
    pub fn number(&self, row: usize) -> Option<f64> {
        self.cell(row).number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::TextsBuilder;

    fn column_of(values: &[&[u8]]) -> Batch {
        let mut texts = TextsBuilder::new();
        values.iter().for_each(|value| texts.push(value));
        let column = Column { valid: Vec::new(), data: ColumnData::Texts(texts.finish()) };
        Batch { rows: values.len() as u32, columns: vec![column] }
    }

    fn read(batch: &Batch) -> Vec<String> {
        let fields = [Field::new("text", Kind::Text)];
        let rows = Rows::new(&fields, batch).expect("one column");
        let reader = rows.column_at(0).expect("the column");
        let cells = (0..rows.len()).map(|row| reader.text(row).unwrap_or("none").to_owned());
        let cells: Vec<String> = cells.collect();
        let by_row = (0..rows.len()).map(|row| rows.json(row)["text"].as_str().unwrap_or("none").to_owned());
        assert_eq!(cells, by_row.collect::<Vec<_>>());
        cells
    }

    #[test]
    fn texts_of_every_length_are_read_as_they_were_written() {
        let texts: Vec<String> =
            (0..100).map(|length| "aé€𝄞-".chars().cycle().take(length).collect()).collect();
        let bytes: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
        assert_eq!(read(&column_of(&bytes)), texts);
    }

    #[test]
    fn what_is_no_text_spoils_no_other() {
        assert_eq!(read(&column_of(&[b"ok", b"\xff", "été".as_bytes()])), ["ok", "", "été"]);
        // Together these are UTF-8; neither is.
        assert_eq!(
            read(&column_of(&["é".as_bytes().split_at(1).0, "é".as_bytes().split_at(1).1, b"ok"])),
            ["", "", "ok"]
        );
    }
}
