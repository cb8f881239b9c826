//! Expected against actual.

use halle_extensions::PluginError;
use serde_json::{Value, json};

use super::fakes::World;
use super::file::{Case, ExpectedProblem};

/// Compares everything that a case expects of a call that went well.
pub fn outcome(case: &Case, answer: &Value, world: &World, differences: &mut Vec<String>) {
    let expect = &case.expect;
    let parts = [
        ("rows", &expect.rows),
        ("problems", &expect.problems),
        ("outcome", &expect.outcome),
        ("answer", &expect.answer),
        ("queries", &expect.queries),
        ("alt", &expect.alt),
        ("table", &expect.table),
        ("operations", &expect.operations),
    ];
    for (name, expected) in parts {
        if let Some(expected) = expected {
            differ(name, expected, &answer[name], differences);
        }
    }
    for text in &expect.contains {
        if !answer["picture"].as_str().is_some_and(|picture| picture.contains(text)) {
            differences.push(format!("picture: `{text}` is not in it"));
        }
    }
    if let Some(expected) = &expect.written {
        let written = world.written();
        differ("written", &json!(expected), &written, differences);
        let slots = written.as_object().into_iter().flatten();
        differences.extend(
            slots
                .filter(|(slot, _)| !expected.contains_key(*slot))
                .map(|(slot, _)| format!("written: `{slot}` was not expected")),
        );
    }
}

/// Compares a problem.
pub fn problem(expected: &ExpectedProblem, error: &PluginError, differences: &mut Vec<String>) {
    if error.code() != expected.code {
        differences.push(format!(
            "problem: expected `{}`, found `{}` ({error})",
            expected.code,
            error.code()
        ));
    }
    let field = if let PluginError::Reported(problem) = error { problem.field.as_deref() } else { None };
    if expected.field.is_some() && expected.field.as_deref() != field {
        differences.push(format!("problem: expected at {:?}, found at {field:?}", expected.field));
    }
    if let Some(text) = expected.contains.as_deref().filter(|text| !error.to_string().contains(text)) {
        differences.push(format!("problem: `{text}` is not in `{error}`"));
    }
}

/// Tells where two values differ. Objects may have more keys than expected; lists are as long as expected.
fn differ(at: &str, expected: &Value, actual: &Value, differences: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (key, value) in expected {
                differ(&format!("{at}.{key}"), value, actual.get(key).unwrap_or(&Value::Null), differences);
            }
            // A row that is expected to be empty must be.
            if expected.is_empty() && !actual.is_empty() {
                differences.push(format!("{at}: expected nothing, found {}", Value::Object(actual.clone())));
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
                differ(&format!("{at}[{index}]"), expected, actual, differences);
            }
        }
        (Value::Number(expected), Value::Number(actual)) if expected.as_f64() == actual.as_f64() => {}
        (expected, actual) if expected == actual => {}
        (expected, actual) => differences.push(format!("{at}: expected {expected}, found {actual}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_say_where_they_are() {
        let differences = |expected: Value, actual: Value| {
            let mut found = Vec::new();
            differ("rows", &expected, &actual, &mut found);
            found
        };
        assert_eq!(differences(json!([{ "a": 1 }]), json!([{ "a": 1.0, "b": 2 }])), [""; 0]);
        assert_eq!(differences(json!([{ "a": 1 }]), json!([{ "a": 2 }])), ["rows[0].a: expected 1, found 2"]);
        assert_eq!(
            differences(json!([{}]), json!([{ "a": 2 }])),
            ["rows[0]: expected nothing, found {\"a\":2}"]
        );
        assert_eq!(differences(json!([1]), json!([1, 2])), ["rows: expected [1], found [1,2]"]);
    }
}
