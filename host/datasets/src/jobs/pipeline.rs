//! Takes a dataset from the stage it is in to the end, stage by stage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_model::dataset::{Building, Status};
use halle_model::journal::{Diagnostic, JournalEvent};
use halle_store::documents::Stored;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, StoreError, StoreResult, UnitOfWork, limits};
use serde_json::Value;

use crate::enrich::EnrichError;
use crate::error::DatasetsError;
use crate::jobs::{ADVANCE, analyze, extend, finalize, index, store, validate};
use crate::service::create::advance;
use crate::service::journal::{set_error, task_of};
use crate::state::Datasets;

/// What the journal says when the machine, not the file, was at fault until no attempt was left.
const GIVEN_UP: &str = "Une erreur interne a interrompu le traitement malgré plusieurs essais. Renvoyez le fichier, ou \
                        signalez le problème à un administrateur.";

/// Why a stage did not end well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// The producer must change something; the text tells what, and is for the journal.
    #[error("{0}")]
    Producer(String),
    /// Rows do not obey, and the list of what is wrong is kept under the version.
    #[error("{text}")]
    Invalid {
        /// For the journal.
        text: String,
        /// What the list holds.
        diagnostic: Diagnostic,
    },
    /// The machine is at fault; later may be better. The text is for the log.
    #[error("{0}")]
    Machine(String),
    /// The owner has used up its share of something: at `until` there is more. The text is for the journal.
    #[error("{text}")]
    OverQuota {
        /// For the journal.
        text: String,
        /// When to go on.
        until: Timestamp,
    },
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// The dataset went another way meanwhile: it was deleted, or another version is in the making.
    #[error("superseded")]
    Superseded,
}

impl StageError {
    /// Wraps an error of the machine.
    pub(crate) fn machine(error: impl std::fmt::Display) -> Self {
        Self::Machine(error.to_string())
    }
}

impl From<StoreError> for StageError {
    fn from(error: StoreError) -> Self {
        Self::machine(error)
    }
}

impl From<DatasetsError> for StageError {
    fn from(error: DatasetsError) -> Self {
        Self::machine(error)
    }
}

impl From<halle_search::SearchError> for StageError {
    fn from(error: halle_search::SearchError) -> Self {
        Self::machine(error)
    }
}

impl From<halle_ingest::IngestError> for StageError {
    fn from(error: halle_ingest::IngestError) -> Self {
        if error.is_about_the_file() { Self::Producer(error.to_string()) } else { Self::machine(error) }
    }
}

impl From<EnrichError> for StageError {
    fn from(error: EnrichError) -> Self {
        match error {
            EnrichError::Invalid(text) => Self::Producer(text),
            EnrichError::OverQuota { message, until } => Self::OverQuota { text: message, until },
            EnrichError::Temporary(text) => Self::Machine(text),
            EnrichError::Cancelled => Self::Cancelled,
        }
    }
}

/// What a stage tells the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Type of the event.
    pub kind: String,
    /// Text for a person.
    pub text: Option<String>,
    /// What was wrong with rows.
    pub diagnostic: Option<Diagnostic>,
    /// Whether the event is of the published state, whatever the stage works on.
    pub of_published: bool,
}

impl Told {
    /// An event with a text.
    pub(crate) fn new(kind: impl Into<String>, text: String) -> Self {
        Self { text: Some(text), ..Self::plain(kind) }
    }

    /// An event that its type tells whole.
    pub(crate) fn plain(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), text: None, diagnostic: None, of_published: false }
    }

    /// The event, of the draft or of the published state.
    pub(crate) fn event(self, is_draft: bool, date: Timestamp) -> JournalEvent {
        let event = JournalEvent::new(self.kind, date);
        let draft = is_draft.then_some(true).filter(|_| !self.of_published);
        JournalEvent { data: self.text, diagnostic: self.diagnostic, draft, ..event }
    }

    /// The same, of the published state whatever the stage works on.
    pub(crate) fn of_published(self) -> Self {
        Self { of_published: true, ..self }
    }
}

/// Result of a stage.
pub(crate) type StageResult<T> = Result<T, StageError>;

/// What a stage works with.
pub(crate) struct Stage<'a> {
    /// The feature.
    pub datasets: &'a Datasets,
    /// The job.
    pub context: &'a JobContext,
    /// The dataset as it was when the stage began.
    pub dataset: Dataset,
    /// The version in the making.
    pub building: Building,
    /// Name of the stage, as in the journal.
    pub task: &'static str,
}

/// Told the rows treated so far, from any thread.
pub(crate) type Meter = Arc<dyn Fn(u64) + Send + Sync>;

impl Stage<'_> {
    /// Writes `<stage>-start` to the journal.
    pub(crate) async fn started(&self) -> StageResult<()> {
        let mut unit = self.datasets.store.begin().await?;
        let started = vec![Told::plain(format!("{}-start", self.task))];
        let events = self.tell(unit.as_mut(), started).await?;
        unit.commit().await?;
        self.announce(&events);
        self.datasets.announce_progress(&self.dataset.id, self.task, None);
        Ok(())
    }

    /// A meter for a stage of `total` rows: tells the job's progress, and listeners each whole percent.
    pub(crate) fn meter(&self, total: u64) -> Meter {
        let (progress, datasets) = (Arc::clone(&self.context.progress), self.datasets.clone());
        let (id, task, last) = (self.dataset.id.clone(), self.task, AtomicI64::new(-1));
        Arc::new(move |done| {
            let fraction = (done as f64 / total.max(1) as f64).min(1.0);
            progress(fraction);
            let percent = (fraction * 100.0) as i64;
            if last.swap(percent, Ordering::Relaxed) != percent {
                datasets.announce_progress(&id, task, Some(fraction));
            }
        })
    }

    /// Ends the stage: changes the dataset and moves it to `status`, with the events `before` and `<stage>-end`, in one
    /// transaction. Changes nothing when the dataset went another way meanwhile.
    pub(crate) async fn ended(
        &self,
        status: Status,
        before: Vec<(&'static str, String)>,
        change: impl FnOnce(&mut Dataset, Timestamp) + Send,
    ) -> StageResult<()> {
        let told = before.into_iter().map(|(kind, text)| Told::new(kind, text)).collect();
        self.ended_with(status, told, change).await
    }

    /// As [`ended`](Self::ended), for events that say more.
    pub(crate) async fn ended_with(
        &self,
        status: Status,
        mut told: Vec<Told>,
        change: impl FnOnce(&mut Dataset, Timestamp) + Send,
    ) -> StageResult<()> {
        let mut unit = self.datasets.store.begin().await?;
        let mut side = current(unit.as_mut(), &self.dataset, &self.building).await?;
        let now = self.datasets.clock.now();
        change(&mut side, now);
        side.status = status;
        side.save(unit.as_mut(), now).await?;
        told.push(Told::plain(format!("{}-end", self.task)));
        let events = self.tell(unit.as_mut(), told).await?;
        unit.commit().await?;
        self.announce(&events);
        Ok(())
    }

    /// Writes events to the journal within a unit of work; [`announce`](Self::announce) them once that is committed.
    pub(crate) async fn tell(
        &self,
        unit: &mut dyn UnitOfWork,
        told: Vec<Told>,
    ) -> StageResult<Vec<JournalEvent>> {
        let mut events = Vec::new();
        for told in told {
            let event = told.event(self.is_draft(), self.datasets.clock.now());
            events.push(self.datasets.record_event(unit, &self.dataset.id, event).await?);
        }
        Ok(events)
    }

    /// Whether the stage works on the draft.
    pub(crate) fn is_draft(&self) -> bool {
        self.dataset.draft_reason.is_some()
    }

    /// Tells those who listen to the journal.
    pub(crate) fn announce(&self, events: &[JournalEvent]) {
        events.iter().for_each(|event| self.datasets.announce(&self.dataset.id, event));
    }
}

/// One of the two states of a stored dataset, to change: the published one, or its draft. Dereferences to the dataset as
/// that state has it.
pub(crate) struct Side {
    /// The dataset as it is stored.
    pub stored: Stored<Dataset>,
    seen: Dataset,
}

impl Side {
    /// The draft, or the published state.
    pub(crate) fn of(stored: Stored<Dataset>, is_draft: bool) -> Self {
        let seen = if is_draft { stored.with_draft() } else { stored.entity.clone() };
        Self { stored, seen }
    }

    /// Writes the state back. Returns the whole dataset as it is stored.
    pub(crate) async fn save(self, unit: &mut dyn UnitOfWork, now: Timestamp) -> StoreResult<Dataset> {
        let Self { mut stored, seen } = self;
        if seen.draft_reason.is_some() {
            stored.keep_draft(seen);
        } else {
            stored.entity = seen;
        }
        unit.save(&mut stored, now).await?;
        Ok(stored.entity)
    }
}

impl std::ops::Deref for Side {
    type Target = Dataset;

    fn deref(&self) -> &Dataset {
        &self.seen
    }
}

impl std::ops::DerefMut for Side {
    fn deref_mut(&mut self) -> &mut Dataset {
        &mut self.seen
    }
}

/// The dataset as it is now, if it still is where the stage found it: the draft when the stage works on one.
pub(crate) async fn current(
    unit: &mut dyn UnitOfWork,
    dataset: &Dataset,
    building: &Building,
) -> StageResult<Side> {
    let stored = unit.load::<Dataset>(&dataset.id).await?.ok_or(StageError::Superseded)?;
    let side = Side::of(stored, dataset.draft_reason.is_some());
    let same_state = side.draft_reason.is_some() == dataset.draft_reason.is_some();
    let same_version = side.building.as_ref().is_some_and(|now| now.id == building.id);
    let is_current = same_state && same_version && side.status == dataset.status;
    if is_current { Ok(side) } else { Err(StageError::Superseded) }
}

/// Handler of `dataset-advance`.
pub struct Advance(pub(crate) Datasets);

impl Advance {
    /// Runs the next stage. Whether there may be another.
    async fn step(&self, context: &JobContext, id: &str) -> StageResult<bool> {
        let dataset = {
            let mut unit = self.0.store.read().await?;
            unit.load::<Dataset>(id).await?
        };
        let Some(dataset) = dataset.map(|stored| moving_side(&stored)) else { return Ok(false) };
        let Some((building, task)) = dataset.building.clone().zip(task_of(dataset.status)) else {
            return Ok(false);
        };
        if context.cancel.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let stage = Stage { datasets: &self.0, context, dataset, building, task };
        let result = match stage.dataset.status {
            Status::Loaded => store::run(&stage).await,
            Status::Stored | Status::Normalized => analyze::run(&stage).await,
            Status::Analyzed | Status::ValidationUpdated => validate::run(&stage).await,
            Status::Validated => extend::run(&stage).await,
            Status::Extended => index::run(&stage).await,
            Status::Indexed => finalize::run(&stage).await,
            Status::Created | Status::Finalized | Status::Error | Status::Draft => Ok(()),
        };
        match result {
            Ok(()) => Ok(true),
            Err(StageError::Producer(text)) => {
                self.stopped(&stage.dataset, &stage.building, Told::new("error", text)).await?;
                Ok(false)
            }
            Err(StageError::Invalid { text, diagnostic }) => {
                let told = Told { diagnostic: Some(diagnostic), ..Told::new("validation-error", text) };
                self.stopped(&stage.dataset, &stage.building, told).await?;
                Ok(false)
            }
            Err(StageError::OverQuota { text, until }) => {
                self.put_off(&stage.dataset, &stage.building, (text, until)).await?;
                Ok(false)
            }
            // The job that was enqueued with the other way goes on from there.
            Err(StageError::Superseded) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Goes on with the same stage at `until`, or when the owner's limit is raised, and says why in the journal.
    async fn put_off(
        &self,
        dataset: &Dataset,
        building: &Building,
        (text, until): (String, Timestamp),
    ) -> StageResult<()> {
        let mut unit = self.0.store.begin().await?;
        match current(unit.as_mut(), dataset, building).await {
            Err(StageError::Superseded) => return Ok(()),
            result => drop(result?),
        }
        let now = self.0.clock.now();
        // An upload before that goes first: it brings the job forward.
        let job = advance(&dataset.id, until);
        if limits::put_off(unit.as_mut(), job, &dataset.owner, until, now).await? < until {
            return Ok(unit.commit().await?);
        }
        let told = Told::new("warning", text).event(dataset.draft_reason.is_some(), now);
        let event = self.0.record_event(unit.as_mut(), &dataset.id, told).await?;
        unit.commit().await?;
        self.0.announce(&dataset.id, &event);
        Ok(())
    }

    /// Puts the dataset in error with the reason in its journal. The served version stays served.
    async fn stopped(&self, dataset: &Dataset, building: &Building, told: Told) -> StageResult<()> {
        let mut unit = self.0.store.begin().await?;
        let mut side = match current(unit.as_mut(), dataset, building).await {
            Err(StageError::Superseded) => return Ok(()),
            result => result?,
        };
        set_error(&mut side);
        if let Some(building) = &mut side.building {
            building.diagnostic = told.diagnostic;
        }
        let now = self.0.clock.now();
        side.save(unit.as_mut(), now).await?;
        let event = told.event(dataset.draft_reason.is_some(), now);
        let event = self.0.record_event(unit.as_mut(), &dataset.id, event).await?;
        unit.commit().await?;
        self.0.announce(&dataset.id, &event);
        Ok(())
    }
}

#[async_trait]
impl JobHandler for Advance {
    fn kinds(&self) -> &'static [&'static str] {
        &[ADVANCE]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        loop {
            match self.step(&context, &id).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(StageError::Cancelled) => return Err(JobError::Cancelled),
                Err(error) => return Err(JobError::retry(error)),
            }
        }
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(dataset = %job.payload, %error, "the pipeline gave up on a dataset");
        let Ok(id) = dataset_of(job) else { return };
        let stopped = async {
            let dataset = {
                let mut unit = self.0.store.read().await?;
                unit.load::<Dataset>(&id).await?
            };
            let dataset = dataset.map(|stored| moving_side(&stored));
            match dataset.map(|dataset| (dataset.building.clone(), dataset)) {
                Some((Some(building), dataset)) => {
                    self.stopped(&dataset, &building, Told::new("error", GIVEN_UP.to_owned())).await
                }
                _ => Ok(()),
            }
        };
        if let Err(error) = stopped.await {
            tracing::error!(dataset = %id, %error, "the error of a dataset could not be written");
        }
    }
}

/// The state of a dataset that has something to do: the draft first, because it is the newest upload.
pub(crate) fn moving_side(dataset: &Dataset) -> Dataset {
    let is_draft = dataset.draft.as_ref().is_some_and(|draft| draft.is_moving());
    if is_draft { dataset.with_draft() } else { dataset.clone() }
}

/// Identifier of the dataset that a job is for.
pub(crate) fn dataset_of(job: &Job) -> Result<String, JobError> {
    let id = job.payload.get("dataset").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| JobError::give_up("the job does not name its dataset"))
}
