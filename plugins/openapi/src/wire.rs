//! Requests and answers of bulk actions.

use std::collections::HashMap;

use halle_plugin::messages::{Request, Response};
use halle_plugin::remote_service::{Answer, Call, Service};
use halle_plugin::serde_json::{Map, Value, from_slice};
use halle_plugin::{BatchBuilder, Field, Kind, Problem, Reader, Result, Rows, http};

use crate::document::{Details, SEPARATOR};

const NDJSON: &str = "application/x-ndjson";
/// Characters of an answer that a message quotes.
const QUOTED_CHARS: usize = 200;

/// Requests that carry the rows which have at least one input, some at a time.
pub fn build(service: &Service, rows: &Rows<'_>) -> Result<Vec<Call>> {
    let details = Details::of(&service.operation)?;
    let columns = inputs(service, &details, rows);
    let has_input = |row: &usize| columns.iter().any(|(_, _, column)| !column.cell(*row).is_missing());
    let asked: Vec<usize> = (0..rows.len()).filter(has_input).collect();
    let per_request = service.operation.max_rows_per_request.max(1) as usize;
    let url = url(service, &details);
    let calls = asked.chunks(per_request).map(|chunk| {
        let objects = chunk.iter().map(|&row| {
            let mut object = Map::new();
            object.insert(details.input_key.clone(), row.to_string().into());
            let cells = columns.iter().map(|(name, is_text, column)| (*name, *is_text, column.cell(row)));
            object.extend(
                cells
                    .filter(|(_, _, cell)| !cell.is_missing())
                    .map(|(name, is_text, cell)| (name.to_owned(), sent(cell.to_json(), is_text))),
            );
            Value::Object(object)
        });
        let request = Request::new(&details.method, &url)
            .body(&details.media_type, encode(objects, &details.media_type))
            .header("accept", details.answer_type.as_ref().unwrap_or(&details.media_type))
            .auth(service.auth.as_deref());
        Call { rows: chunk.iter().map(|&row| row as u32).collect(), request }
    });
    Ok(calls.collect())
}

/// A value as the service wants it: a code of digits is a text there, whatever the dataset took it for.
fn sent(value: Value, is_text: bool) -> Value {
    match value {
        Value::Number(_) | Value::Bool(_) if is_text => value.to_string().into(),
        value => value,
    }
}

/// The columns of a batch, with the names of the properties they fill and whether these are texts.
fn inputs<'a>(service: &Service, details: &'a Details, rows: &Rows<'a>) -> Vec<(&'a str, bool, Reader<'a>)> {
    let named = |field: &Field| {
        let position = service.operation.input.iter().position(|input| input.key == field.key)?;
        let is_text = service.operation.input[position].kind == Kind::Text.as_str();
        Some((details.input_names.get(position)?.as_str(), is_text))
    };
    let column = |(index, field): (usize, &Field)| {
        let (name, is_text) = named(field)?;
        Some((name, is_text, rows.column_at(index)?))
    };
    rows.fields().iter().enumerate().filter_map(column).collect()
}

fn url(service: &Service, details: &Details) -> String {
    let url = format!("{}{}", service.server.trim_end_matches('/'), details.path);
    if service.select.is_empty() {
        return url;
    }
    let wanted = service.operation.output.iter().zip(&details.output_names);
    let names: Vec<&str> = wanted
        .filter(|(field, _)| service.select.contains(&field.key))
        .map(|(_, name)| name.as_str())
        .collect();
    http::with_query(&url, [("select", names.join(",").as_str())])
}

fn encode(objects: impl Iterator<Item = Value>, media_type: &str) -> String {
    if media_type == NDJSON {
        objects.map(|object| format!("{object}\n")).collect()
    } else {
        Value::Array(objects.collect()).to_string()
    }
}

/// Columns from the answers, which hold their lines in any order.
pub fn parse(service: &Service, calls: &[Call], responses: &[Response]) -> Result<Answer> {
    let details = Details::of(&service.operation)?;
    let outputs = service.outputs();
    let mut found: HashMap<u32, Value> = HashMap::new();
    let mut problems: HashMap<u32, Problem> = HashMap::new();
    for (call, response) in calls.iter().zip(responses) {
        match lines(&call.request.url, response) {
            Ok(lines) => {
                let own = lines.into_iter().filter_map(|line| Some((row_of(&line, &details)?, line)));
                found.extend(own.filter(|(row, _)| call.rows.contains(row)));
            }
            Err(problem) => problems.extend(call.rows.iter().map(|&row| (row, problem.clone()))),
        }
    }
    let mut columns = BatchBuilder::new(&outputs);
    for row in 0..service.rows {
        let line = found.get(&row).filter(|line| match error_of(line, &details) {
            Some(problem) => {
                problems.insert(row, problem);
                false
            }
            None => true,
        });
        let Some(line) = line else {
            columns.push_missing()?;
            continue;
        };
        let values: Vec<Value> =
            outputs.iter().map(|field| value_of(line, field, service, &details)).collect();
        let refused = columns.push_json(&values.iter().collect::<Vec<_>>())?;
        problems.extend(refused.into_iter().next().map(|problem| (row, problem)));
    }
    let mut problems: Vec<(u32, Problem)> = problems.into_iter().collect();
    problems.sort_by_key(|(row, _)| *row);
    Ok(Answer { columns: columns.finish(), problems })
}

/// The objects of an answer: lines of ndjson, or the elements of a list.
fn lines(url: &str, response: &Response) -> Result<Vec<Value>> {
    let response = response.clone().ok(url)?;
    if response.truncated {
        return Err(Problem::new(
            "remote/too-large",
            format!("La réponse de {url} est trop longue : réduisez les lots."),
        ));
    }
    let start = response.body.iter().find(|byte| !byte.is_ascii_whitespace());
    if start == Some(&b'[') {
        return response.json(url);
    }
    let lines = response.body.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let parse = |line: &[u8]| {
        from_slice(line).map_err(|error| {
            let text: String = String::from_utf8_lossy(line).chars().take(QUOTED_CHARS).collect();
            Problem::new("remote/json", format!("{url} a répondu une ligne illisible ({error}) : {text}"))
        })
    };
    lines.map(parse).collect()
}

/// The row that a line answers, by the key that was sent.
fn row_of(line: &Value, details: &Details) -> Option<u32> {
    match &line[&details.output_key] {
        Value::String(key) => key.parse().ok(),
        key => key.as_u64().and_then(|key| u32::try_from(key).ok()),
    }
}

/// Why the service could not treat a row. A name that is an output's is no error.
fn error_of(line: &Value, details: &Details) -> Option<Problem> {
    let names = [details.error_key.as_str(), "_error", "error"];
    let mut free = names.into_iter().filter(|name| !details.output_names.iter().any(|output| output == name));
    let error = free.find_map(|name| line.get(name).filter(|error| !error.is_null()))?;
    let message = match error {
        Value::Null => return None,
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => text.clone(),
        other => other["message"].as_str().map_or_else(|| other.to_string(), str::to_owned),
    };
    Some(Problem::new("remote/row", message))
}

fn value_of(line: &Value, field: &Field, service: &Service, details: &Details) -> Value {
    let position = service.operation.output.iter().position(|output| output.key == field.key);
    let name = position.and_then(|position| details.output_names.get(position));
    match name.and_then(|name| line.get(name)).unwrap_or(&Value::Null) {
        Value::Array(values) if values.iter().all(|value| !value.is_object() && !value.is_array()) => {
            let texts: Vec<String> = values
                .iter()
                .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                .collect();
            let separator = details.columns.get(&field.key).and_then(|said| said["separator"].as_str());
            texts.join(separator.unwrap_or(SEPARATOR)).into()
        }
        value => value.clone(),
    }
}
