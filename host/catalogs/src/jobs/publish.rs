//! One publication: create or update the remote twin, or remove it.

use std::sync::Arc;

use async_trait::async_trait;
use halle_datasets::service::read::refused;
use halle_extensions::host::{Publication as RemoteTwin, Published};
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter, Services};
use halle_extensions::{Field, Problem};
use halle_http::{ApiError, ApiResult};
use halle_model::permission::{dataset_operation, is_public};
use halle_model::{Caller, Dataset};
use halle_search::params::Params;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job};
use serde_json::{Value, json};

use super::stop::{Settled, Stop, put_off};
use crate::Catalogs;
use crate::model::{Catalog, Exchange, ExchangeStatus, Publication};
use crate::service::{ExchangeLog, publication_job};

/// Kind of the job. Its payload is `{publication}`.
pub(crate) const PUBLISH: &str = "catalog-publish";

/// The dataset being published, in the slot `source`; there is nothing else to read, and nothing to write.
struct PublishedSource {
    catalogs: Catalogs,
    caller: Caller,
    dataset: String,
}

#[async_trait]
impl DatasetSlots for PublishedSource {
    async fn open_read(&self, slot: &str, _query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        if slot != "source" {
            return Err(Problem::new("dataset/unbound", format!("no dataset stands in the slot `{slot}`")));
        }
        let all = Params::default();
        let read =
            self.catalogs.datasets.batches(&self.caller, &self.dataset, &all).await.map_err(refused)?;
        Ok(read.into_reader())
    }

    async fn open_write(
        &self,
        _slot: &str,
        _mode: &str,
        _schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        Err(Problem::denied("slot", "a connector writes no dataset: the host imports what it fetches"))
    }
}

/// Does the publications.
#[derive(Clone)]
pub(crate) struct PublishHandler(pub(crate) Catalogs);

#[async_trait]
impl JobHandler for PublishHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[PUBLISH]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let Some((catalog, publication)) = self.start(&context.job).await? else { return Ok(()) };
        let log = ExchangeLog::new(Arc::clone(&self.0.clock));
        log.say("step", &format!("Publication de « {} »", publication.data_fair_dataset.title));
        let outcome = self.exchange(&catalog, &publication, &log, &context).await;
        if context.cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        let outcome = match outcome.map_err(|stop| stop.settled(publication.retries, self.0.clock.now())) {
            Ok(twin) => Ok(twin),
            Err(Settled::Failed(error)) => Err(error),
            Err(Settled::Waits(wait)) => {
                let job = publication_job(&publication, wait.until);
                return Ok(put_off(&self.0, &publication, job, &log, wait).await?);
            }
        };
        match &outcome {
            Ok(Some(Published { refusal: Some(error), .. })) => log.say("error", &error.to_string()),
            Ok(Some(_)) => log.say("info", "Le jumeau distant est à jour."),
            Ok(None) => log.say("info", "Le jumeau distant est supprimé."),
            Err(error) => log.say("error", &error.to_string()),
        }
        log.store(&*self.0.store, &publication.log_stream()).await?;
        self.finish(&publication, outcome.map_err(|error| error.to_string())).await
    }

    async fn given_up(&self, job: &Job, error: &str) {
        let Ok(Some((_, publication))) = self.start(job).await else { return };
        if let Err(error) = self.finish(&publication, Err(error.to_owned())).await {
            tracing::error!(%error, publication = %publication.id, "a publication could not be marked");
        }
    }
}

impl PublishHandler {
    async fn start(&self, job: &Job) -> Result<Option<(Catalog, Publication)>, JobError> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let id = job.payload["publication"].as_str().unwrap_or_default();
        let Some(mut stored) = work.load::<Publication>(id).await? else { return Ok(None) };
        let Some(catalog) = work.load::<Catalog>(&stored.catalog.id).await? else { return Ok(None) };
        stored.entity.status = ExchangeStatus::Running;
        stored.entity.put_off = None;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(Some((catalog.entity, stored.entity)))
    }

    /// The remote twin as it is now; `None` once it is removed.
    async fn exchange(
        &self,
        catalog: &Catalog,
        publication: &Publication,
        log: &Arc<ExchangeLog>,
        context: &JobContext,
    ) -> Result<Option<Published>, Stop> {
        let caller = Caller::platform_for(catalog.owner.clone());
        let id = &publication.data_fair_dataset.id;
        let is_removal = publication.action == "delete";
        let source =
            PublishedSource { catalogs: self.0.clone(), caller: caller.clone(), dataset: id.clone() };
        let services =
            Services { log: Arc::clone(log) as _, datasets: Some(Arc::new(source)), ..Services::none() };
        let connector = self.0.connector(catalog, services, context.cancel.clone()).await?;
        if is_removal {
            connector.unpublish(publication.remote.clone()).await?;
            return Ok(None);
        }
        let dataset = self.0.datasets.permitted(&caller, id, "readDescription").await?;
        let current = RemoteTwin { target: publication.action.clone(), ..publication.remote.clone() };
        Ok(Some(connector.publish(self.describe(&dataset)?, current).await?))
    }

    /// The dataset as connectors get it (`wit/catalog/1`).
    fn describe(&self, dataset: &Dataset) -> ApiResult<Value> {
        const STATE: [&str; 9] = [
            "owner",
            "permissions",
            "building",
            "served",
            "status",
            "errorStatus",
            "originalFile",
            "createdBy",
            "updatedBy",
        ];
        let mut described = serde_json::to_value(dataset).map_err(ApiError::internal)?;
        let Some(object) = described.as_object_mut() else { return Ok(described) };
        for key in STATE {
            object.remove(key);
        }
        let root = &self.0.public_url;
        let api = format!("{root}/data-fair/api/v1/datasets/{}", dataset.id);
        if let Some(file) = &dataset.original_file {
            object.insert(
                "file".to_owned(),
                json!({ "name": file.name, "size": file.size, "mimetype": file.mimetype }),
            );
        }
        let format =
            dataset.original_file.as_ref().and_then(|file| file.name.rsplit_once('.')).map(|(_, end)| end);
        let files = json!([{ "title": "Fichier d'origine", "format": format, "url": format!("{api}/raw") }]);
        object.insert("page".to_owned(), format!("{root}/datasets/{}", dataset.slug).into());
        object.insert("files".to_owned(), files);
        object.insert("api".to_owned(), api.into());
        object.insert(
            "public".to_owned(),
            is_public(dataset_operation("readLines"), &dataset.permissions).into(),
        );
        Ok(described)
    }

    async fn finish(
        &self,
        publication: &Publication,
        outcome: Result<Option<Published>, String>,
    ) -> Result<(), JobError> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let Some(mut stored) = work.load::<Publication>(&publication.id).await? else { return Ok(()) };
        stored.entity.retries = 0;
        match outcome {
            Ok(None) => {
                work.logs().clear(&stored.log_stream()).await?;
                work.remove::<Publication>(&publication.id).await?;
                return Ok(work.commit().await?);
            }
            Ok(Some(Published { twin, refusal: None })) => {
                stored.entity.remote = twin;
                stored.entity.action = "update".to_owned();
                stored.entity.last_publication_date = Some(now);
                stored.entity.error = None;
                stored.entity.status = ExchangeStatus::Done;
            }
            Ok(Some(Published { twin, refusal: Some(error) })) => {
                // The twin was made all the same: what is known of it is how the next exchange finds it.
                if twin.remote_id.is_some() {
                    stored.entity.action = "update".to_owned();
                }
                stored.entity.remote = twin;
                stored.entity.error = Some(error.to_string());
                stored.entity.status = ExchangeStatus::Error;
            }
            Err(error) => {
                stored.entity.error = Some(error);
                stored.entity.status = ExchangeStatus::Error;
            }
        }
        work.save(&mut stored, now).await?;
        Ok(work.commit().await?)
    }
}
