//! Computed columns of edited lines.

use std::sync::Arc;

use halle_base::Dice;
use halle_expressions::{Line, Value};
use halle_model::{Column, ColumnKind, Dataset};
use serde_json::{Map, Value as Json};

use super::{Computed, EXPRESSION};

/// The computed columns of an editable dataset, in the order in which they are filled.
#[derive(Debug)]
pub(crate) struct LineExpressions {
    /// Columns of the lines, the computed ones last.
    columns: Vec<Column>,
    /// How many columns are not computed.
    base: usize,
    computed: Vec<Computed>,
}

impl LineExpressions {
    /// The expressions of a dataset, or what is wrong with them.
    pub(crate) fn of(dataset: &Dataset, dice: &Arc<dyn Dice>) -> Result<Self, String> {
        let mut columns = crate::service::columns::of_the_file(&dataset.schema);
        let base = columns.len();
        let mut computed = Vec::new();
        for extension in dataset.extensions.iter().filter(|ext| ext.active && ext.kind == EXPRESSION) {
            let one = Computed::new(extension, &columns, &[], Arc::clone(dice))?;
            columns.push(one.column().clone());
            computed.push(one);
        }
        Ok(Self { columns, base, computed })
    }

    /// Takes computed values out of a body: they are not the writer's to give.
    pub(crate) fn strip(&self, body: &mut Map<String, Json>) {
        for column in &self.columns[self.base..] {
            body.shift_remove(&column.key);
        }
    }

    /// Takes values of columns that are gone out of a line that is stored.
    pub(crate) fn forget(&self, body: &mut Map<String, Json>) {
        body.retain(|key, _| key.starts_with('_') || self.columns.iter().any(|column| column.key == *key));
    }

    /// Computes the values of a line, or tells why one cannot be computed.
    pub(crate) fn complete(&self, body: &mut Map<String, Json>) -> Result<(), String> {
        self.strip(body);
        for one in &self.computed {
            let value = one.evaluate(&JsonLine { columns: &self.columns, body })?;
            if let Some(value) = value {
                body.insert(one.column().key.clone(), value);
            }
        }
        Ok(())
    }
}

/// The values of a line, by column.
struct JsonLine<'a> {
    columns: &'a [Column],
    body: &'a Map<String, Json>,
}

impl Line for JsonLine<'_> {
    fn value(&self, column: usize) -> Value {
        let Some(column) = self.columns.get(column) else { return Value::Null };
        match self.body.get(&column.key) {
            Some(Json::String(text)) => text_value(column, text),
            Some(value) => Value::of_json(value),
            None => Value::Null,
        }
    }
}

/// The value that a stored text tells: several where the column has a separator, JSON where it holds objects.
pub(super) fn text_value(column: &Column, text: &str) -> Value {
    if column.kind() == ColumnKind::Object
        && let Ok(json) = serde_json::from_str(text)
    {
        return Value::of_json(&json);
    }
    match column.separator.as_deref().filter(|separator| !separator.is_empty()) {
        Some(separator) => {
            let trimmed = separator.trim();
            let mark = if trimmed.is_empty() { separator } else { trimmed };
            Value::of_json(&text.split(mark).map(|part| Json::from(part.trim())).collect())
        }
        None => Value::text(text),
    }
}
