//! What a producer writes of a virtual dataset, checked before anything changes.

use std::sync::Arc;

use halle_model::union::{Union, UnionFilter, merged};
use halle_model::{Caller, Column, Dataset};
use halle_search::params::column_equals;
use halle_store::documents::Stored;
use serde_json::Value;

use super::UnionError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;
use crate::service::load::check;
use crate::state::Datasets;

/// Children of one virtual dataset at most.
const CHILDREN_MAX: usize = 500;

/// Filters of one virtual dataset at most.
const FILTERS_MAX: usize = 100;

/// What the attribute `virtual` of a body says.
fn parse(value: &Value) -> DatasetsResult<Union> {
    if value.is_null() {
        return Ok(Union::default());
    }
    let mut union: Union = serde_json::from_value(value.clone()).map_err(|error| {
        DatasetsError::BadRequest(format!("L'attribut \"virtual\" est incorrect : {error}."))
    })?;
    let mut seen = std::collections::BTreeSet::new();
    union.children.retain(|child| seen.insert(child.clone()));
    for (name, count, max) in
        [("children", union.children.len(), CHILDREN_MAX), ("filters", union.filters.len(), FILTERS_MAX)]
    {
        if count > max {
            let message = format!("\"virtual.{name}\" ne peut pas avoir plus de {max} éléments.");
            return Err(DatasetsError::BadRequest(message));
        }
    }
    Ok(union)
}

/// Sets what a virtual dataset is made of; 400 for a dataset of another kind, unless nothing is set.
pub(crate) fn set_union(dataset: &mut Dataset, value: &Value) -> DatasetsResult<()> {
    let union = parse(value)?;
    if dataset.is_virtual {
        dataset.union = Some(union);
        return Ok(());
    }
    if union == Union::default() {
        return Ok(());
    }
    let message = "L'attribut \"virtual\" n'a de sens que sur un jeu de données virtuel.";
    Err(DatasetsError::bad_request(message))
}

impl Datasets {
    /// Checks that a virtual dataset may be given to its new owner: the caller and the owner may read the children, and the owner what is
    /// below them.
    pub(crate) async fn check_children(&self, caller: &Caller, given: &Dataset) -> DatasetsResult<()> {
        for id in given.union.iter().flat_map(|union| &union.children) {
            if let Some(child) = self.child(given, id).await.map_err(UnionError::at_write)? {
                check(caller, "readLines", &child)?;
            }
        }
        match self.leaves(given).await {
            Ok(_) | Err(UnionError::Nothing) => Ok(()),
            Err(error) => Err(error.at_write()),
        }
    }

    /// Checks a virtual dataset as it is going to be, and completes its columns from its children. `before` is what it was:
    /// what was shown then needs no right of the caller, and columns that no child has any more may stay.
    pub(crate) async fn complete_union(
        &self,
        caller: &Caller,
        dataset: &mut Dataset,
        before: Option<&Dataset>,
    ) -> DatasetsResult<()> {
        let union = dataset.union.clone().unwrap_or_default();
        let old = before.and_then(|before| before.union.clone()).unwrap_or_default();
        let shown = |column: &Column| before.is_some_and(|before| shows(before, &column.key));
        let own: Vec<Column> = columns::indexed(&dataset.schema);
        let widened = union.filters != old.filters
            || union.filter_active_account != old.filter_active_account
            || !own.iter().all(shown);
        let mut children = Vec::new();
        for id in &union.children {
            if *id == dataset.id {
                return Err(UnionError::Cycle(id.clone()).at_write());
            }
            match self.child(dataset, id).await.map_err(UnionError::at_write)? {
                Some(child) => {
                    if widened || !old.children.contains(id) {
                        // Else a virtual dataset would read for its author what the author may not.
                        check(caller, "readLines", &child)?;
                    }
                    children.push(child);
                }
                None if old.children.contains(id) => {}
                None => {
                    let message = format!("Le jeu de données enfant \"{id}\" n'existe pas.");
                    return Err(DatasetsError::BadRequest(message));
                }
            }
        }
        let known = |key: &str| {
            children.iter().any(|child| shows(child, key))
                || before.is_some_and(|before| before.column(key).is_some())
        };
        if let Some(column) = own.iter().find(|column| !known(&column.key)) {
            let key = &column.key;
            let message = format!("Le champ \"{key}\" n'existe dans aucun jeu de données enfant.");
            return Err(DatasetsError::BadRequest(message));
        }
        for filter in union.filters.iter().filter(|filter| !old.filters.contains(filter)) {
            check_filter(filter, &children)?;
        }
        let schemas: Vec<&[Column]> = children.iter().map(|child| child.schema.as_slice()).collect();
        let all = merged(&own, &schemas).map_err(|error| UnionError::from(error).at_write())?;
        dataset.schema = columns::with_calculated(all, dataset.bbox.is_some(), false);
        match self.leaves(dataset).await {
            // Children may get their lines later.
            Ok(_) | Err(UnionError::Nothing) => {}
            Err(error) => return Err(error.at_write()),
        }
        if union.children == old.children {
            return Ok(());
        }
        self.check_not_circular(&dataset.id, &dataset.extensions, Some(&union)).await
    }
}

fn shows(child: &Dataset, key: &str) -> bool {
    child.column(key).is_some_and(|column| !column.calculated)
}

/// A filter must be about a column of a child, and its values must be values of that column.
fn check_filter(filter: &UnionFilter, children: &[Arc<Stored<Dataset>>]) -> DatasetsResult<()> {
    let mut found = false;
    for child in children.iter().filter(|child| shows(child, &filter.key)) {
        found = true;
        if let Some(column) = child.column(&filter.key) {
            column_equals(column, &filter.texts(), &filter.key)?;
        }
    }
    if found {
        return Ok(());
    }
    let key = &filter.key;
    Err(DatasetsError::BadRequest(format!(
        "\"virtual.filters\" : le champ \"{key}\" n'existe dans aucun jeu de données enfant."
    )))
}
