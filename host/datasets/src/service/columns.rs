//! Columns: which ones the index has, which ones the platform adds, and what the statistics say of them.

use halle_model::{Column, ColumnKind, Editing};
use halle_search::engine::IndexSummary;
use serde_json::Value;

use crate::error::{DatasetsError, DatasetsResult};

/// Distinct values of a column that lists its values in `enum` (reference §3.3).
const ENUM_VALUES_MAX: u64 = 50;

/// The columns that hold data: all but those the platform computes.
pub(crate) fn indexed(schema: &[Column]) -> Vec<Column> {
    schema.iter().filter(|column| !column.calculated).cloned().collect()
}

/// The columns that come from the file: all but those the platform computes and those that extensions fill.
pub(crate) fn of_the_file(schema: &[Column]) -> Vec<Column> {
    schema.iter().filter(|column| !column.calculated && column.extension.is_none()).cloned().collect()
}

/// What the analysis of a file is to know of its columns: those of the dataset, then those that the producer describes and
/// the dataset does not have. One that the dataset has under the title of a described one, as its header until now, stays
/// what it is, with its key. Empty when nothing is described.
pub(crate) fn with_described(known: &[Column], described: &[Column]) -> Vec<Column> {
    if described.is_empty() {
        return Vec::new();
    }
    let mut columns = of_the_file(known);
    for new in described {
        if known.iter().chain(&columns).any(|column| column.key == new.key) {
            continue;
        }
        let is_titled =
            |column: &&mut Column| column.original_name.is_some() && column.original_name == new.title;
        match columns.iter_mut().find(is_titled) {
            Some(column) => column.original_name.clone_from(&new.original_name),
            None => columns.push(new.clone()),
        }
    }
    columns
}

/// Adds the columns that the platform computes: `_id`, `_i`, `_rand`, `_geopoint` where lines have a place,
/// `_updatedAt` where lines are edited, and those of files where lines have some.
pub(crate) fn with_calculated(mut schema: Vec<Column>, has_place: bool, is_edited: bool) -> Vec<Column> {
    schema.retain(|column| !column.calculated);
    let mut add = |key: &str, kind: ColumnKind, title: &str| {
        let mut column = Column::new(key, kind);
        column.calculated = true;
        column.title = Some(title.to_owned());
        schema.push(column);
    };
    if has_place {
        add("_geopoint", ColumnKind::Text, "Coordonnée géographique");
    }
    if is_edited {
        add("_updatedAt", ColumnKind::DateTime, "Date de mise à jour");
    }
    add("_id", ColumnKind::Text, "Identifiant");
    add("_i", ColumnKind::Integer, "Numéro de ligne");
    add("_rand", ColumnKind::Integer, "Nombre aléatoire");
    schema.extend(crate::documents::columns(&schema));
    schema
}

/// Columns that the rules of an editable dataset add: who changed a line last, and whose line it is.
const OF_RULES: [(&str, &str); 4] = [
    ("_updatedBy", "Utilisateur de la dernière modification"),
    ("_updatedByName", "Nom de l'utilisateur de la dernière modification"),
    ("_owner", "Propriétaire de la ligne"),
    ("_ownerName", "Nom du propriétaire de la ligne"),
];

/// Adds the columns that the rules of an editable dataset ask for, after the producer's, and removes those they do not.
pub(crate) fn with_rules(mut schema: Vec<Column>, rules: &Editing) -> Vec<Column> {
    schema.retain(|column| !column.calculated || !OF_RULES.iter().any(|(key, _)| *key == column.key));
    let end = schema.iter().position(|column| column.calculated).unwrap_or(schema.len());
    let wanted = |key: &str| {
        if key.starts_with("_owner") { rules.line_ownership } else { rules.store_updated_by }
    };
    let added = OF_RULES.iter().filter(|(key, _)| wanted(key)).map(|(key, title)| {
        let mut column = Column::new(*key, ColumnKind::Text);
        column.calculated = true;
        column.title = Some((*title).to_owned());
        column
    });
    let added: Vec<Column> = added.collect();
    schema.splice(end..end, added);
    schema
}

/// Writes `x-cardinality` and `enum` of each column, as the index counted them.
///
/// `enum` is for columns that can be grouped, of at most 50 values, at most half as many values as filled lines, and
/// filled in more than a fifth of the lines.
pub(crate) fn with_statistics(mut schema: Vec<Column>, summary: &IndexSummary) -> Vec<Column> {
    for column in &mut schema {
        let found = summary.columns.iter().find(|statistics| statistics.key == column.key);
        column.cardinality = found.map(|statistics| statistics.cardinality);
        column.values = found
            .filter(|statistics| {
                column.capabilities.values()
                    && statistics.cardinality > 0
                    && statistics.cardinality <= ENUM_VALUES_MAX
                    && statistics.cardinality * 2 <= statistics.filled
                    && statistics.filled * 5 > summary.rows
            })
            .and_then(|statistics| statistics.values.clone());
    }
    schema
}

/// The primary key that a body gives: keys of columns.
pub(crate) fn primary_key(value: &Value, schema: &[Column]) -> DatasetsResult<Vec<String>> {
    let keys: Vec<String> = serde_json::from_value(value.clone())
        .map_err(|_| DatasetsError::bad_request("\"primaryKey\" : tableau de clés de colonnes attendu."))?;
    match keys.iter().find(|key| !schema.iter().any(|column| column.key == **key && !column.calculated)) {
        Some(key) => {
            Err(DatasetsError::bad_request(format!("\"primaryKey\" : la colonne \"{key}\" n'existe pas.")))
        }
        None => Ok(keys),
    }
}

/// Whether two schemas have the same columns of the same types, whatever their texts.
pub(crate) fn same_structure(before: &[Column], after: &[Column]) -> bool {
    let structure = |schema: &[Column]| -> Vec<(String, ColumnKind, Option<String>)> {
        let mut columns: Vec<_> = indexed(schema)
            .into_iter()
            .map(|column| (column.key.clone(), column.kind(), column.separator))
            .collect();
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        columns
    };
    structure(before) == structure(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use halle_search::engine::ColumnSummary;
    use serde_json::json;

    #[test]
    fn values_are_listed_only_where_they_tell_something() {
        let check = |filled: u64, cardinality: u64, expected: bool| {
            let values = Some(vec![json!("a")]);
            let columns = vec![ColumnSummary { key: "c".to_owned(), filled, cardinality, values }];
            let summary = IndexSummary { rows: 100, bytes: 0, bbox: None, columns };
            let schema = with_statistics(vec![Column::new("c", ColumnKind::Text)], &summary);
            assert_eq!(schema[0].cardinality, Some(cardinality));
            assert_eq!(schema[0].values.is_some(), expected, "{filled} filled, {cardinality} distinct");
        };
        check(100, 50, true);
        check(100, 51, false);
        check(90, 46, false);
        check(20, 2, false);
        check(21, 2, true);
    }

    #[test]
    fn what_a_producer_describes_does_not_change_what_is_known() {
        let column = |key: &str, header: &str, title: Option<&str>| Column {
            original_name: Some(header.to_owned()),
            title: title.map(str::to_owned),
            ..Column::new(key, ColumnKind::Text)
        };
        let known = [
            column("bikes", "bikes", Some("Vélos libres")),
            column("nom_de_la_station", "Nom de la station", None),
            Column { extension: Some("territory".to_owned()), ..column("region", "region", None) },
            Column { calculated: true, ..column("_i", "_i", None) },
        ];
        let described = [
            column("bikes", "bikes", Some("Vélos")),
            column("name", "name", Some("Nom de la station")),
            column("region", "region", Some("Région")),
            column("seen", "seen", Some("Relevé")),
            column("seen", "Seen", None),
        ];
        let expected = [
            known[0].clone(),
            Column { original_name: Some("name".to_owned()), ..known[1].clone() },
            described[3].clone(),
        ];
        assert_eq!(with_described(&known, &described), expected);
        assert!(with_described(&known, &[]).is_empty());
    }

    #[test]
    fn calculated_columns_are_added_once_and_left_out_of_the_index() {
        let schema = with_calculated(vec![Column::new("a", ColumnKind::Text)], true, false);
        let again = with_calculated(schema.clone(), true, false);
        assert_eq!(again, schema);
        assert_eq!(indexed(&schema).len(), 1);
        let keys: Vec<&str> = schema.iter().map(|column| column.key.as_str()).collect();
        assert_eq!(keys, ["a", "_geopoint", "_id", "_i", "_rand"]);
    }
}
