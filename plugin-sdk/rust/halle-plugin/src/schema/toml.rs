//! A schema as tables of `plugin.toml`. Only what schemas are made of: no dates, no null.

use serde_json::{Map, Value};

/// A table and those below it: a table per property, other values in a line.
pub fn table(path: &str, schema: &Map<String, Value>) -> String {
    let mut text = format!("[{path}]\n");
    let has_tables = |(name, value): &(&String, &Value)| name.as_str() == "properties" && value.is_object();
    for (name, value) in schema.iter().filter(|entry| !has_tables(entry)) {
        text.push_str(&format!("{} = {}\n", key(name), inline(value)));
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Value::Object(property) = property {
            text.push('\n');
            text.push_str(&table(&format!("{path}.properties.{}", key(name)), property));
        }
    }
    text
}

/// The table of this name and those below it, as a manifest has them.
pub fn found(name: &str, manifest: &str) -> String {
    let (table, below) = (format!("[{name}]"), format!("[{name}."));
    let mut is_there = false;
    let mut text = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_there = line.starts_with(&table) || line.starts_with(&below);
        }
        if is_there {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    let text = text.trim_end();
    if text.is_empty() { String::new() } else { format!("{text}\n") }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entry = |(name, value): (&String, &Value)| format!("{} = {}", key(name), inline(value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_bare { name.to_owned() } else { string(name) }
}

/// A basic string of TOML has the escapes of JSON, and one more.
fn string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}
