//! Whether a line obeys the schema: types here, the rules of columns in [`crate::rules`]. Texts are those that clients know from Data Fair.

use halle_model::{Column, ColumnKind};
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::rules::{ColumnRules, Violation, cell_of, missing};

/// The values of a line as they are stored: empty ones left out, arrays of multivalued columns joined. The text of the
/// first thing that is wrong otherwise.
pub(crate) fn line(schema: &[Column], body: Map<String, Value>) -> Result<Map<String, Value>, String> {
    match leniently(schema, body)? {
        (_, Some(broken)) => Err(broken),
        (checked, None) => Ok(checked),
    }
}

/// As [`line`], for datasets whose validation does not block: a line that breaks rules of its columns is stored, with the
/// text of the first of them. Values of another type cannot be stored all the same.
pub(crate) fn leniently(
    schema: &[Column],
    body: Map<String, Value>,
) -> Result<(Map<String, Value>, Option<String>), String> {
    let (mut checked, mut broken) = (Map::new(), None);
    for (key, value) in body {
        let column = schema.iter().find(|column| column.key == key && !column.calculated);
        let column =
            column.ok_or_else(|| format!("ne doit pas contenir de propriétés additionnelles ({key})"))?;
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        let value = joined(column, value);
        check_type(column, &value)?;
        broken = broken.or_else(|| check_rules(column, &value).err());
        checked.insert(key, value);
    }
    let is_missing = |column: &&Column| {
        let required = ColumnRules::of(column).is_ok_and(|rules| rules.is_required());
        required && !column.calculated && !checked.contains_key(&column.key)
    };
    let absent = schema.iter().find(is_missing).map(missing);
    Ok((checked, broken.or(absent)))
}

/// A multivalued column is stored as one text.
fn joined(column: &Column, value: Value) -> Value {
    match (&column.separator, value) {
        (Some(separator), Value::Array(items)) => {
            let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
            Value::from(items.iter().map(text).collect::<Vec<_>>().join(separator))
        }
        (_, value) => value,
    }
}

fn check_type(column: &Column, value: &Value) -> Result<(), String> {
    let key = &column.key;
    let kind = column.kind();
    let typed = match kind {
        ColumnKind::Integer => value.is_i64(),
        ColumnKind::Number => value.is_number(),
        ColumnKind::Boolean => value.is_boolean(),
        ColumnKind::Object => value.is_object() || value.is_string(),
        ColumnKind::Text | ColumnKind::Date | ColumnKind::DateTime => value.is_string(),
    };
    if !typed {
        return Err(format!("/{key} doit être de type {} (valeur : {value})", column.json_type));
    }
    let text = value.as_str().unwrap_or("");
    let formatted = match kind {
        ColumnKind::Date => text.len() == 10 && text.parse::<Date>().is_ok(),
        ColumnKind::DateTime => text.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    };
    if !formatted {
        let format = column.format.as_deref().unwrap_or("");
        return Err(format!("/{key} doit correspondre au format \"{format}\" (valeur : {value})"));
    }
    Ok(())
}

/// The rules of the column. Those that cannot be applied were refused when they were set.
fn check_rules(column: &Column, value: &Value) -> Result<(), String> {
    let Ok(rules) = ColumnRules::of(column) else { return Ok(()) };
    let written = if value.is_string() { String::new() } else { value.to_string() };
    match rules.check(cell_of(value, &written)) {
        None => Ok(()),
        Some(Violation { message, wants_value: true }) => {
            Err(format!("/{} {message} (valeur : {value})", column.key))
        }
        Some(Violation { message, .. }) => Err(format!("/{} {message}", column.key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Vec<Column> {
        let schema = json!([
            { "key": "nom", "type": "string", "maxLength": 5 },
            { "key": "n", "type": "integer", "minimum": 0 },
            { "key": "x", "type": "number" },
            { "key": "d", "type": "string", "format": "date" },
            { "key": "tags", "type": "string", "separator": ", ", "maxLength": 3 },
            { "key": "code", "type": "string", "pattern": "^[0-9]+$" },
            { "key": "etat", "type": "string", "x-labels": { "a": "A" }, "x-labelsRestricted": true },
            { "key": "_i", "type": "integer", "x-calculated": true },
        ]);
        serde_json::from_value(schema).unwrap()
    }

    fn check(body: Value, expect: &str) {
        let Value::Object(body) = body else { panic!("lines are objects") };
        let found = line(&schema(), body).map_or_else(|text| text, |line| Value::Object(line).to_string());
        assert_eq!(found, expect);
    }

    #[test]
    fn a_line_is_stored_without_what_is_empty() {
        check(json!({ "nom": "a", "n": null, "d": "" }), r#"{"nom":"a"}"#);
        check(json!({ "tags": ["x", "y"] }), r#"{"tags":"x, y"}"#);
        check(json!({ "x": 3, "d": "2024-02-29", "etat": "a" }), r#"{"x":3,"d":"2024-02-29","etat":"a"}"#);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        check(json!({ "key": 1 }), "ne doit pas contenir de propriétés additionnelles (key)");
        check(json!({ "_i": 1 }), "ne doit pas contenir de propriétés additionnelles (_i)");
        check(json!({ "nom": 111 }), "/nom doit être de type string (valeur : 111)");
        check(json!({ "n": 1.5 }), "/n doit être de type integer (valeur : 1.5)");
        check(json!({ "n": -1 }), "/n doit être >= 0 (valeur : -1)");
        check(json!({ "nom": "abcdef" }), "/nom ne doit pas contenir plus de 5 caractères");
        check(
            json!({ "d": "2024-02-30" }),
            "/d doit correspondre au format \"date\" (valeur : \"2024-02-30\")",
        );
        check(
            json!({ "etat": "b" }),
            "/etat doit correspondre à exactement un schéma de \"oneOf\" (valeur : \"b\")",
        );
        check(json!({ "code": "x" }), "/code doit correspondre au format \"^[0-9]+$\" (valeur : \"x\")");
        check(json!({ "tags": ["ab", "abcd"] }), "/tags ne doit pas contenir plus de 3 caractères");
    }

    #[test]
    fn broken_rules_can_be_let_through_but_not_wrong_types() {
        let check = |body: Value| leniently(&schema(), body.as_object().unwrap().clone());
        let (line, broken) = check(json!({ "n": -1, "nom": "abcdef" })).unwrap();
        assert_eq!(Value::Object(line), json!({ "n": -1, "nom": "abcdef" }));
        assert_eq!(broken.unwrap(), "/n doit être >= 0 (valeur : -1)");
        assert!(check(json!({ "n": "x" })).is_err());
        assert_eq!(check(json!({ "n": 1 })).unwrap().1, None);
    }

    #[test]
    fn a_required_value_must_be_there() {
        let mut schema = schema();
        schema[0].other.insert("x-required".to_owned(), true.into());
        assert_eq!(line(&schema, Map::new()), Err("requiert la propriété nom".to_owned()));
    }
}
