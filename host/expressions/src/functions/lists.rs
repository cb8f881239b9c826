//! Functions of arrays and objects.

use indexmap::IndexMap;

use crate::ast::Function;
use crate::error::Refusal;
use crate::eval::{Evaluated, Evaluation};
use crate::functions::{argument, length, write_items};
use crate::number;
use crate::value::{Items, Value};

/// Bytes that a value read from JSON takes, at most, per byte of JSON.
const BYTES_PER_JSON_BYTE: usize = 16;

fn function_and_array<'v>(
    name: &str,
    function: &Value,
    array: &'v Value,
) -> Result<(Function, &'v Items), Refusal> {
    let Value::Function(function) = function else {
        return Err(format!("First argument to {name} is not a function"));
    };
    let Value::Array(array) = array else {
        return Err(format!("Second argument to {name} is not an array"));
    };
    Ok((*function, array))
}

/// `map(f, items)`; `f` gets the item and its position.
pub(super) fn map(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let (function, array) = function_and_array("map", argument(arguments, 0), argument(arguments, 1))?;
    evaluation.budget.items(array.items.len())?;
    let mut mapped = Vec::with_capacity(array.items.len());
    for (index, item) in array.items.iter().enumerate() {
        mapped.push(evaluation.call(function, &[item.clone(), Value::Number(index as f64)])?);
    }
    evaluation.array(mapped)
}

/// `fold(f, first, items)`; `f` gets what is folded so far, the item and its position.
pub(super) fn fold(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let (function, array) = function_and_array("fold", argument(arguments, 0), argument(arguments, 2))?;
    let mut folded = argument(arguments, 1).clone();
    for (index, item) in array.items.iter().enumerate() {
        evaluation.budget.steps(1)?;
        folded = evaluation.call(function, &[folded, item.clone(), Value::Number(index as f64)])?;
    }
    Ok(folded)
}

/// `filter(f, items)`; `f` gets the item and its position.
pub(super) fn filter(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let (function, array) = function_and_array("filter", argument(arguments, 0), argument(arguments, 1))?;
    let mut kept = Vec::new();
    for (index, item) in array.items.iter().enumerate() {
        evaluation.budget.steps(1)?;
        if evaluation.call(function, &[item.clone(), Value::Number(index as f64)])?.is_truthy() {
            kept.push(item.clone());
        }
    }
    evaluation.array(kept)
}

/// `indexOf(target, items or text)`: -1 when absent.
pub(super) fn index_of(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let target = argument(arguments, 0);
    let found = match argument(arguments, 1) {
        Value::Array(items) => {
            let mut found = None;
            for (index, item) in items.items.iter().enumerate() {
                if evaluation.is_identical(item, target)? {
                    found = Some(index);
                    break;
                }
            }
            found
        }
        Value::Text(text) => {
            let target = evaluation.text(target)?;
            evaluation.budget.reading(text)?;
            text.find(&*target).map(|at| length(&text[..at]))
        }
        _ => return Err("Second argument to indexOf is not a string or array".to_owned()),
    };
    Ok(Value::Number(found.map_or(-1.0, |found| found as f64)))
}

/// `join(separator, items)`.
pub(super) fn join_items(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let Value::Array(array) = argument(arguments, 1) else {
        return Err("Second argument to join is not an array".to_owned());
    };
    joined(evaluation, array, argument(arguments, 0))
}

/// `JOIN(items, separator)`; what is no array is returned as it is.
pub(super) fn join(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    match argument(arguments, 0) {
        Value::Array(array) => joined(evaluation, array, argument(arguments, 1)),
        other => Ok(other.clone()),
    }
}

fn joined(evaluation: &mut Evaluation<'_>, array: &Items, separator: &Value) -> Evaluated {
    let separator = match separator {
        Value::Undefined => ",".into(),
        separator => evaluation.text(separator)?,
    };
    let mut text = String::new();
    write_items(&array.items, &separator, &mut text, evaluation.budget.bytes_left())?;
    evaluation.budget.bytes(text.len())?;
    Ok(Value::text(&text))
}

/// `SPLIT(text, separator)`; an empty array of what is no text. An empty separator gives the characters.
pub(super) fn split(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let Value::Text(text) = argument(arguments, 0) else { return evaluation.array(Vec::new()) };
    let separator = match argument(arguments, 1) {
        Value::Undefined => return evaluation.array(vec![Value::Text(text.clone())]),
        separator => evaluation.text(separator)?,
    };
    evaluation.budget.bytes(text.len())?;
    let count = if separator.is_empty() { text.len() } else { text.matches(&*separator).count() };
    evaluation.budget.items(count)?;
    let parts = if separator.is_empty() {
        text.chars().map(|c| Value::text(c.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(&*separator).map(Value::text).collect()
    };
    evaluation.array(parts)
}

fn given_numbers(arguments: &[Value]) -> impl Iterator<Item = f64> {
    arguments.iter().filter_map(|argument| match argument {
        Value::Number(number) if !number.is_nan() => Some(*number),
        _ => None,
    })
}

/// The sum of the arguments that are numbers.
pub(super) fn sum(arguments: &[Value]) -> Value {
    Value::Number(given_numbers(arguments).fold(0.0, |sum, number| sum + number))
}

/// The mean of the arguments that are numbers; nothing if none is.
pub(super) fn average(arguments: &[Value]) -> Value {
    let count = given_numbers(arguments).count();
    if count == 0 {
        return Value::Undefined;
    }
    Value::Number(given_numbers(arguments).fold(0.0, |sum, number| sum + number) / count as f64)
}

/// `JSON_PARSE(text)`.
pub(super) fn json_parse(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let text = evaluation.text(argument(arguments, 0))?;
    evaluation.budget.bytes(text.len().saturating_mul(BYTES_PER_JSON_BYTE))?;
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| format!("JSON_PARSE : le texte n'est pas du JSON ({error})"))?;
    let value = Value::of_json(&json);
    if value.extent().depth > crate::VALUE_DEPTH_MAX {
        return Err(format!("JSON_PARSE : plus de {} niveaux imbriqués", crate::VALUE_DEPTH_MAX));
    }
    Ok(value)
}

/// `GET(object or array, key, default)`.
pub(super) fn get(evaluation: &mut Evaluation<'_>, arguments: &[Value]) -> Evaluated {
    let key = argument(arguments, 1);
    let found = match argument(arguments, 0) {
        Value::Object(object) => field(evaluation, &object.fields, key)?,
        Value::Array(array) => {
            let index = evaluation.number(key)?;
            let at = usize::try_from(number::to_int_32(index)).ok().filter(|at| *at as f64 == index);
            at.and_then(|at| array.items.get(at)).cloned()
        }
        _ => None,
    };
    let found = found.filter(|value| !matches!(value, Value::Undefined));
    Ok(found.unwrap_or_else(|| argument(arguments, 2).clone()))
}

fn field(
    evaluation: &mut Evaluation<'_>,
    fields: &IndexMap<String, Value>,
    key: &Value,
) -> Result<Option<Value>, Refusal> {
    let key = evaluation.text(key)?;
    Ok(fields.get(&*key).cloned())
}
