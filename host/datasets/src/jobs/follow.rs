//! Extensions that follow their reference (`autoUpdate`, reference §6.1).
//!
//! When the lines of a dataset of reference change, those who follow it are told: each notes when it will ask again
//! (`nextUpdate`), a while later so that many changes are followed at once. Then its extensions run again.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::dataset::{DatasetKind, Status};
use halle_model::extension::REFERENCE_SERVICE;
use halle_model::{Dataset, Extension};
use halle_store::documents::Stored;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Filter, Job, NewJob, Order, StoreError, UnitOfWork};
use jiff::SignedDuration;
use serde_json::json;

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::dataset_of;
use crate::jobs::sweep;
use crate::service::create::advance;
use crate::service::journal::set_error;
use crate::service::write::extend_job;
use crate::service::{master_data, names};
use crate::state::Datasets;

/// Kind of the job that tells those who follow a reference. Payload: `dataset`, the reference.
const TELL: &str = "dataset-tell-followers";

/// Kind of the job in which a follower asks again. Payload: `dataset`, the follower.
const UPDATE: &str = "dataset-auto-update";

/// Time from a change of the reference to the update of those who follow it (reference §6.1).
const DELAY: SignedDuration = SignedDuration::from_secs(600);

/// Time until the next attempt, when a follower is at work.
const BUSY_DELAY: SignedDuration = SignedDuration::from_secs(60);

/// Times an update is done again when someone else changed the follower meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Followers that are told in one unit of work.
const FOLLOWERS_PER_STEP: u32 = 100;

/// Has those who follow `dataset` told that its lines changed, once this unit of work is committed.
pub(crate) async fn tell_followers(
    unit: &mut dyn UnitOfWork,
    dataset: &Dataset,
    now: Timestamp,
) -> DatasetsResult<()> {
    if !master_data::bulk_searches(dataset).is_empty() {
        let payload = json!({ "dataset": dataset.id });
        unit.jobs().enqueue(&NewJob::now(TELL, names::job_key(&dataset.id), payload, now)).await?;
    }
    Ok(())
}

/// Extensions as a writer gives them, with what the platform noted of those that stay as they were.
pub(crate) fn with_notes(mut wanted: Vec<Extension>, before: &[Extension]) -> Vec<Extension> {
    for extension in &mut wanted {
        let is_same = |known: &&Extension| Extension { next_update: None, ..(*known).clone() } == *extension;
        extension.next_update = before.iter().find(is_same).and_then(|known| known.next_update);
    }
    wanted
}

/// Whether the values of a dataset are being made: what it follows is asked for once they are there.
fn is_at_work(dataset: &Dataset) -> bool {
    match dataset.status {
        Status::Finalized => dataset.extending.is_some(),
        Status::Created | Status::Draft | Status::Error => false,
        Status::Loaded
        | Status::Stored
        | Status::Normalized
        | Status::Analyzed
        | Status::ValidationUpdated
        | Status::Validated
        | Status::Extended
        | Status::Indexed => true,
    }
}

fn forget_notes(dataset: &mut Dataset) {
    dataset.extensions.iter_mut().for_each(|extension| extension.next_update = None);
}

fn update_job(dataset: &str, at: Timestamp) -> NewJob {
    NewJob::now(UPDATE, names::job_key(dataset), json!({ "dataset": dataset }), at)
}

/// Does both jobs.
pub struct Follow(pub(crate) Datasets);

impl Follow {
    /// Notes in each follower of `reference` when it will ask again, unless it will already.
    async fn tell(&self, reference: &str) -> DatasetsResult<()> {
        // By identifier: nobody is left out when another one goes meanwhile. Whoever begins to follow asks for itself.
        let mut last = None;
        while let Some(next) = self.tell_some(reference, last).await? {
            last = Some(next);
        }
        Ok(())
    }

    /// As [`Self::tell`], those whose identifiers come after `last`. The last of them, if there may be more.
    async fn tell_some(&self, reference: &str, last: Option<String>) -> DatasetsResult<Option<String>> {
        let mut unit = self.0.store.begin().await?;
        let service = format!("{REFERENCE_SERVICE}{reference}");
        let page = Filter { order: Order::IdAsc, after_id: last, ..Filter::all(FOLLOWERS_PER_STEP) };
        let followers = unit.list::<Dataset>(&page.with("services", service)).await?;
        let is_full = followers.results.len() == FOLLOWERS_PER_STEP as usize;
        let next = followers.results.last().filter(|_| is_full).map(|follower| follower.id.clone());
        let now = self.0.clock.now();
        let at = now.saturating_add(DELAY).unwrap_or(now);
        for mut follower in followers.results {
            let mut told = false;
            for extension in follower.extensions.iter_mut().filter(|one| one.follows(reference)) {
                // One that is over was not followed by an update: whatever became of it, there is another now.
                let will_ask = extension.next_update.is_some_and(|due| due > now);
                if !will_ask {
                    extension.next_update = Some(at);
                    told = true;
                }
            }
            if told {
                let unchanged = follower.updated_at;
                unit.save(&mut follower, unchanged).await?;
                unit.jobs().enqueue(&update_job(&follower.id, at)).await?;
            }
        }
        unit.commit().await?;
        Ok(next)
    }

    /// As [`Self::update_once`], again while someone else changes the follower.
    async fn update(&self, id: &str) -> DatasetsResult<()> {
        let mut done = self.update_once(id).await;
        for _again in 1..ATTEMPTS_MAX {
            if !matches!(done, Err(DatasetsError::Store(StoreError::Stale { .. }))) {
                break;
            }
            done = self.update_once(id).await;
        }
        done
    }

    /// Has the extensions of a follower run again, if they are due.
    async fn update_once(&self, id: &str) -> DatasetsResult<()> {
        let mut unit = self.0.store.begin().await?;
        let Some(mut dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        let now = self.0.clock.now();
        let Some(due) = dataset.extensions.iter().filter_map(|extension| extension.next_update).min() else {
            return Ok(());
        };
        let is_at_work = is_at_work(&dataset);
        if due > now || is_at_work {
            let at = if is_at_work { now.saturating_add(BUSY_DELAY).unwrap_or(now) } else { due };
            unit.jobs().enqueue(&update_job(id, at)).await?;
            return Ok(unit.commit().await?);
        }
        forget_notes(&mut dataset);
        if matches!(dataset.status, Status::Created | Status::Draft) {
            // There is nothing to bring up to date; what comes asks for itself.
            let unchanged = dataset.updated_at;
            unit.save(&mut dataset, unchanged).await?;
            return Ok(unit.commit().await?);
        }
        if dataset.kind() == DatasetKind::File {
            let retired = self.0.restart(&mut dataset, Status::Validated, false).unwrap_or_default();
            if !retired.is_empty() {
                unit.jobs().enqueue(&sweep::at_once(id, &retired, now)).await?;
            }
            unit.jobs().enqueue(&advance(id, now)).await?;
            unit.save(&mut dataset, now).await?;
            return Ok(unit.commit().await?);
        }
        drop(unit);
        self.update_editable(dataset, now).await
    }

    /// Forgets when a follower would have asked again, so that nobody waits for it.
    async fn forget(&self, id: &str) -> DatasetsResult<()> {
        let mut unit = self.0.store.begin().await?;
        let Some(mut dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        forget_notes(&mut dataset);
        let unchanged = dataset.updated_at;
        unit.save(&mut dataset, unchanged).await?;
        Ok(unit.commit().await?)
    }

    /// The columns of the reference may have changed too: those of the follower are written anew first.
    async fn update_editable(&self, mut dataset: Stored<Dataset>, now: Timestamp) -> DatasetsResult<()> {
        let planned = self.0.extend_editable(&mut dataset).await;
        let mut unit = self.0.store.begin().await?;
        let event = match planned {
            Ok(_) => {
                self.0.extend_all(&mut dataset);
                unit.jobs().enqueue(&extend_job(&dataset.id, now)).await?;
                None
            }
            Err(DatasetsError::BadRequest(text)) => {
                set_error(&mut dataset);
                Some(self.0.record(unit.as_mut(), &dataset.id, "error", Some(text)).await?)
            }
            Err(error) => return Err(error),
        };
        unit.save(&mut dataset, now).await?;
        unit.commit().await?;
        event.iter().for_each(|event| self.0.announce(&dataset.id, event));
        Ok(())
    }
}

#[async_trait]
impl JobHandler for Follow {
    fn kinds(&self) -> &'static [&'static str] {
        &[TELL, UPDATE]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        let done = if context.job.kind == TELL { self.tell(&id).await } else { self.update(&id).await };
        done.map_err(JobError::retry)
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = %job.payload, %error, "an extension does not follow its reference until this changes again");
        if job.kind != UPDATE {
            return;
        }
        let Ok(id) = dataset_of(job) else { return };
        if let Err(error) = self.forget(&id).await {
            tracing::error!(dataset = %id, %error, "a follower still says when it would have asked again");
        }
    }
}
