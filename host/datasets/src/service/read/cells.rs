//! Cells of a row, whatever holds them: an Arrow column or a JSON line.

use arrow::array::{Array, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use halle_model::ColumnKind;
use jiff::civil::Date;
use serde_json::Value;

use super::checked::Checked;
use crate::error::{DatasetsError, DatasetsResult};

/// One value, borrowed where possible.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    Empty,
    Text(&'a str),
    Owned(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

/// A column of a batch, ready to be read row by row.
pub(super) enum Cells<'a> {
    Text(&'a StringArray),
    Integer(&'a Int64Array),
    Number(&'a Float64Array),
    Boolean(&'a BooleanArray),
    Day(&'a Date32Array),
}

impl<'a> Cells<'a> {
    /// The columns of a batch, in order. Fails on a type that no [`ColumnKind`] has.
    pub(super) fn of(batch: &'a RecordBatch) -> DatasetsResult<Vec<Self>> {
        let schema = batch.schema();
        let column = |(array, field): (&'a arrow::array::ArrayRef, &arrow::datatypes::FieldRef)| {
            let array = array.as_any();
            let found = array
                .downcast_ref()
                .map(Cells::Text)
                .or_else(|| array.downcast_ref().map(Cells::Integer))
                .or_else(|| array.downcast_ref().map(Cells::Number))
                .or_else(|| array.downcast_ref().map(Cells::Boolean))
                .or_else(|| array.downcast_ref().map(Cells::Day));
            let name = field.name();
            let kind = field.data_type();
            found.ok_or_else(|| DatasetsError::internal(format!("column `{name}` has the type {kind}")))
        };
        batch.columns().iter().zip(schema.fields()).map(column).collect()
    }

    /// The cell of a row.
    pub(super) fn get(&self, row: usize) -> Cell<'a> {
        match self {
            Cells::Text(array) if array.is_valid(row) => Cell::Text(array.value(row)),
            Cells::Integer(array) if array.is_valid(row) => Cell::Integer(array.value(row)),
            Cells::Number(array) if array.is_valid(row) => Cell::Number(array.value(row)),
            Cells::Boolean(array) if array.is_valid(row) => Cell::Boolean(array.value(row)),
            Cells::Day(array) if array.is_valid(row) => Cell::Owned(day_text(array.value(row))),
            _ => Cell::Empty,
        }
    }
}

/// `YYYY-MM-DD` of days since 1970-01-01.
fn day_text(days: i32) -> String {
    let span = jiff::Span::new().try_days(days);
    let date = span.and_then(|span| Date::constant(1970, 1, 1).checked_add(span));
    date.map_or_else(|_| String::new(), |date| date.to_string())
}

impl<'a> Cell<'a> {
    /// The cell of a JSON line.
    pub(super) fn of_json(value: Option<&'a Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Empty,
            Some(Value::String(text)) => Self::Text(text),
            Some(Value::Bool(truth)) => Self::Boolean(*truth),
            Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Self::Integer(integer),
                (None, Some(float)) => Self::Number(float),
                (None, None) => Self::Owned(number.to_string()),
            },
            Some(other) => Self::Owned(other.to_string()),
        }
    }

    /// Writes the cell as CSV: text always quoted, numbers bare, booleans `1` and `0`, nothing for no value.
    pub(super) fn write_csv(&self, out: &mut Vec<u8>) {
        use std::io::Write;
        // Writing to memory cannot fail.
        match self {
            Cell::Empty => {}
            Cell::Text(text) => write_quoted(text, out),
            Cell::Owned(text) => write_quoted(text, out),
            Cell::Integer(integer) => drop(write!(out, "{integer}")),
            Cell::Number(number) => drop(write!(out, "{number}")),
            Cell::Boolean(truth) => out.push(if *truth { b'1' } else { b'0' }),
        }
    }

    /// The value of a number; `None` for anything else.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Cell::Integer(integer) => Some(*integer as f64),
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Appends the cell as JSON on one line, equal to [`Self::to_json`]; false, and nothing, for no value.
    pub(super) fn write_json(&self, kind: ColumnKind, out: &mut Vec<u8>) -> bool {
        // Writing to memory cannot fail.
        match self {
            Cell::Empty => return false,
            Cell::Text(text) if kind == ColumnKind::Object => {
                if !text.contains(['\n', '\r']) && is_json(text) {
                    out.extend_from_slice(text.as_bytes());
                } else {
                    let value = self.to_json(kind);
                    drop(serde_json::to_writer(out, &value));
                }
            }
            Cell::Text(text) => drop(serde_json::to_writer(out, text)),
            Cell::Owned(text) => drop(serde_json::to_writer(out, text)),
            Cell::Integer(integer) => drop(serde_json::to_writer(out, integer)),
            Cell::Number(number) => drop(serde_json::to_writer(out, number)),
            Cell::Boolean(truth) => drop(serde_json::to_writer(out, truth)),
        }
        true
    }

    /// The cell as JSON; `None` for no value. JSON columns are embedded as they are.
    pub(super) fn to_json(&self, kind: ColumnKind) -> Option<Value> {
        Some(match self {
            Cell::Empty => return None,
            Cell::Text(text) if kind == ColumnKind::Object => {
                serde_json::from_str(text).unwrap_or_else(|_| Value::from(*text))
            }
            Cell::Text(text) => Value::from(*text),
            Cell::Owned(text) => Value::from(text.as_str()),
            Cell::Integer(integer) => Value::from(*integer),
            Cell::Number(number) => Value::from(*number),
            Cell::Boolean(truth) => Value::from(*truth),
        })
    }
}

/// Whether a text is one JSON value that every reader takes: with numbers, characters and a depth that [`Value`] has too.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<Checked>(text).is_ok()
}

/// The key of a member of a JSON object, with the colon after it.
pub(super) fn json_key(key: &str) -> Vec<u8> {
    format!("{}:", Value::from(key)).into_bytes()
}

/// Appends what `value` does as the next member of the JSON object that was opened at `open`, just after its brace; nothing
/// if `value` says that there is none.
pub(super) fn write_member(
    out: &mut Vec<u8>,
    open: usize,
    key: &[u8],
    value: impl FnOnce(&mut Vec<u8>) -> bool,
) {
    let start = out.len();
    if start > open {
        out.push(b',');
    }
    out.extend_from_slice(key);
    if !value(out) {
        out.truncate(start);
    }
}

/// Text in double quotes, quotes doubled, NUL left out.
pub(super) fn write_quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\"\""),
            0 => {}
            byte => out.push(byte),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(value: &Value) -> String {
        let mut out = Vec::new();
        Cell::of_json(Some(value)).write_csv(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cells_are_written_as_data_fair_writes_them() {
        for (value, expect) in [
            (Value::from("a \"b\"\0\nc"), "\"a \"\"b\"\"\nc\""),
            (Value::from(12), "12"),
            (Value::from(1.5), "1.5"),
            (Value::from(1e21), "1000000000000000000000"),
            (Value::from(true), "1"),
            (Value::from(false), "0"),
            (Value::Null, ""),
            (Value::from(""), "\"\""),
        ] {
            assert_eq!(csv(&value), expect);
        }
        assert_eq!(day_text(19_723), "2024-01-01");
    }

    #[test]
    fn cells_are_written_as_the_json_that_they_are() {
        use ColumnKind::{Object, Text};
        let cells = [
            (Cell::Empty, Text),
            (Cell::Text("a \"b\"\n\u{1}é😀"), Text),
            (Cell::Text(r#"{"a": [1, null]}"#), Object),
            (Cell::Text("{\"a\":\n1}"), Object),
            (Cell::Text("{\"a\":"), Object),
            (Cell::Owned("2024-01-01".to_owned()), Text),
            (Cell::Integer(-3), Text),
            (Cell::Number(1.0), Text),
            (Cell::Number(1e-7), Text),
            (Cell::Number(f64::NAN), Text),
            (Cell::Boolean(true), Text),
        ];
        for (cell, kind) in cells {
            let mut out = Vec::new();
            let written = cell.write_json(kind, &mut out).then(|| serde_json::from_slice(&out).unwrap());
            assert_eq!(written, cell.to_json(kind), "{cell:?}");
            assert!(!out.contains(&b'\n'), "{cell:?}");
        }
        let mut out = b"{".to_vec();
        for (key, value) in [("a", None), ("b\"", Some(1)), ("c", None), ("d", Some(2))] {
            write_member(&mut out, 1, &json_key(key), |out| {
                Cell::of_json(value.map(Value::from).as_ref()).write_json(Text, out)
            });
        }
        assert_eq!(out, br#"{"b\"":1,"d":2"#);
    }
}
