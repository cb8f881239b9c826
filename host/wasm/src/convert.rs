//! Small types between the contract and the platform.

use halle_extensions::{Field, Problem};
use halle_model::ColumnKind;
use serde_json::Value;

use crate::bindings::shared::halle::base::types as wit;
use crate::limits::bad_answer;

/// Bytes of a problem's message.
const MESSAGE_BYTES_MAX: usize = 4 << 10;
/// Bytes of a code.
const CODE_BYTES_MAX: usize = 64;
/// Bytes of a JSON text.
const JSON_BYTES_MAX: usize = 8 << 20;
/// Depth of a JSON text.
const JSON_DEPTH_MAX: usize = 64;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 256;
/// Bytes of a title or the identifier of a concept.
const TITLE_BYTES_MAX: usize = 1 << 10;

/// A text for people: cut at `bytes_max`, control characters but line ends made spaces.
pub fn plain(text: &str, bytes_max: usize) -> String {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// The same on one line.
pub fn one_line(text: &str, bytes_max: usize) -> String {
    plain(text, bytes_max).replace('\n', " ")
}

/// Reads a JSON text that a guest wrote.
pub fn json(text: &str, what: &str) -> wasmtime::Result<Value> {
    if text.len() > JSON_BYTES_MAX {
        return Err(bad_answer(format!("{what} has more than {} MiB", JSON_BYTES_MAX >> 20)));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| bad_answer(format!("{what} is no JSON: {error}")))?;
    if is_deeper(&value, JSON_DEPTH_MAX) {
        return Err(bad_answer(format!("{what} is nested more than {JSON_DEPTH_MAX} levels deep")));
    }
    Ok(value)
}

/// Reads an optional JSON text that a guest wrote.
pub fn optional_json(text: Option<&str>, what: &str) -> wasmtime::Result<Option<Value>> {
    text.map(|text| json(text, what)).transpose()
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper(item, levels - 1)),
        Value::Object(map) => levels == 0 || map.values().any(|item| is_deeper(item, levels - 1)),
        _ => false,
    }
}

/// A problem for a guest.
pub fn problem_to_wit(problem: Problem) -> wit::Problem {
    wit::Problem {
        code: problem.code,
        message: problem.message,
        field: problem.field,
        retry_after_ms: problem.retry_after_ms,
        details: problem.details.map(|details| details.to_string()),
    }
}

/// A problem from a guest. What a person would not read is cut; details that are no JSON become a text.
pub fn problem_from_wit(problem: wit::Problem) -> Problem {
    let details = problem.details.map(|text| {
        json(&text, "details").unwrap_or_else(|_| Value::String(plain(&text, MESSAGE_BYTES_MAX)))
    });
    Problem {
        code: one_line(&problem.code, CODE_BYTES_MAX),
        message: plain(&problem.message, MESSAGE_BYTES_MAX),
        field: problem.field.map(|field| one_line(&field, TITLE_BYTES_MAX)),
        retry_after_ms: problem.retry_after_ms,
        details,
    }
}

/// The name of a kind on the wire.
pub fn kind_to_wit(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Text => "text",
        ColumnKind::Integer => "integer",
        ColumnKind::Number => "number",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::DateTime => "date-time",
        ColumnKind::Object => "object",
    }
}

fn kind_from_wit(kind: &str) -> Option<ColumnKind> {
    use ColumnKind::{Boolean, Date, DateTime, Integer, Number, Object, Text};
    [Text, Integer, Number, Boolean, Date, DateTime, Object]
        .into_iter()
        .find(|known| kind_to_wit(*known) == kind)
}

/// Fields for a guest.
pub fn fields_to_wit(fields: &[Field]) -> Vec<wit::Field> {
    let field = |field: &Field| wit::Field {
        key: field.key.clone(),
        kind: kind_to_wit(field.kind).to_owned(),
        nullable: field.nullable,
        title: field.title.clone(),
        concept: field.concept.clone(),
    };
    fields.iter().map(field).collect()
}

/// Fields from a guest: at most `count_max`, keys unique, kinds known.
pub fn fields_from_wit(
    fields: Vec<wit::Field>,
    count_max: usize,
    what: &str,
) -> wasmtime::Result<Vec<Field>> {
    if fields.len() > count_max {
        return Err(bad_answer(format!("{what} has more than {count_max} columns")));
    }
    let mut known: Vec<Field> = Vec::with_capacity(fields.len());
    for field in fields {
        let kind = kind_from_wit(&field.kind).ok_or_else(|| {
            bad_answer(format!(
                "{what} has a column of the unknown kind `{}`",
                one_line(&field.kind, CODE_BYTES_MAX)
            ))
        })?;
        if field.key.is_empty() || field.key.len() > KEY_BYTES_MAX || field.key.chars().any(char::is_control)
        {
            return Err(bad_answer(format!(
                "{what} has a column whose key is empty, longer than 256 bytes or not plain"
            )));
        }
        if known.iter().any(|other| other.key == field.key) {
            return Err(bad_answer(format!("{what} has the column `{}` twice", field.key)));
        }
        known.push(Field {
            key: field.key,
            kind,
            nullable: field.nullable,
            title: field.title.map(|title| one_line(&title, TITLE_BYTES_MAX)),
            concept: field.concept.map(|concept| one_line(&concept, TITLE_BYTES_MAX)),
        });
    }
    Ok(known)
}

/// Problems by row from a guest: indexes within the batch, each once.
pub fn row_problems_from_wit(
    problems: Vec<(u32, wit::Problem)>,
    rows: usize,
) -> wasmtime::Result<Vec<halle_extensions::types::RowProblem>> {
    let mut seen = vec![false; rows];
    let mut checked = Vec::with_capacity(problems.len().min(rows));
    for (row, problem) in problems {
        match seen.get_mut(row as usize) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => return Err(bad_answer(format!("row {row} has two problems"))),
            None => return Err(bad_answer(format!("a problem is about row {row} of {rows}"))),
        }
        checked.push((row, problem_from_wit(problem)));
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_lose_escapes() {
        assert_eq!(plain("aé", 2), "a");
        assert_eq!(one_line("a\u{1b}[31m\r\nb", 100), "a [31m  b");
    }

    #[test]
    fn deep_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        assert!(json(&deep, "it").is_err());
        assert!(json("[[1]]", "it").is_ok());
    }
}
