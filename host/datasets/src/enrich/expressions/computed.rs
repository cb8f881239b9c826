//! One computed column: its expression, compiled.

use std::sync::Arc;

use halle_base::Dice;
use halle_expressions::{Line, Program};
use halle_model::slug::column_key;
use halle_model::{Column, Extension};
use serde_json::{Value, json};

use super::cast;

/// A column and the expression that fills it.
#[derive(Debug)]
pub(crate) struct Computed {
    program: Program,
    column: Column,
    dice: Arc<dyn Dice>,
}

impl Computed {
    /// The column of an extension on a dataset that has `columns` before it, and `later` ones after it. The text of what
    /// is wrong otherwise.
    pub(crate) fn new(
        extension: &Extension,
        columns: &[Column],
        later: &[String],
        dice: Arc<dyn Dice>,
    ) -> Result<Self, String> {
        let text = extension.expr.as_deref().unwrap_or_default();
        let column = column_of(extension, columns)?;
        let keys: Vec<&str> = columns.iter().map(|column| column.key.as_str()).collect();
        let program = Program::compile(text, &keys)
            .map_err(|error| format!("l'expression \"{text}\" est incorrecte : {error}"))?;
        match program.unknown().first() {
            Some(name) => Err(unknown(name, text, columns, later)),
            None => Ok(Self { program, column, dice }),
        }
    }

    /// The column.
    pub(crate) fn column(&self) -> &Column {
        &self.column
    }

    /// Positions of the columns that the expression reads.
    pub(crate) fn reads(&self) -> Vec<usize> {
        self.program.columns()
    }

    /// The value for a line; `None` when there is none. The text of what is wrong otherwise.
    pub(crate) fn evaluate(&self, line: &dyn Line) -> Result<Option<Value>, String> {
        let value =
            self.program.evaluate(line, &*self.dice).map_err(|error| self.failure(&error.to_string()))?;
        cast(&self.column, &value).map_err(|reason| self.failure(&reason))
    }

    fn failure(&self, reason: &str) -> String {
        format!("échec de l'évaluation de l'expression \"{}\" : {reason}", self.program.text())
    }
}

/// The key of the column that an expression fills: given, else made of its name.
pub(super) fn expression_key(extension: &Extension) -> Option<String> {
    let text = |name: &str| extension.property.as_ref()?.get(name)?.as_str();
    let given = text("key").filter(|key| !key.is_empty()).map(str::to_owned);
    given.or_else(|| Some(column_key(text("x-originalName")?))).filter(|key| !key.is_empty())
}

/// The column that `property` describes. A concept is kept only when no other column has it.
fn column_of(extension: &Extension, columns: &[Column]) -> Result<Column, String> {
    let mut property = extension.property.clone().unwrap_or_else(|| json!({}));
    let key = expression_key(extension)
        .ok_or("une extension de type exprEval attend une colonne \"property\" avec une clé (key)")?;
    if let Some(fields) = property.as_object_mut() {
        fields.insert("key".to_owned(), key.clone().into());
    }
    let mut column: Column = serde_json::from_value(property).map_err(|error| {
        format!("la colonne \"property\" de l'extension exprEval est incorrecte : {error}")
    })?;
    crate::service::schema_patch::check_column(&column).map_err(|error| error.to_string())?;
    column.refers_to =
        column.refers_to.filter(|uri| !columns.iter().any(|other| other.refers_to.as_ref() == Some(uri)));
    column.calculated = false;
    column.values = None;
    column.cardinality = None;
    column.extension = Some(key);
    Ok(column)
}

/// What a producer is told of a name that is no column.
fn unknown(name: &str, text: &str, columns: &[Column], later: &[String]) -> String {
    let original = columns.iter().find(|column| column.original_name.as_deref() == Some(name));
    if let Some(column) = original {
        return format!("la clé de la colonne {name} est {}", column.key);
    }
    if later.iter().any(|key| key == name || key.starts_with(&format!("{name}."))) {
        return format!(
            "la colonne {name} est définie par une extension qui est appliquée après cette expression"
        );
    }
    format!("la colonne {name} n'existe pas (expression \"{text}\")")
}
