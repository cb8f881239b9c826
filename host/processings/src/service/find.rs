//! Finding processings and runs.

use halle_http::auth::require;
use halle_model::Caller;
use halle_model::permission::{PROCESSING_OPERATIONS, operation};
use halle_store::documents::Stored;
use halle_store::{EntityExt, Filter, LogRecord, Page};

use crate::model::{Processing, RUN_LOG_RECORDS_MAX, Run};
use crate::{ProcessingError, Processings};

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListQuery {
    /// Words of the title.
    pub q: String,
    /// Processings to skip.
    pub skip: u32,
    /// Processings to return.
    pub size: u32,
}

impl Processings {
    /// The processing, if the caller may do `operation_id` on it.
    pub(crate) async fn permitted(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<Processing>, ProcessingError> {
        let mut work = self.store.read().await?;
        let found = work.load::<Processing>(id).await?;
        let processing = found.ok_or_else(|| ProcessingError::NotFound(format!("Le traitement `{id}`")))?;
        require(
            caller,
            operation(PROCESSING_OPERATIONS, operation_id),
            processing.protected(),
            "Le traitement",
        )?;
        Ok(processing)
    }

    /// Processings that the caller may list, newest first.
    pub(crate) async fn list(
        &self,
        caller: &Caller,
        query: &ListQuery,
    ) -> Result<Page<Processing>, ProcessingError> {
        let mut filter = Filter::all(query.size);
        filter.skip = query.skip;
        filter.words = halle_model::slug::fold(&query.q).split_whitespace().map(str::to_owned).collect();
        if let Some(words) = halle_model::listing::caller_words(caller, "processings") {
            filter.any_of.push(("grant", words));
        }
        let mut work = self.store.read().await?;
        let page = work.list::<Processing>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }

    /// Runs of a processing, newest first.
    pub(crate) async fn runs(
        &self,
        caller: &Caller,
        processing: &str,
        skip: u32,
        size: u32,
    ) -> Result<Page<Run>, ProcessingError> {
        self.permitted(caller, processing, "readRuns").await?;
        let filter = Filter { skip, ..Filter::all(size).with("processing", processing) };
        let mut work = self.store.read().await?;
        let page = work.list::<Run>(&filter).await?;
        Ok(Page {
            count: page.count,
            results: page.results.into_iter().map(|stored| stored.entity).collect(),
        })
    }

    /// One run, if the caller may do `operation_id` on its processing.
    pub(crate) async fn permitted_run(
        &self,
        caller: &Caller,
        id: &str,
        operation_id: &str,
    ) -> Result<Stored<Run>, ProcessingError> {
        let mut work = self.store.read().await?;
        let found = work.load::<Run>(id).await?;
        drop(work);
        let run = found.ok_or_else(|| ProcessingError::NotFound(format!("L'exécution `{id}`")))?;
        self.permitted(caller, &run.processing.id, operation_id).await?;
        Ok(run)
    }

    /// The log of a run, oldest first.
    pub(crate) async fn run_log(&self, run: &Run) -> Result<Vec<LogRecord>, ProcessingError> {
        let mut work = self.store.read().await?;
        Ok(work.logs().after(&run.log_stream(), 0, RUN_LOG_RECORDS_MAX).await?)
    }

    /// The last run that began, and the one that waits.
    pub(crate) async fn last_and_next(
        &self,
        processing: &str,
    ) -> Result<(Option<Run>, Option<Run>), ProcessingError> {
        let mut work = self.store.read().await?;
        let recent = work.list::<Run>(&Filter::all(10).with("processing", processing)).await?;
        let find = |pending: bool| {
            let mut runs = recent.results.iter().map(|stored| &stored.entity);
            runs.find(|run| run.status.is_pending() == pending).cloned()
        };
        Ok((find(false), find(true)))
    }
}
