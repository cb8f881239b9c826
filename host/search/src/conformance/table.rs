//! Small tables in memory.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use halle_model::{Column, ColumnKind};
use serde_json::{Map, Value};

use crate::engine::{Index, IndexSpec, LineFields, LinesRequest};
use crate::{Query, SortKey};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    None,
    /// Texts, objects, and date-times.
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Day(i32),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

/// Columns and rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) editable: bool,
}

impl Table {
    /// A table with these columns and no rows.
    pub(super) fn new(columns: &[(&str, ColumnKind)]) -> Self {
        let columns = columns.iter().map(|(key, kind)| Column::new(*key, *kind)).collect();
        Self { columns, ..Self::default() }
    }

    /// A table of one text column `text`.
    pub(super) fn of_texts(texts: &[&str]) -> Self {
        let rows = texts.iter().map(|text| vec![Cell::from(*text)]).collect();
        Self { rows, ..Self::new(&[("text", ColumnKind::Text)]) }
    }

    /// Sets the concept of a column.
    pub(super) fn concept(mut self, key: &str, uri: &str) -> Self {
        let index = self.index(key);
        self.columns[index].refers_to = Some(uri.to_owned());
        self
    }

    pub(super) fn row(mut self, cells: Vec<Cell>) -> Self {
        assert_eq!(cells.len(), self.columns.len());
        self.rows.push(cells);
        self
    }

    pub(super) fn index(&self, key: &str) -> usize {
        self.columns.iter().position(|column| column.key == key).expect(key)
    }

    pub(super) fn spec(&self) -> IndexSpec {
        IndexSpec { columns: self.columns.clone(), editable: self.editable }
    }

    /// The rows as batches of at most `rows` rows.
    pub(super) fn batches(&self, rows: usize) -> Vec<RecordBatch> {
        self.rows.chunks(rows).map(|rows| batch(&self.columns, rows)).collect()
    }
}

/// The rows as one batch.
pub(super) fn batch(columns: &[Column], rows: &[Vec<Cell>]) -> RecordBatch {
    let arrays: Vec<ArrayRef> =
        columns.iter().enumerate().map(|(index, column)| array(column, index, rows)).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&column.key, array.data_type().clone(), true))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("arrays of the same length")
}

fn array(column: &Column, index: usize, rows: &[Vec<Cell>]) -> ArrayRef {
    macro_rules! collect {
        ($array:ty, $variant:path, |$value:ident| $out:expr) => {
            Arc::new(
                rows.iter()
                    .map(|row| match &row[index] {
                        $variant($value) => Some($out),
                        Cell::None => None,
                        other => panic!("{other:?} in column {}", column.key),
                    })
                    .collect::<$array>(),
            )
        };
    }
    match column.kind() {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            collect!(StringArray, Cell::Text, |value| value.as_str())
        }
        ColumnKind::Integer => collect!(Int64Array, Cell::Integer, |value| *value),
        ColumnKind::Number => collect!(Float64Array, Cell::Number, |value| *value),
        ColumnKind::Boolean => collect!(BooleanArray, Cell::Boolean, |value| *value),
        ColumnKind::Date => collect!(Date32Array, Cell::Day, |value| *value),
    }
}

/// Asks for the first page of 1,000 lines with all columns.
pub(super) fn request(index: &dyn Index, query: Query) -> LinesRequest {
    LinesRequest {
        query,
        sort: Vec::new(),
        select: index.spec().columns.iter().map(|column| column.key.clone()).collect(),
        fields: LineFields { line: true, score: true, ..LineFields::default() },
        skip: 0,
        size: 1_000,
        after: None,
        count: true,
        collapse: None,
        highlight: Vec::new(),
    }
}

/// The lines that match, as JSON.
pub(super) async fn ask(index: &dyn Index, request: LinesRequest) -> Vec<Map<String, Value>> {
    let page = index.lines(request.clone()).await.unwrap_or_else(|error| panic!("{request:?}: {error}"));
    page.lines.iter().map(|line| serde_json::from_slice(line).expect("a JSON object")).collect()
}

/// The numbers of the lines that match, in the order of the answer.
pub(super) async fn numbers(index: &dyn Index, query: Query) -> Vec<i64> {
    numbers_sorted(index, query, Vec::new()).await
}

/// The numbers of the lines that match, in the order asked.
pub(super) async fn numbers_sorted(index: &dyn Index, query: Query, sort: Vec<SortKey>) -> Vec<i64> {
    let request = LinesRequest { sort, ..request(index, query) };
    ask(index, request).await.iter().map(|line| line["_i"].as_i64().expect("a number")).collect()
}
