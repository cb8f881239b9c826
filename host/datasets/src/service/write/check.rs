//! Whether a line obeys the schema. Texts are those that clients know from Data Fair.

use halle_model::{Column, ColumnKind};
use jiff::civil::Date;
use serde_json::{Map, Value};

/// The values of a line as they are stored: empty ones left out, arrays of multivalued columns joined. The text of the
/// first thing that is wrong otherwise.
pub(super) fn line(schema: &[Column], body: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut checked = Map::new();
    for (key, value) in body {
        let column = schema.iter().find(|column| column.key == key && !column.calculated);
        let column =
            column.ok_or_else(|| format!("ne doit pas contenir de propriétés additionnelles ({key})"))?;
        if value.is_null() || value.as_str() == Some("") {
            continue;
        }
        let value = joined(column, value);
        check_type(column, &value)?;
        check_limits(column, &value)?;
        checked.insert(key, value);
    }
    let missing = schema.iter().find(|column| {
        flag(column, "x-required") && !column.calculated && !checked.contains_key(&column.key)
    });
    match missing {
        Some(column) => Err(format!("requiert la propriété {}", column.key)),
        None => Ok(checked),
    }
}

fn flag(column: &Column, name: &str) -> bool {
    column.other.get(name).and_then(Value::as_bool).unwrap_or(false)
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

fn check_limits(column: &Column, value: &Value) -> Result<(), String> {
    let key = &column.key;
    let limit = |name: &str| column.other.get(name).and_then(Value::as_f64);
    if let Some(number) = value.as_f64() {
        if let Some(minimum) = limit("minimum").filter(|minimum| number < *minimum) {
            return Err(format!("/{key} doit être >= {minimum} (valeur : {value})"));
        }
        if let Some(maximum) = limit("maximum").filter(|maximum| number > *maximum) {
            return Err(format!("/{key} doit être <= {maximum} (valeur : {value})"));
        }
    }
    let Some(text) = value.as_str() else { return Ok(()) };
    let chars = text.chars().count() as f64;
    if let Some(min) = limit("minLength").filter(|min| chars < *min) {
        return Err(format!("/{key} ne doit pas contenir moins de {min} caractères"));
    }
    if let Some(max) = limit("maxLength").filter(|max| chars > *max) {
        return Err(format!("/{key} ne doit pas contenir plus de {max} caractères"));
    }
    let labels = column.labels.as_ref().filter(|_| flag(column, "x-labelsRestricted"));
    if labels.is_some_and(|labels| !labels.contains_key(text)) {
        return Err(format!(
            "/{key} doit correspondre à exactement un schéma de \"oneOf\" (valeur : {value})"
        ));
    }
    Ok(())
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
            { "key": "tags", "type": "string", "separator": ", " },
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
    }

    #[test]
    fn a_required_value_must_be_there() {
        let mut schema = schema();
        schema[0].other.insert("x-required".to_owned(), true.into());
        assert_eq!(line(&schema, Map::new()), Err("requiert la propriété nom".to_owned()));
    }
}
