//! Triggering, killing and scheduling runs.

use halle_base::Timestamp;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_http::{ApiError, ApiResult};
use halle_model::{Caller, schedule};
use halle_store::{EntityExt, Filter, NewJob, StoreResult, UnitOfWork};
use serde_json::json;

use crate::Processings;
use crate::jobs::RUN;
use crate::model::{Processing, ProcessingRef, RUNS_KEPT_MAX, Run, RunReason, RunStatus, key};

impl Processings {
    /// Starts a run now, in place of the one that waits. Refused while one is in progress, and when the account has no plugin
    /// seconds left: whoever asks for a run now should not wait for it until tomorrow.
    pub(crate) async fn trigger(&self, caller: &Caller, id: &str) -> ApiResult<Run> {
        let processing = self.permitted(caller, id, "trigger").await?.entity;
        if !processing.active {
            return Err(ApiError::conflict(
                "Le traitement n'est pas actif : activez-le avant de l'exécuter.",
            ));
        }
        if let Some(plugin) = self.installed.installed(&processing.plugin).await? {
            let subject = Subject::new(&plugin, &processing.owner, InstanceKind::Processing, id);
            self.plugins.check_share(&subject).await?;
        }
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        let recent = work.list::<Run>(&Filter::all(10).with("processing", id)).await?;
        if recent.results.iter().any(|run| matches!(run.status, RunStatus::Running | RunStatus::Kill)) {
            return Err(ApiError::bad_request("Une exécution est déjà en cours."));
        }
        remove_pending(&mut *work, id, now).await?;
        let run = self.new_run(&processing, RunReason::Manual, now, now);
        enqueue(&mut *work, &run, now).await?;
        work.commit().await?;
        self.tell(&run);
        Ok(run)
    }

    /// Asks a run to stop; it has the grace time of its plugin's limits, then it is stopped.
    pub(crate) async fn kill(&self, caller: &Caller, run_id: &str) -> ApiResult<Run> {
        let permitted = self.permitted_run(caller, run_id, "kill").await?;
        let now = self.clock.now();
        let mut work = self.store.begin().await?;
        let Some(mut stored) = work.load::<Run>(&permitted.id).await? else {
            return Err(ApiError::not_found(format!("L'exécution `{run_id}` n'existe pas.")));
        };
        match stored.status {
            RunStatus::Running => {
                stored.entity.status = RunStatus::Kill;
                work.save(&mut stored, now).await?;
                work.jobs().cancel(&key(&stored.processing.id)).await?;
            }
            status if status.is_pending() => {
                stored.entity.status = RunStatus::Killed;
                stored.entity.finished_at = Some(now);
                work.save(&mut stored, now).await?;
                self.schedule_next(&mut *work, &stored.processing.id, now).await?;
            }
            _ => return Ok(stored.entity),
        }
        work.commit().await?;
        self.tell(&stored);
        Ok(stored.entity)
    }

    /// Makes the waiting run of a processing agree with its schedule. Runs in the unit of work of the change.
    pub(crate) async fn schedule_next(
        &self,
        work: &mut dyn UnitOfWork,
        id: &str,
        now: Timestamp,
    ) -> StoreResult<()> {
        let Some(processing) = work.load::<Processing>(id).await? else { return Ok(()) };
        let recent = work.list::<Run>(&Filter::all(10).with("processing", id)).await?;
        let must_begin = |run: &Run| {
            run.status == RunStatus::Triggered || run.status.is_pending() && run.put_off.is_some()
        };
        if processing.active && recent.results.iter().any(|run| must_begin(run)) {
            return Ok(());
        }
        remove_pending(work, id, now).await?;
        forget_old(work, id).await?;
        // Rules are checked when they are written; one that means nothing any more schedules nothing.
        let next = schedule::next(&processing.scheduling, now).unwrap_or_default();
        if let Some(at) = next.filter(|_| processing.active) {
            let run = self.new_run(&processing, RunReason::Schedule, now, at);
            enqueue(work, &run, now).await?;
        }
        Ok(())
    }

    /// Tells who listens how a run stands.
    pub(crate) fn tell(&self, run: &Run) {
        let channel = format!("processings/{}/run-patch", run.processing.id);
        self.hub.publish(&channel, json!({ "_id": run.id, "patch": run }));
    }

    fn new_run(&self, processing: &Processing, reason: RunReason, now: Timestamp, at: Timestamp) -> Run {
        let status = match reason {
            RunReason::Schedule => RunStatus::Scheduled,
            RunReason::Manual => RunStatus::Triggered,
        };
        Run {
            id: halle_base::new_id(&*self.dice),
            processing: ProcessingRef { id: processing.id.clone(), title: processing.title.clone() },
            owner: processing.owner.clone(),
            status,
            reason: Some(reason),
            created_at: now,
            scheduled_at: Some(at),
            started_at: None,
            finished_at: None,
            put_off: None,
            retries: 0,
            summary: None,
        }
    }
}

async fn enqueue(work: &mut dyn UnitOfWork, run: &Run, now: Timestamp) -> StoreResult<()> {
    work.insert(run, now).await?;
    work.jobs().enqueue(&job(run, run.scheduled_at.unwrap_or(now), now)).await.map(drop)
}

/// The job that does a run at its time.
pub(crate) fn job(run: &Run, run_at: Timestamp, now: Timestamp) -> NewJob {
    let payload = json!({ "run": run.id });
    NewJob { run_at, deduplicate: false, ..NewJob::now(RUN, key(&run.processing.id), payload, now) }
}

/// Removes runs that wait; their jobs find nothing to do and end. One that was at work and waits to be tried again has failed: what
/// it did and said stays.
async fn remove_pending(work: &mut dyn UnitOfWork, processing: &str, now: Timestamp) -> StoreResult<()> {
    let waiting = vec!["scheduled".to_owned(), "triggered".to_owned()];
    let mut filter = Filter::all(100).with("processing", processing);
    filter.any_of.push(("status", waiting));
    for run in work.list::<Run>(&filter).await?.results {
        if run.retries > 0 {
            let Some(mut stored) = work.load::<Run>(&run.id).await? else { continue };
            stored.entity.status = RunStatus::Error;
            stored.entity.finished_at = Some(now);
            stored.entity.summary = stored.entity.put_off.take();
            work.save(&mut stored, now).await?;
        } else {
            work.logs().clear(&run.log_stream()).await?;
            work.remove::<Run>(&run.id).await?;
        }
    }
    Ok(())
}

/// Removes the oldest runs beyond those that are kept.
async fn forget_old(work: &mut dyn UnitOfWork, processing: &str) -> StoreResult<()> {
    let filter = Filter { skip: RUNS_KEPT_MAX, ..Filter::all(50).with("processing", processing) };
    for run in work.list::<Run>(&filter).await?.results {
        work.logs().clear(&run.log_stream()).await?;
        work.remove::<Run>(&run.id).await?;
    }
    Ok(())
}
