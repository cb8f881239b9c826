//! Removal of what editable datasets keep for a time only: lines (`rest.ttl`) and revisions (`rest.historyTTL`).
//!
//! The job comes back every hour as long as a rule is in force, and is asked for by each write.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, NewJob};
use jiff::SignedDuration;
use serde_json::json;

use crate::jobs::pipeline::dataset_of;
use crate::service::names;
use crate::state::Datasets;

/// Kind of the job.
const EXPIRE: &str = "dataset-expire";

/// Time between two looks.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);

/// The job that removes what is too old, or `None` where nothing ever is.
pub(crate) fn job(dataset: &Dataset, run_at: Timestamp) -> Option<NewJob> {
    let rules = &dataset.rest;
    let is_needed = rules.active_ttl().is_some() || rules.active_history_ttl().is_some();
    let payload = json!({ "dataset": dataset.id });
    is_needed.then(|| NewJob::now(EXPIRE, names::job_key(&dataset.id), payload, run_at))
}

/// Handler of `dataset-expire`.
pub struct Expire(pub(crate) Datasets);

#[async_trait]
impl JobHandler for Expire {
    fn kinds(&self) -> &'static [&'static str] {
        &[EXPIRE]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        self.0.expire_lines(&id).await.map_err(JobError::retry)?;
        let now = self.0.clock.now();
        let mut unit = self.0.store.begin().await?;
        let Some(dataset) = unit.load::<Dataset>(&id).await? else { return Ok(()) };
        if let Some(delay) = dataset.rest.active_history_ttl() {
            unit.revisions().expire(&id, delay.before(now)).await?;
        }
        if let Some(next) = job(&dataset, now.saturating_add(PERIOD).unwrap_or(now)) {
            unit.jobs().enqueue(&next).await?;
        }
        unit.commit().await?;
        Ok(())
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = %job.payload, %error, "old lines stay; the next write of the dataset tries again");
    }
}
