//! Extensions, in the platform's document.

use serde_json::json;

use super::pieces::{Operation, json_content, query};

/// Group of these operations in the document.
const TAG: &str = "Enrichissement";

/// Adds the operations.
pub(super) fn add(add: &mut impl FnMut(&str, &str, Operation)) {
    let line = || json_content(json!({ "type": "object", "description": "Valeurs par clé de colonne." }));
    let simulate = Operation::of_dataset(
        "simulateExtension",
        TAG,
        "Compléter une ligne comme le feraient les extensions, sans rien enregistrer.",
    );
    let arrays = query("arrays", "Colonnes multivaluées en tableaux.", json!({ "type": "boolean" }));
    add(
        "/datasets/{id}/_simulate-extension",
        "post",
        simulate.parameters([arrays]).body(line()).answers(200, "La ligne complétée.", line()),
    );
}
