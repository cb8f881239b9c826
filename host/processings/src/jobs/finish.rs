//! How runs end, and what follows.

use halle_base::Timestamp;
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
}

impl Ending {
    pub(super) fn of(result: PluginResult<Outcome>) -> Self {
        match result {
            Ok(outcome) => Self::Well(outcome.summary),
            Err(PluginError::Cancelled) => Self::Stopped,
            Err(PluginError::OverQuota { message, until }) => Self::PutOff(message, until),
            Err(error) => Self::Failed(format!("{error} ({})", error.code())),
        }
    }

    /// Status, and the last record of the log: its type and its text.
    fn told(&self, was: RunStatus) -> (RunStatus, &'static str, String) {
        match self {
            Self::Well(summary) => (RunStatus::Finished, "info", summary.clone()),
            Self::Failed(reason) | Self::PutOff(reason, _) => (RunStatus::Error, "error", reason.clone()),
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
        let ending = match ending {
            Ending::PutOff(reason, until) => match self.put_off(&run, reason, until).await? {
                true => return Ok(()),
                false => Ending::Stopped,
            },
            ending => ending,
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

    /// Lets the run wait until then, or until the limit of its account is raised. `false` when somebody asked it to stop.
    async fn put_off(&self, run: &Run, reason: String, until: Timestamp) -> StoreResult<bool> {
        let now = self.0.clock.now();
        let mut work = self.0.store.begin().await?;
        let Some(mut stored) = work.load::<Run>(&run.id).await? else { return Ok(true) };
        if stored.status != RunStatus::Running {
            return Ok(false);
        }
        let begins_at = limits::put_off(work.as_mut(), job(run, until, now), &run.owner, until, now).await?;
        stored.entity.status = RunStatus::Scheduled;
        stored.entity.started_at = None;
        stored.entity.scheduled_at = Some(begins_at);
        stored.entity.put_off = Some(reason.clone());
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
