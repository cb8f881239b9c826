//! Expressions of computed columns.

use halle_base::SeededDice;
use halle_expressions::{EVALUATION_BYTES_MAX, Line, Program, Value};

/// A line of one number and one text.
struct Sample;

impl Line for Sample {
    fn value(&self, column: usize) -> Value {
        if column == 0 { Value::Number(2.0) } else { Value::Text("héllo, 01/02/2024".into()) }
    }
}

/// Compiles and evaluates: a value, or an error that says where, the same each time, and of no more bytes than an evaluation
/// may make.
pub fn expression(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(program) = Program::compile(&text, &["a", "s"]) else { return };
    let value = || program.evaluate(&Sample, &SeededDice::new(1)).map(|value| value.to_json());
    let first = value();
    match (&first, value()) {
        (Ok(first), Ok(again)) => assert_eq!(*first, again),
        (Err(first), Err(again)) => assert_eq!(first.to_string(), again.to_string()),
        (first, again) => panic!("once {first:?}, then {again:?}"),
    }
    // In JSON, a character of a text takes six bytes at most, a number some twenty of its eight.
    if let Ok(value) = first {
        assert!(value.to_string().len() <= 6 * EVALUATION_BYTES_MAX, "a value of too many bytes");
    }
}
