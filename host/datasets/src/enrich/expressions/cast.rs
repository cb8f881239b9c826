//! Results of expressions as values of a column.

use halle_expressions::{Value, number_text};
use halle_model::{Column, ColumnKind};
use jiff::civil::Date;
use serde_json::Value as Json;

/// Characters of a result that a message repeats.
const RESULT_CHARS_MAX: usize = 200;

/// The value of a column that a result gives: integers are cut, numbers become texts and texts of numbers become numbers
/// where the column wants it. `None` when the result is empty; the text of what is wrong when it does not fit.
pub(crate) fn cast(column: &Column, value: &Value) -> Result<Option<Json>, String> {
    if !value.is_defined() || matches!(value, Value::Text(text) if text.is_empty()) {
        return Ok(None);
    }
    if let (Some(separator), Value::Array(_)) = (&column.separator, value) {
        return Ok(joined(value, separator));
    }
    let typed = match column.kind() {
        ColumnKind::Text => as_text(value),
        ColumnKind::Integer => as_number(value).and_then(as_integer),
        ColumnKind::Number => as_number(value).and_then(serde_json::Number::from_f64).map(Json::Number),
        ColumnKind::Boolean => as_boolean(value),
        ColumnKind::Object => as_object(value),
        ColumnKind::Date | ColumnKind::DateTime => match value {
            Value::Text(text) => return formatted(column, text).map(Some),
            _ => None,
        },
    };
    typed.map(Some).ok_or_else(|| {
        let (key, wanted) = (&column.key, &column.json_type);
        format!("/{key} doit être de type {wanted} (résultat : {})", shown(value))
    })
}

fn shown(value: &Value) -> String {
    let json = value.to_json().to_string();
    if json.chars().count() <= RESULT_CHARS_MAX {
        return json;
    }
    json.chars().take(RESULT_CHARS_MAX).chain(['…']).collect()
}

/// A column of several values keeps them in one text.
fn joined(value: &Value, separator: &str) -> Option<Json> {
    let Json::Array(items) = value.to_json() else { return None };
    let text = |item: &Json| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    let texts: Vec<String> = items.iter().filter(|item| !item.is_null()).map(text).collect();
    (!texts.is_empty()).then(|| texts.join(separator).into())
}

fn as_text(value: &Value) -> Option<Json> {
    match value {
        Value::Text(text) => Some((&**text).into()),
        Value::Number(number) if number.is_finite() => Some(number_text(*number).into()),
        Value::Boolean(yes) => Some(yes.to_string().into()),
        _ => None,
    }
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Boolean(yes) => Some(f64::from(u8::from(*yes))),
        Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn as_integer(number: f64) -> Option<Json> {
    /// 2^63: from there on, no integer of 64 bits.
    const END: f64 = 9_223_372_036_854_775_808.0;
    let whole = number.trunc();
    (-END..END).contains(&whole).then(|| (whole as i64).into())
}

fn as_boolean(value: &Value) -> Option<Json> {
    Some(Json::Bool(match value {
        Value::Boolean(yes) => *yes,
        Value::Text(text) if &**text == "true" => true,
        Value::Text(text) if &**text == "false" => false,
        Value::Number(number) if *number == 1.0 => true,
        Value::Number(number) if *number == 0.0 => false,
        _ => return None,
    }))
}

fn as_object(value: &Value) -> Option<Json> {
    match value {
        Value::Object(_) | Value::Array(_) => Some(value.to_json()),
        Value::Text(text) => {
            serde_json::from_str(text).ok().filter(|json: &Json| json.is_object() || json.is_array())
        }
        _ => None,
    }
}

fn formatted(column: &Column, text: &str) -> Result<Json, String> {
    let is_right = match column.kind() {
        ColumnKind::Date => text.len() == 10 && text.parse::<Date>().is_ok(),
        _ => text.parse::<jiff::Timestamp>().is_ok(),
    };
    if is_right {
        return Ok(text.into());
    }
    let (key, format) = (&column.key, column.format.as_deref().unwrap_or_default());
    let result = shown(&Value::text(text));
    Err(format!("/{key} doit correspondre au format \"{format}\" (résultat : {result})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(column: Json, value: Json, expected: &str) {
        let column: Column = serde_json::from_value(column).unwrap();
        let found = cast(&column, &Value::of_json(&value));
        let found =
            found.map_or_else(|reason| reason, |value| value.map_or("nothing".to_owned(), |v| v.to_string()));
        assert_eq!(found, expected);
    }

    #[test]
    fn results_become_what_the_column_holds() {
        let of = |json_type: &str| json!({ "key": "id", "type": json_type });
        check(of("integer"), json!(1.1), "1");
        check(of("string"), json!(1), "\"1\"");
        check(of("string"), json!(true), "\"true\"");
        check(of("number"), json!("1.5"), "1.5");
        check(of("number"), json!("test"), "/id doit être de type number (résultat : \"test\")");
        check(of("integer"), json!(1e300), "/id doit être de type integer (résultat : 1e+300)");
        check(of("boolean"), json!("true"), "true");
        check(of("boolean"), json!("oui"), "/id doit être de type boolean (résultat : \"oui\")");
        check(of("string"), json!([1]), "/id doit être de type string (résultat : [1])");
        check(of("object"), json!({ "a": [1] }), r#"{"a":[1]}"#);
        check(of("number"), json!(""), "nothing");
        check(of("number"), json!(null), "nothing");
    }

    #[test]
    fn dates_have_their_format_and_lists_their_separator() {
        let date = json!({ "key": "d", "type": "string", "format": "date" });
        check(date.clone(), json!("2024-02-29"), "\"2024-02-29\"");
        check(
            date,
            json!("2024-02-30"),
            "/d doit correspondre au format \"date\" (résultat : \"2024-02-30\")",
        );
        let time = json!({ "key": "d", "type": "string", "format": "date-time" });
        check(time, json!("2024-02-29T10:00:00+01:00"), "\"2024-02-29T10:00:00+01:00\"");
        let tags = json!({ "key": "t", "type": "string", "separator": ";" });
        check(tags.clone(), json!(["a", null, 2]), "\"a;2\"");
        check(tags, json!([]), "nothing");
    }
}
