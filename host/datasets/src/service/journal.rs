//! The journal of a dataset, and the progress of its current task.

use halle_model::dataset::Status;
use halle_model::journal::JournalEvent;
use halle_model::{Caller, Dataset};
use halle_store::logs::RECORDS_PER_STREAM_MAX;
use halle_store::settings::notify;
use halle_store::{EntityExt, JobState, UnitOfWork};
use serde::Serialize;
use serde_json::json;

use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::moving_side;
use crate::service::names;
use crate::state::Datasets;

/// Events that the journal answers at most, newest first (Data Fair: 1000).
const EVENTS_MAX: u32 = 1_000;

/// How far the current task of a dataset is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskProgress {
    /// Name of the stage: `store`, `analyze`, `validate`, `extend`, `index` or `finalize`.
    pub task: String,
    /// Percent done; -1 when the stage cannot tell, or waits for its turn.
    pub progress: i64,
    /// Why the task failed last, if it is going to be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Datasets {
    /// The journal, newest first, at most 1,000 events.
    pub async fn journal(&self, caller: &Caller, id: &str) -> DatasetsResult<Vec<JournalEvent>> {
        let dataset = self.load(caller, id, "readJournal").await?;
        let mut unit = self.store.read().await?;
        let records = unit.logs().latest(&names::journal(&dataset.id), EVENTS_MAX).await?;
        let events = records.into_iter().map(|record| serde_json::from_value(record.body));
        events.collect::<Result<_, _>>().map_err(DatasetsError::internal)
    }

    /// The task that runs or waits, or `None` when there is nothing to do.
    pub async fn task_progress(&self, caller: &Caller, id: &str) -> DatasetsResult<Option<TaskProgress>> {
        let dataset = self.load(caller, id, "readJournal").await?;
        let mut unit = self.store.read().await?;
        let jobs = unit.jobs().with_key(&names::job_key(&dataset.id)).await?;
        let active = jobs.into_iter().find(|job| job.state != JobState::Failed);
        let dataset = moving_side(&dataset);
        Ok(task_of(dataset.status).zip(active).map(|(task, job)| TaskProgress {
            task: task.to_owned(),
            progress: percent(job.progress.filter(|_| job.state == JobState::Running)),
            error: job.error,
        }))
    }

    /// Appends an event to the journal within a unit of work, and enqueues the calls of webhooks that want it. [`announce`](Self::announce) it once that is committed.
    pub(crate) async fn record(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &str,
        kind: &str,
        data: Option<String>,
    ) -> DatasetsResult<JournalEvent> {
        let event = JournalEvent { data, ..JournalEvent::new(kind, self.clock.now()) };
        self.record_event(unit, dataset, event).await
    }

    /// As [`record`](Self::record), for an event that says more.
    pub(crate) async fn record_event(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &str,
        event: JournalEvent,
    ) -> DatasetsResult<JournalEvent> {
        let body = serde_json::to_value(&event).map_err(DatasetsError::internal)?;
        unit.logs().append(&names::journal(dataset), event.date, &body, RECORDS_PER_STREAM_MAX).await?;
        if let Some(about) = unit.load::<Dataset>(dataset).await? {
            notify(unit, &about.owner, "dataset", dataset, outside_name(&event), event.date).await?;
        }
        Ok(event)
    }

    /// Tells those who listen on `datasets/{id}/journal`.
    pub(crate) fn announce(&self, dataset: &str, event: &JournalEvent) {
        self.hub.publish(&format!("datasets/{dataset}/journal"), json!(event));
    }

    /// Tells those who listen on `datasets/{id}/task-progress` that `task` is at `fraction`, from 0 to 1.
    pub(crate) fn announce_progress(&self, dataset: &str, task: &str, fraction: Option<f64>) {
        let progress = TaskProgress { task: task.to_owned(), progress: percent(fraction), error: None };
        self.hub.publish(&format!("datasets/{dataset}/task-progress"), json!(progress));
    }
}

/// The event as webhooks know it: data of a draft are other news than those that readers get, which come with the draft.
fn outside_name(event: &JournalEvent) -> &str {
    match (event.kind.as_str(), event.draft) {
        ("data-updated", Some(true)) => "draft-data-updated",
        ("draft-validated", _) => "data-updated",
        (kind, _) => kind,
    }
}

fn percent(fraction: Option<f64>) -> i64 {
    fraction.map_or(-1, |fraction| (fraction.clamp(0.0, 1.0) * 100.0).round() as i64)
}

/// The stage that a dataset in this status waits for.
pub(crate) fn task_of(status: Status) -> Option<&'static str> {
    Some(match status {
        Status::Loaded => "store",
        Status::Stored | Status::Normalized => "analyze",
        Status::Analyzed | Status::ValidationUpdated => "validate",
        Status::Validated => "extend",
        Status::Extended => "index",
        Status::Indexed => "finalize",
        Status::Created | Status::Finalized | Status::Error | Status::Draft => return None,
    })
}

/// The event with which a dataset in error tells why, and the status it takes. The served version stays served.
pub(crate) fn set_error(dataset: &mut Dataset) {
    if dataset.status != Status::Error {
        dataset.error_status = Some(dataset.status);
    }
    dataset.status = Status::Error;
}
