//! The document of one dataset: pruned by what the dataset is, and for the private one by what the caller may do.

use halle_model::permission::{can, dataset_operation};
use halle_model::{Caller, Column, Dataset, DatasetKind};
use halle_search::params::metrics_of;
use serde_json::{Map, Value, json};

use super::parameters::{filters, line_schema, page_schema, paging};
use super::pieces::{Operation, VALUES_LABELS, content, in_path, json_content, one_of, query, text, whole};
use super::{description, references};
use crate::service::load::protected;
use crate::service::read::{WholeFormat, is_geolocated};

const READS: &str = "Données";
const DESCRIPTION: &str = "Métadonnées";
const FILES: &str = "Fichiers";
const EDITS: &str = "Édition de lignes";
const ADMIN: &str = "Administration";

/// The document for everybody: what can be read. `api` is the address of the API (`https://example.org/data-fair/api/v1`).
pub fn public(dataset: &Dataset, api: &str) -> Value {
    document(dataset, api, read_paths(dataset), json!([]))
}

/// The document for `caller`: reads, edits and administration, as far as they may.
pub fn private(dataset: &Dataset, api: &str, caller: &Caller) -> Value {
    let mut paths = read_paths(dataset);
    for (path, operations) in write_paths(dataset) {
        match paths.get_mut(&path).and_then(Value::as_object_mut) {
            Some(known) => known.extend(operations.as_object().cloned().unwrap_or_default()),
            None => {
                paths.insert(path, operations);
            }
        }
    }
    for operations in paths.values_mut().filter_map(Value::as_object_mut) {
        operations.retain(|_, operation| {
            let id = match operation["operationId"].as_str().unwrap_or_default() {
                VALUES_LABELS => "getValues",
                id => references::permission_of(id).unwrap_or(id),
            };
            can(caller, dataset_operation(id), protected(dataset))
        });
    }
    paths.retain(|_, operations| operations.as_object().is_some_and(|operations| !operations.is_empty()));
    document(dataset, api, paths, json!([{ "apiKey": [] }, { "session": [] }]))
}

pub(super) fn document(
    dataset: &Dataset,
    api: &str,
    mut paths: Map<String, Value>,
    security: Value,
) -> Value {
    description::add_refusals(&mut paths);
    let host = api.split("//").nth(1).unwrap_or(api).split('/').next().unwrap_or_default();
    let host: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("API publique du jeu de données : {}", dataset.title),
            "description": dataset.description.get("summary").and_then(Value::as_str).unwrap_or_default(),
            "version": dataset.finalized_at.unwrap_or(dataset.updated_at).strftime("%Y.%-m.%-d").to_string(),
            "x-api-id": format!("{host}-dataset-{}", dataset.id),
            "contact": { "name": dataset.owner.name },
        },
        "servers": [{ "url": format!("{api}/datasets/{}", dataset.id) }],
        "security": security,
        "components": { "securitySchemes": {
            "apiKey": { "type": "apiKey", "in": "header", "name": "x-apiKey" },
            "session": { "type": "apiKey", "in": "cookie", "name": "id_token" },
        } },
        "paths": paths,
    })
}

fn columns_where(dataset: &Dataset, keep: impl Fn(&Column) -> bool) -> Vec<&str> {
    dataset.schema.iter().filter(|column| keep(column)).map(|column| column.key.as_str()).collect()
}

fn read_paths(dataset: &Dataset) -> Map<String, Value> {
    let mut paths = Map::new();
    let mut add = |path: &str, operation: Operation| {
        let own = description::own_refusals(&format!("/datasets/{{id}}{path}"), "get").into_iter();
        let operation = own.fold(operation, |operation, (status, why)| operation.refuses(status, why));
        paths.insert(path.to_owned(), json!({ "get": operation.build() }));
    };
    add("/", describe("readDescription", "Lire la description.", description::dataset()));
    add("/schema", describe("readSchema", "Lire la liste des colonnes.", columns_schema()));
    add(
        "/safe-schema",
        describe(
            "readSafeSchema",
            "Lire la liste des colonnes, sans ce qui vient des données.",
            columns_schema(),
        ),
    );
    add("/api-docs.json", describe("readApiDoc", "Lire cette documentation.", json!({ "type": "object" })));
    if dataset.kind() == DatasetKind::MetadataOnly {
        return paths;
    }
    add("/lines", lines(dataset));
    let grouped = columns_where(dataset, |column| !column.calculated && column.capabilities.values());
    if !grouped.is_empty() {
        add("/values_agg", values_agg(dataset, &grouped));
        add("/values/{field}", values(dataset, &grouped, false));
        add("/values-labels/{field}", values(dataset, &grouped, true));
        if is_geolocated(dataset) {
            add("/geo_agg", geo_agg(dataset));
        }
        add("/metric_agg", metric_agg(dataset));
        add("/simple_metrics_agg", simple_metrics_agg(dataset));
    }
    let worded = columns_where(dataset, |column| {
        column.capabilities.text_agg.unwrap_or(false) && column.capabilities.text()
    });
    if !worded.is_empty() {
        add("/words_agg", words_agg(dataset, &worded));
    }
    if dataset.kind() == DatasetKind::File {
        add("/raw", file("downloadOriginalData", "Télécharger le fichier d'origine."));
        add("/full", file("downloadFullData", "Télécharger le fichier enrichi."));
        add(
            "/data-files",
            describe(
                "listDataFiles",
                "Lister les fichiers.",
                json!({ "type": "array", "items": { "type": "object" } }),
            ),
        );
        add(
            "/data-files/{filePath}",
            file("downloadDataFile", "Télécharger un des fichiers.").parameters([in_path(
                "filePath",
                "Nom du fichier.",
                text(),
            )]),
        );
    }
    paths.extend(references::paths(dataset));
    paths
}

fn columns_schema() -> Value {
    json!({ "type": "array", "items": { "type": "object", "properties": { "key": { "type": "string" } } } })
}

fn describe(id: &'static str, summary: &'static str, schema: Value) -> Operation {
    Operation::of_dataset(id, DESCRIPTION, summary).answers(200, "Le document demandé.", json_content(schema))
}

fn file(id: &'static str, summary: &'static str) -> Operation {
    let bytes = content("application/octet-stream", json!({ "type": "string", "format": "binary" }));
    Operation::of_dataset(id, FILES, summary).answers(200, "Le fichier.", bytes)
}

/// Parameters of map tiles, where lines have places.
fn tiles(geolocated: bool) -> Vec<Value> {
    if !geolocated {
        return Vec::new();
    }
    let sampling = "Dans une tuile (`format=pbf`), comment choisir les lignes quand il y en a trop : `neighbors` garde une \
                    densité comparable à celle des tuiles voisines, `max` en garde jusqu'à quatre fois plus.";
    vec![
        query("wkt", "Rendre les géométries au format WKT.", json!({ "type": "boolean" })),
        query("xyz", "Tuile : x,y,zoom. Filtre les lignes, et désigne la tuile de `format=pbf`.", text()),
        query("sampling", sampling, one_of(&["neighbors", "max"])),
    ]
}

fn lines(dataset: &Dataset) -> Operation {
    let geolocated = is_geolocated(dataset);
    let formats: &[&str] =
        &["json", "csv", "ndjson", "xlsx", "ods", "parquet", "geojson", "pbf", "wkt", "shp"]
            [..if geolocated { 10 } else { 6 }];
    let mut answer = json_content(page_schema(&dataset.schema));
    for media_type in ["text/csv", "application/x-ndjson"] {
        answer[media_type] = json!({ "schema": text() });
    }
    for format in [WholeFormat::Xlsx, WholeFormat::Ods, WholeFormat::Parquet] {
        answer[format.media_type()] = json!({ "schema": { "type": "string", "format": "binary" } });
    }
    if geolocated {
        answer["application/geo+json"] = json!({ "schema": { "type": "object" } });
        for media_type in ["application/x-protobuf", WholeFormat::Shapefile.media_type()] {
            answer[media_type] = json!({ "schema": { "type": "string", "format": "binary" } });
        }
        answer["text/plain"] = json!({ "schema": text() });
    }
    Operation::of_dataset("readLines", READS, "Lire des lignes.")
        .parameters(paging(&dataset.schema))
        .parameters([query("format", "Format de la réponse.", one_of(formats))])
        .parameters(filters(&dataset.schema, geolocated))
        .parameters(tiles(geolocated))
        .answers(200, "Une page de lignes.", answer)
}

fn values_agg(dataset: &Dataset, grouped: &[&str]) -> Operation {
    let schema = json!({ "type": "object", "properties": {
        "total": { "type": "integer" }, "total_values": { "type": "integer" }, "total_other": { "type": "integer" },
        "aggs": { "type": "array", "items": { "type": "object" } }, "next": { "type": "string" },
    } });
    let mut field = query(
        "field",
        &format!("Colonnes, une par niveau, séparées par `;` : {}.", grouped.join(", ")),
        text(),
    );
    field["required"] = true.into();
    Operation::of_dataset("getValuesAgg", READS, "Grouper des lignes par valeur et calculer des métriques.")
        .parameters([
            field,
            query("agg_size", "Nombre de groupes par niveau.", text()),
            query(
                "sort",
                "Tri par niveau : `count`, `key`, `metric`, `-` devant pour un tri décroissant.",
                text(),
            ),
            query(
                "interval",
                "Intervalle par niveau : `value`, un nombre, `day`, `month`, `year`, `12h`...",
                text(),
            ),
            query("missing", "Valeur par niveau pour les lignes qui n'en ont pas.", text()),
            query(
                "metric",
                "Métrique de chaque groupe.",
                one_of(&["avg", "sum", "min", "max", "stats", "value_count", "percentiles", "cardinality"]),
            ),
            query("metric_field", "Colonne de la métrique.", text()),
            query(
                "format",
                "Format de la réponse : les deux derniers situent les groupes.",
                one_of(&["json", "geojson", "pbf"]),
            ),
            query(
                "extra_metrics",
                "Autres métriques : `colonne:métrique`, séparées par des virgules.",
                text(),
            ),
            query("size", "Lignes à rendre dans chaque groupe.", whole(0, 0, 10_000)),
        ])
        .parameters(filters(&dataset.schema, is_geolocated(dataset)))
        .answers(200, "Les groupes.", json_content(schema))
}

fn values(dataset: &Dataset, grouped: &[&str], labelled: bool) -> Operation {
    let labels = "Lister les valeurs distinctes d'une colonne et leurs libellés.";
    let operation = if labelled {
        Operation::of_dataset("getValues", READS, labels).named(VALUES_LABELS)
    } else {
        Operation::of_dataset("getValues", READS, "Lister les valeurs distinctes d'une colonne.")
    };
    let item = if labelled {
        json!({ "type": "object", "properties": { "value": {}, "label": text() } })
    } else {
        json!({})
    };
    operation
        .parameters([
            in_path("field", "Colonne.", one_of(grouped)),
            query("size", "Nombre de valeurs.", whole(12, 0, 1_000)),
        ])
        .parameters(filters(&dataset.schema, is_geolocated(dataset)))
        .answers(200, "Les valeurs.", json_content(json!({ "type": "array", "items": item })))
}

fn geo_agg(dataset: &Dataset) -> Operation {
    let schema = json!({ "type": "object", "properties": {
        "total": { "type": "integer" }, "aggs": { "type": "array", "items": { "type": "object" } },
    } });
    let mut answer = json_content(schema);
    answer["application/geo+json"] = json!({ "schema": { "type": "object" } });
    Operation::of_dataset("getGeoAgg", READS, "Grouper des lignes par proximité géographique.")
        .parameters([
            query("agg_size", "Nombre de groupes.", whole(20, 0, 1_000)),
            query("size", "Lignes à rendre dans chaque groupe.", whole(1, 0, 100)),
            query("format", "Format de la réponse.", one_of(&["json", "geojson"])),
            query("metric", "Métrique de chaque groupe.", text()),
            query("metric_field", "Colonne de la métrique.", text()),
        ])
        .parameters(filters(&dataset.schema, true))
        .answers(200, "Les groupes.", answer)
}

fn metric_agg(dataset: &Dataset) -> Operation {
    let measured = columns_where(dataset, |column| !column.calculated && !metrics_of(column).is_empty());
    let mut metric = query(
        "metric",
        "Métrique.",
        one_of(&["avg", "sum", "min", "max", "stats", "value_count", "percentiles", "cardinality"]),
    );
    let mut field = query("field", "Colonne.", one_of(&measured));
    metric["required"] = true.into();
    field["required"] = true.into();
    let schema = json!({ "type": "object", "properties": { "total": { "type": "integer" }, "metric": {} } });
    Operation::of_dataset("getMetricAgg", READS, "Calculer une métrique sur une colonne.")
        .parameters([metric, field, query("percents", "Centiles, séparés par des virgules.", text())])
        .parameters(filters(&dataset.schema, is_geolocated(dataset)))
        .answers(200, "La métrique.", json_content(schema))
}

fn simple_metrics_agg(dataset: &Dataset) -> Operation {
    let schema = json!({ "type": "object", "properties": { "total": { "type": "integer" }, "metrics": { "type": "object" } } });
    Operation::of_dataset("getSimpleMetricsAgg", READS, "Calculer quelques métriques sur plusieurs colonnes.")
        .parameters([
            query("fields", "Colonnes, séparées par des virgules ; toutes par défaut.", text()),
            query("metrics", "Métriques, séparées par des virgules.", text()),
        ])
        .parameters(filters(&dataset.schema, is_geolocated(dataset)))
        .answers(200, "Les métriques.", json_content(schema))
}

fn words_agg(dataset: &Dataset, worded: &[&str]) -> Operation {
    let word = json!({ "type": "object", "properties": {
        "word": text(), "total": { "type": "integer" }, "score": { "type": "number" },
    } });
    let schema = json!({ "type": "object", "properties": {
        "total": { "type": "integer" }, "sample": { "type": "integer" },
        "results": { "type": "array", "items": word },
    } });
    let mut field = query("field", "Colonne.", one_of(worded));
    field["required"] = true.into();
    Operation::of_dataset("getWordsAgg", READS, "Compter les mots d'une colonne.")
        .parameters([field, query("size", "Nombre de mots.", whole(20, 0, 200))])
        .parameters(filters(&dataset.schema, is_geolocated(dataset)))
        .answers(200, "Les mots, les plus significatifs d'abord.", json_content(schema))
}

fn write_paths(dataset: &Dataset) -> Vec<(String, Value)> {
    let any = || json!({ "type": "object" });
    let patch = Operation::of_dataset("writeDescription", DESCRIPTION, "Modifier la description.")
        .body(json_content(any()))
        .answers(200, "La description.", description::described())
        .refuses(400, "Un attribut est incorrect ; le texte dit lequel.");
    let remove = Operation::of_dataset("delete", ADMIN, "Supprimer le jeu de données.")
        .answers_nothing(204, "Supprimé.");
    let journal = Operation::of_dataset("readJournal", ADMIN, "Lire le journal.").answers(
        200,
        "Les événements, le plus récent d'abord.",
        json_content(json!({ "type": "array", "items": any() })),
    );
    let grants = || json_content(json!({ "type": "array", "items": { "type": "object" } }));
    let permissions = Operation::of_dataset("getPermissions", ADMIN, "Lire les permissions.").answers(
        200,
        "Les permissions.",
        grants(),
    );
    let permit = Operation::of_dataset("setPermissions", ADMIN, "Définir les permissions.")
        .body(grants())
        .answers(200, "Les permissions.", grants())
        .refuses(400, "Error in permissions format");
    let mut root = json!({ "patch": patch.build(), "delete": remove.build() });
    if dataset.kind() == DatasetKind::File {
        let upload = Operation::of_dataset("writeData", FILES, "Remplacer le fichier.")
            .body(description::upload())
            .answers(200, "La description.", description::described());
        root["put"] = upload.build();
    }
    let mut paths = vec![
        ("/".to_owned(), root),
        ("/journal".to_owned(), json!({ "get": journal.build() })),
        ("/permissions".to_owned(), json!({ "get": permissions.build(), "put": permit.build() })),
        ("/user-notification".to_owned(), json!({ "post": super::notifications::send().build() })),
    ];
    if dataset.read_key.is_some() {
        let key = json!({ "get": super::keys::read_key().build() });
        paths.push(("/read-api-key".to_owned(), key));
    }
    if dataset.kind() == DatasetKind::Editable {
        paths.extend(line_paths(dataset));
    }
    paths
}

fn line_paths(dataset: &Dataset) -> Vec<(String, Value)> {
    let own: Vec<Column> = dataset.schema.iter().filter(|column| !column.calculated).cloned().collect();
    let given = || json_content(line_schema(&own));
    let shown = || json_content(line_schema(&dataset.schema));
    let with_id =
        |operation: Operation| operation.parameters([in_path("lineId", "Identifiant de la ligne.", text())]);
    let edit = |id, summary| {
        Operation::of_dataset(id, EDITS, summary)
            .body(given())
            .answers(200, "La ligne.", shown())
            .answers_nothing(304, "Rien n'a changé.")
            .refuses(400, "La ligne est incorrecte ; le texte dit pourquoi.")
    };
    let create =
        edit("createLine", "Créer ou remplacer une ligne.").answers(201, "La nouvelle ligne.", shown());
    let clear = Operation::of_dataset("deleteAllLines", EDITS, "Supprimer toutes les lignes.")
        .answers_nothing(204, "Supprimées.");
    let read = with_id(Operation::of_dataset("readLine", READS, "Lire une ligne."))
        .answers(200, "La ligne.", shown())
        .refuses(404, "Identifiant de ligne inconnu");
    let remove = with_id(Operation::of_dataset("deleteLine", EDITS, "Supprimer une ligne."))
        .answers_nothing(204, "Supprimée.")
        .refuses(404, "Identifiant de ligne inconnu");
    let mut changes = json_content(json!({ "type": "array", "items": line_schema(&own) }));
    for media_type in ["application/x-ndjson", "text/csv", "text/csv+gzip", "multipart/form-data"] {
        changes[media_type] = json!({ "schema": text() });
    }
    let report = json!({ "type": "object", "properties": {
        "nbOk": { "type": "integer" }, "nbErrors": { "type": "integer" },
        "errors": { "type": "array", "items": { "type": "object" } },
    } });
    let bulk = Operation::of_dataset("bulkLines", EDITS, "Modifier plusieurs lignes.")
        .parameters([
            query("drop", "Remplacer toutes les lignes.", json!({ "type": "boolean" })),
            query("lock", "Refuser les autres écritures pendant celle-ci.", json!({ "type": "boolean" })),
            query("async", "Ne pas attendre que les lignes soient visibles.", json!({ "type": "boolean" })),
            query("sep", "Séparateur du CSV.", text()),
            query("encoding", "Encodage du texte, au lieu de sa détection.", text()),
        ])
        .body(changes)
        .answers(200, "Le compte rendu.", json_content(report.clone()))
        .answers(400, "Le compte rendu, quand rien n'a pu être fait.", json_content(report));
    vec![
        ("/lines".to_owned(), json!({ "post": create.build(), "delete": clear.build() })),
        (
            "/lines/{lineId}".to_owned(),
            json!({
                "get": read.build(),
                "put": with_id(edit("updateLine", "Créer ou remplacer une ligne.")).build(),
                "patch": with_id(edit("patchLine", "Modifier des valeurs d'une ligne.")).build(),
                "delete": remove.build(),
            }),
        ),
        ("/_bulk_lines".to_owned(), json!({ "post": bulk.build() })),
    ]
}
