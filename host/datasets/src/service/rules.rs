//! Changes of the rules of an editable dataset: attribute `rest`.

use halle_model::{Dataset, Editing};
use serde_json::Value;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;

/// Sets the rules that a patch gives; whether they changed. What only the platform or the creation decides stays: how lines
/// are named, and when they were last checked. 400 for rules of a dataset that is not editable.
pub(crate) fn apply(dataset: &mut Dataset, rest: &Value) -> DatasetsResult<bool> {
    let mut rules = Editing::parse(rest).map_err(DatasetsError::BadRequest)?;
    if !dataset.is_rest {
        if rules.is_default() {
            return Ok(false);
        }
        let message = "L'attribut \"rest\" est réservé aux jeux de données éditables.";
        return Err(DatasetsError::bad_request(message));
    }
    rules.primary_key_mode = dataset.rest.primary_key_mode;
    if let (Some(ttl), Some(before)) = (&mut rules.ttl, &dataset.rest.ttl) {
        ttl.checked_at = before.checked_at;
    }
    let changed = dataset.rest != rules;
    dataset.rest = rules;
    Ok(changed)
}

/// Makes the columns those that the rules ask for. 400 when the rules name a column that cannot serve.
pub(crate) fn settle(dataset: &mut Dataset) -> DatasetsResult<()> {
    dataset.schema = columns::with_rules(std::mem::take(&mut dataset.schema), &dataset.rest);
    let Some(ttl) = dataset.rest.active_ttl() else { return Ok(()) };
    let is_date = |column: &&halle_model::Column| {
        matches!(column.kind(), halle_model::ColumnKind::Date | halle_model::ColumnKind::DateTime)
    };
    if dataset.column(&ttl.prop).filter(is_date).is_some() {
        return Ok(());
    }
    let message = format!(
        "\"rest.ttl.prop\" : la colonne \"{}\" n'existe pas ou n'est ni une date ni une date et heure.",
        ttl.prop
    );
    Err(DatasetsError::BadRequest(message))
}
