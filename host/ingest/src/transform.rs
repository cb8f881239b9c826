//! `x-transform.expr`: an expression between the cell of a file and the value of its column.

use halle_base::SeededDice;
use halle_expressions::{Line, Program, Value, number_text};
use halle_model::{Column, ColumnKind};

use crate::error::{IngestError, IngestResult};
use crate::typing::cell::boolean;
use crate::typing::number;

/// What the expression calls the cell.
const VALUE: &str = "value";

/// The expression of one column, compiled.
#[derive(Debug)]
pub(crate) struct Transform {
    program: Program,
    /// What the cells of the file hold.
    cells: ColumnKind,
    /// What the column holds.
    kind: ColumnKind,
    separator: Option<String>,
}

/// The text of the expression that a column has, if it has one.
fn expression(column: &Column) -> Option<&str> {
    let text = column.other.get("x-transform")?.get("expr")?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

/// What is wrong with the expression of a column; `None` when there is none, or it can be evaluated.
pub fn transform_problem(column: &Column) -> Option<String> {
    compiled(expression(column)?).err()
}

fn compiled(text: &str) -> Result<Program, String> {
    let program = Program::compile(text, &[VALUE])
        .map_err(|error| format!("l'expression \"{text}\" est incorrecte : {error}"))?;
    match program.unknown().first() {
        Some(name) => Err(format!(
            "l'expression \"{text}\" utilise \"{name}\" : seule la valeur de la cellule est connue, sous le nom \"{VALUE}\""
        )),
        None => Ok(program),
    }
}

/// The cell of a file as the only variable.
struct Cell(Value);

impl Line for Cell {
    fn value(&self, _column: usize) -> Value {
        self.0.clone()
    }
}

impl Transform {
    /// The transformation of a column whose cells hold `cells`, if it has one.
    pub(crate) fn of(column: &Column, cells: ColumnKind) -> IngestResult<Option<Self>> {
        let Some(text) = expression(column) else { return Ok(None) };
        let place = || format!("colonne « {} »", column.label());
        let program = compiled(text).map_err(|reason| IngestError::broken(place(), reason))?;
        Ok(Some(Self { program, cells, kind: column.kind(), separator: column.separator.clone() }))
    }

    /// What a cell that is not blank becomes, as another cell; the reason when it cannot be computed.
    pub(crate) fn apply(&self, cell: &str) -> Result<String, String> {
        let typed = match self.cells {
            ColumnKind::Integer | ColumnKind::Number => number::number(cell.trim()).map(Value::Number),
            ColumnKind::Boolean => boolean(cell).map(Value::Boolean),
            _ => None,
        };
        let line = Cell(typed.unwrap_or_else(|| Value::text(cell)));
        // The same chance each time: a file that is read again gives the same values.
        let value = self.program.evaluate(&line, &SeededDice::new(0)).map_err(|error| {
            format!("échec de l'évaluation de l'expression \"{}\" : {error}", self.program.text())
        })?;
        Ok(self.written(&value))
    }

    fn written(&self, value: &Value) -> String {
        match value {
            Value::Undefined | Value::Null => String::new(),
            Value::Text(text) => text.to_string(),
            Value::Number(number) if self.kind == ColumnKind::Integer => number_text(number.trunc()),
            Value::Number(number) => number_text(*number),
            other => match (other.to_json(), &self.separator) {
                (serde_json::Value::Array(items), Some(separator)) => {
                    let text = |item: &serde_json::Value| {
                        item.as_str().map_or_else(|| item.to_string(), str::to_owned)
                    };
                    items.iter().map(text).collect::<Vec<_>>().join(separator)
                }
                (json, _) => json.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(expr: &str, kind: ColumnKind) -> Column {
        let mut column = Column::new("c", kind);
        column.other.insert("x-transform".to_owned(), json!({ "expr": expr }));
        column
    }

    #[test]
    fn cells_are_transformed_as_what_they_hold() {
        let check = |expr: &str, cells, kind, cell: &str, expected: &str| {
            let transform = Transform::of(&column(expr, kind), cells).unwrap().unwrap();
            assert_eq!(transform.apply(cell).unwrap_or_else(|error| error), expected, "{expr}");
        };
        let (text, number) = (ColumnKind::Text, ColumnKind::Number);
        check("value * 2", number, number, "1 234,5", "2469");
        check("UPPER(value)", text, text, "abc", "ABC");
        check("value || '!'", text, text, "012", "012!");
        check("value / 2", ColumnKind::Integer, ColumnKind::Integer, "3", "1");
        check("value ? 'oui' : 'non'", ColumnKind::Boolean, text, "vrai", "oui");
        check("EXTRACT(value, '(', ')')", text, text, "abc", "");
        check(
            "map(1, value)",
            text,
            text,
            "abc",
            "échec de l'évaluation de l'expression \"map(1, value)\" : First argument to map is not a function [1:4]",
        );
    }

    #[test]
    fn wrong_expressions_are_told() {
        assert_eq!(transform_problem(&column("value", ColumnKind::Text)), None);
        assert_eq!(transform_problem(&Column::new("c", ColumnKind::Text)), None);
        let problem = transform_problem(&column("autre + 1", ColumnKind::Text)).unwrap();
        assert!(problem.contains("utilise \"autre\""), "{problem}");
        assert!(transform_problem(&column("value +", ColumnKind::Text)).unwrap().contains("unexpected TEOF"));
    }
}
