//! Renewal of the keys that open one dataset to whoever reads (`readApiKey`).

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, NewJob};
use serde_json::json;

use crate::jobs::pipeline::dataset_of;
use crate::service::names;
use crate::state::Datasets;

/// Kind of the job.
const RENEW: &str = "dataset-renew-key";

/// The job that renews the keys of a dataset when they are due; `None` for one that has none.
pub(crate) fn job(dataset: &Dataset, now: Timestamp) -> Option<NewJob> {
    let due = dataset.read_key.as_ref()?.renew_at.max(now);
    Some(NewJob::now(RENEW, names::job_key(&dataset.id), json!({ "dataset": dataset.id }), due))
}

/// Handler of `dataset-renew-key`.
pub struct RenewKey(pub(crate) Datasets);

#[async_trait]
impl JobHandler for RenewKey {
    fn kinds(&self) -> &'static [&'static str] {
        &[RENEW]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        let now = self.0.clock.now();
        let mut unit = self.0.store.begin().await?;
        let Some(mut dataset) = unit.load::<Dataset>(&id).await? else { return Ok(()) };
        let Some(key) = &mut dataset.read_key else { return Ok(()) };
        // The rhythm may have changed since the job was asked for.
        if key.renew_at <= now {
            key.renew(self.0.fresh_key(), now);
            unit.save(&mut dataset, now).await?;
        }
        if let Some(next) = job(&dataset, now) {
            unit.jobs().enqueue(&next).await?;
        }
        unit.commit().await?;
        Ok(())
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = %job.payload, %error, "the read key was not renewed; it stops working when it expires");
    }
}
