//! Changes of a schema: what a producer may change, and what has to be computed again.

use std::collections::BTreeSet;

use halle_base::limits::DATASET_COLUMNS_MAX;
use halle_model::Column;
use halle_model::concept::by_uri;
use serde_json::{Value, json};

use crate::error::{DatasetsError, DatasetsResult};
use crate::rules;
use crate::service::columns::with_calculated;

/// Attribute in which a producer's choice of a type is kept, as Data Fair does: the analysis of later files obeys it.
const FORCED: &str = "x-transform";

/// What a change of the schema asks for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Texts only: nothing is computed again.
    Texts,
    /// Rules of columns: the canonical rows are checked again, and stay.
    Rules,
    /// Concepts or capabilities: the index is built again from the canonical rows.
    Index,
    /// Both: the canonical rows are checked again, then the index is built again.
    RulesAndIndex,
    /// Types: the file is read again.
    Read,
}

impl Effect {
    /// What both changes ask for.
    fn and(self, other: Self) -> Self {
        match (self.min(other), self.max(other)) {
            (Self::Rules, Self::Index) => Self::RulesAndIndex,
            (_, most) => most,
        }
    }
}

/// A schema as a body gives it. Attributes that the platform computes are ignored, computed columns left out.
pub(crate) fn wanted_schema(value: &Value) -> DatasetsResult<Vec<Column>> {
    let items =
        value.as_array().ok_or_else(|| DatasetsError::bad_request("\"schema\" : tableau attendu."))?;
    if items.len() > DATASET_COLUMNS_MAX {
        return Err(DatasetsError::BadRequest(format!(
            "Un jeu de données a au plus {DATASET_COLUMNS_MAX} colonnes."
        )));
    }
    let mut keys = BTreeSet::new();
    let mut schema = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let mut column: Column = serde_json::from_value(item.clone()).map_err(|error| {
            DatasetsError::bad_request(format!(
                "\"schema\" : la colonne n° {} est incorrecte : {error}.",
                index + 1
            ))
        })?;
        if !keys.insert(column.key.clone()) {
            let message = format!("\"schema\" : la colonne \"{}\" est définie plusieurs fois.", column.key);
            return Err(DatasetsError::BadRequest(message));
        }
        if column.calculated {
            continue;
        }
        check_type(&column)?;
        if let Some(problem) = rules::problem(&column) {
            let message = format!("\"schema\" : la colonne \"{}\" est incorrecte : {problem}.", column.key);
            return Err(DatasetsError::BadRequest(message));
        }
        if let Some(problem) = halle_ingest::transform_problem(&column) {
            let message = format!("\"schema\" : la colonne \"{}\" est incorrecte : {problem}.", column.key);
            return Err(DatasetsError::BadRequest(message));
        }
        column.values = None;
        column.cardinality = None;
        for computed in ["x-concept", "label"] {
            column.other.shift_remove(computed);
        }
        schema.push(column);
    }
    Ok(schema)
}

/// The schema of an editable dataset: keys are checked, computed columns added.
pub(crate) fn editable_schema(columns: Vec<Column>) -> DatasetsResult<Vec<Column>> {
    let is_sound = |column: &Column| match column.extension {
        Some(_) => is_sound_output(&column.key),
        None => is_sound_key(&column.key),
    };
    if let Some(column) = columns.iter().find(|column| !is_sound(column)) {
        return Err(unsound_key(&column.key));
    }
    let has_place = halle_model::concept::by_id("latLon").is_some_and(|concept| holds(&columns, concept))
        || ["latitude", "longitude"]
            .into_iter()
            .all(|id| halle_model::concept::by_id(id).is_some_and(|concept| holds(&columns, concept)));
    Ok(with_calculated(columns, has_place, true))
}

/// The schema of a file's dataset once changed, and what that asks for. Columns that the body leaves out stay, at the
/// end: they come from the file. 400 for a column that the file does not have.
pub(crate) fn patch_file_schema(
    current: &[Column],
    wanted: Vec<Column>,
) -> DatasetsResult<(Vec<Column>, Effect)> {
    let mut effect = Effect::Texts;
    let mut patched = Vec::with_capacity(current.len());
    for mut column in wanted {
        let Some(before) = current.iter().find(|before| before.key == column.key) else {
            let message = format!("\"schema\" : la colonne \"{}\" n'existe pas dans le fichier.", column.key);
            return Err(DatasetsError::BadRequest(message));
        };
        effect = effect.and(effect_on(before, &mut column));
        column.original_name.clone_from(&before.original_name);
        column.extension.clone_from(&before.extension);
        column.values.clone_from(&before.values);
        column.cardinality = before.cardinality;
        patched.push(column);
    }
    let left_out = current.iter().filter(|before| !patched.iter().any(|column| column.key == before.key));
    let left_out: Vec<Column> = left_out.cloned().collect();
    patched.extend(left_out);
    Ok((patched, effect))
}

/// Whether the change of an editable dataset's schema removes a column or changes what one holds.
pub(crate) fn is_breaking(before: &[Column], after: &[Column]) -> bool {
    before.iter().filter(|column| !column.calculated).any(|column| {
        let kept = after.iter().find(|other| other.key == column.key);
        kept.is_none_or(|other| other.kind() != column.kind() || other.separator != column.separator)
    })
}

/// Whether the index of an editable dataset must be built again after the change.
pub(crate) fn is_reindexing(before: &[Column], after: &[Column]) -> bool {
    let shape = |schema: &[Column]| -> Vec<_> {
        let shape = |column: &Column| {
            let (key, concept) = (column.key.clone(), column.refers_to.clone());
            (key, column.kind(), concept, column.capabilities, column.separator.clone())
        };
        schema.iter().filter(|column| !column.calculated).map(shape).collect()
    };
    shape(before) != shape(after)
}

/// What the change of one column asks for. A chosen type is noted, so that the analysis of this and later files obeys it.
fn effect_on(before: &Column, column: &mut Column) -> Effect {
    let retyped = (&before.json_type, &before.format) != (&column.json_type, &column.format);
    if retyped && before.extension.is_none() {
        let mut forced = json!({ "type": column.json_type, "format": column.format });
        if let Some(expression) = column.other.get(FORCED).and_then(|transform| transform.get("expr")) {
            forced["expr"] = expression.clone();
        }
        column.other.insert(FORCED.to_owned(), forced);
    }
    let forced = column.refers_to.as_deref().and_then(by_uri).and_then(|concept| concept.forced_type);
    let misfit =
        before.refers_to != column.refers_to && forced.is_some_and(|forced| forced != column.json_type);
    let transform = |column: &Column, name: &str| column.other.get(FORCED)?.get(name).cloned();
    // Columns sent without the transformation that the platform noted leave their type as it is.
    let forces = column.other.contains_key(FORCED);
    let names = if forces { &["expr", "type", "format"][..] } else { &["expr"] };
    let transformed = names.iter().any(|name| transform(before, name) != transform(column, name));
    if retyped
        || misfit
        || transformed
        || before.separator != column.separator
        || before.time_zone != column.time_zone
    {
        return Effect::Read;
    }
    let moved = before.refers_to != column.refers_to || before.capabilities != column.capabilities;
    let index = if moved { Effect::Index } else { Effect::Texts };
    let rules = if rules::same(before, column) { Effect::Texts } else { Effect::Rules };
    index.and(rules)
}

/// Refuses a column that a schema could not have: its key, its type, its rules.
pub(crate) fn check_column(column: &Column) -> DatasetsResult<()> {
    if !is_sound_key(&column.key) {
        return Err(unsound_key(&column.key));
    }
    check_type(column)?;
    match rules::problem(column) {
        Some(problem) => {
            let message = format!("la colonne \"{}\" est incorrecte : {problem}.", column.key);
            Err(DatasetsError::BadRequest(message))
        }
        None => Ok(()),
    }
}

fn unsound_key(key: &str) -> DatasetsError {
    DatasetsError::BadRequest(format!(
        "\"schema\" : \"{key}\" n'est pas une clé de colonne : lettres, chiffres et \"_\", sans \"_\" au début."
    ))
}

fn check_type(column: &Column) -> DatasetsResult<()> {
    let types = ["string", "integer", "number", "boolean", "object"];
    let formats = ["date", "date-time", "uri-reference"];
    let wrong = |what: &str, found: &str, among: &[&str]| {
        let among = among.join(", ");
        let key = &column.key;
        Err(DatasetsError::BadRequest(format!(
            "\"schema\" : {what} \"{found}\" de la colonne \"{key}\" n'existe pas. Au choix : {among}."
        )))
    };
    if !types.contains(&column.json_type.as_str()) {
        return wrong("le type", &column.json_type, &types);
    }
    match column.format.as_deref() {
        Some(format) if !formats.contains(&format) => wrong("le format", format, &formats),
        _ => Ok(()),
    }
}

/// Whether an extension may fill a column of this key: as those of producers, or `{prefix}.{output}`.
fn is_sound_output(key: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    is_sound_key(key)
        || key.len() <= 200 && key.split_once('.').is_some_and(|(a, b)| is_part(a) && is_part(b))
}

fn is_sound_key(key: &str) -> bool {
    let bytes = key.as_bytes();
    (1..=200).contains(&bytes.len())
        && bytes[0] != b'_'
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn holds(columns: &[Column], concept: &halle_model::concept::Concept) -> bool {
    columns
        .iter()
        .any(|column| column.refers_to.as_deref().is_some_and(|uri| concept.identifiers.contains(&uri)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_model::ColumnKind;

    fn file_schema() -> Vec<Column> {
        vec![Column::new("a", ColumnKind::Text), Column::new("b", ColumnKind::Integer)]
    }

    fn patch(body: Value) -> Result<(Vec<Column>, Effect), String> {
        wanted_schema(&body)
            .and_then(|wanted| patch_file_schema(&file_schema(), wanted))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn each_change_asks_for_what_it_needs_and_no_more() {
        let effect = |body| patch(body).unwrap().1;
        assert_eq!(effect(json!([{ "key": "a", "title": "A", "x-labels": {"1": "un"} }])), Effect::Texts);
        assert_eq!(effect(json!([{ "key": "a", "x-refersTo": "http://schema.org/City" }])), Effect::Index);
        assert_eq!(effect(json!([{ "key": "a", "x-capabilities": {"text": false} }])), Effect::Index);
        assert_eq!(effect(json!([{ "key": "a", "maxLength": 3 }])), Effect::Rules);
        let both = json!([{ "key": "a", "x-required": true }, { "key": "b", "type": "integer", "x-capabilities": {"values": false} }]);
        assert_eq!(effect(both), Effect::RulesAndIndex);
        assert_eq!(effect(json!([{ "key": "a", "type": "number" }])), Effect::Read);
        let code = "http://rdf.insee.fr/def/geo#codeCommune";
        assert_eq!(effect(json!([{ "key": "b", "type": "integer", "x-refersTo": code }])), Effect::Read);
    }

    #[test]
    fn columns_of_the_file_stay_and_others_are_refused() {
        let (schema, _) = patch(json!([{ "key": "b", "type": "integer", "title": "B" }])).unwrap();
        assert_eq!(schema.iter().map(|column| column.key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        for (body, text) in [
            (json!([{ "key": "c" }]), "\"schema\" : la colonne \"c\" n'existe pas dans le fichier."),
            (
                json!([{ "key": "a" }, { "key": "a" }]),
                "\"schema\" : la colonne \"a\" est définie plusieurs fois.",
            ),
            (
                json!([{ "key": "a", "type": "text" }]),
                "\"schema\" : le type \"text\" de la colonne \"a\" n'existe pas. Au choix : string, integer, number, boolean, object.",
            ),
            (
                json!([{ "key": "a", "minLength": 1.5 }]),
                "\"schema\" : la colonne \"a\" est incorrecte : \"minLength\" doit être un entier positif ou nul.",
            ),
            (
                json!([{ "type": "string" }]),
                "\"schema\" : la colonne n° 1 est incorrecte : missing field `key`.",
            ),
        ] {
            assert_eq!(patch(body).unwrap_err(), text);
        }
    }

    #[test]
    fn keys_of_editable_columns_cannot_shadow_computed_ones() {
        let refused = editable_schema(vec![Column::new("_id", ColumnKind::Text)]).unwrap_err().to_string();
        assert!(refused.contains("\"_id\" n'est pas une clé"), "{refused}");
        assert_eq!(editable_schema(file_schema()).unwrap().len(), 6);
    }
}
