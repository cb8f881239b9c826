//! Rules over rows as columns of values.

use std::borrow::Cow;
use std::collections::HashSet;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use halle_model::{Column, ColumnKind};
use jiff::Span;
use jiff::civil::Date;

use super::{Cell, ColumnRules, is_text, missing};

/// The rules of the columns that have some.
pub(crate) struct BatchRules<'a> {
    columns: Vec<ColumnRules<'a>>,
}

/// A value of a batch that does not obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowViolation {
    /// Row in the batch, from 0.
    pub row: usize,
    /// Key of the column.
    pub column: String,
    /// What is asked, in the words that clients know.
    pub message: String,
    /// The value as text; empty for one that is missing.
    pub value: String,
}

impl<'a> BatchRules<'a> {
    /// The rules of these columns, or what is wrong with those of one of them.
    pub(crate) fn of(columns: &'a [Column]) -> Result<Self, String> {
        let mut found = Vec::new();
        for column in columns {
            let rules =
                ColumnRules::of(column).map_err(|error| format!("colonne « {} » : {error}", column.key))?;
            if !rules.is_free() {
                found.push(rules);
            }
        }
        Ok(Self { columns: found })
    }

    /// Keys of the columns that have rules.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.columns.iter().map(|rules| rules.column.key.clone()).collect()
    }

    /// Tells each value that does not obey, column by column. `unread` are cells whose value could not be read: they are
    /// absent, but not missing.
    pub(crate) fn check(
        &self,
        batch: &RecordBatch,
        unread: &HashSet<(usize, &str)>,
        mut tell: impl FnMut(RowViolation),
    ) {
        for rules in &self.columns {
            let column = rules.column;
            let Some(array) = batch.column_by_name(&column.key) else { continue };
            let values = rules.looks_at_values();
            if !values && array.null_count() == 0 {
                continue;
            }
            for row in 0..batch.num_rows() {
                if array.is_null(row) {
                    if rules.required && !unread.contains(&(row, column.key.as_str())) {
                        let (message, value) = (missing(column), String::new());
                        tell(RowViolation { row, column: column.key.clone(), message, value });
                    }
                } else if values && let Some((message, value)) = broken(rules, array, row) {
                    tell(RowViolation { row, column: column.key.clone(), message, value });
                }
            }
        }
    }
}

/// What is wrong with one value, and the value.
fn broken(rules: &ColumnRules<'_>, array: &dyn Array, row: usize) -> Option<(String, String)> {
    let kind = rules.column.kind();
    let (text, number) = match kind {
        ColumnKind::Text | ColumnKind::DateTime | ColumnKind::Object => {
            (Cow::Borrowed(array.as_string_opt::<i32>()?.value(row)), None)
        }
        ColumnKind::Integer => {
            let value = array.as_primitive_opt::<Int64Type>()?.value(row);
            (Cow::Owned(value.to_string()), Some(value as f64))
        }
        ColumnKind::Number => {
            let value = array.as_primitive_opt::<Float64Type>()?.value(row);
            (Cow::Owned(value.to_string()), Some(value))
        }
        ColumnKind::Boolean => (Cow::Owned(array.as_boolean_opt()?.value(row).to_string()), None),
        ColumnKind::Date => (Cow::Owned(day(array.as_primitive_opt::<Date32Type>()?.value(row))), None),
    };
    let cell = match number {
        Some(number) => Cell::Number(number),
        None if is_text(kind) => Cell::Text(&text),
        None => Cell::Other(&text),
    };
    let violation = rules.check(cell)?;
    Some((violation.message, text.into_owned()))
}

/// A day as lines show it.
fn day(days: i32) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(Span::new().days(days));
    date.map_or_else(|_| days.to_string(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn rows_that_do_not_obey_are_told_with_their_value() {
        let columns: Vec<Column> = serde_json::from_value(json!([
            { "key": "code", "type": "string", "x-required": true, "pattern": "^\\d+$" },
            { "key": "n", "type": "integer", "maximum": 5 },
            { "key": "d", "type": "string", "format": "date", "pattern": "^2024" },
            { "key": "free", "type": "string" },
        ]))
        .unwrap();
        let arrays: Vec<(&str, ArrayRef)> = vec![
            ("code", Arc::new(StringArray::from(vec![Some("1"), None, None, Some("x")]))),
            ("n", Arc::new(Int64Array::from(vec![Some(5), Some(6), None, None]))),
            ("d", Arc::new(Date32Array::from(vec![Some(19_723), Some(0), None, None]))),
            ("free", Arc::new(StringArray::from(vec![None::<&str>; 4]))),
        ];
        let batch = RecordBatch::try_from_iter(arrays).unwrap();
        let rules = BatchRules::of(&columns).unwrap();
        assert_eq!(rules.keys(), ["code", "n", "d"]);
        let mut told = Vec::new();
        rules.check(&batch, &HashSet::from([(2, "code")]), |one| {
            told.push((one.row, one.column, one.message, one.value));
        });
        let told: Vec<(usize, &str, &str, &str)> =
            told.iter().map(|(row, c, m, v)| (*row, c.as_str(), m.as_str(), v.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, "code", "requiert la propriété code", ""),
                (3, "code", "doit correspondre au format \"^\\d+$\"", "x"),
                (1, "n", "doit être <= 5", "6"),
                (1, "d", "doit correspondre au format \"^2024\"", "1970-01-01"),
            ]
        );
    }
}
