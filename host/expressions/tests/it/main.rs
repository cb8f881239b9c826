//! The crate as others use it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails with its test")]

mod corpus;
mod functions;
mod limits;
mod names;

use halle_base::SeededDice;
use halle_expressions::{Line, Program, Value};
use serde_json::{Map, Value as Json};

/// A line for tests: its values, in the order of their keys.
#[derive(Default)]
pub struct Sample(pub Map<String, Json>);

impl Line for Sample {
    fn value(&self, column: usize) -> Value {
        self.0.values().nth(column).map_or(Value::Null, Value::of_json)
    }
}

/// Compiles and evaluates; the text of the error otherwise.
pub fn evaluate(text: &str, line: &Json) -> Result<Value, String> {
    let sample = Sample(line.as_object().unwrap().clone());
    let keys: Vec<&str> = sample.0.keys().map(String::as_str).collect();
    let program = Program::compile(text, &keys).map_err(|error| error.to_string())?;
    program.evaluate(&sample, &SeededDice::new(1)).map_err(|error| error.to_string())
}

/// Checks the value as JSON, or the text of the error.
pub fn check(text: &str, line: &Json, expected: &str) {
    let found = evaluate(text, line).map_or_else(|error| error, |value| value.to_json().to_string());
    assert_eq!(found, expected, "{text}");
}
