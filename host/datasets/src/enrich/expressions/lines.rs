//! Computed columns of edited lines.

use std::sync::Arc;

use halle_base::Dice;
use halle_expressions::{Line, Value};
use halle_model::{Column, ColumnKind, Dataset};
use serde_json::{Map, Value as Json};

use super::computed::expression_key;
use super::{Computed, EXPRESSION};

/// The columns of an editable dataset that are not the writer's to fill, in the order in which they are filled. Most
/// expressions are computed within the write; those that read what other extensions give are computed with these, later.
#[derive(Debug)]
pub(crate) struct LineExpressions {
    /// Columns of the lines, then those that other extensions fill, then the computed ones.
    columns: Vec<Column>,
    /// How many columns are the writer's.
    base: usize,
    /// Keys of the columns that are filled after the write.
    later: Vec<String>,
    computed: Vec<Computed>,
}

impl LineExpressions {
    /// The expressions of a dataset, or what is wrong with them.
    pub(crate) fn of(dataset: &Dataset, dice: &Arc<dyn Dice>) -> Result<Self, String> {
        let mut columns = crate::service::columns::of_the_file(&dataset.schema);
        let base = columns.len();
        let expressions: Vec<_> =
            dataset.extensions.iter().filter(|ext| ext.active && ext.kind == EXPRESSION).collect();
        let own: Vec<String> = expressions.iter().filter_map(|extension| expression_key(extension)).collect();
        let given = |column: &&Column| column.extension.is_some() && !own.contains(&column.key);
        columns.extend(dataset.schema.iter().filter(given).cloned());
        let mut later: Vec<String> = columns[base..].iter().map(|column| column.key.clone()).collect();
        let mut computed = Vec::new();
        for extension in expressions {
            let one = Computed::new(extension, &columns, &[], Arc::clone(dice))?;
            let key = one.column().key.clone();
            if one.reads().into_iter().any(|position| later.contains(&columns[position].key)) {
                later.push(key);
            }
            columns.push(one.column().clone());
            computed.push(one);
        }
        Ok(Self { columns, base, later, computed })
    }

    /// Whether lines wait for something after they are written.
    pub(crate) fn has_later(&self) -> bool {
        !self.later.is_empty()
    }

    /// Whether this column is filled after the write.
    pub(crate) fn is_later(&self, key: &str) -> bool {
        self.later.iter().any(|later| later == key)
    }

    /// The columns that are the writer's to fill.
    pub(crate) fn base(&self) -> &[Column] {
        &self.columns[..self.base]
    }

    /// The column that the active expression at `position` among them fills.
    pub(crate) fn column(&self, position: usize) -> Option<&Column> {
        self.computed.get(position).map(Computed::column)
    }

    /// Takes the values of extensions out of a body: they are not the writer's to give.
    pub(crate) fn strip(&self, body: &mut Map<String, Json>) {
        for column in &self.columns[self.base..] {
            body.shift_remove(&column.key);
        }
    }

    /// Takes out of a body what is filled after the write.
    pub(crate) fn strip_later(&self, body: &mut Map<String, Json>) {
        self.later.iter().for_each(|key| drop(body.shift_remove(key)));
    }

    /// Takes values of columns that are gone out of a line that is stored.
    pub(crate) fn forget(&self, body: &mut Map<String, Json>) {
        // What the platform notes has no dot, but for the content of files.
        let is_noted = |key: &str| key.starts_with('_') && (!key.contains('.') || key.starts_with("_file."));
        body.retain(|key, _| is_noted(key) || self.columns.iter().any(|column| column.key == *key));
    }

    /// Computes the values of a line that can be computed with what its writer gave, or tells why one cannot.
    pub(crate) fn complete(&self, body: &mut Map<String, Json>) -> Result<(), String> {
        self.strip(body);
        for (position, one) in self.computed.iter().enumerate() {
            if !self.is_later(&one.column().key) {
                self.compute(position, body)?;
            }
        }
        Ok(())
    }

    /// Computes the value of the active expression at `position` among them for a line, or tells why it cannot.
    pub(crate) fn compute(&self, position: usize, body: &mut Map<String, Json>) -> Result<(), String> {
        let Some(one) = self.computed.get(position) else { return Ok(()) };
        let key = &one.column().key;
        body.shift_remove(key);
        if let Some(value) = one.evaluate(&JsonLine { columns: &self.columns, body })? {
            body.insert(key.clone(), value);
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
