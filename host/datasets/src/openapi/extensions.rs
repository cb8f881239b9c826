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
    let groups = Operation::of_dataset(
        "readJournal",
        TAG,
        "Compter les groupes que des extensions font des lignes (k-anonymat) : leurs effectifs, jamais leurs valeurs.",
    );
    let integer = json!({ "type": "integer" });
    let sizes = json!({
        "type": "object",
        "required": ["plugin", "column", "k", "lines", "linesWithoutGroup", "groups", "smallest", "groupsBelow", "linesBelow",
            "isLowerBound", "sizes", "isWaiting"],
        "properties": {
            "plugin": { "type": "string" },
            "column": { "type": "string", "description": "Colonne qui nomme le groupe d'une ligne." },
            "k": { "type": "integer", "description": "Lignes qu'un groupe doit avoir au moins." },
            "lines": integer,
            "linesWithoutGroup": { "type": "integer", "description": "Lignes que l'extension n'a pas pu traiter, ou pas encore." },
            "groups": integer,
            "smallest": { "type": ["integer", "null"], "description": "Lignes du plus petit groupe." },
            "groupsBelow": { "type": "integer", "description": "Groupes de moins de k lignes." },
            "linesBelow": { "type": "integer", "description": "Lignes de ces groupes." },
            "isLowerBound": {
                "type": "boolean",
                "description": "Il y a plus de petits groupes qu'on n'en regarde (10 000) : groupsBelow et linesBelow sont des minimums.",
            },
            "sizes": {
                "type": "array",
                "description": "Les plus petits effectifs, cinq au plus, et le nombre de groupes de chacun.",
                "items": { "type": "object", "required": ["lines", "groups"], "properties": { "lines": integer, "groups": integer } },
            },
            "isWaiting": { "type": "boolean", "description": "Des lignes attendent encore leurs valeurs." },
        },
    });
    let page = json!({
        "type": "object", "required": ["count", "results"],
        "properties": { "count": integer, "results": { "type": "array", "items": sizes } },
    });
    add(
        "/datasets/{id}/group-sizes",
        "get",
        groups.named("readGroupSizes").answers(
            200,
            "Un rapport par extension qui fait des groupes.",
            json_content(page),
        ),
    );
    add(
        "/datasets/{id}/_simulate-extension",
        "post",
        simulate.parameters([arrays]).body(line()).answers(200, "La ligne complétée.", line()),
    );
}
