//! Checks of rows, in the platform's document.

use super::pieces::{Operation, content, text};

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
}
