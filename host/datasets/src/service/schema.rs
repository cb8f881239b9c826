//! The schema of a dataset, filtered.

use halle_model::{Column, Dataset};
use serde_json::{Map, Value, json};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::table_schema;
use crate::views::{ColumnView, columns};

/// What part of the schema is wanted, and in which form. Absent filters let everything through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaQuery {
    /// JSON types.
    pub types: Vec<String>,
    /// Formats.
    pub formats: Vec<String>,
    /// Only columns that list their values.
    pub with_values: bool,
    /// Only columns that hold a concept.
    pub with_concept: bool,
    /// Only columns that the platform computes (true), or none of them (false).
    pub calculated: Option<bool>,
    /// Only columns that an extension fills (true), or none of them (false).
    pub extension: Option<bool>,
    /// Only columns without several values in a cell.
    pub single_valued: bool,
    /// Only columns that may be used for this: `index`, `values`, `textStandard`, `text`, `insensitive`, `wildcard`.
    pub capability: Option<String>,
    /// Only columns of at most this many distinct values.
    pub cardinality_max: Option<u64>,
    /// `application/json`, `application/tableschema+json` or `application/schema+json`.
    pub mime_type: Option<String>,
    /// Whether columns of several values become arrays in `application/schema+json`.
    pub arrays: bool,
    /// Whether what the data tell (`enum`, `x-cardinality`) is left out.
    pub safe: bool,
}

/// The schema that `query` asks for.
pub fn schema(dataset: &Dataset, query: &SchemaQuery) -> DatasetsResult<Value> {
    let mut columns: Vec<ColumnView> = columns(&dataset.schema);
    if let Some(capability) = &query.capability {
        capability_of(columns.first(), capability)?;
    }
    columns.retain(|column| passes(column, query));
    let values: Vec<Value> = columns.iter().map(|column| described(column, query.safe)).collect();
    match query.mime_type.as_deref() {
        None | Some("application/json") => Ok(json!(values)),
        Some("application/tableschema+json") => {
            let columns: Vec<&Column> = columns.iter().map(ColumnView::column).collect();
            Ok(table_schema::write(dataset, &columns))
        }
        Some("application/schema+json") => Ok(json_schema(dataset, &columns, query)),
        Some(other) => Err(DatasetsError::BadRequest(format!(
            "Le paramètre \"mimeType\" ne connaît pas \"{other}\". Au choix : application/json, \
             application/tableschema+json, application/schema+json."
        ))),
    }
}

fn passes(view: &ColumnView, query: &SchemaQuery) -> bool {
    let column = view.column();
    let among = |wanted: &[String], found: &str| wanted.is_empty() || wanted.iter().any(|one| one == found);
    among(&query.types, &column.json_type)
        && among(&query.formats, column.format.as_deref().unwrap_or_default())
        && (!query.with_values || column.values.is_some())
        && (!query.with_concept || view.has_concept())
        && query.calculated.is_none_or(|wanted| wanted == column.calculated)
        && query.extension.is_none_or(|wanted| wanted == column.extension.is_some())
        && (!query.single_valued || column.separator.is_none())
        && query.cardinality_max.is_none_or(|max| column.cardinality.is_some_and(|found| found <= max))
        && query
            .capability
            .as_ref()
            .is_none_or(|name| !column.calculated && capability_of(Some(view), name).unwrap_or(false))
}

/// Whether a column has a capability; 400 for one that does not exist.
fn capability_of(view: Option<&ColumnView>, name: &str) -> DatasetsResult<bool> {
    let capabilities = view.map(|view| view.column().capabilities).unwrap_or_default();
    Ok(match name {
        "index" => capabilities.index(),
        "values" => capabilities.values(),
        "textStandard" => capabilities.text_standard(),
        "text" => capabilities.text(),
        "insensitive" => capabilities.insensitive(),
        "wildcard" => capabilities.wildcard(),
        "textAgg" => capabilities.text_agg.unwrap_or(false),
        other => {
            let message = format!("Le paramètre \"capability\" ne connaît pas \"{other}\".");
            return Err(DatasetsError::BadRequest(message));
        }
    })
}

fn described(view: &ColumnView, safe: bool) -> Value {
    let mut value = json!(view);
    if let Some(object) = value.as_object_mut() {
        if safe {
            object.shift_remove("enum");
            object.shift_remove("x-cardinality");
        }
        object.insert("label".to_owned(), json!(view.column().label()));
    }
    value
}

/// A JSON Schema of one line.
fn json_schema(dataset: &Dataset, columns: &[ColumnView], query: &SchemaQuery) -> Value {
    let property = |view: &ColumnView| {
        let column = view.column();
        let mut value = described(view, query.safe);
        if let Some(object) = value.as_object_mut() {
            for name in ["key", "label", "separator"] {
                object.shift_remove(name);
            }
            object.insert("title".to_owned(), json!(column.label()));
        }
        if query.arrays && column.separator.is_some() {
            let title = value["title"].clone();
            value = json!({ "type": "array", "title": title, "items": value });
        }
        (column.key.clone(), value)
    };
    let properties: Map<String, Value> = columns.iter().map(property).collect();
    json!({ "type": "object", "title": dataset.title, "properties": properties })
}
