//! Reading an OpenAPI 3 document.

use halle_plugin::remote_service::Operation;
use halle_plugin::serde_json::{Map, Value, from_value, to_value};
use halle_plugin::{Field, Problem, Result};
use serde::{Deserialize, Serialize};

use crate::schema::{self, Properties, resolve};

/// Actions that enrich; others, such as `CheckAction`, do not.
const SEARCH: [&str; 2] = ["http://schema.org/SearchAction", "https://schema.org/SearchAction"];
/// Rows per request, unless the operation allows fewer.
const ROWS_PER_REQUEST: u32 = 250;
/// What a value of several is separated by, unless the service says.
pub const SEPARATOR: &str = ";";

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
    /// Media type of the body.
    pub media_type: String,
    /// Media type of the answer, where it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_type: Option<String>,
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
    /// What the service says of its outputs beyond their kind, by key: `separator`, `x-labels`...
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub columns: Map<String, Value>,
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
    let mut found: Vec<Operation> = Vec::new();
    for (path, item) in paths {
        let post = resolve(document, item).and_then(|item| item.get("post"));
        let operation = post.and_then(|operation| bulk(document, path, operation));
        // An identifier that comes twice names neither: the first one stays.
        found.extend(operation.filter(|operation| found.iter().all(|known| known.id != operation.id)));
    }
    Ok(found)
}

/// The operation as an enrichment, if it is a search in bulk.
fn bulk(document: &Value, path: &str, operation: &Value) -> Option<Operation> {
    if !schema::texts(&operation["x-operationType"]).any(|kind| SEARCH.contains(&kind)) {
        return None;
    }
    let body = resolve(document, &operation["requestBody"])?;
    let body = collection(document, &body["content"])?;
    let answers = operation["responses"].as_object()?.iter().filter(|(status, _)| status.starts_with('2'));
    let answer = answers
        .filter_map(|(_, answer)| collection(document, &resolve(document, answer)?["content"]))
        .next()?;
    let input_key = body.properties.identifier()?;
    let output_key = answer.properties.identifier()?;
    let error_key = if answer.properties.has("_error") { "_error" } else { "error" };
    let inputs = body.properties.columns(document, &[input_key], true);
    let outputs = answer.properties.columns(document, &[output_key, error_key], false);
    let id = operation["operationId"]
        .as_str()
        .map_or_else(|| format!("post{}", path.replace('/', "_")), str::to_owned);
    let names = |columns: &[schema::Property]| columns.iter().map(|column| column.name.clone()).collect();
    let said = outputs.iter().filter(|column| !column.said.is_empty());
    let details = Details {
        method: "POST".to_owned(),
        path: path.to_owned(),
        answer_type: (answer.media_type != body.media_type).then(|| answer.media_type.to_owned()),
        media_type: body.media_type.to_owned(),
        input_key: input_key.to_owned(),
        output_key: output_key.to_owned(),
        error_key: error_key.to_owned(),
        input_names: names(&inputs),
        output_names: names(&outputs),
        columns: said.map(|column| (column.field.key.clone(), Value::Object(column.said.clone()))).collect(),
    };
    let required = |column: &schema::Property| body.properties.requires(&column.name);
    let input = inputs.into_iter().map(|column| Field { nullable: !required(&column), ..column.field });
    Some(Operation {
        title: operation["summary"].as_str().unwrap_or(&id).to_owned(),
        id,
        input: input.collect(),
        output: outputs.into_iter().map(|column| column.field).collect(),
        max_rows_per_request: rows_per_request(operation, body.rows_max),
        details: to_value(details).ok(),
    })
}

/// Rows that one request may carry, where the service bears fewer or, by `x-maxRows`, says how many.
fn rows_per_request(operation: &Value, rows_max: Option<u64>) -> u32 {
    let positive =
        |rows: Option<u64>| rows.and_then(|rows| u32::try_from(rows).ok()).filter(|rows| *rows > 0);
    let told = positive(operation["x-maxRows"].as_u64()).unwrap_or(ROWS_PER_REQUEST);
    positive(rows_max).map_or(told, |rows_max| told.min(rows_max))
}

/// The body of a request or of an answer that holds one object per row.
struct Collection<'a> {
    media_type: &'static str,
    properties: Properties<'a>,
    rows_max: Option<u64>,
}

fn collection<'a>(document: &'a Value, content: &'a Value) -> Option<Collection<'a>> {
    let content = content.as_object()?;
    COLLECTIONS.into_iter().find_map(|media_type| {
        // `application/json; charset=utf-8` is JSON too.
        let bare = |name: &str| name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (_, body) = content.iter().find(|(name, _)| bare(name) == media_type)?;
        let whole = resolve(document, &body["schema"])?;
        let is_list = schema::texts(&whole["type"]).any(|name| name == "array");
        let element = if is_list { resolve(document, &whole["items"])? } else { whole };
        // Each line of ndjson is an element; a JSON body must be a list to be a collection.
        let is_collection = is_list || media_type == COLLECTIONS[0];
        let properties = Properties::of(document, element);
        (is_collection && !properties.is_empty()).then_some(Collection {
            media_type,
            properties,
            rows_max: whole["maxItems"].as_u64(),
        })
    })
}
