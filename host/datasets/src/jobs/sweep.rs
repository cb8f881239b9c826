//! Removes versions nobody reads any more: their index, their rows, and their upload and the files beside it unless a later
//! version needs them.

use std::collections::BTreeSet;

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, NewJob};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::jobs::SWEEP;
use crate::jobs::pipeline::dataset_of;
use crate::service::names;
use crate::state::Datasets;

/// Time that readers of an old version have to open its index.
const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// Versions of one job: their identifiers fit the payload.
const VERSIONS_MAX: usize = 100;

/// The job that removes `versions` once readers have had time to move on.
pub(crate) fn later(dataset: &str, versions: &[String], now: Timestamp) -> NewJob {
    let run_at = now.saturating_add(GRACE).unwrap_or(now);
    NewJob { run_at, ..at_once(dataset, versions, now) }
}

/// The job that removes `versions` as soon as nothing else runs for the dataset.
pub(crate) fn at_once(dataset: &str, versions: &[String], now: Timestamp) -> NewJob {
    let versions = &versions[..versions.len().min(VERSIONS_MAX)];
    let payload = json!({ "dataset": dataset, "versions": versions });
    // Not deduplicated: two jobs name different versions.
    NewJob { deduplicate: false, ..NewJob::now(SWEEP, names::job_key(dataset), payload, now) }
}

/// Handler of `dataset-sweep`.
pub struct Sweep(pub(crate) Datasets);

#[async_trait]
impl JobHandler for Sweep {
    fn kinds(&self) -> &'static [&'static str] {
        &[SWEEP]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        let dataset = {
            let mut unit = self.0.store.read().await?;
            unit.load::<Dataset>(&id).await?.map(|stored| stored.entity)
        };
        let used = dataset.as_ref().map_or_else(InUse::default, InUse::of);
        let named = context.job.payload.get("versions").and_then(Value::as_array).into_iter().flatten();
        for version in named.filter_map(Value::as_str) {
            if !used.data.contains(version) {
                self.0.engine.remove(&names::index(&id, version)).await.map_err(JobError::retry)?;
                self.0.blobs.delete(&names::rows(&id, version)?).await?;
                self.0.blobs.delete(&names::diagnostic(&id, version)?).await?;
            }
            if !used.uploads.contains(version) {
                self.0.blobs.delete(&names::original(&id, version)?).await?;
            }
            if !used.attachments.contains(version) {
                self.0.blobs.delete(&names::attachments_zip(&id, version)?).await?;
            }
        }
        if dataset.is_none() {
            for folder in names::folders(&id)? {
                for key in self.0.blobs.keys(&folder).await? {
                    self.0.blobs.delete(&key).await?;
                }
            }
        }
        Ok(())
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::warn!(job = %job.payload, %error, "old versions could not be removed and take up room");
    }
}

/// What is needed still.
#[derive(Debug, Default)]
struct InUse {
    /// Versions whose rows and index are.
    data: BTreeSet<String>,
    /// Versions whose upload is.
    uploads: BTreeSet<String>,
    /// Versions whose files beside the upload are.
    attachments: BTreeSet<String>,
}

impl InUse {
    fn of(dataset: &Dataset) -> Self {
        let mut used = Self::default();
        let (served, building) = dataset.versions();
        for version in served {
            used.data.insert(version.id.clone());
            used.data.insert(version.whole().to_owned());
            used.uploads.insert(names::upload_of(version).to_owned());
            used.attachments.extend(version.attachments.as_ref().map(|zip| zip.version.clone()));
        }
        for building in building {
            used.data.insert(building.id.clone());
            used.data.extend(building.rows_from.clone());
            used.uploads.insert(names::upload_of_building(building).to_owned());
            used.attachments.extend(building.attachments.as_ref().map(|zip| zip.version.clone()));
        }
        used
    }
}
