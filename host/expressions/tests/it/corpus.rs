//! The answers of expr-eval 2.0.2, as `tests/corpus/generate.mjs` wrote them down.

use halle_expressions::Value;
use serde_json::Value as Json;

use crate::{Sample, evaluate};

/// Cases that are answered otherwise on purpose, and why.
const OTHERWISE: &[(&str, &str)] =
    &[("o.k = 3", "refused before it is evaluated, where expr-eval fails each time")];

/// Digits of mathematical functions may differ in the last places from one library to another.
fn is_close(a: f64, b: f64) -> bool {
    a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn is_same(found: &Value, expected: &Json) -> bool {
    if expected.get("nothing").is_some() {
        return matches!(found, Value::Undefined);
    }
    if expected.get("function").is_some() {
        return matches!(found, Value::Function(_));
    }
    if let Some(text) = expected.get("number").and_then(Json::as_str) {
        let number: f64 = text.parse().unwrap();
        return matches!(found, Value::Number(found) if is_close(*found, number));
    }
    if expected.get("array").is_some() || expected.get("object").is_some() {
        return flat(expected) == flat_found(found);
    }
    match (found, &expected["value"]) {
        (Value::Number(found), Json::Number(number)) => is_close(*found, number.as_f64().unwrap()),
        (found, value) => *value == found.to_json() && !matches!(found, Value::Undefined),
    }
}

/// Arrays and objects, numbers rounded, as text.
fn flat(expected: &Json) -> String {
    let list = |name: &str| expected.get(name).and_then(Json::as_array).cloned();
    if let Some(items) = list("array") {
        return format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(","));
    }
    if let Some(fields) = list("object") {
        let field = |field: &Json| format!("{}:{}", field[0], flat(&field[1]));
        return format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","));
    }
    match expected.get("value") {
        Some(Json::Number(number)) => format!("{:.9}", number.as_f64().unwrap()),
        Some(value) => value.to_string(),
        None => "null".to_owned(),
    }
}

fn flat_found(found: &Value) -> String {
    fn of_json(json: &Json) -> String {
        match json {
            Json::Array(items) => format!("[{}]", items.iter().map(of_json).collect::<Vec<_>>().join(",")),
            Json::Object(fields) => {
                let field = |(key, value): (&String, &Json)| {
                    format!("{}:{}", Json::from(key.as_str()), of_json(value))
                };
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
            Json::Number(number) => format!("{:.9}", number.as_f64().unwrap()),
            other => other.to_string(),
        }
    }
    of_json(&found.to_json())
}

#[test]
fn expressions_give_what_expr_eval_gives() {
    let corpus: Json = serde_json::from_str(include_str!("../corpus/corpus.json")).unwrap();
    let variables = &corpus["variables"];
    let cases = corpus["cases"].as_array().unwrap();
    assert!(cases.len() > 2_000, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let text = case["text"].as_str().unwrap();
        if OTHERWISE.iter().any(|(other, _)| *other == text) {
            continue;
        }
        let found = evaluate(text, variables);
        let is_right = match (&found, case.get("refused").is_some(), case.get("failed").is_some()) {
            (Ok(found), false, false) => is_same(found, case),
            (Err(found), true, false) => found.starts_with("parse error ["),
            (Err(found), false, true) => !found.starts_with("parse error ["),
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{case} but found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn refusals_say_what_expr_eval_says_and_where() {
    for (text, refusal) in [
        ("1 +", "parse error [1:4]: unexpected TEOF: EOF"),
        ("1 2", "parse error [1:3]: Expected EOF"),
        ("(1", "parse error [1:3]: Expected )"),
        ("1 +\n  @", "parse error [2:3]: Unknown character \"@\""),
        ("missing + 1", "undefined variable: missing [1:1]"),
        ("1 + map(2, [])", "First argument to map is not a function [1:8]"),
    ] {
        assert_eq!(evaluate(text, &Json::Object(Sample::default().0)).unwrap_err(), refusal);
    }
}
