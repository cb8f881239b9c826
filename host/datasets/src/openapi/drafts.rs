//! Checks of rows and drafts, in the platform's document.

use serde_json::json;

use super::pieces::{Operation, content, json_content, text};

/// Group of these operations in the document.
const TAG: &str = "Validation et brouillons";

/// Adds the operations.
pub(super) fn add(add: &mut impl FnMut(&str, &str, Operation)) {
    let csv = || content("text/csv", text());
    let diagnostic = Operation::of_dataset(
        "readJournal",
        TAG,
        "Télécharger la liste des erreurs de validation des lignes : `line,error_type,field,message,raw_value`.",
    );
    add(
        "/datasets/{id}/validation-diagnostic.csv",
        "get",
        diagnostic.named("readValidationDiagnostic").answers(200, "Au plus 10 000 erreurs.", csv()),
    );
    let cancelled = Operation::of_dataset(
        "readJournal",
        TAG,
        "Télécharger la liste des erreurs du dernier brouillon annulé automatiquement, dans la même forme.",
    );
    add(
        "/datasets/{id}/cancelled-draft-diagnostic.csv",
        "get",
        cancelled.named("readCancelledDraftDiagnostic").answers(200, "Au plus 10 000 erreurs.", csv()),
    );
    let dataset = || json_content(json!({ "type": "object" }));
    let publish = Operation::of_dataset("validateDraft", TAG, "Publier le brouillon.");
    add(
        "/datasets/{id}/draft",
        "post",
        publish.answers(200, "Le jeu de données.", dataset()).refuses(409, "Aucun brouillon n'est prêt."),
    );
    let cancel = Operation::of_dataset("cancelDraft", TAG, "Abandonner le brouillon.");
    add(
        "/datasets/{id}/draft",
        "delete",
        cancel
            .answers(200, "Le jeu de données.", dataset())
            .refuses(409, "Il n'y a pas de brouillon, ou le jeu de données n'a jamais été publié."),
    );
}
