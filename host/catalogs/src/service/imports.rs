//! Imports: created, changed, run again, deleted.

use halle_base::Timestamp;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::Caller;
use halle_model::schedule::{self, Rule};
use halle_store::{EntityExt, NewJob, StoreResult, UnitOfWork};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Catalogs;
use crate::jobs::IMPORT;
use crate::model::{Exchange, ExchangeStatus, Import, Titled};

/// An import to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewImport {
    /// The catalogue.
    pub catalog: Titled,
    /// The resource there.
    pub remote_resource: Titled,
    /// The dataset to fill; a new one when absent.
    pub data_fair_dataset: Option<Titled>,
    /// Options for the connector.
    #[serde(default)]
    pub config: Value,
    /// When it repeats.
    #[serde(default)]
    #[schema(value_type = Vec<shapes::ScheduleRule>)]
    pub scheduling: Vec<Rule>,
    /// Whether the description follows the remote one at each import.
    #[serde(default)]
    pub should_update_metadata: bool,
}

/// Attributes to change; `status: "waiting"` runs the import now.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ImportPatch {
    /// `waiting` runs it now; nothing else can be asked for.
    pub status: Option<ExchangeStatus>,
    /// When it repeats.
    #[schema(value_type = Option<Vec<shapes::ScheduleRule>>)]
    pub scheduling: Option<Vec<Rule>>,
    /// Options for the connector.
    pub config: Option<Value>,
    /// Whether the description follows the remote one at each import.
    pub should_update_metadata: Option<bool>,
}

impl Catalogs {
    /// Creates an import and runs it. Refused when the account has no plugin seconds left: whoever asks for an import now should
    /// not wait for it until tomorrow.
    pub(crate) async fn import(&self, caller: &Caller, new: NewImport) -> ApiResult<Import> {
        let catalog = self.permitted(caller, &new.catalog.id, "import").await?.entity;
        let now = self.clock.now();
        check(&new.scheduling, now)?;
        if let Some(dataset) = &new.data_fair_dataset {
            self.datasets.permitted(caller, &dataset.id, "writeData").await?;
        }
        self.check_share(&catalog).await?;
        let import = Import {
            id: halle_base::new_id(&*self.dice),
            owner: catalog.owner.clone(),
            catalog: Titled { id: catalog.id, title: catalog.title },
            remote_resource: new.remote_resource,
            data_fair_dataset: new.data_fair_dataset,
            config: new.config,
            status: ExchangeStatus::Waiting,
            scheduling: new.scheduling,
            should_update_metadata: new.should_update_metadata,
            etag: None,
            filled: None,
            next_import_date: None,
            last_import_date: None,
            error: None,
            put_off: None,
            retries: 0,
            created_at: now,
        };
        let mut work = self.store.begin().await?;
        work.insert(&import, now).await?;
        enqueue(&mut *work, &import, now, now).await?;
        work.commit().await?;
        Ok(import)
    }

    /// Changes an import, or runs it again. Refused while it runs; running it also when the account has no plugin seconds left.
    pub(crate) async fn patch_import(
        &self,
        caller: &Caller,
        id: &str,
        patch: ImportPatch,
    ) -> ApiResult<Import> {
        let mut stored = self.permitted_exchange::<Import>(caller, id, "import").await?;
        if stored.status == ExchangeStatus::Running {
            return Err(ApiError::bad_request("L'import est en cours : attendez qu'il se termine."));
        }
        let now = self.clock.now();
        if let Some(rules) = patch.scheduling {
            check(&rules, now)?;
            stored.entity.scheduling = rules;
        }
        if let Some(config) = patch.config {
            stored.entity.config = config;
        }
        if let Some(update) = patch.should_update_metadata {
            stored.entity.should_update_metadata = update;
        }
        if patch.status == Some(ExchangeStatus::Waiting) {
            let catalog = self.permitted(caller, &stored.catalog.id, "import").await?;
            self.check_share(&catalog).await?;
        }
        let mut work = self.store.begin().await?;
        match patch.status {
            None => plan_next(&mut *work, &mut stored.entity, now).await?,
            Some(ExchangeStatus::Waiting) => {
                stored.entity.status = ExchangeStatus::Waiting;
                stored.entity.put_off = None;
                stored.entity.retries = 0;
                // Whoever asks wants what is there now.
                stored.entity.filled = None;
                enqueue(&mut *work, &stored, now, now).await?;
            }
            Some(_) => {
                return Err(ApiError::bad_request("`status` : seul `waiting` peut être demandé."));
            }
        }
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }

    /// Forgets an import. The dataset it filled stays.
    pub(crate) async fn delete_import(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        let stored = self.permitted_exchange::<Import>(caller, id, "import").await?;
        self.forget(&stored.entity).await
    }
}

/// Enqueues the next import of the schedule, and remembers when that is.
pub(crate) async fn plan_next(
    work: &mut dyn UnitOfWork,
    import: &mut Import,
    now: Timestamp,
) -> StoreResult<()> {
    // Rules are checked when they are written; one that means nothing any more plans nothing.
    import.next_import_date = schedule::next(&import.scheduling, now).unwrap_or_default();
    match import.next_import_date {
        Some(at) => enqueue(work, import, at, now).await,
        None => Ok(()),
    }
}

async fn enqueue(
    work: &mut dyn UnitOfWork,
    import: &Import,
    at: Timestamp,
    now: Timestamp,
) -> StoreResult<()> {
    work.jobs().enqueue(&import_job(import, at, now)).await.map(drop)
}

/// The job that does an import at its time.
pub(crate) fn import_job(import: &Import, at: Timestamp, now: Timestamp) -> NewJob {
    let payload = json!({ "import": import.id, "at": at });
    NewJob { run_at: at, deduplicate: false, ..NewJob::now(IMPORT, import.key(), payload, now) }
}

fn check(rules: &[Rule], now: Timestamp) -> ApiResult<()> {
    let next = schedule::next(rules, now);
    next.map(drop).map_err(|error| ApiError::bad_request(format!("`scheduling` : {error}")))
}
