//! Rules that a producer sets on a column: required, length, bounds, pattern, allowed values (reference §3.3).
//!
//! One set of rules for rows of files ([`BatchRules`]) and for edited lines
//! ([`check`](crate::service::write)). A rule looks at one value; a column of several values obeys with each of them.
//!
//! **Invariant:** a pattern takes time in proportion to the text ([`pattern`]), whoever wrote it.

mod batch;
mod pattern;

use std::borrow::Cow;
use std::sync::Arc;

use halle_model::{Column, ColumnKind};
use regex::Regex;
use serde_json::Value;

pub(crate) use batch::BatchRules;

/// Attributes of a column that decide which values it takes; a change of one of them asks for another check of the rows.
const DECIDING: &[&str] =
    &["x-required", "minLength", "maxLength", "minimum", "maximum", "pattern", "x-labelsRestricted"];

/// The rules of one column, ready to be asked.
pub(crate) struct ColumnRules<'a> {
    column: &'a Column,
    required: bool,
    chars_min: Option<f64>,
    chars_max: Option<f64>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    pattern: Option<Arc<Regex>>,
    restricted: bool,
}

/// A value that does not obey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// What is asked, in the words that clients know, without the column and the value.
    pub message: String,
    /// Whether these words want the value behind them.
    pub wants_value: bool,
}

/// A value as rules look at it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    /// Text, and everything that JSON writes as text.
    Text(&'a str),
    /// A number.
    Number(f64),
    /// Anything else, as it is written.
    Other(&'a str),
}

impl<'a> ColumnRules<'a> {
    /// The rules of a column, or what is wrong with them, for the producer.
    pub(crate) fn of(column: &'a Column) -> Result<Self, String> {
        let pattern = match column.other.get("pattern") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.is_empty() => None,
            Some(Value::String(text)) => Some(pattern::compiled(text)?),
            Some(_) => return Err("\"pattern\" doit être un texte".to_owned()),
        };
        let rules = Self {
            column,
            required: flag(column, "x-required")?,
            chars_min: number(column, "minLength")?,
            chars_max: number(column, "maxLength")?,
            minimum: number(column, "minimum")?,
            maximum: number(column, "maximum")?,
            pattern,
            restricted: flag(column, "x-labelsRestricted")?,
        };
        let crossed = |min: Option<f64>, max: Option<f64>| min.zip(max).is_some_and(|(min, max)| min > max);
        if crossed(rules.chars_min, rules.chars_max) || crossed(rules.minimum, rules.maximum) {
            return Err("le minimum dépasse le maximum".to_owned());
        }
        Ok(rules)
    }

    /// Whether a value must be there.
    pub(crate) fn is_required(&self) -> bool {
        self.required
    }

    /// Whether every value obeys.
    fn is_free(&self) -> bool {
        !self.required && !self.looks_at_values()
    }

    fn looks_at_values(&self) -> bool {
        self.chars_min.is_some()
            || self.chars_max.is_some()
            || self.minimum.is_some()
            || self.maximum.is_some()
            || self.pattern.is_some()
            || self.labels().is_some()
    }

    /// What is wrong with a value that is there, or `None`.
    pub(crate) fn check(&self, cell: Cell<'_>) -> Option<Violation> {
        match (cell, self.separator()) {
            (Cell::Text(text), Some(separator)) => {
                text.split(separator).map(str::trim).find_map(|part| self.check_one(Cell::Text(part)))
            }
            _ => self.check_one(cell),
        }
    }

    fn check_one(&self, cell: Cell<'_>) -> Option<Violation> {
        let broken = match cell {
            Cell::Number(number) => self.check_number(number),
            Cell::Text(text) => self.check_text(text),
            Cell::Other(_) => None,
        };
        broken.or_else(|| self.check_label(cell))
    }

    fn check_number(&self, number: f64) -> Option<Violation> {
        let below = self.minimum.filter(|minimum| number < *minimum);
        let above = self.maximum.filter(|maximum| number > *maximum);
        let message = match (below, above) {
            (Some(minimum), _) => format!("doit être >= {minimum}"),
            (_, Some(maximum)) => format!("doit être <= {maximum}"),
            _ => return None,
        };
        Some(Violation { message, wants_value: true })
    }

    fn check_text(&self, text: &str) -> Option<Violation> {
        if self.chars_min.is_some() || self.chars_max.is_some() {
            let chars = text.chars().count() as f64;
            let short = self.chars_min.filter(|min| chars < *min);
            let long = self.chars_max.filter(|max| chars > *max);
            let message = match (short, long) {
                (Some(min), _) => Some(format!("ne doit pas contenir moins de {min} caractères")),
                (_, Some(max)) => Some(format!("ne doit pas contenir plus de {max} caractères")),
                _ => None,
            };
            if let Some(message) = message {
                return Some(Violation { message, wants_value: false });
            }
        }
        let pattern = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text))?;
        let words = self.column.other.get("patternErrorMessage").and_then(Value::as_str);
        let written = self.column.other.get("pattern").and_then(Value::as_str);
        let message = words.filter(|words| !words.is_empty()).map_or_else(
            || format!("doit correspondre au format \"{}\"", written.unwrap_or(pattern.as_str())),
            str::to_owned,
        );
        Some(Violation { message, wants_value: true })
    }

    fn check_label(&self, cell: Cell<'_>) -> Option<Violation> {
        let labels = self.labels()?;
        let text = match cell {
            Cell::Text(text) | Cell::Other(text) => Cow::Borrowed(text),
            Cell::Number(number) => Cow::Owned(number.to_string()),
        };
        if labels.contains_key(text.as_ref()) {
            return None;
        }
        let message = "doit correspondre à exactement un schéma de \"oneOf\"".to_owned();
        Some(Violation { message, wants_value: true })
    }

    fn labels(&self) -> Option<&indexmap::IndexMap<String, String>> {
        self.column.labels.as_ref().filter(|labels| self.restricted && !labels.is_empty())
    }

    fn separator(&self) -> Option<&str> {
        let separator = self.column.separator.as_deref().filter(|separator| !separator.is_empty())?;
        Some(if separator.trim().is_empty() { separator } else { separator.trim() })
    }
}

/// What is wrong with the rules of a column, for the producer; `None` when they can be applied.
pub(crate) fn problem(column: &Column) -> Option<String> {
    ColumnRules::of(column).err()
}

/// Whether two states of a column take the same values, their type left aside.
pub(crate) fn same(before: &Column, after: &Column) -> bool {
    let labels = |column: &Column| -> Option<Vec<String>> {
        let restricted = column.other.get("x-labelsRestricted") == Some(&Value::Bool(true));
        let labels = column.labels.as_ref().filter(|_| restricted)?;
        Some(labels.keys().cloned().collect())
    };
    let set = |column: &Column, name: &str| {
        let value = column.other.get(name).filter(|value| !value.is_null());
        value.filter(|value| **value != Value::Bool(false)).cloned()
    };
    DECIDING.iter().all(|name| set(before, name) == set(after, name)) && labels(before) == labels(after)
}

/// What a missing value is told.
pub(crate) fn missing(column: &Column) -> String {
    format!("requiert la propriété {}", column.key)
}

fn flag(column: &Column, name: &str) -> Result<bool, String> {
    match column.other.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("\"{name}\" doit être un booléen")),
    }
}

/// A bound. Lengths are whole and not negative.
fn number(column: &Column, name: &str) -> Result<Option<f64>, String> {
    let Some(value) = column.other.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let is_length = name.ends_with("Length");
    match value.as_f64() {
        Some(bound) if !is_length => Ok(Some(bound)),
        Some(bound) if value.is_u64() => Ok(Some(bound)),
        _ if is_length => Err(format!("\"{name}\" doit être un entier positif ou nul")),
        _ => Err(format!("\"{name}\" doit être un nombre")),
    }
}

/// A JSON value as rules look at it. `written` holds the text of what is no text.
pub(crate) fn cell_of<'a>(value: &'a Value, written: &'a str) -> Cell<'a> {
    match value {
        Value::String(text) => Cell::Text(text),
        Value::Number(number) => number.as_f64().map_or(Cell::Other(written), Cell::Number),
        _ => Cell::Other(written),
    }
}

/// Whether rules look at the text of values of this kind: what JSON writes as text.
fn is_text(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Text | ColumnKind::Date | ColumnKind::DateTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn column(attributes: Value) -> Column {
        let mut wire = json!({ "key": "c", "type": "string" });
        wire.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        serde_json::from_value(wire).unwrap()
    }

    fn check(attributes: Value, cell: Cell<'_>, expect: Option<&str>) {
        let column = column(attributes);
        let found = ColumnRules::of(&column).unwrap().check(cell);
        assert_eq!(found.map(|violation| violation.message).as_deref(), expect);
    }

    #[test]
    fn each_rule_has_its_words() {
        check(json!({ "minLength": 2 }), Cell::Text("é"), Some("ne doit pas contenir moins de 2 caractères"));
        check(json!({ "maxLength": 2 }), Cell::Text("éé"), None);
        check(json!({ "minimum": 0 }), Cell::Number(-0.5), Some("doit être >= 0"));
        check(json!({ "maximum": 1.5 }), Cell::Number(2.0), Some("doit être <= 1.5"));
        let code = json!({ "pattern": "^\\d{5}$" });
        check(code.clone(), Cell::Text("01004"), None);
        check(code, Cell::Text("1004"), Some("doit correspondre au format \"^\\d{5}$\""));
        let said = json!({ "pattern": "^A", "patternErrorMessage": "doit commencer par A" });
        check(said, Cell::Text("b"), Some("doit commencer par A"));
        let words = Some("doit correspondre à exactement un schéma de \"oneOf\"");
        let labels = json!({ "x-labels": { "a": "A", "1": "un" }, "x-labelsRestricted": true });
        check(labels.clone(), Cell::Text("b"), words);
        check(labels.clone(), Cell::Number(1.0), None);
        check(labels, Cell::Number(2.0), words);
        check(json!({ "x-labels": { "a": "A" } }), Cell::Text("b"), None);
    }

    #[test]
    fn each_of_several_values_obeys() {
        let tags = json!({ "separator": ", ", "maxLength": 3 });
        check(tags.clone(), Cell::Text("abc, def"), None);
        check(tags, Cell::Text("abc, defg"), Some("ne doit pas contenir plus de 3 caractères"));
    }

    #[test]
    fn rules_that_make_no_sense_are_named() {
        for (attributes, text) in [
            (json!({ "minLength": -1 }), "\"minLength\" doit être un entier positif ou nul"),
            (json!({ "minimum": "1" }), "\"minimum\" doit être un nombre"),
            (json!({ "minimum": 2, "maximum": 1 }), "le minimum dépasse le maximum"),
            (json!({ "x-required": "oui" }), "\"x-required\" doit être un booléen"),
            (json!({ "pattern": 5 }), "\"pattern\" doit être un texte"),
        ] {
            assert_eq!(problem(&column(attributes)).as_deref(), Some(text));
        }
    }

    #[test]
    fn texts_around_rules_change_nothing() {
        let strict = column(json!({ "pattern": "^a", "x-labels": { "a": "A" } }));
        let worded = column(json!({ "pattern": "^a", "patternErrorMessage": "non", "x-required": false }));
        assert!(same(&strict, &worded));
        assert!(!same(&strict, &column(json!({ "pattern": "^b" }))));
        let restricted = column(json!({ "pattern": "^a", "x-labels": {}, "x-labelsRestricted": true }));
        assert!(!same(&strict, &restricted));
    }
}
