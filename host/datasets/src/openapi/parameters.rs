//! Parameters of reads, and the JSON schemas of columns.

use halle_base::limits::{PAGE_LINES_DEFAULT, PAGE_LINES_MAX};
use halle_model::{Column, ColumnKind};
use serde_json::{Map, Value, json};

use super::pieces::{object, one_of, query, text, whole};

/// The JSON schema of a column's values.
pub(super) fn schema_of(column: &Column) -> Value {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), column.json_type.as_str().into());
    if let Some(format) = &column.format {
        schema.insert("format".to_owned(), format.as_str().into());
    }
    schema.insert("title".to_owned(), column.label().into());
    for (name, value) in [("description", &column.description), ("x-refersTo", &column.refers_to)] {
        if let Some(value) = value.as_ref().filter(|value| !value.is_empty()) {
            schema.insert(name.to_owned(), value.as_str().into());
        }
    }
    Value::Object(schema)
}

/// The JSON schema of a line.
pub(super) fn line_schema(columns: &[Column]) -> Value {
    let properties = columns.iter().map(|column| (column.key.clone(), schema_of(column)));
    json!({ "type": "object", "properties": object(properties) })
}

/// The JSON schema of a page of lines.
pub(super) fn page_schema(columns: &[Column]) -> Value {
    json!({
        "type": "object",
        "properties": {
            "total": { "type": "integer", "description": "Nombre de lignes qui correspondent, toutes pages confondues." },
            "totalCollapse": { "type": "integer", "description": "Nombre de valeurs de la colonne de `collapse`." },
            "next": { "type": "string", "format": "uri", "description": "Adresse de la page suivante." },
            "meta": { "type": "object", "properties": { "hints": { "type": "array", "items": { "type": "string" } } } },
            "results": { "type": "array", "items": line_schema(columns) },
        },
        "required": ["results"],
    })
}

/// Size, page, order, columns.
pub(super) fn paging(columns: &[Column]) -> Vec<Value> {
    let keys: Vec<&str> = columns.iter().map(|column| column.key.as_str()).collect();
    vec![
        query("size", "Nombre de lignes de la page.", whole(PAGE_LINES_DEFAULT, 0, PAGE_LINES_MAX)),
        query(
            "page",
            "Numéro de la page, à partir de 1. Au-delà de 10 000 lignes, suivez `next`.",
            whole(1, 1, PAGE_LINES_MAX),
        ),
        query("after", "Curseur de la page suivante, tel que donné par `next`.", text()),
        query(
            "select",
            &format!("Colonnes à rendre, séparées par des virgules : {}.", keys.join(", ")),
            text(),
        ),
        query(
            "sort",
            "Clés de tri séparées par des virgules ; `-` devant une clé pour un tri décroissant.",
            text(),
        ),
        query(
            "count",
            "Compter ou non toutes les lignes qui correspondent. Le compte est exact dans tous les cas, `estimate` compris.",
            one_of(&["true", "false", "exact", "estimate"]),
        ),
        query("collapse", "Colonne : ne rendre que la première ligne de chaque valeur.", text()),
        query(
            "highlight",
            "Colonnes de texte dont rendre dans `_highlight` les extraits trouvés, en HTML.",
            text(),
        ),
        query("html", "Rendre en HTML les colonnes de Markdown.", one_of(&["true", "vuetify"])),
        query(
            "thumbnail",
            "Rendre dans `_thumbnail` l'adresse d'une vignette de l'image de la ligne : `true`, ou largeur et hauteur comme `300x200`.",
            text(),
        ),
        query("truncate", "Nombre de caractères auquel couper les textes.", whole(100, 0, 1_000_000)),
        query("arrays", "Rendre en tableaux les colonnes à plusieurs valeurs.", json!({ "type": "boolean" })),
    ]
}

/// Full text, `qs`, places, and the filters that the columns allow.
pub(super) fn filters(columns: &[Column], geolocated: bool) -> Vec<Value> {
    let mut parameters = vec![
        query("q", "Recherche textuelle : `+` et, `|` ou, `-` sauf, `\"phrase\"`, `préfixe*`.", text()),
        query(
            "q_mode",
            "Façon de combiner les mots de `q`.",
            one_of(&["adapt", "simple", "or", "complete", "and"]),
        ),
        query("q_fields", "Colonnes dans lesquelles `q` cherche, séparées par des virgules.", text()),
        query("qs", "Requête au format Lucene, par exemple `colonne:valeur AND autre:[1 TO 5]`.", text()),
    ];
    if geolocated {
        parameters.push(query("bbox", "Rectangle en degrés : gauche,bas,droite,haut.", text()));
        parameters.push(query(
            "geo_distance",
            "Proximité : longitude,latitude,distance (`500m`, `10km`).",
            text(),
        ));
    }
    for column in columns.iter().filter(|column| !column.calculated) {
        parameters.extend(column_filters(column));
    }
    parameters
}

fn column_filters(column: &Column) -> Vec<Value> {
    let label = column.label();
    let value = json!({ "type": column.json_type });
    let filter = |suffix: &str, description: &str, schema: Value| {
        query(&format!("{}{suffix}", column.key), &format!("{label} : {description}."), schema)
    };
    let mut filters = Vec::new();
    let is_text = column.kind() == ColumnKind::Text;
    if column.capabilities.index() {
        filters.push(filter("_eq", "égal à", value.clone()));
        filters.push(filter("_neq", "différent de", value.clone()));
        filters.push(filter("_in", "une des valeurs, séparées par des virgules", text()));
        filters.push(filter("_nin", "aucune des valeurs, séparées par des virgules", text()));
        for (suffix, description) in [
            ("_gt", "supérieur à"),
            ("_gte", "supérieur ou égal à"),
            ("_lt", "inférieur à"),
            ("_lte", "inférieur ou égal à"),
        ] {
            filters.push(filter(suffix, description, value.clone()));
        }
        if is_text {
            filters.push(filter("_starts", "commence par", text()));
        }
        filters.push(filter("_exists", "a une valeur", text()));
        filters.push(filter("_nexists", "n'a pas de valeur", text()));
    }
    if is_text && (column.capabilities.text() || column.capabilities.text_standard()) {
        filters.push(filter("_search", "contient les mots", text()));
    }
    if is_text && column.capabilities.wildcard() {
        filters.push(filter("_contains", "contient les caractères", text()));
    }
    filters
}
