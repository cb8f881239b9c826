//! Extensions as a producer declares them.

use std::sync::Arc;

use halle_model::dataset::{DatasetKind, Status};
use halle_model::{Column, Dataset, Extension};
use halle_store::UnitOfWork;
use serde_json::Value;

use crate::enrich::EnrichError;
use crate::enrich::expressions::{Computed, EXPRESSION, LineExpressions};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;
use crate::service::schema_patch::editable_schema;
use crate::state::Datasets;

/// Extensions of one dataset.
const EXTENSIONS_MAX: usize = 20;

/// The extensions that a body gives; none for `null` or nothing.
pub(crate) fn extensions_of(value: Option<&Value>) -> DatasetsResult<Vec<Extension>> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let mut extensions: Vec<Extension> = serde_json::from_value(value.clone()).map_err(|error| {
        DatasetsError::bad_request(format!("L'attribut \"extensions\" est incorrect : {error}."))
    })?;
    // When they run again is not the writer's to say.
    extensions.iter_mut().for_each(|extension| extension.next_update = None);
    if extensions.len() > EXTENSIONS_MAX {
        let message = format!("Un jeu de données a au plus {EXTENSIONS_MAX} extensions.");
        return Err(DatasetsError::bad_request(message));
    }
    Ok(extensions)
}

/// Refuses extensions that this version cannot run on a dataset of this kind.
pub(crate) fn check_kind(kind: DatasetKind, extensions: &[Extension]) -> DatasetsResult<()> {
    if extensions.is_empty() || matches!(kind, DatasetKind::File | DatasetKind::Editable) {
        return Ok(());
    }
    let message =
        "Les extensions ne sont prises en charge que sur les jeux de données fichiers et éditables.";
    Err(DatasetsError::NotImplemented(message.to_owned()))
}

/// Titles and groups that a producer gave to columns of extensions survive the next run.
pub(crate) fn with_edits(mut all: Vec<Column>, before: &[Column]) -> Vec<Column> {
    for column in all.iter_mut().filter(|column| column.extension.is_some()) {
        let Some(edited) = before.iter().find(|other| other.key == column.key) else { continue };
        column.title = edited.title.clone().or(column.title.take());
        column.group = edited.group.clone().or(column.group.take());
        column.description = edited.description.clone().or(column.description.take());
    }
    all
}

impl Datasets {
    /// Writes the columns that extensions add into the schema of an editable dataset. Whether there are any, or were.
    pub(crate) async fn extend_editable(&self, dataset: &mut Dataset) -> DatasetsResult<bool> {
        let base = columns::of_the_file(&dataset.schema);
        let had = dataset.schema.iter().any(|column| column.extension.is_some());
        let added = self.plan_extensions(dataset, &base).await.map_err(|error| match error {
            EnrichError::Invalid(message) => DatasetsError::BadRequest(message),
            EnrichError::OverQuota { message, .. } => DatasetsError::over_quota(message),
            other => DatasetsError::internal(other),
        })?;
        let has = !added.is_empty();
        if had || has {
            let all = with_edits(base.into_iter().chain(added).collect(), &dataset.schema);
            dataset.schema = editable_schema(all)?;
        }
        if dataset.status == Status::Error {
            // What stopped it is what was changed; the lines are computed again.
            dataset.status = Status::Finalized;
            dataset.error_status = None;
        }
        Ok(had || has)
    }

    /// The expressions of an editable dataset, ready for its lines.
    pub(crate) fn line_expressions(&self, dataset: &Dataset) -> DatasetsResult<LineExpressions> {
        LineExpressions::of(dataset, &self.dice).map_err(DatasetsError::BadRequest)
    }

    /// The columns that active extensions add to those of the file, each seeing the columns of those before it. Fails
    /// when a key would occur twice.
    pub(crate) async fn plan_extensions(
        &self,
        dataset: &Dataset,
        base: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let mut all = base.to_vec();
        let later = later_keys(dataset);
        for extension in dataset.extensions.iter().filter(|extension| extension.active) {
            if extension.kind == EXPRESSION {
                // Says more than the plan, which does not know what comes later.
                Computed::new(extension, &all, &later, Arc::clone(&self.dice))
                    .map_err(EnrichError::Invalid)?;
            }
            for column in self.plan_enrichment(dataset, extension, &all).await? {
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

    /// Keeps what the extensions are done by until `unit` ends, which stores them; 400 when it was removed meanwhile.
    pub(crate) async fn hold_sources(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
    ) -> DatasetsResult<()> {
        // The rest is computed here, or read in another dataset.
        let foreign = dataset.extensions.iter().filter(|extension| self.enrichments.knows(&extension.kind));
        for extension in foreign {
            self.enrichments.hold(&mut *unit, extension).await.map_err(|error| match error {
                EnrichError::Invalid(message) => DatasetsError::BadRequest(message),
                other => DatasetsError::internal(other),
            })?;
        }
        Ok(())
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

/// Keys of columns that extensions add: those that are known, and those that expressions name.
fn later_keys(dataset: &Dataset) -> Vec<String> {
    let named = dataset.extensions.iter().filter_map(|extension| {
        let property = extension.property.as_ref()?;
        property.get("key")?.as_str().map(str::to_owned)
    });
    let known = dataset.schema.iter().filter(|column| column.extension.is_some());
    named.chain(known.map(|column| column.key.clone())).collect()
}
