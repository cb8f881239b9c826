//! One import: fetch the resource, make it the content of the dataset.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use halle_datasets::service::create::NewDataset;
use halle_extensions::PluginError;
use halle_extensions::host::Fetched;
use halle_extensions::services::Services;
use halle_http::{ApiError, ApiResult};
use halle_model::dataset::DESCRIPTIVE;
use halle_model::{Caller, Dataset, Status};
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job};
use serde_json::{Map, Value, json};

use super::stop::{Settled, Stop, put_off};
use crate::Catalogs;
use crate::model::{Catalog, Exchange, ExchangeStatus, Filled, Import, Titled};
use crate::service::{ExchangeLog, import_job, plan_next};

/// Kind of the job. Its payload is `{import}`.
pub(crate) const IMPORT: &str = "catalog-import";

/// How long an import waits for its dataset to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60 * 60);

/// Does the imports.
#[derive(Clone)]
pub(crate) struct ImportHandler(pub(crate) Catalogs);

/// What an import came to.
enum Outcome {
    /// The remote resource is what it was.
    Unchanged,
    /// The dataset has the new content.
    Filled { dataset: Titled, etag: Option<String> },
}

#[async_trait]
impl JobHandler for ImportHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[IMPORT]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let Some((catalog, import)) = self.start(&context.job).await? else { return Ok(()) };
        let log = ExchangeLog::new(Arc::clone(&self.0.clock));
        log.say("step", &format!("Import de « {} »", import.remote_resource.title));
        let outcome = self.import(&catalog, &import, &log, &context).await;
        if context.cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let outcome = match outcome.map_err(|stop| stop.settled(import.retries, self.0.clock.now())) {
            Ok(outcome) => Ok(outcome),
            Err(Settled::Failed(error)) => Err(error),
            Err(Settled::Waits(wait)) => {
                let job = import_job(&import, wait.until, self.0.clock.now());
                return Ok(put_off(&self.0, &import, job, &log, wait).await?);
            }
        };
        match &outcome {
            Ok(Outcome::Unchanged) => log.say("info", "La ressource distante n'a pas changé."),
            Ok(Outcome::Filled { dataset, .. }) => {
                log.say("info", &format!("Le jeu « {} » est à jour.", dataset.title));
            }
            Err(error) => log.say("error", &error.to_string()),
        }
        log.store(&*self.0.store, &import.log_stream()).await?;
        self.finish(&import.id, outcome.map_err(|error| error.to_string())).await
    }

    async fn given_up(&self, job: &Job, error: &str) {
        let id = job.payload["import"].as_str().unwrap_or_default();
        if let Err(error) = self.finish(id, Err(error.to_owned())).await {
            tracing::error!(%error, import = id, "an import that was given up could not be marked");
        }
    }
}

impl ImportHandler {
    /// Marks the import as running. `None` when it is gone, or when this is a time of a schedule that has changed.
    async fn start(&self, job: &Job) -> Result<Option<(Catalog, Import)>, JobError> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let id = job.payload["import"].as_str().unwrap_or_default();
        let Some(mut stored) = work.load::<Import>(id).await? else { return Ok(None) };
        let planned = stored.next_import_date.is_some_and(|at| json!(at) == job.payload["at"]);
        if !planned && !matches!(stored.status, ExchangeStatus::Waiting | ExchangeStatus::Running) {
            return Ok(None);
        }
        let Some(catalog) = work.load::<Catalog>(&stored.catalog.id).await? else { return Ok(None) };
        stored.entity.status = ExchangeStatus::Running;
        stored.entity.put_off = None;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(Some((catalog.entity, stored.entity)))
    }

    async fn import(
        &self,
        catalog: &Catalog,
        import: &Import,
        log: &Arc<ExchangeLog>,
        context: &JobContext,
    ) -> Result<Outcome, Stop> {
        if let (Some(filled), Some(dataset)) = (&import.filled, &import.data_fair_dataset) {
            return self.ready(dataset.clone(), filled.etag.clone()).await;
        }
        let services = Services { log: Arc::clone(log) as _, ..Services::none() };
        let connector = self.0.connector(catalog, services, context.cancel.clone()).await?;
        let known = import.etag.as_ref().filter(|_| import.data_fair_dataset.is_some());
        let mut options = import.config.as_object().cloned().unwrap_or_default();
        if let Some(etag) = known {
            options.insert("etag".to_owned(), json!(etag));
        }
        let fetched = match connector.fetch(&import.remote_resource.id, Value::Object(options)).await {
            Err(PluginError::Reported(problem)) if problem.code == "not-modified" => {
                return Ok(Outcome::Unchanged);
            }
            other => other?,
        };
        if known.is_some() && fetched.etag.as_ref() == known {
            return Ok(Outcome::Unchanged);
        }
        let dataset = self.fill(catalog, import, &fetched).await?;
        let dataset = Titled { id: dataset.id, title: dataset.title };
        self.remember(import, &dataset, Some(Filled { etag: fetched.etag.clone() })).await?;
        self.ready(dataset, fetched.etag).await
    }

    /// Waits until the dataset is ready with what it has been given.
    async fn ready(&self, dataset: Titled, etag: Option<String>) -> Result<Outcome, Stop> {
        let ready = self.0.datasets.wait_finalized(&dataset.id, READY_WITHIN).await?;
        if ready.status == Status::Error {
            let message = format!("Le jeu de données « {} » est en erreur : voir son journal.", ready.title);
            return Err(ApiError::conflict(message).into());
        }
        Ok(Outcome::Filled { dataset, etag })
    }

    /// Creates the dataset, or replaces its content.
    async fn fill(&self, catalog: &Catalog, import: &Import, fetched: &Fetched) -> ApiResult<Dataset> {
        let caller = Caller::platform_for(catalog.owner.clone());
        let attributes = attributes(&fetched.metadata);
        let datasets = &self.0.datasets;
        let path = fetched.file.path();
        let Some(existing) = &import.data_fair_dataset else {
            let title =
                fetched.metadata["title"].as_str().unwrap_or(&import.remote_resource.title).to_owned();
            let new = NewDataset { title: Some(title), attributes, ..NewDataset::default() };
            let dataset = datasets.create_from_file(&caller, new, &fetched.name, path).await?;
            // At once: a crash after this must not create a second dataset.
            let titled = Titled { id: dataset.id.clone(), title: dataset.title.clone() };
            self.remember(import, &titled, None).await?;
            return Ok(dataset);
        };
        let dataset = datasets.replace_file(&caller, &existing.id, &fetched.name, path).await?;
        if import.should_update_metadata && !attributes.is_empty() {
            datasets.patch(&caller, &existing.id, &attributes).await?;
        }
        Ok(dataset)
    }

    /// Writes down which dataset the import fills, and with what.
    async fn remember(&self, import: &Import, dataset: &Titled, filled: Option<Filled>) -> ApiResult<()> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        if let Some(mut stored) = work.load::<Import>(&import.id).await? {
            stored.entity.data_fair_dataset = Some(dataset.clone());
            stored.entity.filled = filled;
            work.save(&mut stored, now).await?;
            work.commit().await?;
        }
        Ok(())
    }

    async fn finish(&self, id: &str, outcome: Result<Outcome, String>) -> Result<(), JobError> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let Some(mut stored) = work.load::<Import>(id).await? else { return Ok(()) };
        let import = &mut stored.entity;
        import.error = outcome.as_ref().err().cloned();
        import.filled = None;
        import.retries = 0;
        import.status = if outcome.is_ok() { ExchangeStatus::Done } else { ExchangeStatus::Error };
        if let Ok(outcome) = outcome {
            import.last_import_date = Some(now);
            if let Outcome::Filled { dataset, etag } = outcome {
                import.data_fair_dataset = Some(dataset);
                import.etag = etag;
            }
        }
        plan_next(&mut *work, import, now).await?;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(())
    }
}

/// The attributes that a remote catalogue may set: descriptive ones, never grants or state.
fn attributes(metadata: &Value) -> Map<String, Value> {
    const FOREIGN: [&str; 3] = ["publications", "publicationSites", "requestedPublicationSites"];
    let given = metadata.as_object().into_iter().flatten();
    given
        .filter(|(key, value)| {
            DESCRIPTIVE.contains(&key.as_str()) && !FOREIGN.contains(&key.as_str()) && !value.is_null()
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_catalogue_sets_descriptions_only() {
        let metadata = json!({
            "title": "Arbres", "description": "Les arbres", "keywords": ["nature"], "summary": null,
            "owner": { "type": "user", "id": "me" }, "permissions": [{ "classes": ["admin"] }], "publicationSites": ["x"],
        });
        let kept = attributes(&metadata);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["description", "keywords"]);
    }
}
