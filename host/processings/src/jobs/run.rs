//! One run: loads what is true, calls the plugin, writes how it ended.

use std::sync::Arc;

use async_trait::async_trait;
use halle_extensions::host::{Call, Outcome};
use halle_extensions::installed::usable;
use halle_extensions::instance::Keeper;
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::Services;
use halle_extensions::state::StoredState;
use halle_extensions::{PluginError, PluginResult};
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job};
use serde_json::json;

use super::finish::Ending;
use super::log::LogWriter;
use crate::Processings;
use crate::model::{Processing, Run, RunReason, RunStatus};
use crate::slots::ProcessingSlots;

/// Kind of the job. Its payload is `{run}`.
pub(crate) const RUN: &str = "processing-run";

/// Does the runs.
#[derive(Clone)]
pub(crate) struct RunHandler(pub(crate) Processings);

#[async_trait]
impl JobHandler for RunHandler {
    fn kinds(&self) -> &'static [&'static str] {
        &[RUN]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let Some(mut run) = self.load(&context.job).await? else {
            // Replaced by another run or deleted with its processing: nothing is left to do.
            return Ok(());
        };
        if matches!(run.status, RunStatus::Running | RunStatus::Kill) {
            self.finish(run, Ending::Interrupted).await?;
            return Ok(());
        }
        let Some(processing) = self.start(&mut run).await? else { return Ok(()) };
        let (log, writing) = LogWriter::start(&self.0, &run);
        let result = self.call(&processing, &run, Arc::clone(&log), &context).await;
        drop(log);
        // The writer is gone, so the task ends after what it still has.
        let _ended = writing.await;
        let ending = Ending::of(result, run.retries, self.0.clock.now());
        self.finish(run, ending).await?;
        Ok(())
    }

    async fn given_up(&self, job: &Job, error: &str) {
        let Ok(Some(run)) = self.load(job).await else { return };
        let ending = Ending::Failed(format!("Le serveur n'a pas pu exécuter le traitement : {error}"));
        if let Err(error) = self.finish(run, ending).await {
            tracing::error!(%error, "a run that was given up could not be marked");
        }
    }
}

impl RunHandler {
    async fn load(&self, job: &Job) -> Result<Option<Run>, JobError> {
        let id = job.payload["run"].as_str().unwrap_or_default();
        let mut work = self.0.store.read().await?;
        let run = work.load::<Run>(id).await?.map(|stored| stored.entity);
        Ok(run.filter(|run| !run.status.has_ended()))
    }

    /// Marks the run as running. `None` when the processing is gone or inactive: the run says so.
    async fn start(&self, run: &mut Run) -> Result<Option<Processing>, JobError> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let processing = work.load::<Processing>(&run.processing.id).await?.map(|stored| stored.entity);
        let Some(processing) = processing.filter(|processing| processing.active) else {
            drop(work);
            let reason = "Le traitement est inactif : activez-le avant de l'exécuter.".to_owned();
            self.finish(run.clone(), Ending::Failed(reason)).await?;
            return Ok(None);
        };
        let Some(mut stored) = work.load::<Run>(&run.id).await? else { return Ok(None) };
        stored.entity.status = RunStatus::Running;
        stored.entity.started_at = Some(now);
        stored.entity.put_off = None;
        work.save(&mut stored, now).await?;
        work.commit().await?;
        *run = stored.entity;
        self.0.tell(run);
        Ok(Some(processing))
    }

    async fn call(
        &self,
        processing: &Processing,
        run: &Run,
        log: Arc<LogWriter>,
        context: &JobContext,
    ) -> PluginResult<Outcome> {
        let plugin = usable(&*self.0.installed, &processing.plugin, PluginKind::Processing).await?;
        processing.configured.check(&plugin.manifest)?;
        let owner = processing.key();
        let keeper = Keeper { vault: &self.0.vault, dice: &*self.0.dice, owner: &owner };
        let secrets = processing
            .configured
            .open(keeper)
            .map_err(|error| PluginError::Unavailable(error.to_string()))?;
        let state = StoredState {
            store: Arc::clone(&self.0.store),
            clock: Arc::clone(&self.0.clock),
            instance: processing.key(),
        };
        let services = Services {
            log,
            egress: Some(Arc::clone(&self.0.egress)),
            state: Some(Arc::new(state)),
            datasets: Some(Arc::new(ProcessingSlots::new(&self.0, processing))),
        };
        let config = processing.configured.config.clone();
        let subject = Subject::new(&plugin, &processing.owner, InstanceKind::Processing, &processing.id);
        let call = Call { plugin, subject, config, secrets, services, cancel: context.cancel.clone() };
        let reason = run.reason.unwrap_or(RunReason::Schedule);
        let trigger = json!({ "reason": reason, "runId": run.id, "startedAt": run.started_at });
        self.0.plugins.run_processing(call, trigger).await
    }
}
