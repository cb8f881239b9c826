//! How runs end, and what follows.

use halle_base::Timestamp;
use halle_extensions::again::Again;
use halle_extensions::host::Outcome;
use halle_extensions::{PluginError, PluginResult};
use halle_store::{EntityExt, StoreResult, limits};
use serde_json::json;

use super::log;
use super::run::RunHandler;
use crate::model::{Run, RunStatus};
use crate::service::run::job;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ending {
    /// Well, with a sentence of the plugin.
    Well(String),
    /// Badly, for a reason.
    Failed(String),
    /// It stopped because somebody or the host asked for it.
    Stopped,
    /// Its host died.
    Interrupted,
    /// It did not begin: the account has used up its plugin seconds, for a reason to be read and until then.
    PutOff(String, Timestamp),
    /// Badly for the moment.
    Again(Again),
}

impl Ending {
    /// How a call ended, of a run that was tried again that many times.
    pub(super) fn of(result: PluginResult<Outcome>, retries: u32, now: Timestamp) -> Self {
        match result {
            Ok(outcome) => Self::Well(outcome.summary),
            Err(PluginError::Cancelled) => Self::Stopped,
            Err(PluginError::OverQuota { message, until }) => Self::PutOff(message, until),
            Err(error) => match error.again(retries, now) {
                Some(again) => Self::Again(again),
                None => Self::Failed(format!("{error} ({})", error.code())),
            },
        }
    }

    /// Until when the run waits in place of ending, and for what reason.
    fn wait(&self) -> Option<(&str, Timestamp)> {
        match self {
            Self::PutOff(reason, until) => Some((reason, *until)),
            Self::Again(again) => Some((&again.reason, again.at)),
            Self::Well(_) | Self::Failed(_) | Self::Stopped | Self::Interrupted => None,
        }
    }

    /// Status, and the last record of the log: its type and its text.
    fn told(&self, was: RunStatus) -> (RunStatus, &'static str, String) {
        match self {
            Self::Well(summary) => (RunStatus::Finished, "info", summary.clone()),
            // However it ended that was asked to stop: by its own will, or by another limit before its grace was over.
            Self::Failed(reason) if was == RunStatus::Kill => (RunStatus::Killed, "warning", reason.clone()),
            Self::Failed(reason) | Self::PutOff(reason, _) | Self::Again(Again { reason, .. }) => {
                (RunStatus::Error, "error", reason.clone())
            }
            Self::Stopped if was == RunStatus::Kill => {
                (RunStatus::Killed, "warning", "Exécution interrompue sur demande.".to_owned())
            }
            Self::Stopped => {
                (RunStatus::Error, "error", "Exécution interrompue par l'arrêt du serveur.".to_owned())
            }
            Self::Interrupted => (
                RunStatus::Error,
                "error",
                "Exécution interrompue : le serveur s'est arrêté pendant le traitement.".to_owned(),
            ),
        }
    }
}

impl RunHandler {
    /// Writes how the run ended, and schedules the next one; or lets the run wait.
    pub(super) async fn finish(&self, run: Run, ending: Ending) -> StoreResult<()> {
        let ending = match ending.wait() {
            Some(_) if self.put_off(&run, &ending).await? => return Ok(()),
            Some(_) => Ending::Stopped,
            None => ending,
        };
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let Some(mut stored) = work.load::<Run>(&run.id).await? else { return Ok(()) };
        if stored.status.has_ended() {
            return Ok(());
        }
        let (status, kind, text) = ending.told(stored.status);
        stored.entity.status = status;
        stored.entity.finished_at = Some(now);
        stored.entity.summary = Some(text.clone());
        work.save(&mut stored, now).await?;
        self.0.schedule_next(&mut *work, &stored.processing.id, now).await?;
        let last = [(now, json!({ "type": kind, "msg": text, "date": now }))];
        log::write(&mut *work, &stored, &last).await?;
        work.commit().await?;
        log::tell(&self.0, &stored, &last);
        self.0.tell(&stored);
        Ok(())
    }

    /// Lets the run wait: for plugin seconds, or to be tried again. `false` when somebody asked it to stop.
    async fn put_off(&self, run: &Run, ending: &Ending) -> StoreResult<bool> {
        let Some((reason, until)) = ending.wait() else { return Ok(false) };
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let Some(mut stored) = work.load::<Run>(&run.id).await? else { return Ok(true) };
        if stored.status != RunStatus::Running {
            return Ok(false);
        }
        let job = job(run, until, now);
        let begins_at = if let Ending::Again(_) = ending {
            work.jobs().enqueue(&job).await?;
            stored.entity.retries += 1;
            until
        } else {
            limits::put_off(work.as_mut(), job, &run.owner, until, now).await?
        };
        stored.entity.status = RunStatus::Scheduled;
        stored.entity.started_at = None;
        stored.entity.scheduled_at = Some(begins_at);
        stored.entity.put_off = Some(reason.to_owned());
        work.save(&mut stored, now).await?;
        let told = json!({ "type": "warning", "msg": reason, "date": now });
        let told = if begins_at == until { vec![(now, told)] } else { Vec::new() };
        log::write(&mut *work, &stored, &told).await?;
        work.commit().await?;
        log::tell(&self.0, &stored, &told);
        self.0.tell(&stored);
        Ok(true)
    }
}
