//! Schemas in the form of Frictionless *Table Schema*, both ways: out for tools that check data, in from producers who
//! describe their files that way.
//!
//! A Table Schema is given wherever a `schema` is: an object with `fields` instead of a list of columns. It then becomes
//! such a list: names are headers of the file or keys of columns, and what the dataset knows of a column besides stays.
//! `primaryKey`, and fields that are `unique`, become `primaryKey` and `constraints`, unless these are given themselves.
//! Foreign keys say nothing about the data themselves, and are not read.
//!
//! Facts: the specification of Table Schema, versions 1 and 2.

use halle_model::slug::column_key;
use halle_model::{Column, ColumnKind, Dataset};
use serde_json::{Map, Value, json};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::read::GEOMETRY;

/// Rules of a field that are called the same in both worlds.
const SAME_RULES: [&str; 5] = ["minLength", "maxLength", "minimum", "maximum", "pattern"];

/// A Table Schema of these columns, valid for tools of version 1 and 2. Names are keys, as in the lines of the API.
pub(crate) fn write(dataset: &Dataset, columns: &[&Column]) -> Value {
    let data = columns.iter().filter(|column| !column.calculated);
    let mut schema = json!({
        "$schema": "https://frictionlessdata.io/schemas/table-schema.json",
        "fields": data.map(|column| field_of(column)).collect::<Vec<_>>(),
        "missingValues": [""],
    });
    let listed = |key: &String| columns.iter().any(|column| column.key == *key);
    if !dataset.primary_key.is_empty() && dataset.primary_key.iter().all(listed) {
        schema["primaryKey"] = json!(dataset.primary_key);
    }
    schema
}

fn field_of(column: &Column) -> Value {
    let is_geometry = column.refers_to.as_deref() == Some(GEOMETRY);
    let kind = match column.kind() {
        ColumnKind::Text => "string",
        ColumnKind::Integer => "integer",
        ColumnKind::Number => "number",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::DateTime => "datetime",
        ColumnKind::Object if is_geometry => "geojson",
        ColumnKind::Object => "object",
    };
    let mut field = json!({ "name": column.key, "title": column.label(), "type": kind });
    if let Some(description) = column.description.as_deref().filter(|text| !text.is_empty()) {
        field["description"] = json!(description);
    }
    if let Some(uri) = &column.refers_to {
        field["rdfType"] = json!(uri);
    }
    let mut rules = Map::new();
    if is_true(column, "x-required") {
        rules.insert("required".to_owned(), json!(true));
    }
    for name in SAME_RULES {
        if let Some(value) = column.other.get(name).filter(|value| fits(name, value, column.kind())) {
            let pattern = value.as_str().map(|pattern| whole_pattern(pattern, ".*(?:", ").*"));
            rules.insert(name.to_owned(), pattern.map_or_else(|| value.clone(), Value::from));
        }
    }
    if let Some(labels) = column.labels.as_ref().filter(|_| is_true(column, "x-labelsRestricted")) {
        let values: Vec<Value> = labels.keys().filter_map(|text| typed(text, column.kind())).collect();
        // A cell of several values is checked value by value here, as one text there.
        if !values.is_empty() && column.separator.is_none() {
            rules.insert("enum".to_owned(), values.into());
        }
    }
    if !rules.is_empty() {
        field["constraints"] = Value::Object(rules);
    }
    field
}

fn is_true(column: &Column, name: &str) -> bool {
    column.other.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// Whether a rule means something for a column of this kind.
fn fits(name: &str, value: &Value, kind: ColumnKind) -> bool {
    let is_text = kind == ColumnKind::Text;
    match name {
        "minLength" | "maxLength" => is_text && value.is_u64(),
        "pattern" => is_text && value.is_string(),
        _ => matches!(kind, ColumnKind::Integer | ColumnKind::Number) && value.is_number(),
    }
}

/// A value that labels name, in the type of the column.
fn typed(text: &str, kind: ColumnKind) -> Option<Value> {
    match kind {
        ColumnKind::Integer => text.parse::<i64>().ok().map(Value::from),
        ColumnKind::Number => text.parse::<f64>().ok().map(Value::from),
        ColumnKind::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => Some(text.into()),
    }
}

/// Attributes in which a Table Schema given as `schema` has become columns; unchanged when there is none. `known` are the
/// columns of the dataset so far.
pub(crate) fn unfold(
    mut attributes: Map<String, Value>,
    known: &[Column],
) -> DatasetsResult<Map<String, Value>> {
    let Some(schema) = attributes.get("schema").filter(|schema| schema.is_object()).cloned() else {
        return Ok(attributes);
    };
    let fields = schema["fields"].as_array().ok_or_else(|| {
        wrong("un objet doit être un Table Schema, avec une liste \"fields\" ; sinon, une liste de colonnes est attendue")
    })?;
    if schema.get("missingValues").is_some_and(|values| !is_plain(values)) {
        return Err(wrong(
            "\"missingValues\" ne peut être que [\"\"] : seules les cellules vides sont des valeurs manquantes",
        ));
    }
    let (mut columns, mut names, mut unique) = (Vec::new(), Vec::new(), Vec::new());
    for (index, field) in fields.iter().enumerate() {
        let name = field["name"].as_str().map(str::trim).filter(|name| !name.is_empty());
        let name =
            name.ok_or_else(|| wrong(format!("le champ n° {} n'a pas de nom (\"name\")", index + 1)))?;
        let column = column_of(field, name, known)?;
        let key = column["key"].clone();
        if field["constraints"]["unique"] == json!(true) {
            unique.push(key.clone());
        }
        names.push((name.to_owned(), key));
        columns.push(column);
    }
    let key_of = |name: &Value| {
        let found = names.iter().find(|(known, _)| name.as_str() == Some(known));
        found
            .map(|(_, key)| key.clone())
            .ok_or_else(|| wrong(format!("\"primaryKey\" : il n'y a pas de champ {name}")))
    };
    let primary = match &schema["primaryKey"] {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().map(key_of).collect::<DatasetsResult<Vec<_>>>()?,
        name => vec![key_of(name)?],
    };
    attributes.insert("schema".to_owned(), columns.into());
    if !primary.is_empty() && !attributes.contains_key("primaryKey") {
        attributes.insert("primaryKey".to_owned(), primary.into());
    }
    if !unique.is_empty() && !attributes.contains_key("constraints") {
        let constraint = |key| json!({ "type": "unique", "properties": [key] });
        attributes.insert("constraints".to_owned(), unique.into_iter().map(constraint).collect());
    }
    Ok(attributes)
}

/// Whether empty cells are the only missing values.
fn is_plain(values: &Value) -> bool {
    values.as_array().is_some_and(|values| values.iter().all(|value| value == ""))
}

/// The column that a field describes: what is known of it, with what the field says instead.
fn column_of(field: &Value, name: &str, known: &[Column]) -> DatasetsResult<Value> {
    let before = known.iter().filter(|column| !column.calculated).find(|column| {
        column.key == name || column.original_name.as_deref() == Some(name) || column.key == column_key(name)
    });
    let mut column = before.cloned().unwrap_or_else(|| {
        let mut column = Column::new(key_of(name), ColumnKind::Text);
        column.original_name = (column.key != name).then(|| name.to_owned());
        column
    });
    let text = |of: &str| field[of].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    column.title = text("title").or(column.title);
    column.description = text("description").or(column.description);
    column.refers_to = text("rdfType").or(column.refers_to);
    let kind = field["type"].as_str().unwrap_or("any");
    if let Some((json_type, format)) = type_of(kind, name)? {
        json_type.clone_into(&mut column.json_type);
        column.format = format.map(str::to_owned);
        // What the producer says wins over what the values look like.
        column.other.insert("x-transform".to_owned(), json!({ "type": json_type, "format": format }));
    }
    if kind == "geojson" {
        column.refers_to.get_or_insert_with(|| GEOMETRY.to_owned());
    }
    set_rules(&mut column, &field["constraints"]);
    serde_json::to_value(&column).map_err(DatasetsError::internal)
}

/// Replaces the rules of the column; a field without rules leaves them.
fn set_rules(column: &mut Column, rules: &Value) {
    if rules["required"].is_boolean() {
        column.other.insert("x-required".to_owned(), rules["required"].clone());
    }
    for name in SAME_RULES {
        if let Some(value) = rules.get(name).filter(|value| fits(name, value, column.kind())) {
            let pattern = value.as_str().map(|pattern| whole_pattern(pattern, "^(?:", ")$"));
            column.other.insert(name.to_owned(), pattern.map_or_else(|| value.clone(), Value::from));
        }
    }
    let values = rules["enum"].as_array().into_iter().flatten();
    let texts: Vec<String> =
        values.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
    if !texts.is_empty() {
        let labels = column.labels.take().unwrap_or_default();
        let label = |text: &String| labels.get(text).cloned().unwrap_or_else(|| text.clone());
        column.labels = Some(texts.iter().map(|text| (text.clone(), label(text))).collect());
        column.other.insert("x-labelsRestricted".to_owned(), json!(true));
    }
}

/// A pattern between `before` and `after`, unless it is about whole values as it is: there a pattern must match the whole
/// value, here it may match anywhere in it.
fn whole_pattern(pattern: &str, before: &str, after: &str) -> String {
    let is_whole = pattern.starts_with('^') && pattern.ends_with('$') && !pattern.contains('|');
    if is_whole { pattern.to_owned() } else { format!("{before}{pattern}{after}") }
}

/// A name that is a key already stays; a header becomes a key as the analysis makes it.
fn key_of(name: &str) -> String {
    let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
    if name.chars().all(is_key) && !name.ends_with('.') { name.to_owned() } else { column_key(name) }
}

/// JSON type and format of a type of Table Schema; `None` when the values are to tell.
fn type_of(kind: &str, field: &str) -> DatasetsResult<Option<(&'static str, Option<&'static str>)>> {
    Ok(Some(match kind {
        "string" | "time" | "duration" | "yearmonth" | "geopoint" | "list" => ("string", None),
        "integer" | "year" => ("integer", None),
        "number" => ("number", None),
        "boolean" => ("boolean", None),
        "date" => ("string", Some("date")),
        "datetime" => ("string", Some("date-time")),
        "object" | "array" | "geojson" => ("object", None),
        "any" => return Ok(None),
        other => {
            return Err(wrong(format!(
                "le type \"{other}\" du champ \"{field}\" n'existe pas. Au choix : string, number, integer, boolean, \
                 date, datetime, time, year, yearmonth, duration, object, array, list, geopoint, geojson, any"
            )));
        }
    }))
}

fn wrong(what: impl std::fmt::Display) -> DatasetsError {
    DatasetsError::BadRequest(format!("\"schema\" : {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfolded(schema: Value, known: &[Column]) -> Result<Map<String, Value>, String> {
        let Value::Object(attributes) = json!({ "schema": schema }) else { panic!("an object") };
        unfold(attributes, known).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_become_columns_with_their_rules() {
        let found = unfolded(
            json!({
                "fields": [
                    { "name": "Code INSEE", "type": "string", "title": "Code", "rdfType": "http://rdf.insee.fr/def/geo#codeCommune",
                      "constraints": { "required": true, "pattern": "^[0-9]{5}$", "unique": true, "minimum": 3 } },
                    { "name": "genre", "type": "string", "constraints": { "enum": ["f", "m"] } },
                    { "name": "annee", "type": "year" },
                    { "name": "libre", "type": "any" },
                ],
                "primaryKey": "Code INSEE",
                "missingValues": [""],
            }),
            &[],
        )
        .unwrap();
        let columns: Vec<Column> = serde_json::from_value(found["schema"].clone()).unwrap();
        let keys: Vec<&str> = columns.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["code_insee", "genre", "annee", "libre"]);
        assert_eq!(columns[0].original_name.as_deref(), Some("Code INSEE"));
        let rules = json!({
            "x-transform": { "type": "string", "format": null }, "x-required": true, "pattern": "^[0-9]{5}$",
        });
        assert_eq!(Value::Object(columns[0].other.clone()), rules, "a text has no minimum");
        assert_eq!(columns[1].other["x-labelsRestricted"], true);
        assert_eq!(columns[1].labels.as_ref().unwrap().keys().collect::<Vec<_>>(), ["f", "m"]);
        assert_eq!(columns[2].kind(), ColumnKind::Integer);
        assert!(columns[3].other.is_empty(), "values tell the type");
        assert_eq!(found["primaryKey"], json!(["code_insee"]));
        assert_eq!(found["constraints"], json!([{ "type": "unique", "properties": ["code_insee"] }]));
    }

    #[test]
    fn patterns_mean_the_same_on_both_sides() {
        let fields = json!({ "fields": [{ "name": "a", "type": "string", "constraints": { "pattern": "[0-9]{5}" } }] });
        assert_eq!(unfolded(fields, &[]).unwrap()["schema"][0]["pattern"], "^(?:[0-9]{5})$");
        let mut column = Column::new("a", ColumnKind::Text);
        column.other.insert("pattern".to_owned(), json!("rue|place"));
        assert_eq!(field_of(&column)["constraints"]["pattern"], ".*(?:rue|place).*");
    }

    #[test]
    fn what_is_known_of_a_column_and_not_said_stays() {
        let mut known = Column::new("nom_2", ColumnKind::Text);
        known.original_name = Some("Nom".to_owned());
        known.display = Some("markdown".to_owned());
        let found =
            unfolded(json!({ "fields": [{ "name": "Nom", "title": "Nom complet" }] }), &[known]).unwrap();
        let column = &found["schema"][0];
        assert_eq!(
            (&column["key"], &column["title"], &column["x-display"]),
            (&json!("nom_2"), &json!("Nom complet"), &json!("markdown"))
        );
    }

    #[test]
    fn what_cannot_be_honoured_is_refused() {
        for (schema, text) in [
            (
                json!({ "columns": [] }),
                "\"schema\" : un objet doit être un Table Schema, avec une liste \"fields\" ; sinon, une liste de colonnes est attendue.",
            ),
            (
                json!({ "fields": [{ "type": "string" }] }),
                "\"schema\" : le champ n° 1 n'a pas de nom (\"name\").",
            ),
            (
                json!({ "fields": [], "missingValues": ["", "NA"] }),
                "\"schema\" : \"missingValues\" ne peut être que [\"\"] : seules les cellules vides sont des valeurs manquantes.",
            ),
            (
                json!({ "fields": [{ "name": "a" }], "primaryKey": ["b"] }),
                "\"schema\" : \"primaryKey\" : il n'y a pas de champ \"b\".",
            ),
        ] {
            assert_eq!(unfolded(schema, &[]).unwrap_err(), text);
        }
        let error = unfolded(json!({ "fields": [{ "name": "a", "type": "text" }] }), &[]).unwrap_err();
        assert!(error.starts_with("\"schema\" : le type \"text\" du champ \"a\" n'existe pas."), "{error}");
    }

    #[test]
    fn what_goes_out_comes_back_the_same() {
        let schema = json!({ "fields": [
            { "name": "a", "title": "A", "type": "integer", "constraints": { "minimum": 1, "enum": [1, 2] } },
            { "name": "_t.b", "title": "B", "type": "datetime" },
        ] });
        let found = unfolded(schema.clone(), &[]).unwrap();
        let columns: Vec<Column> = serde_json::from_value(found["schema"].clone()).unwrap();
        let fields: Vec<Value> = columns.iter().map(field_of).collect();
        assert_eq!(json!(fields), schema["fields"]);
    }
}
