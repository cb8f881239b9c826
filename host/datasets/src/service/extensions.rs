//! Extensions as a producer declares them.

use halle_model::{Column, Dataset, Extension};
use serde_json::Value;

use crate::enrich::EnrichError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;
use crate::state::Datasets;

/// Extensions of one dataset.
const EXTENSIONS_MAX: usize = 20;

/// The extensions that a body gives; none for `null` or nothing.
pub(crate) fn extensions_of(value: Option<&Value>) -> DatasetsResult<Vec<Extension>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let extensions: Vec<Extension> = serde_json::from_value(value.clone()).map_err(|error| {
        DatasetsError::bad_request(format!("L'attribut \"extensions\" est incorrect : {error}."))
    })?;
    if extensions.len() > EXTENSIONS_MAX {
        let message = format!("Un jeu de données a au plus {EXTENSIONS_MAX} extensions.");
        return Err(DatasetsError::bad_request(message));
    }
    Ok(extensions)
}

impl Datasets {
    /// The columns that active extensions add to those of the file, each seeing the columns of those before it. Fails
    /// when a key would occur twice.
    pub(crate) async fn plan_extensions(
        &self,
        dataset: &Dataset,
        base: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let mut all = base.to_vec();
        for extension in dataset.extensions.iter().filter(|extension| extension.active) {
            for column in self.enrichments.plan(&dataset.owner, extension, &all).await? {
                if all.iter().any(|other| other.key == column.key) {
                    let message = format!(
                        "L'extension ajouterait une deuxième colonne \"{}\" : changez son préfixe (propertyPrefix).",
                        column.key
                    );
                    return Err(EnrichError::Invalid(message));
                }
                all.push(column);
            }
        }
        Ok(all.split_off(base.len()))
    }

    /// Refuses extensions that cannot work on the columns that are known, before anything is changed. What may only be
    /// a matter of time is left to the pipeline.
    pub(crate) async fn check_extensions(&self, dataset: &Dataset) -> DatasetsResult<()> {
        let known = dataset.building.as_ref().map_or(&dataset.schema, |building| &building.schema);
        let base = columns::of_the_file(known);
        if base.is_empty() {
            return Ok(());
        }
        match self.plan_extensions(dataset, &base).await {
            Err(EnrichError::Invalid(message)) => Err(DatasetsError::BadRequest(message)),
            _ => Ok(()),
        }
    }
}
