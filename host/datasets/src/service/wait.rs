//! Waiting for a dataset to be ready.

use std::time::Duration;

use halle_model::dataset::Status;
use halle_model::draft::DraftMode;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, limits};

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::ADVANCE;
use crate::service::drafts::no_draft;
use crate::service::names;
use crate::state::Datasets;

/// Polls of a request that needs a dataset in another state (reference §1.2: 20 × 500 ms).
const POLLS_MAX: u32 = 20;

/// Time between two polls.
const POLL_PERIOD: Duration = Duration::from_millis(500);

/// Time between two looks of [`Datasets::wait_finalized`].
const LOOK_PERIOD: Duration = Duration::from_millis(50);

impl Datasets {
    /// The dataset once it is `finalized` or in `error`, with a draft that is in error; 409 when `timeout` ends before, and
    /// [`DatasetsError::PutOff`] at once when its pipeline waits for plugin seconds, which may take until tomorrow.
    pub async fn wait_finalized(&self, id: &str, timeout: Duration) -> DatasetsResult<Dataset> {
        let ends = tokio::time::Instant::now() + timeout;
        loop {
            let dataset = self.reload(id).await?;
            let draft = dataset.draft.as_ref();
            if draft.is_some_and(|draft| draft.status == Status::Error) {
                return Ok(dataset.with_draft());
            }
            let is_still = matches!(dataset.status, Status::Finalized | Status::Error | Status::Draft);
            if is_still && !draft.is_some_and(|draft| draft.is_moving()) {
                return Ok(dataset.entity);
            }
            self.refuse_put_off(&dataset).await?;
            if tokio::time::Instant::now() >= ends {
                return Err(not_ready(dataset.status));
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }

    async fn refuse_put_off(&self, dataset: &Dataset) -> DatasetsResult<()> {
        let mut unit = self.store.read().await?;
        let (key, now) = (names::job_key(&dataset.id), self.clock.now());
        let Some(until) = limits::put_off_until(unit.as_mut(), ADVANCE, &key, now).await? else {
            return Ok(());
        };
        let title = &dataset.title;
        let message = format!(
            "Le jeu de données « {title} » attend jusqu'à {until}, ou que la limite de son propriétaire soit relevée : celui-ci \
             a utilisé le temps de calcul des extensions (`plugin_seconds`) du jour. The dataset waits until {until}, or for a \
             higher limit: its owner has used the plugin seconds of the day."
        );
        Err(DatasetsError::PutOff { message, until, owner: dataset.owner.clone() })
    }

    /// The dataset, if the caller may do `operation` on it, once its status is one of `accepted`; 409 if that takes
    /// more than ten seconds.
    pub(crate) async fn load_in_state(
        &self,
        caller: &Caller,
        id: &str,
        operation: &str,
        accepted: &[Status],
    ) -> DatasetsResult<Stored<Dataset>> {
        let mut dataset = self.load(caller, id, operation).await?;
        for _ in 0..POLLS_MAX {
            // A file that is going to be published by itself counts as one that is on its way.
            let is_coming = dataset
                .draft
                .as_ref()
                .is_some_and(|draft| draft.is_moving() && draft.reason.validation_mode != DraftMode::Never);
            if accepted.contains(&dataset.status) && !is_coming {
                return Ok(dataset);
            }
            tokio::time::sleep(POLL_PERIOD).await;
            dataset = self.reload(&dataset.id).await?;
        }
        Err(not_ready(dataset.status))
    }

    /// The dataset, if the caller may do `operation` on it, once its draft has nothing left to do; 409 without a draft, or
    /// if that takes more than ten seconds.
    pub(crate) async fn wait_for_draft(
        &self,
        caller: &Caller,
        id: &str,
        operation: &str,
    ) -> DatasetsResult<Stored<Dataset>> {
        let mut dataset = self.load(caller, id, operation).await?;
        for _ in 0..POLLS_MAX {
            let draft = dataset.draft.as_ref().ok_or_else(no_draft)?;
            if !draft.is_moving() {
                return Ok(dataset);
            }
            tokio::time::sleep(POLL_PERIOD).await;
            dataset = self.reload(&dataset.id).await?;
        }
        Err(not_ready(dataset.with_draft().status))
    }

    /// The dataset with this identifier, whoever asks.
    async fn reload(&self, id: &str) -> DatasetsResult<Stored<Dataset>> {
        let mut unit = self.store.read().await?;
        let dataset = unit.load::<Dataset>(id).await?;
        dataset.ok_or_else(|| DatasetsError::NotFound(id.to_owned()))
    }
}

/// The refusal of a dataset in the wrong state, in Data Fair's words.
pub(crate) fn not_ready(status: Status) -> DatasetsError {
    DatasetsError::Conflict(format!(
        "Le jeu de données n'est pas dans un état permettant l'opération demandée. État courant : {}.",
        status.as_str()
    ))
}
