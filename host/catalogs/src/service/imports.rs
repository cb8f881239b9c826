//! Imports: created, changed, run again, deleted.

use halle_base::Timestamp;
use halle_model::Caller;
use halle_model::schedule::{self, Rule};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, LogRecord, NewJob, Page, StoreResult, UnitOfWork};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::jobs::IMPORT;
use crate::model::{ExchangeStatus, Import, LOG_RECORDS_MAX, Titled};
use crate::{CatalogError, Catalogs};

/// An import to create.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct NewImport {
    pub catalog: Titled,
    pub remote_resource: Titled,
    pub data_fair_dataset: Option<Titled>,
    #[serde(default)]
    pub config: Value,
    #[serde(default)]
    pub scheduling: Vec<Rule>,
    #[serde(default)]
    pub should_update_metadata: bool,
}

/// Attributes to change; `status: "waiting"` runs the import now.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct ImportPatch {
    pub status: Option<ExchangeStatus>,
    pub scheduling: Option<Vec<Rule>>,
    pub config: Option<Value>,
    pub should_update_metadata: Option<bool>,
}

impl Catalogs {
    /// The import, if the caller may do `operation_id` on its catalogue.
    pub(crate) async fn permitted_import(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<Import>, CatalogError> {
        let mut work = self.store.read().await?;
        let found = work.load::<Import>(id).await?;
        drop(work);
        let import = found.ok_or_else(|| CatalogError::NotFound(format!("L'import `{id}`")))?;
        self.permitted(caller, &import.catalog.id, operation_id).await?;
        Ok(import)
    }

    /// Imports of a catalogue, newest first.
    pub(crate) async fn imports(
        &self,
        caller: &Caller,
        catalog: &str,
        skip: u32,
        size: u32,
    ) -> Result<Page<Import>, CatalogError> {
        self.permitted(caller, catalog, "readCatalog").await?;
        let filter = Filter { skip, ..Filter::all(size).with("catalog", catalog) };
        let mut work = self.store.read().await?;
        let page = work.list::<Import>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }

    /// The log of an exchange, oldest first.
    pub(crate) async fn exchange_log(&self, stream: &str) -> Result<Vec<LogRecord>, CatalogError> {
        let mut work = self.store.read().await?;
        Ok(work.logs().after(stream, 0, LOG_RECORDS_MAX).await?)
    }

    /// Creates an import and runs it.
    pub(crate) async fn import(&self, caller: &Caller, new: NewImport) -> Result<Import, CatalogError> {
        let catalog = self.permitted(caller, &new.catalog.id, "import").await?.entity;
        let now = self.clock.now();
        check(&new.scheduling, now)?;
        if let Some(dataset) = &new.data_fair_dataset {
            self.datasets.permitted(caller, &dataset.id, "writeData").await?;
        }
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
            next_import_date: None,
            last_import_date: None,
            error: None,
            created_at: now,
        };
        let mut work = self.store.begin().await?;
        work.insert(&import, now).await?;
        enqueue(&mut *work, &import, now, now).await?;
        work.commit().await?;
        Ok(import)
    }

    /// Changes an import, or runs it again. Refused while it runs.
    pub(crate) async fn patch_import(
        &self,
        caller: &Caller,
        id: &str,
        patch: ImportPatch,
    ) -> Result<Import, CatalogError> {
        let mut stored = self.permitted_import(caller, id, "import").await?;
        if stored.status == ExchangeStatus::Running {
            return Err(CatalogError::Invalid(
                "L'import est en cours : attendez qu'il se termine.".to_owned(),
            ));
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
        let mut work = self.store.begin().await?;
        match patch.status {
            None => plan_next(&mut *work, &mut stored.entity, now).await?,
            Some(ExchangeStatus::Waiting) => {
                stored.entity.status = ExchangeStatus::Waiting;
                enqueue(&mut *work, &stored, now, now).await?;
            }
            Some(_) => {
                return Err(CatalogError::Invalid("`status` : seul `waiting` peut être demandé.".to_owned()));
            }
        }
        work.save(&mut stored, now).await?;
        work.commit().await?;
        Ok(stored.entity)
    }

    /// Forgets an import. The dataset it filled stays.
    pub(crate) async fn delete_import(&self, caller: &Caller, id: &str) -> Result<(), CatalogError> {
        let stored = self.permitted_import(caller, id, "import").await?;
        let mut work = self.store.begin().await?;
        work.jobs().cancel(&stored.key()).await?;
        work.logs().clear(&stored.log_stream()).await?;
        work.remove::<Import>(id).await?;
        work.commit().await?;
        Ok(())
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
    let payload = json!({ "import": import.id, "at": at });
    let job = NewJob { run_at: at, deduplicate: false, ..NewJob::now(IMPORT, import.key(), payload, now) };
    work.jobs().enqueue(&job).await.map(drop)
}

fn check(rules: &[Rule], now: Timestamp) -> Result<(), CatalogError> {
    let next = schedule::next(rules, now);
    next.map(drop).map_err(|error| CatalogError::Invalid(format!("`scheduling` : {error}")))
}
