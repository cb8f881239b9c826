//! Keys that open one dataset, in the platform's document.

use serde_json::json;

use super::pieces::{Operation, json_content};

/// Adds the operations.
pub(super) fn add(add: &mut impl FnMut(&str, &str, Operation)) {
    add("/datasets/{id}/read-api-key", "get", read_key());
}

/// Reads the key of a dataset; also in the document of the dataset.
pub(super) fn read_key() -> Operation {
    let keys = json_content(json!({
        "type": "object",
        "required": ["current"],
        "properties": { "current": { "type": "string" }, "previous": { "type": "string" } },
    }));
    Operation::of_dataset("getReadApiKey", "Clés", "Lire la clé qui ouvre ce jeu de données en lecture.")
        .answers(200, "La clé en cours, et la précédente tant qu'elle fonctionne.", keys)
}
