//! What a dataset says of itself, as a schema: attributes that are computed or that a change can give, and the body that
//! brings a file. Attributes that are stored as they come are not listed.

use halle_http::statuses::{Shape, meaning};
use serde_json::{Map, Value, json};

use super::pieces::{content, json_content, text};

/// The description of a dataset, in answers.
pub(super) fn described() -> Value {
    json_content(dataset())
}

/// The schema of a dataset.
pub(super) fn dataset() -> Value {
    let date = || json!({ "type": "string", "format": "date-time" });
    let bytes = || json!({ "type": "integer", "minimum": 0, "description": "Octets." });
    let count = || json!({ "type": "integer", "minimum": 0 });
    let sized = || json!({ "type": "object", "properties": { "size": bytes(), "count": count() } });
    let author = || json!({ "type": "object", "properties": { "id": { "type": "string" } } });
    let list = |items: Value| json!({ "type": "array", "items": items });
    json!({ "type": "object", "properties": {
        "id": { "type": "string" },
        "slug": { "type": "string" },
        "title": { "type": "string" },
        "href": { "type": "string", "description": "Adresse dans l'API." },
        "page": { "type": "string", "description": "Adresse de la page." },
        "owner": { "type": "object", "properties": {
            "type": { "type": "string", "enum": ["user", "organization"] }, "id": { "type": "string" }, "name": { "type": "string" },
            "department": { "type": ["string", "null"] },
        } },
        "status": { "type": "string", "description": "Avancement : `finalized` quand les lignes peuvent être lues, `error` en cas d'échec." },
        "draftReason": { "type": "object" },
        "count": { "type": "integer", "minimum": 0, "description": "Nombre de lignes." },
        "bbox": { "type": "array", "items": { "type": "number" }, "description": "Ouest, sud, est, nord, en degrés." },
        "timePeriod": { "type": "object", "description": "De la première à la dernière date des lignes.", "properties": {
            "startDate": date(), "endDate": date(),
        } },
        "schema": list(json!({ "type": "object", "properties": { "key": { "type": "string" } } })),
        "primaryKey": list(json!({ "type": "string" })),
        "extensions": list(extension()),
        "storage": { "type": "object", "properties": {
            "size": bytes(),
            "indexed": { "type": "object", "properties": { "size": bytes(), "parts": list(json!({ "type": "string" })) } },
            "dataFiles": list(json!({ "type": "object", "properties": {
                "key": { "type": "string" }, "name": { "type": "string" }, "size": bytes(), "mimetype": { "type": "string" },
            } })),
            "attachments": sized(),
            "collection": sized(),
        } },
        "createdAt": date(), "updatedAt": date(), "dataUpdatedAt": date(), "finalizedAt": date(),
        "createdBy": author(), "updatedBy": author(),
        "visibility": { "type": "string", "enum": ["public", "protected", "private"] },
        "public": { "type": "boolean" },
        "userPermissions": list(json!({ "type": "string" })),
    } })
}

/// One of the extensions, which give columns to lines.
fn extension() -> Value {
    let text = || json!({ "type": "string" });
    json!({ "type": "object", "properties": {
        "type": { "type": "string", "description": "`remoteService`, `exprEval`, ou `enricher`." },
        "active": { "type": "boolean" },
        "remoteService": text(), "action": text(),
        "select": { "type": "array", "items": text() },
        "plugin": { "type": "string", "description": "Extension installée." },
        "slots": { "type": "object", "additionalProperties": text(), "description":
            "Jeux de données que l'extension lit à côté des lignes, par emplacement de son manifeste." },
        "expr": { "type": "string", "description": "Expression qui donne les valeurs de `property`." },
        "property": { "type": "object" },
        "propertyPrefix": text(),
        "mandatory": { "type": "boolean" },
        "needsUpdate": { "type": "boolean" },
    } })
}

/// A file with attributes.
pub(super) fn upload() -> Value {
    content(
        "multipart/form-data",
        json!({ "type": "object", "properties": {
        "file": { "type": "string", "format": "binary" },
        "attachments": { "type": "string", "format": "binary", "description": "Zip des fichiers que nomment les lignes." },
        "body": { "type": "string", "description": "Attributs, en JSON." },
        "file_encoding": { "type": "string", "description": "Encodage du fichier, au lieu de sa détection." },
        "file_normalizeOptions": { "type": "string", "description":
            "Place du tableau dans un classeur, en JSON, à partir de 1 : `spreadsheetWorksheetIndex`, `spreadsheetHeaderLine`, `spreadsheetStartCol`." },
    } }),
    )
}

/// Adds to each operation of a dataset's document the refusals that it does not describe itself.
pub(super) fn add_refusals(paths: &mut Map<String, Value>) {
    for operations in paths.values_mut().filter_map(Value::as_object_mut) {
        for (method, operation) in operations {
            let (reads, has_body) = (method == "get", !matches!(method.as_str(), "get" | "delete"));
            let shape = Shape { reads, names: true, has_body };
            let Some(responses) = operation["responses"].as_object_mut() else { continue };
            for status in shape.refusals() {
                let refusal =
                    || json!({ "description": meaning(status), "content": content("text/plain", text()) });
                responses.entry(status.to_string()).or_insert_with(refusal);
            }
        }
    }
}

/// What an operation that needs lines is refused with, besides.
pub(super) const NO_LINES: &str =
    "Le jeu de données n'a pas de lignes, ou pas de lignes sur lesquelles l'opération est possible.";

/// What a search that takes too long is refused with.
pub(super) const TOO_LONG: &str = "La recherche est trop longue.";

/// The last refusals of an operation on a dataset by its path: those of lines, of searches, of attributes.
pub(super) fn own_refusals(path: &str, method: &str) -> Vec<(u16, &'static str)> {
    let Some(rest) = path.strip_prefix("/datasets") else { return Vec::new() };
    let below = rest.strip_prefix("/{id}/").unwrap_or_default();
    let first = below.split('/').next().unwrap_or_default();
    let is_agg = first.ends_with("_agg") || matches!(first, "values" | "values-labels" | "min" | "max");
    match first {
        _ if is_agg => vec![(501, NO_LINES), (504, TOO_LONG)],
        "lines" | "own" if method == "get" => vec![(501, NO_LINES), (504, TOO_LONG)],
        "thumbnail" if below.contains('/') => vec![(501, NO_LINES)],
        "lines" | "own" | "_bulk_lines" | "_sync_attachments_lines" | "revisions" | "master-data" => {
            vec![(501, NO_LINES)]
        }
        "" if method == "post" || method == "put" || method == "patch" => {
            vec![(501, "Un attribut ou un genre de jeu de données n'est pas pris en charge.")]
        }
        _ => Vec::new(),
    }
}
