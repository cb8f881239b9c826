//! Finding processings and runs.

use halle_http::auth::require;
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult};
use halle_model::Caller;
use halle_model::permission::{PROCESSING_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, LogRecord, Page};

use crate::Processings;
use crate::model::{Processing, RUN_LOG_RECORDS_MAX, Run};

impl Processings {
    /// The processing, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<Processing>> {
        let mut work = self.store.read().await?;
        let found = work.load::<Processing>(id).await?;
        let processing =
            found.ok_or_else(|| ApiError::not_found(format!("Le traitement `{id}` n'existe pas.")))?;
        require(
            caller,
            operation(PROCESSING_OPERATIONS, operation_id),
            processing.protected(),
            "Le traitement",
        )?;
        Ok(processing)
    }

    /// Processings that the caller may list, newest first; `q` has words of the title.
    pub(crate) async fn list(&self, caller: &Caller, q: &str, paging: Paging) -> ApiResult<Page<Processing>> {
        let filter = Filter::page(paging.skip, paging.size).searching(q).listed_for(caller, "processings");
        let mut work = self.store.read().await?;
        Ok(work.list::<Processing>(&filter).await?.into_entities())
    }

    /// Runs of a processing, newest first.
    pub(crate) async fn runs(
        &self,
        caller: &Caller,
        processing: &str,
        paging: Paging,
    ) -> ApiResult<Page<Run>> {
        self.permitted(caller, processing, "readRuns").await?;
        let filter = Filter::page(paging.skip, paging.size).with("processing", processing);
        let mut work = self.store.read().await?;
        Ok(work.list::<Run>(&filter).await?.into_entities())
    }

    /// One run, if the caller may do `operation_id` on its processing.
    pub(crate) async fn permitted_run(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> ApiResult<Stored<Run>> {
        let mut work = self.store.read().await?;
        let found = work.load::<Run>(id).await?;
        drop(work);
        let run = found.ok_or_else(|| ApiError::not_found(format!("L'exécution `{id}` n'existe pas.")))?;
        self.permitted(caller, &run.processing.id, operation_id).await?;
        Ok(run)
    }

    /// The log of a run, oldest first.
    pub(crate) async fn run_log(&self, run: &Run) -> ApiResult<Vec<LogRecord>> {
        let mut work = self.store.read().await?;
        Ok(work.logs().after(&run.log_stream(), 0, RUN_LOG_RECORDS_MAX).await?)
    }

    /// The last run that began, and the one that waits.
    pub(crate) async fn last_and_next(&self, processing: &str) -> ApiResult<(Option<Run>, Option<Run>)> {
        let mut work = self.store.read().await?;
        let recent = work.list::<Run>(&Filter::all(10).with("processing", processing)).await?;
        let find = |pending: bool| {
            let mut runs = recent.results.iter().map(|stored| &stored.entity);
            runs.find(|run| run.status.is_pending() == pending).cloned()
        };
        Ok((find(false), find(true)))
    }
}
