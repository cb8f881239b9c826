//! Publications: created, run again, removed.

use halle_base::Timestamp;
use halle_extensions::host::Publication as RemoteTwin;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_store::{EntityExt, NewJob, StoreError, StoreResult, UnitOfWork};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::Catalogs;
use crate::jobs::PUBLISH;
use crate::model::{Exchange, ExchangeStatus, Publication, Titled};
use crate::service::exchanges::missing;

/// A publication to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewPublication {
    /// The catalogue.
    pub catalog: Titled,
    /// The dataset here.
    pub data_fair_dataset: Titled,
}

impl Catalogs {
    /// Publishes a dataset of the catalogue's owner; 409 if it is published there already, 429 when the account has no plugin
    /// seconds left.
    pub(crate) async fn publish(&self, caller: &Caller, new: NewPublication) -> ApiResult<Publication> {
        let catalog = self.permitted(caller, &new.catalog.id, "publish").await?.entity;
        if !catalog.capabilities.iter().any(|ability| ability == "publish-dataset") {
            let message =
                "Ce catalogue ne permet pas de publier : vérifiez sa configuration, notamment la clé d'API.";
            return Err(ApiError::bad_request(message));
        }
        let dataset = self.datasets.permitted(caller, &new.data_fair_dataset.id, "writeDescription").await?;
        if !dataset.owner.is_same(&catalog.owner) {
            let message = "Le jeu de données et le catalogue n'ont pas le même propriétaire.";
            return Err(ApiError::bad_request(message));
        }
        self.check_share(&catalog).await?;
        let now = self.clock.now();
        let publication = Publication {
            id: halle_base::new_id(&*self.dice),
            owner: catalog.owner,
            catalog: Titled { id: catalog.id, title: catalog.title },
            data_fair_dataset: Titled { id: dataset.id.clone(), title: dataset.title.clone() },
            action: "create".to_owned(),
            remote: RemoteTwin::default(),
            status: ExchangeStatus::Waiting,
            last_publication_date: None,
            error: None,
            put_off: None,
            retries: 0,
            created_at: now,
        };
        let mut work = self.store.begin().await?;
        match work.insert(&publication, now).await {
            Err(StoreError::Duplicate { .. }) => {
                let message = "Ce jeu de données est déjà publié dans ce catalogue.";
                return Err(ApiError::conflict(message));
            }
            other => other?,
        }
        enqueue(&mut *work, &publication, now).await?;
        work.commit().await?;
        Ok(publication)
    }

    /// Publishes again: the remote twin is brought up to date. Refused when the account has no plugin seconds left.
    pub(crate) async fn republish(&self, caller: &Caller, id: &str) -> ApiResult<Publication> {
        let stored = self.permitted_exchange::<Publication>(caller, id, "publish").await?;
        let catalog = self.permitted(caller, &stored.catalog.id, "publish").await?;
        self.check_share(&catalog).await?;
        self.ask(id, None).await
    }

    /// Removes the remote twin, then the publication; only the publication with `only_link`. A removal is never refused for want
    /// of plugin seconds: it waits for them.
    pub(crate) async fn unpublish(&self, caller: &Caller, id: &str, only_link: bool) -> ApiResult<()> {
        let stored = self.permitted_exchange::<Publication>(caller, id, "publish").await?;
        if !only_link && stored.remote.remote_id.is_some() {
            return self.ask(id, Some("delete")).await.map(drop);
        }
        self.forget(&stored.entity).await
    }

    /// Puts a publication back to `waiting`, with a job.
    pub(crate) async fn ask(&self, id: &str, action: Option<&str>) -> ApiResult<Publication> {
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        let found = work.load::<Publication>(id).await?;
        let mut stored = found.ok_or_else(|| missing::<Publication>(id))?;
        stored.entity.status = ExchangeStatus::Waiting;
        stored.entity.put_off = None;
        stored.entity.retries = 0;
        if let Some(action) = action {
            stored.entity.action = action.to_owned();
        }
        work.save(&mut stored, now).await?;
        enqueue(&mut *work, &stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }
}

async fn enqueue(work: &mut dyn UnitOfWork, publication: &Publication, now: Timestamp) -> StoreResult<()> {
    work.jobs().enqueue(&publication_job(publication, now)).await.map(drop)
}

/// The job that does what is to be done for a publication.
pub(crate) fn publication_job(publication: &Publication, at: Timestamp) -> NewJob {
    NewJob::now(PUBLISH, publication.key(), json!({ "publication": publication.id }), at)
}
