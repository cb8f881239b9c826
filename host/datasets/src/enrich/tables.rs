//! Datasets that an enricher reads beside the lines ("reference tables"): the plugin names a slot of its manifest, the
//! extension says which dataset stands in it.
//!
//! They are read with the rights of the owner of the extended dataset. Whoever binds one must be able to read it too: else
//! an extension would show them what they may not see. Both mean the same one: it is named by its identifier.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use halle_base::AccountRef;
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter};
use halle_extensions::{Field, Problem};
use halle_model::{Caller, Column, Dataset, Extension};
use halle_search::params::Params;
use indexmap::IndexMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{EnrichContext, EnrichError, Enrichment};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::require_identified;
use crate::service::read::refused;
use crate::state::Datasets;

/// Slots of one extension.
const SLOTS_MAX: usize = 10;

/// The tables of one extension.
struct Tables {
    datasets: Datasets,
    caller: Caller,
    slots: IndexMap<String, String>,
}

#[async_trait]
impl DatasetSlots for Tables {
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        let Some(id) = self.slots.get(slot) else {
            let message = format!(
                "Aucun jeu de données n'est associé à « {slot} » : indiquez-le dans \"slots\" de l'extension. \
                 No dataset stands in the slot `{slot}`: name it in `slots` of the extension."
            );
            return Err(Problem::new("dataset/unbound", message));
        };
        let pairs = query.as_object().into_iter().flatten().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let params = Params::new(pairs).map_err(|error| Problem::new("dataset/query", error.to_string()))?;
        let reading = self.datasets.open(&self.caller, id, "readLines").await.map_err(refused)?;
        require_identified(reading.dataset(), id).map_err(refused)?;
        Ok(reading.batches(&params).await.map_err(refused)?.into_reader())
    }

    async fn open_write(&self, slot: &str, _: &str, _: &[Field]) -> Result<Box<dyn RowsWriter>, Problem> {
        let message = format!("« {slot} » ne peut qu'être lu. The slot `{slot}` can only be read.");
        Err(Problem::new("denied/slot", message))
    }
}

impl Datasets {
    fn enrich_context(&self, dataset: &Dataset, extension: &Extension, patience: Duration) -> EnrichContext {
        let owner = dataset.owner.clone();
        let tables = Tables {
            datasets: self.seeing_published(),
            caller: Caller::platform_for(owner.clone()),
            slots: extension.slots.clone(),
        };
        EnrichContext { owner, dataset: dataset.id.clone(), tables: Arc::new(tables), patience }
    }

    /// The columns that an extension adds to a dataset with `columns`.
    pub(crate) async fn plan_enrichment(
        &self,
        dataset: &Dataset,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        if let Some(id) = extension.reference() {
            return self.plan_reference(&dataset.owner, id, extension, columns).await;
        }
        let context = self.enrich_context(dataset, extension, Duration::ZERO);
        self.enrichments.plan(&context, extension, columns).await
    }

    /// Opens the enrichment of an extension for batches that hold `columns`, until it is cancelled; `patience` as
    /// [`EnrichContext::patience`].
    pub(crate) async fn open_enrichment(
        &self,
        dataset: &Dataset,
        extension: &Extension,
        columns: &[Column],
        (cancel, patience): (CancellationToken, Duration),
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        if let Some(id) = extension.reference() {
            return self.open_reference(&dataset.owner, id, extension, columns, cancel).await;
        }
        let context = self.enrich_context(dataset, extension, patience);
        self.enrichments.open(&context, extension, columns, cancel).await
    }

    async fn may_choose(&self, extension: &Extension, owner: &AccountRef) -> DatasetsResult<bool> {
        let answer = self.enrichments.may_choose(extension, owner).await;
        answer.map_err(|error| DatasetsError::BadRequest(error.to_string()))
    }

    /// Refuses a plugin that the owner of the dataset may not see, unless the dataset has it already.
    async fn check_plugin(&self, dataset: &Dataset, extension: &Extension) -> DatasetsResult<()> {
        let Some(plugin) = &extension.plugin else { return Ok(()) };
        let has = |known: &Extension| known.plugin.as_ref() == Some(plugin);
        let is_chosen = self.enrichments.knows(&extension.kind) && !dataset.extensions.iter().any(has);
        if !is_chosen || self.may_choose(extension, &dataset.owner).await? {
            return Ok(());
        }
        // In the words of a plugin that is not there: who may not see it does not learn of it.
        Err(DatasetsError::BadRequest(format!("Le plugin \"{plugin}\" n'est pas installé.")))
    }

    /// Refuses tables and references that `caller`, or the owner of the extended dataset, may not read.
    pub(crate) async fn check_sources(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        extensions: &[Extension],
    ) -> DatasetsResult<()> {
        self.check_references(caller, dataset, extensions).await?;
        let owner = Caller::platform_for(dataset.owner.clone());
        for extension in extensions {
            self.check_plugin(dataset, extension).await?;
            if extension.slots.len() > SLOTS_MAX {
                let message = format!("Une extension lit au plus {SLOTS_MAX} jeux de données (slots).");
                return Err(DatasetsError::bad_request(message));
            }
            for (slot, id) in &extension.slots {
                for reader in [caller, &owner] {
                    self.load_identified(reader, id, "readLines").await.map_err(|error| match error {
                        DatasetsError::BadRequest(_) => error,
                        _ => DatasetsError::bad_request(format!(
                            "L'extension lit dans \"{slot}\" le jeu de données \"{id}\", qui n'existe pas ou que vous, ou le \
                             propriétaire de ce jeu de données, ne pouvez pas lire."
                        )),
                    })?;
                }
            }
        }
        Ok(())
    }
}
