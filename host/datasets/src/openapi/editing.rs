//! Operations of editable datasets beyond single lines: revisions, and lines that one owns; and files that go with
//! descriptions.

use serde_json::json;

use super::pieces::{Operation, content, in_path, json_content, query, text, whole};

/// Tag of these operations.
const DATA: &str = "Données";

/// Adds the operations to the document of the platform.
pub(super) fn add(add: &mut impl FnMut(&str, &str, Operation)) {
    revisions(add, "/datasets/{id}", ["readRevisions", "readLineRevisions"]);
    let sync = Operation::of_dataset("bulkLines", DATA, "Faire correspondre les lignes aux pièces jointes.");
    let sync = sync.named("syncAttachmentsLines").answers(200, "Le compte rendu.", any());
    add("/datasets/{id}/_sync_attachments_lines", "post", sync);
    metadata_files(add);
    own_lines(add);
    revisions(add, "/datasets/{id}/own/{owner}", ["readOwnRevisions", "readOwnLineRevisions"]);
}

fn any() -> serde_json::Value {
    json_content(json!({ "type": "object" }))
}

fn owned(path: &str, operation: Operation) -> Operation {
    if !path.contains("{owner}") {
        return operation;
    }
    let owner = "Propriétaire des lignes, le compte actif : `type:id` ou `type:id:département`.";
    operation.parameters([in_path("owner", owner, text())])
}

fn line() -> serde_json::Value {
    in_path("line", "Identifiant de la ligne.", text())
}

fn revisions(add: &mut impl FnMut(&str, &str, Operation), path: &str, [all, of_line]: [&'static str; 2]) {
    let page = || {
        json_content(json!({ "type": "object", "properties": {
            "total": { "type": "integer" }, "next": { "type": "string" },
            "results": { "type": "array", "items": { "type": "object" } },
        } }))
    };
    let paging = || {
        [
            query("size", "Nombre de révisions.", whole(12, 0, 10_000)),
            query("before", "`_i` de la dernière révision déjà lue.", json!({ "type": "integer" })),
        ]
    };
    let list = |id, summary| owned(path, Operation::of_dataset(id, DATA, summary)).parameters(paging());
    let answer = "Les révisions, la plus récente d'abord.";
    add(&format!("{path}/revisions"), "get", list(all, "Lister les révisions.").answers(200, answer, page()));
    let operation = list(of_line, "Lister les révisions d'une ligne.").parameters([line()]);
    add(&format!("{path}/lines/{{line}}/revisions"), "get", operation.answers(200, answer, page()));
}

fn metadata_files(add: &mut impl FnMut(&str, &str, Operation)) {
    let bytes = || content("application/octet-stream", json!({ "type": "string", "format": "binary" }));
    let path = || in_path("path", "Nom de la pièce jointe.", text());
    let on = |id, summary| Operation::of_dataset(id, "Jeux de données", summary);
    let form =
        json!({ "type": "object", "properties": { "attachment": { "type": "string", "format": "binary" } } });
    let post = on("postMetadataAttachment", "Téléverser une pièce jointe de la description.");
    let post = post.body(content("multipart/form-data", form)).answers(200, "La pièce jointe.", any());
    add("/datasets/{id}/metadata-attachments", "post", post);
    let one = "/datasets/{id}/metadata-attachments/{path}";
    let get = on("downloadMetadataAttachment", "Télécharger une pièce jointe de la description.");
    let get = get.parameters([path()]).answers(200, "Le fichier.", bytes());
    let get = get.answers(206, "La partie demandée par `Range`.", bytes());
    let get = get.refuses(416, "Le fichier n'a pas ces octets.");
    add(one, "get", get.refuses(502, "Le fichier, de type `remoteFile`, ne peut pas être récupéré."));
    let delete = on("deleteMetadataAttachment", "Supprimer une pièce jointe de la description.");
    add(one, "delete", delete.parameters([path()]).answers_nothing(204, "Supprimée."));
}

/// What every edit of one line may answer, beside 201 for one that is new.
pub(super) fn changes(operation: Operation) -> Operation {
    operation.answers(200, "La ligne.", any()).answers_nothing(304, "Rien n'a changé.")
}

fn own_lines(add: &mut impl FnMut(&str, &str, Operation)) {
    let path = "/datasets/{id}/own/{owner}";
    let (lines, one) = (format!("{path}/lines"), format!("{path}/lines/{{line}}"));
    let on = |id, summary| owned(path, Operation::of_dataset(id, DATA, summary));
    let read = on("readOwnLines", "Lire ses propres lignes.");
    add(&lines, "get", read.answers(200, "Une page de lignes.", any()));
    let create = on("createOwnLine", "Créer une ligne à soi.");
    let create = create.body(any()).answers(201, "La nouvelle ligne.", any());
    add(&lines, "post", changes(create));
    let read = on("readOwnLine", "Lire une de ses lignes.").parameters([line()]);
    add(&one, "get", read.answers(200, "La ligne.", any()));
    let replace = on("updateOwnLine", "Remplacer une de ses lignes.").parameters([line()]);
    add(&one, "put", changes(replace.body(any())));
    let patch = on("patchOwnLine", "Modifier une de ses lignes.").parameters([line()]);
    add(&one, "patch", changes(patch.body(any())));
    let delete = on("deleteOwnLine", "Supprimer une de ses lignes.").parameters([line()]);
    add(&one, "delete", delete.answers_nothing(204, "Supprimée."));
    let form = content("multipart/form-data", json!({ "type": "object" }));
    let bulk = on("bulkOwnLines", "Modifier plusieurs de ses lignes.").body(form);
    add(&format!("{path}/_bulk_lines"), "post", bulk.answers(200, "Le compte rendu.", any()));
}
