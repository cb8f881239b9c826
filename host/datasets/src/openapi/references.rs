//! Master data in the document of a dataset: one operation for each search that it offers, by the conventions of remote
//! services (reference §6.2), so that the document describes one.

use halle_model::extension::BULK_ACTION;
use halle_model::{Column, Dataset};
use serde_json::{Map, Value, json};

use super::dataset::document;
use super::parameters::schema_of;
use super::pieces::{Operation, content, json_content, object, query, text, whole};
use crate::service::master_data::{bulk_searches, single_searches};

/// Group of these operations in the document.
const TAG: &str = "Données de référence";

/// What the name of a single search's operation begins with.
const SINGLE_ACTION: &str = "masterData_singleSearch_";

/// Concept of what tells lines of a request apart.
const IDENTIFIER: &str = "http://schema.org/identifier";

/// The document of the searches alone: that of a remote service. `api` is the address of the API.
pub(crate) fn reference_document(dataset: &Dataset, api: &str) -> Value {
    document(dataset, api, paths(dataset), json!([]))
}

/// The permission that the operation named `id` takes, when it is one of these.
pub(super) fn permission_of(id: &str) -> Option<&'static str> {
    if id.starts_with(BULK_ACTION) {
        return Some("bulkSearch");
    }
    id.starts_with(SINGLE_ACTION).then_some("readLines")
}

/// The paths of the searches, with their operations.
pub(super) fn paths(dataset: &Dataset) -> Map<String, Value> {
    let mut paths = Map::new();
    for search in single_searches(dataset) {
        let operation = Operation::of_dataset("readLines", TAG, "")
            .named(format!("{SINGLE_ACTION}{}", search.id))
            .about(search.title)
            .parameters([
                query("q", "Ce qui est saisi.", text()),
                query("size", "Nombre de propositions.", whole(12, 0, 1_000)),
            ])
            .answers(200, "Les valeurs qui conviennent.", json_content(proposals()));
        paths.insert(
            format!("/master-data/single-searchs/{}", search.id),
            json!({ "get": refusing(operation).build() }),
        );
    }
    for search in bulk_searches(dataset) {
        let lines = |columns: &[Column]| content("application/x-ndjson", line(columns));
        let keys: Vec<&str> = search.output.iter().map(|column| column.key.as_str()).collect();
        let mut error = Column::new("_error", halle_model::ColumnKind::Text);
        error.title = Some("Erreur de récupération de données de référence".to_owned());
        let output: Vec<Column> = search.output.iter().cloned().chain([error]).collect();
        let select = format!("Colonnes à rendre, séparées par des virgules : {}.", keys.join(", "));
        let operation = Operation::of_dataset("bulkSearch", TAG, "")
            .named(format!("{BULK_ACTION}{}", search.id))
            .about(search.title)
            .parameters([query("select", &select, text())])
            .body(lines(&search.input))
            .answers(200, "Une ligne par ligne envoyée, dans le même ordre.", lines(&output));
        let mut operation = refusing(operation).build();
        operation["x-operationType"] = "http://schema.org/SearchAction".into();
        operation["description"] = search.description.into();
        paths.insert(format!("/master-data/bulk-searchs/{}", search.id), json!({ "post": operation }));
    }
    paths
}

fn refusing(operation: Operation) -> Operation {
    operation
        .refuses(400, "La demande est incorrecte ; le texte dit pourquoi.")
        .refuses(403, "Une permission manque.")
        .refuses(404, "Le jeu de données ou la recherche n'existe pas.")
}

/// A line of a request or an answer: `_key` tells which it is.
fn line(columns: &[Column]) -> Value {
    let key = json!({ "type": "string", "title": "Identifiant de la ligne dans la demande", "x-refersTo": IDENTIFIER });
    let of_columns = columns.iter().map(|column| {
        let mut schema = schema_of(column);
        // One property tells lines apart, and it is `_key`.
        if schema["x-refersTo"] == IDENTIFIER
            && let Some(members) = schema.as_object_mut()
        {
            members.shift_remove("x-refersTo");
        }
        (column.key.clone(), schema)
    });
    json!({ "type": "object", "properties": object([("_key".to_owned(), key)].into_iter().chain(of_columns)) })
}

fn proposals() -> Value {
    let proposal = json!({ "type": "object", "properties": {
        "output": { "description": "La valeur." }, "label": { "description": "Ce qui est montré." },
        "score": { "type": ["number", "null"] },
    } });
    json!({ "type": "object", "properties": {
        "total": { "type": "integer" }, "results": { "type": "array", "items": proposal },
    } })
}
