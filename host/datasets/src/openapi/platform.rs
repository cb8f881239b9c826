//! What this feature adds to the platform's document: its routes, for any dataset.

use halle_http::openapi::OpenApiPart;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::description::{described, own_refusals, upload};
use super::editing::changes;
use super::parameters::{filters, page_schema, paging};
use super::pieces::{Operation, VALUES_LABELS, content, in_path, json_content, query, text, whole};

/// Where the routes of this feature are.
const ROOT: &str = "/data-fair/api/v1";

const CATALOGUE: &str = "Jeux de données";
const DATA: &str = "Données";

/// What a superadmin gets to know of how groups are found.
const EXPLAIN: &str = "Pour un superadministrateur : rendre dans `explain` les étapes, et les lignes lues par partie de l'index.";

/// The part of this feature, for [`halle_http::openapi::merge`].
pub fn part() -> OpenApiPart {
    let document = document().expect("the pieces are literals of our own, and a test reads them all");
    OpenApiPart { feature: "datasets", document }
}

fn document() -> serde_json::Result<OpenApi> {
    serde_json::from_value(json!({
        "openapi": "3.1.0",
        "info": { "title": "datasets", "version": "1" },
        "paths": paths(),
    }))
}

/// Every path with its operations.
fn paths() -> Map<String, Value> {
    let mut paths = Map::new();
    let mut add = |path: &str, method: &str, operation: Operation| {
        let mut operation = operation;
        if path.contains("{id}") {
            operation = operation.parameters([in_path("id", "Identifiant du jeu de données.", text())]);
        }
        for (status, why) in own_refusals(path, method) {
            operation = operation.refuses(status, why);
        }
        let operations = paths.entry(format!("{ROOT}{path}")).or_insert_with(|| json!({}));
        operations[method] = operation.build();
    };
    catalogue(&mut add);
    super::account::accounts(&mut add);
    descriptions(&mut add);
    thumbnails(&mut add);
    files(&mut add);
    reads(&mut add);
    aggregations(&mut add);
    documents(&mut add);
    references(&mut add);
    edits(&mut add);
    super::drafts::add(&mut add);
    super::keys::add(&mut add);
    super::editing::add(&mut add);
    super::extensions::add(&mut add);
    super::notifications::add(&mut add);
    paths
}

fn any() -> Value {
    json_content(json!({ "type": "object" }))
}

fn any_list() -> Value {
    json_content(json!({ "type": "array", "items": { "type": "object" } }))
}

fn get(id: &'static str, tag: &'static str, summary: &'static str) -> Operation {
    Operation::of_dataset(id, tag, summary)
}

fn catalogue(add: &mut impl FnMut(&str, &str, Operation)) {
    let list = Operation::new("listDatasets", CATALOGUE, "Lister les jeux de données.").parameters([
        query("q", "Recherche textuelle.", text()),
        query("size", "Nombre de résultats.", whole(12, 0, 10_000)),
        query("page", "Numéro de la page, à partir de 1.", whole(1, 1, 10_000)),
        query(
            "sort",
            "Tri : `createdAt`, `updatedAt`, `modified`, `title`…, `-` devant pour un tri décroissant.",
            text(),
        ),
        query("select", "Attributs à rendre, séparés par des virgules.", text()),
        query("facets", "Facettes à compter, séparées par des virgules.", text()),
        query("owner", "Propriétaires : `type:id`, séparés par des virgules.", text()),
        query("visibility", "Visibilités : `public`, `private`, `protected`.", text()),
        query("can", "Opérations ou classes d'opérations dont une au moins doit être permise.", text()),
        query("mine", "`true` : ceux du compte actif.", text()),
        query("sums", "`count` : le nombre total de lignes.", text()),
    ]);
    let page = json!({ "type": "object", "properties": {
        "count": { "type": "integer" }, "results": { "type": "array", "items": { "type": "object" } }, "facets": { "type": "object" },
    } });
    add("/datasets", "get", list.answers(200, "Une page de jeux de données.", json_content(page)));
    let create = Operation::new("createDataset", CATALOGUE, "Créer un jeu de données.");
    add("/datasets", "post", create.body(upload()).answers(201, "Le jeu de données.", described()));
    let replace =
        get("writeData", CATALOGUE, "Créer, ou remplacer le fichier, comme `PUT`.").named("postDataset");
    add("/datasets/{id}", "post", replace.body(upload()).answers(200, "La description.", described()));
}

fn descriptions(add: &mut impl FnMut(&str, &str, Operation)) {
    let ping = Operation::new("ping", CATALOGUE, "Savoir si le service répond.");
    add("/ping", "get", ping.answers(200, "`ok`.", content("text/plain", text())));
    let vocabulary = Operation::new("getVocabulary", CATALOGUE, "Lister les concepts.");
    add("/vocabulary", "get", vocabulary.answers(200, "Les concepts.", any_list()));
    let progress = get("readJournal", CATALOGUE, "Suivre la tâche en cours.").named("readTaskProgress");
    add("/datasets/{id}/task-progress", "get", progress.answers(200, "La tâche et son avancement.", any()));
    let one = [
        ("get", get("readDescription", CATALOGUE, "Lire la description.")),
        ("patch", get("writeDescription", CATALOGUE, "Modifier la description.").body(any())),
        ("put", get("writeData", CATALOGUE, "Créer, ou remplacer le fichier.").body(upload())),
    ];
    for (method, operation) in one {
        add("/datasets/{id}", method, operation.answers(200, "La description.", described()));
    }
    add("/datasets/{id}", "delete", get("delete", CATALOGUE, "Supprimer.").answers_nothing(204, "Supprimé."));
    add(
        "/datasets/{id}/schema",
        "get",
        get("readSchema", CATALOGUE, "Lire les colonnes.").answers(200, "Les colonnes.", any_list()),
    );
    add(
        "/datasets/{id}/safe-schema",
        "get",
        get("readSafeSchema", CATALOGUE, "Lire les colonnes, sans ce qui vient des données.").answers(
            200,
            "Les colonnes.",
            any_list(),
        ),
    );
    add(
        "/datasets/{id}/journal",
        "get",
        get("readJournal", CATALOGUE, "Lire le journal.").answers(200, "Les événements.", any_list()),
    );
    add(
        "/datasets/{id}/permissions",
        "get",
        get("getPermissions", CATALOGUE, "Lire les permissions.").answers(
            200,
            "Les permissions.",
            any_list(),
        ),
    );
    add(
        "/datasets/{id}/permissions",
        "put",
        get("setPermissions", CATALOGUE, "Définir les permissions.").body(any_list()).answers(
            200,
            "Les permissions.",
            any_list(),
        ),
    );
}

fn files(add: &mut impl FnMut(&str, &str, Operation)) {
    let bytes = || content("application/octet-stream", json!({ "type": "string", "format": "binary" }));
    add(
        "/datasets/{id}/raw",
        "get",
        get("downloadOriginalData", CATALOGUE, "Télécharger le fichier d'origine.").answers(
            200,
            "Le fichier.",
            bytes(),
        ),
    );
    let path = in_path("path", "Chemin de la pièce jointe, tel que dans les lignes.", text());
    let attachment = get("downloadAttachment", CATALOGUE, "Télécharger une pièce jointe.");
    add(
        "/datasets/{id}/attachments/{path}",
        "get",
        attachment.parameters([path]).answers(200, "Le fichier.", bytes()),
    );
    let convert =
        get("downloadOriginalData", CATALOGUE, "Télécharger le fichier converti en CSV ou en GeoJSON.");
    add(
        "/datasets/{id}/convert",
        "get",
        convert.named("downloadConvertedData").answers(200, "Le fichier.", bytes()),
    );
    add(
        "/datasets/{id}/full",
        "get",
        get("downloadFullData", CATALOGUE, "Télécharger le fichier enrichi.").answers(
            200,
            "Le fichier.",
            bytes(),
        ),
    );
    add(
        "/datasets/{id}/data-files",
        "get",
        get("listDataFiles", CATALOGUE, "Lister les fichiers.").answers(200, "Les fichiers.", any_list()),
    );
    let file = get("downloadDataFile", CATALOGUE, "Télécharger un des fichiers.");
    let name = in_path("name", "Nom du fichier, tel que listé.", text());
    add(
        "/datasets/{id}/data-files/{name}",
        "get",
        file.parameters([name]).answers(200, "Le fichier.", bytes()),
    );
}

fn thumbnails(add: &mut impl FnMut(&str, &str, Operation)) {
    let png = || content("image/png", json!({ "type": "string", "format": "binary" }));
    let of_dataset = get("readDescription", CATALOGUE, "Lire la vignette de l'image du jeu de données.");
    let of_line = get("readLines", DATA, "Lire la vignette d'une image que nomment des lignes.").parameters(
        [in_path("hex", "Adresse de l'image, ou `/attachments/` et son chemin, en hexadécimal.", text())],
    );
    let routes = [
        ("/datasets/{id}/thumbnail", of_dataset.named("readThumbnail")),
        ("/datasets/{id}/thumbnail/{hex}", of_line.named("readLineThumbnail")),
    ];
    for (path, operation) in routes {
        let sized = operation.parameters([
            query("width", "Largeur en pixels.", whole(300, 1, 2_000)),
            query("height", "Hauteur en pixels.", whole(200, 1, 2_000)),
            query(
                "fit",
                "Façon de remplir le cadre : `cover`, `contain`, `fill`, `inside`, `outside`.",
                text(),
            ),
            query("position", "Partie qui reste quand il faut couper : `top`, `right bottom`...", text()),
        ]);
        let answered = sized
            .answers(200, "La vignette.", png())
            .answers_nothing(302, "L'image ne peut pas être lue d'ici : son adresse.");
        add(path, "get", answered);
    }
}

fn reads(add: &mut impl FnMut(&str, &str, Operation)) {
    let filtered = || filters(&[], true);
    let lines = get("readLines", DATA, "Lire des lignes.")
        .parameters(paging(&[]))
        .parameters(filtered())
        .answers(200, "Une page de lignes.", json_content(page_schema(&[])));
    add("/datasets/{id}/lines", "get", lines);
}

fn aggregations(add: &mut impl FnMut(&str, &str, Operation)) {
    let filtered = || filters(&[], true);
    let field = || query("field", "Colonne.", text());
    add(
        "/datasets/{id}/values_agg",
        "get",
        get("getValuesAgg", DATA, "Grouper par valeur.")
            .parameters([field(), query("explain", EXPLAIN, json!({ "type": "boolean" }))])
            .parameters(filtered())
            .answers(200, "Les groupes.", any()),
    );
    add(
        "/datasets/{id}/geo_agg",
        "get",
        get("getGeoAgg", DATA, "Grouper par proximité géographique.").parameters(filtered()).answers(
            200,
            "Les groupes.",
            any(),
        ),
    );
    add(
        "/datasets/{id}/metric_agg",
        "get",
        get("getMetricAgg", DATA, "Calculer une métrique.")
            .parameters([field(), query("metric", "Métrique.", text())])
            .parameters(filtered())
            .answers(200, "La métrique.", any()),
    );
    add(
        "/datasets/{id}/simple_metrics_agg",
        "get",
        get("getSimpleMetricsAgg", DATA, "Calculer plusieurs métriques.").parameters(filtered()).answers(
            200,
            "Les métriques.",
            any(),
        ),
    );
    words_and_extremes(add);
    let column = || in_path("column", "Colonne.", text());
    let values = json_content(json!({ "type": "array", "items": {} }));
    add(
        "/datasets/{id}/values/{column}",
        "get",
        get("getValues", DATA, "Lister les valeurs distinctes.")
            .parameters([column()])
            .parameters(filtered())
            .answers(200, "Les valeurs.", values),
    );
    add(
        "/datasets/{id}/values-labels/{column}",
        "get",
        get("getValues", DATA, "Lister les valeurs distinctes et leurs libellés.")
            .named(VALUES_LABELS)
            .parameters([column()])
            .parameters(filtered())
            .answers(200, "Les valeurs.", any_list()),
    );
}

fn words_and_extremes(add: &mut impl FnMut(&str, &str, Operation)) {
    let words = get("getWordsAgg", DATA, "Compter les mots d'une colonne.").parameters([
        query("field", "Colonne dont les statistiques de mots sont activées.", text()),
        query("size", "Nombre de mots.", whole(20, 0, 200)),
    ]);
    let words = words.parameters(filters(&[], true)).answers(200, "Les mots.", any());
    add("/datasets/{id}/words_agg", "get", words);
    let number = || json_content(json!({ "type": ["number", "null"] }));
    let extremes = [
        (
            "/datasets/{id}/max/{column}",
            "getMaxAgg",
            "Lire la plus grande valeur d'une colonne (préférez metric_agg).",
        ),
        (
            "/datasets/{id}/min/{column}",
            "getMinAgg",
            "Lire la plus petite valeur d'une colonne (préférez metric_agg).",
        ),
    ];
    for (path, id, summary) in extremes {
        let column = in_path("column", "Colonne de nombres ou de dates.", text());
        let operation = get(id, DATA, summary).parameters([column]).parameters(filters(&[], true));
        add(path, "get", operation.answers(200, "Le nombre ; pour une date, en millisecondes.", number()));
    }
}

fn documents(add: &mut impl FnMut(&str, &str, Operation)) {
    add(
        "/datasets/{id}/api-docs.json",
        "get",
        get("readApiDoc", DATA, "Lire la documentation du jeu de données.").answers(
            200,
            "Un document OpenAPI 3.1.",
            any(),
        ),
    );
    add(
        "/datasets/{id}/private-api-docs.json",
        "get",
        get("readPrivateApiDoc", DATA, "Lire toute la documentation.").answers(
            200,
            "Un document OpenAPI 3.1.",
            any(),
        ),
    );
}

fn references(add: &mut impl FnMut(&str, &str, Operation)) {
    let search = || in_path("search", "Identifiant de la recherche dans `masterData`.", text());
    let single =
        get("readLines", CATALOGUE, "Chercher dans les données de référence à mesure que l'on saisit.");
    add(
        "/datasets/{id}/master-data/single-searchs/{search}",
        "get",
        single.named("singleSearch").parameters([search()]).answers(
            200,
            "Les valeurs qui conviennent.",
            any(),
        ),
    );
    let bulk = get("bulkSearch", CATALOGUE, "Trouver la ligne de référence de chaque ligne envoyée.");
    add(
        "/datasets/{id}/master-data/bulk-searchs/{search}",
        "post",
        bulk.parameters([search()]).body(lines()).answers(
            200,
            "Une réponse par ligne, dans le format demandé.",
            lines(),
        ),
    );
}

/// Lines in one of the formats of bulk searches.
fn lines() -> Value {
    let mut lines = json_content(json!({ "type": "array", "items": { "type": "object" } }));
    lines["application/x-ndjson"] = json!({ "schema": { "type": "object" } });
    lines["text/csv"] = json!({ "schema": text() });
    lines
}

fn edits(add: &mut impl FnMut(&str, &str, Operation)) {
    let line = || in_path("line", "Identifiant de la ligne.", text());
    add(
        "/datasets/{id}/lines",
        "post",
        changes(get("createLine", DATA, "Créer une ligne.").body(any()).answers(
            201,
            "La nouvelle ligne.",
            any(),
        )),
    );
    add(
        "/datasets/{id}/lines",
        "delete",
        get("deleteAllLines", DATA, "Supprimer toutes les lignes.").answers_nothing(204, "Supprimées."),
    );
    add(
        "/datasets/{id}/lines/{line}",
        "get",
        get("readLine", DATA, "Lire une ligne.").parameters([line()]).answers(200, "La ligne.", any()),
    );
    add(
        "/datasets/{id}/lines/{line}",
        "put",
        changes(get("updateLine", DATA, "Remplacer une ligne.").parameters([line()]).body(any())),
    );
    add(
        "/datasets/{id}/lines/{line}",
        "patch",
        changes(get("patchLine", DATA, "Modifier une ligne.").parameters([line()]).body(any())),
    );
    add(
        "/datasets/{id}/lines/{line}",
        "delete",
        get("deleteLine", DATA, "Supprimer une ligne.")
            .parameters([line()])
            .answers_nothing(204, "Supprimée."),
    );
    add(
        "/datasets/{id}/_bulk_lines",
        "post",
        get("bulkLines", DATA, "Modifier plusieurs lignes.").body(any_list()).answers(
            200,
            "Le compte rendu.",
            any(),
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_survives_the_typed_document() {
        assert_eq!(document().unwrap().paths.paths.len(), paths().len());
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let paths = paths();
        let operations = paths.values().filter_map(Value::as_object).flat_map(Map::values);
        let mut names: Vec<&str> = operations.map(|one| one["operationId"].as_str().unwrap()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn an_edit_of_one_line_may_change_nothing() {
        for room in ["/datasets/{id}", "/datasets/{id}/own/{owner}"] {
            for (path, method) in [
                (format!("{ROOT}{room}/lines"), "post"),
                (format!("{ROOT}{room}/lines/{{line}}"), "put"),
                (format!("{ROOT}{room}/lines/{{line}}"), "patch"),
            ] {
                assert!(paths()[&path][method]["responses"]["304"].is_object(), "{method} {path}");
            }
        }
    }
}
