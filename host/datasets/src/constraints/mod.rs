//! Constraints on the lines of a dataset: columns whose values, taken together, no two lines share (reference §4.9).
//!
//! Rows of files are looked at before they are indexed ([`rows`]); edited lines within the write that brings them
//! ([`LineKeys`]). Lines without any value in the columns of a constraint are not compared.

mod lines;
pub(crate) mod rows;

use halle_model::dataset::DatasetKind;
use halle_model::{Column, Dataset};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{DatasetsError, DatasetsResult};
pub(crate) use lines::{LineKeys, refill};

/// Attribute of the dataset that holds them.
const ATTRIBUTE: &str = "constraints";

/// Constraints of one dataset.
const CONSTRAINTS_MAX: usize = 10;

/// Columns of one constraint.
const CONSTRAINT_COLUMNS_MAX: usize = 10;

/// No two lines have the same values in these columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unique {
    #[serde(rename = "type")]
    kind: Kind,
    /// What a producer calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Keys of the columns.
    pub(crate) properties: Vec<String>,
}

/// What a constraint asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Unique,
}

impl Unique {
    /// What it is called: its title, else its columns.
    pub(crate) fn name(&self) -> String {
        let title = self.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
        title.map_or_else(|| self.properties.join(", "), str::to_owned)
    }
}

/// The constraints of a dataset.
pub(crate) fn of(dataset: &Dataset) -> Vec<Unique> {
    let stored = dataset.description.get(ATTRIBUTE).cloned();
    // They were parsed before they were stored.
    stored.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

/// Sets the constraints that a body gives, none for `null`. Whether they changed; 400 for what is no constraint.
pub(crate) fn set(dataset: &mut Dataset, value: &Value) -> DatasetsResult<bool> {
    let wanted: Vec<Unique> = if value.is_null() {
        Vec::new()
    } else {
        serde_json::from_value(value.clone()).map_err(|error| {
            DatasetsError::bad_request(format!("L'attribut \"constraints\" est incorrect : {error}."))
        })?
    };
    let columns = wanted.iter().map(|unique| unique.properties.len());
    if wanted.len() > CONSTRAINTS_MAX
        || columns.clone().any(|count| !(1..=CONSTRAINT_COLUMNS_MAX).contains(&count))
    {
        return Err(DatasetsError::bad_request(format!(
            "Un jeu de données a au plus {CONSTRAINTS_MAX} contraintes, de 1 à {CONSTRAINT_COLUMNS_MAX} colonnes chacune."
        )));
    }
    let is_changed = of(dataset) != wanted;
    if wanted.is_empty() {
        dataset.description.shift_remove(ATTRIBUTE);
    } else {
        let value = serde_json::to_value(&wanted).map_err(DatasetsError::internal)?;
        dataset.description.insert(ATTRIBUTE.to_owned(), value);
    }
    Ok(is_changed)
}

/// Refuses constraints on a dataset without lines of its own, and on columns that it does not have.
pub(crate) fn check(dataset: &Dataset, schema: &[Column]) -> DatasetsResult<()> {
    let constraints = of(dataset);
    let kind = dataset.kind();
    if !constraints.is_empty() && !matches!(kind, DatasetKind::File | DatasetKind::Editable) {
        let message =
            "Les contraintes d'unicité ne s'appliquent qu'aux jeux de données fichiers et éditables.";
        return Err(DatasetsError::bad_request(message));
    }
    for unique in &constraints {
        if let Some(key) = missing(unique, schema) {
            return Err(DatasetsError::bad_request(unknown(unique, key)));
        }
        let is_computed =
            |key: &&String| schema.iter().any(|column| column.key == **key && column.extension.is_some());
        if kind == DatasetKind::Editable
            && let Some(key) = unique.properties.iter().find(is_computed)
        {
            return Err(DatasetsError::bad_request(format!(
                "La contrainte d'unicité \"{}\" porte sur la colonne \"{key}\" qu'une extension remplit : choisissez \
                 les colonnes dont elle est calculée.",
                unique.name()
            )));
        }
    }
    Ok(())
}

/// The first column of a constraint that is not there.
pub(crate) fn missing<'a>(unique: &'a Unique, schema: &[Column]) -> Option<&'a str> {
    let is_there = |key: &str| schema.iter().any(|column| column.key == key && !column.calculated);
    unique.properties.iter().map(String::as_str).find(|key| !is_there(key))
}

/// What a producer is told of a column that is not there.
pub(crate) fn unknown(unique: &Unique, key: &str) -> String {
    format!(
        "La contrainte d'unicité \"{}\" utilise la colonne \"{key}\" qui n'existe pas : modifiez la contrainte \
         (constraints) ou la colonne.",
        unique.name()
    )
}
