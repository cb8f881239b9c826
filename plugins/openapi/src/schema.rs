//! Properties of an object, as a JSON schema describes them.

use halle_plugin::serde_json::{Map, Value};
use halle_plugin::{Field, Kind};

/// Concept of the property that carries the key of a row.
const IDENTIFIER: [&str; 2] = ["http://schema.org/identifier", "https://schema.org/identifier"];
/// References followed one after the other, and schemas within schemas.
const DEPTH_MAX: usize = 16;
/// What a service may say of a column beyond its kind.
const SAID: [&str; 4] = ["description", "separator", "x-labels", "x-capabilities"];

/// The properties of an object, those of the schemas that it is made of (`allOf`) included.
pub struct Properties<'a> {
    all: Vec<(&'a str, &'a Value)>,
    required: Vec<&'a str>,
}

/// A property that is a column.
pub struct Property {
    /// Name in the body.
    pub name: String,
    /// The column.
    pub field: Field,
    /// What else the service says of it.
    pub said: Map<String, Value>,
}

impl<'a> Properties<'a> {
    pub fn of(document: &'a Value, schema: &'a Value) -> Self {
        let mut properties = Self { all: Vec::new(), required: Vec::new() };
        properties.add(document, schema, DEPTH_MAX);
        properties
    }

    fn add(&mut self, document: &'a Value, schema: &'a Value, depth: usize) {
        let Some(schema) = resolve(document, schema).filter(|_| depth > 0) else { return };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if !self.has(name) {
                self.all.push((name, property));
            }
        }
        self.required.extend(texts(&schema["required"]));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(document, part, depth - 1);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(known, _)| *known == name)
    }

    pub fn requires(&self, name: &str) -> bool {
        self.required.contains(&name)
    }

    /// The property that carries the key of a row.
    pub fn identifier(&self) -> Option<&'a str> {
        let is_key = |property: &Value| texts(&property["x-refersTo"]).any(|it| IDENTIFIER.contains(&it));
        self.all.iter().find(|(_, property)| is_key(property)).map(|(name, _)| *name)
    }

    /// Properties as columns. Inputs need a concept, by which the columns of a dataset are found; outputs do not.
    pub fn columns(&self, document: &Value, but: &[&str], need_concept: bool) -> Vec<Property> {
        let mut columns: Vec<Property> = Vec::new();
        for (name, property) in self.all.iter().filter(|(name, _)| !but.contains(name)) {
            let Some(resolved) = resolve(document, property) else { continue };
            // Beside a reference, 3.1 lets a property say more.
            let said = |name: &str| property.get(name).or_else(|| resolved.get(name));
            let concept = said("x-refersTo").and_then(|concepts| texts(concepts).next());
            let key = key(name);
            if (need_concept && concept.is_none()) || columns.iter().any(|known| known.field.key == key) {
                continue;
            }
            let mut field = Field::new(key, kind(document, resolved));
            let text = |name: &str| said(name).and_then(Value::as_str).map(str::to_owned);
            field.title = text("title").or_else(|| text("description"));
            field.concept = concept.map(str::to_owned);
            let mut more: Map<String, Value> =
                SAID.iter().filter_map(|name| Some(((*name).to_owned(), said(name)?.clone()))).collect();
            if let Some(separator) = said("x-separator") {
                more.entry("separator").or_insert_with(|| separator.clone());
            }
            columns.push(Property { name: (*name).to_owned(), field, said: more });
        }
        columns
    }
}

/// A text, or the texts of a list.
pub fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(list.filter_map(Value::as_str))
}

fn kind(document: &Value, schema: &Value) -> Kind {
    // OpenAPI 3.1 writes nullable types as lists; other documents as one of two schemas.
    let name = texts(&schema["type"]).find(|name| *name != "null");
    if name.is_none() {
        let choices = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array());
        let schemas = choices.flatten().filter_map(|choice| resolve(document, choice));
        let typed = schemas.into_iter().find(|schema| texts(&schema["type"]).any(|name| name != "null"));
        return typed.map_or(Kind::Text, plain_kind);
    }
    plain_kind(schema)
}

fn plain_kind(schema: &Value) -> Kind {
    let name = texts(&schema["type"]).find(|name| *name != "null");
    match (name, schema["format"].as_str()) {
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Number,
        (Some("boolean"), _) => Kind::Boolean,
        (Some("object"), _) => Kind::Object,
        (Some("string"), Some("date")) => Kind::Date,
        (Some("string"), Some("date-time")) => Kind::DateTime,
        _ => Kind::Text,
    }
}

/// A property's name as the key of a column: as it is, for extensions name outputs by it, but for what keys cannot hold.
fn key(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    name.chars().map(safe).collect()
}

/// What a node stands for, once its references within the document are followed.
pub fn resolve<'a>(document: &'a Value, node: &'a Value) -> Option<&'a Value> {
    let mut current = node;
    for _ in 0..DEPTH_MAX {
        match current.get("$ref").and_then(Value::as_str) {
            Some(reference) => current = document.pointer(reference.strip_prefix('#')?)?,
            None => return (!current.is_null()).then_some(current),
        }
    }
    None
}
