//! Reading an OpenAPI 3 document.

use halle_plugin::remote_service::Operation;
use halle_plugin::serde_json::{Map, Value, from_value, to_value};
use halle_plugin::{Field, Kind, Problem, Result};
use serde::{Deserialize, Serialize};

/// Concept of the property that carries the key of a row.
pub const IDENTIFIER: &str = "http://schema.org/identifier";
/// Rows per request, unless the operation says otherwise.
const ROWS_PER_REQUEST: u32 = 250;
/// References followed one after the other.
const REFERENCE_DEPTH_MAX: usize = 16;

/// Bodies of a bulk action, the preferred one first.
const COLLECTIONS: [&str; 2] = ["application/x-ndjson", "application/json"];

/// What is remembered of an operation to make its requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Method, upper case.
    pub method: String,
    /// Path below the server.
    pub path: String,
    /// Media type of the body and of the answer.
    pub media_type: String,
    /// Property of the body that carries the key of a row.
    pub input_key: String,
    /// Property of the answer that carries it back.
    pub output_key: String,
    /// Property of the answer that tells why a row failed.
    pub error_key: String,
    /// Names of the properties behind the inputs, in their order.
    pub input_names: Vec<String>,
    /// Names of the properties behind the outputs, in their order.
    pub output_names: Vec<String>,
    /// Whether the operation can be asked for some outputs only.
    pub selects: bool,
}

impl Details {
    /// The details of an operation this plugin made.
    pub fn of(operation: &Operation) -> Result<Self> {
        let details = operation.details.clone().unwrap_or_default();
        from_value(details).map_err(|error| {
            Problem::new("config/operation", format!("L'action « {} » est à relire : {error}", operation.id))
        })
    }
}

/// Bulk actions of a service.
pub fn operations(document: &Value) -> Result<Vec<Operation>> {
    let version = document["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.") {
        let message = format!("Ce document n'est pas en OpenAPI 3 (champ « openapi » : {version:?}).");
        return Err(Problem::new("openapi/version", message));
    }
    let paths = document["paths"]
        .as_object()
        .ok_or_else(|| Problem::new("openapi/paths", "Le document n'a pas de chemins (« paths »)."))?;
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in ["post", "put"] {
            if let Some(operation) =
                item.get(method).and_then(|operation| bulk(document, method, path, operation))
            {
                found.push(operation);
            }
        }
    }
    Ok(found)
}

/// The operation as an enrichment, if it is a bulk action.
fn bulk(document: &Value, method: &str, path: &str, operation: &Value) -> Option<Operation> {
    operation.get("x-operationType")?;
    let body = resolve(document, &operation["requestBody"])?;
    let answers = operation["responses"].as_object()?;
    let (_, answer) = answers.iter().find(|(status, _)| status.starts_with('2'))?;
    let answer = resolve(document, answer)?;
    let (media_type, input) = collection(document, &body["content"])?;
    let (_, output) =
        collection(document, &answer["content"]).filter(|(answer_type, _)| *answer_type == media_type)?;
    let input_key = keyed(input)?;
    let output_key = keyed(output)?;
    let required: Vec<&str> =
        input["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let inputs = columns(document, &input["properties"], &[input_key], true);
    let error_key = if output["properties"].get("_error").is_some() { "_error" } else { "error" };
    let outputs = columns(document, &output["properties"], &[output_key, error_key], false);
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let selects = parameters
        .filter_map(|parameter| resolve(document, parameter))
        .any(|parameter| parameter["name"] == "select");
    let id = operation["operationId"]
        .as_str()
        .map_or_else(|| format!("{method}{}", path.replace('/', "_")), str::to_owned);
    let names = |columns: &[(String, Field)]| columns.iter().map(|(name, _)| name.clone()).collect();
    let details = Details {
        method: method.to_uppercase(),
        path: path.to_owned(),
        media_type: media_type.to_owned(),
        input_key: input_key.to_owned(),
        output_key: output_key.to_owned(),
        error_key: error_key.to_owned(),
        input_names: names(&inputs),
        output_names: names(&outputs),
        selects,
    };
    let input = inputs
        .into_iter()
        .map(|(name, field)| Field { nullable: !required.contains(&name.as_str()), ..field });
    Some(Operation {
        title: operation["summary"].as_str().unwrap_or(&id).to_owned(),
        id,
        input: input.collect(),
        output: outputs.into_iter().map(|(_, field)| field).collect(),
        max_rows_per_request: rows_per_request(operation),
        details: to_value(details).ok(),
    })
}

fn rows_per_request(operation: &Value) -> u32 {
    let told = operation["x-maxRows"].as_u64().and_then(|rows| u32::try_from(rows).ok());
    told.filter(|rows| *rows > 0).unwrap_or(ROWS_PER_REQUEST)
}

/// The schema of one element, where the content is a collection.
fn collection<'a>(document: &'a Value, content: &'a Value) -> Option<(&'static str, &'a Value)> {
    COLLECTIONS.into_iter().find_map(|media_type| {
        let schema = resolve(document, &content.get(media_type)?["schema"])?;
        let element = if schema["type"] == "array" { resolve(document, &schema["items"])? } else { schema };
        // Each line of ndjson is an element; a JSON body must be a list to be a collection.
        let is_collection = media_type == COLLECTIONS[0] || schema["type"] == "array";
        (is_collection && element["properties"].is_object()).then_some((media_type, element))
    })
}

/// The property that carries the key of a row.
fn keyed(schema: &Value) -> Option<&str> {
    let properties = schema["properties"].as_object()?;
    properties
        .iter()
        .find(|(_, property)| concept(property) == Some(IDENTIFIER))
        .map(|(name, _)| name.as_str())
}

fn concept(property: &Value) -> Option<&str> {
    match &property["x-refersTo"] {
        Value::Array(concepts) => concepts.first().and_then(Value::as_str),
        concept => concept.as_str(),
    }
}

/// Properties as columns. Inputs need a concept, by which the columns of a dataset are found; outputs do not.
fn columns(document: &Value, properties: &Value, but: &[&str], need_concept: bool) -> Vec<(String, Field)> {
    let none = Map::new();
    let properties = properties.as_object().unwrap_or(&none).iter();
    let mut columns = Vec::new();
    for (name, property) in properties.filter(|(name, _)| !but.contains(&name.as_str())) {
        let Some(resolved) = resolve(document, property) else { continue };
        let concept = concept(property).or_else(|| concept(resolved));
        if need_concept && concept.is_none() {
            continue;
        }
        let mut field = Field::new(key(name), kind(resolved));
        field.title =
            resolved["title"].as_str().or_else(|| resolved["description"].as_str()).map(str::to_owned);
        field.concept = concept.map(str::to_owned);
        columns.push((name.clone(), field));
    }
    columns
}

fn kind(schema: &Value) -> Kind {
    // OpenAPI 3.1 writes nullable types as lists.
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    match (name, schema["format"].as_str()) {
        (Some("integer"), _) => Kind::Integer,
        (Some("number"), _) => Kind::Number,
        (Some("boolean"), _) => Kind::Boolean,
        (Some("object"), _) => Kind::Object,
        (_, Some("date")) => Kind::Date,
        (_, Some("date-time")) => Kind::DateTime,
        _ => Kind::Text,
    }
}

/// A property's name as a column key.
fn key(name: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '_' };
    name.chars().map(safe).collect()
}

/// What a node stands for, once its references within the document are followed.
fn resolve<'a>(document: &'a Value, node: &'a Value) -> Option<&'a Value> {
    let mut current = node;
    for _ in 0..REFERENCE_DEPTH_MAX {
        match current.get("$ref").and_then(Value::as_str) {
            Some(reference) => current = document.pointer(reference.strip_prefix('#')?)?,
            None => return (!current.is_null()).then_some(current),
        }
    }
    None
}
