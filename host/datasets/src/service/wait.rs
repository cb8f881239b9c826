//! Waiting for a dataset to be ready.

use std::time::Duration;

use halle_model::dataset::Status;
use halle_model::{Caller, Dataset};
use halle_store::EntityExt;
use halle_store::documents::Stored;

use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Polls of a request that needs a dataset in another state (reference §1.2: 20 × 500 ms).
const POLLS_MAX: u32 = 20;

/// Time between two polls.
const POLL_PERIOD: Duration = Duration::from_millis(500);

/// Time between two looks of [`Datasets::wait_finalized`].
const LOOK_PERIOD: Duration = Duration::from_millis(50);

impl Datasets {
    /// The dataset once it is `finalized` or in `error`; 409 when `timeout` ends before.
    pub async fn wait_finalized(&self, id: &str, timeout: Duration) -> DatasetsResult<Dataset> {
        let ends = tokio::time::Instant::now() + timeout;
        loop {
            let dataset = self.reload(id).await?;
            if matches!(dataset.status, Status::Finalized | Status::Error) {
                return Ok(dataset.entity);
            }
            if tokio::time::Instant::now() >= ends {
                return Err(not_ready(dataset.status));
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
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
            if accepted.contains(&dataset.status) {
                return Ok(dataset);
            }
            tokio::time::sleep(POLL_PERIOD).await;
            dataset = self.reload(&dataset.id).await?;
        }
        Err(not_ready(dataset.status))
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
