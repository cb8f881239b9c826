//! The job that gives edited lines what their extensions give.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_model::dataset::{Extending, Status};
use halle_store::documents::Stored;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, JobState, LineRecord, StoreError, UnitOfWork, limits};
use tokio_util::sync::CancellationToken;

use super::fill::{Problems, fill};
use super::{EXTEND_LINES, extend_job};
use crate::enrich::EnrichError;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::dataset_of;
use crate::service::journal::set_error;
use crate::service::names;
use crate::service::write::change::bytes_of;
use crate::state::Datasets;

/// Lines taken through the extensions at a time, and written in one transaction.
const LINES_PER_STEP: u32 = 1_000;

/// What the journal says when a source of values did not answer until no attempt was left.
const GIVEN_UP: &str = "Une extension n'a pas répondu malgré plusieurs essais : les lignes concernées restent sans ses \
                        valeurs jusqu'à la prochaine écriture. Dernière erreur : ";

/// Events of the journal among which a warning is looked for before it is written again.
const EVENTS_BACK: u32 = 20;

/// Does [`EXTEND_LINES`] jobs. Payload: `dataset`.
#[derive(Debug, Clone)]
pub struct ExtendLines(pub Datasets);

/// How far a run came.
enum Step {
    /// There is more to do.
    More,
    /// No line waits.
    Done,
    /// Other work on the dataset waits: it goes first.
    Yield,
}

/// Why a step did not end well.
enum Stop {
    /// A person must change something: the text tells what, and is for the journal.
    Producer(String),
    /// The owner has used up its share of something until then: the text is for the journal.
    OverQuota(String, Timestamp),
    /// Somebody asked to stop.
    Cancelled,
    /// A source does not answer; later it may.
    Temporary(String),
    /// The machine is at fault; later may be better.
    Error(DatasetsError),
}

impl<E: Into<DatasetsError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Stop {
    fn of(error: EnrichError) -> Self {
        match error {
            EnrichError::Invalid(text) => Self::Producer(text),
            EnrichError::OverQuota { message, until } => Self::OverQuota(message, until),
            EnrichError::Temporary(text) => Self::Temporary(text),
            EnrichError::Cancelled => Self::Cancelled,
        }
    }
}

/// One run of the job.
struct Run<'a> {
    datasets: &'a Datasets,
    id: &'a str,
    cancel: &'a CancellationToken,
    problems: Problems,
    treated: u64,
}

impl Run<'_> {
    async fn step(&mut self) -> Result<Step, Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let mut unit = self.datasets.store.read().await?;
        let Some((dataset, state)) = waiting(unit.as_mut(), self.id).await? else { return Ok(Step::Done) };
        if self.is_wanted_elsewhere(unit.as_mut()).await? {
            return Ok(Step::Yield);
        }
        let lines = unit.lines().after(self.id, state.after, LINES_PER_STEP).await?;
        drop(unit);
        let Some(last) = lines.last().map(|line| line.i) else {
            return self.end(&dataset, &state).await;
        };
        self.treated += lines.len() as u64;
        let given: Vec<LineRecord> = lines.into_iter().filter(|line| !line.deleted).collect();
        let mut filled = given.clone();
        let filling =
            fill(self.datasets, &dataset, None, state.whole, &mut filled, &mut self.problems, self.cancel);
        filling.await.map_err(Stop::of)?;
        let (mut changed, mut added_bytes) = (Vec::new(), 0);
        for (after, before) in filled.into_iter().zip(given) {
            if after.body != before.body {
                added_bytes += bytes_of(&after.body) - bytes_of(&before.body);
                changed.push(after);
            }
        }
        self.keep((&dataset, &state), (&changed, added_bytes), last).await?;
        Ok(Step::More)
    }

    /// Whether another job of the dataset is due: the index must not wait for a slow service.
    async fn is_wanted_elsewhere(&self, unit: &mut dyn UnitOfWork) -> DatasetsResult<bool> {
        let now = self.datasets.clock.now();
        let jobs = unit.jobs().with_key(&names::job_key(self.id)).await?;
        let is_due =
            |job: &Job| job.state == JobState::Ready && job.run_at <= now && job.kind != EXTEND_LINES;
        Ok(jobs.iter().any(is_due))
    }

    /// Writes what extensions gave, and then that the lines up to `last` have it.
    async fn keep(
        &self,
        (dataset, state): (&Dataset, &Extending),
        (changed, added_bytes): (&[LineRecord], i64),
        last: i64,
    ) -> DatasetsResult<()> {
        let datasets = self.datasets;
        // Not while a write wants to be alone.
        let _turn = datasets.turn(self.id, false).await?;
        if !state.whole {
            let mut unit = datasets.store.begin().await?;
            unit.lines().amend(self.id, changed).await?;
            unit.commit().await?;
            datasets.refresh_lines(dataset, state.after, last).await?;
        }
        let mut unit = datasets.store.begin().await?;
        let Some((mut dataset, now_waiting)) = waiting(unit.as_mut(), self.id).await? else { return Ok(()) };
        if now_waiting != *state {
            // The extensions changed meanwhile: these values are not theirs.
            return Ok(());
        }
        let now = datasets.clock.now();
        if state.whole {
            unit.lines().amend(self.id, changed).await?;
        } else {
            dataset.finalized_at = Some(now);
        }
        if let Some(served) = &mut dataset.served {
            served.rows_bytes = served.rows_bytes.saturating_add_signed(added_bytes);
        }
        dataset.extending = Some(Extending { after: last, ..state.clone() });
        unit.save(&mut dataset, now).await?;
        Ok(unit.commit().await?)
    }

    /// Ends the wait, unless lines were written meanwhile.
    async fn end(&mut self, dataset: &Dataset, state: &Extending) -> Result<Step, Stop> {
        let datasets = self.datasets;
        if state.whole {
            datasets.rebuild_lines(dataset).await?;
        }
        let mut unit = datasets.store.begin().await?;
        let Some((mut dataset, now_waiting)) = waiting(unit.as_mut(), self.id).await? else {
            return Ok(Step::Done);
        };
        if now_waiting != *state {
            return Ok(Step::More);
        }
        let now = datasets.clock.now();
        let is_last = unit.lines().after(self.id, state.after, 1).await?.is_empty();
        dataset.extending = (!is_last).then(|| Extending { whole: false, ..state.clone() });
        dataset.finalized_at = Some(now);
        if dataset.status == Status::Error {
            dataset.status = Status::Finalized;
            dataset.error_status = None;
        }
        let mut events = Vec::new();
        for text in self.problems.take() {
            events.push(datasets.record(unit.as_mut(), self.id, "warning", Some(text)).await?);
        }
        if state.whole {
            dataset.data_updated_at = Some(now);
            events.push(datasets.record(unit.as_mut(), self.id, "finalize-end", None).await?);
        }
        unit.save(&mut dataset, now).await?;
        unit.commit().await?;
        events.iter().for_each(|event| datasets.announce(self.id, event));
        match datasets.settle_lines(self.id).await {
            // Somebody writes: their own job will settle.
            Err(DatasetsError::Store(StoreError::Stale { .. })) => {}
            result => result?,
        }
        Ok(if is_last { Step::Done } else { Step::More })
    }

    /// Lets other work on the dataset go first.
    async fn step_aside(&self) -> Result<(), Stop> {
        let mut unit = self.datasets.store.begin().await?;
        unit.jobs().enqueue(&extend_job(self.id, self.datasets.clock.now())).await?;
        Ok(unit.commit().await?)
    }

    async fn all(&mut self, context: &JobContext) -> Result<(), Stop> {
        loop {
            match self.step().await {
                Ok(Step::More) => {
                    let total = self.count().await?.max(1);
                    let fraction = (self.treated as f64 / total as f64).min(1.0);
                    (context.progress)(fraction);
                    self.datasets.announce_progress(self.id, "extend", Some(fraction));
                }
                Ok(Step::Done) => return Ok(()),
                Ok(Step::Yield) => return self.step_aside().await,
                // Somebody wrote meanwhile: the same lines again.
                Err(Stop::Error(DatasetsError::Store(StoreError::Stale { .. }))) => {}
                Err(stop) => return Err(stop),
            }
        }
    }

    async fn count(&self) -> DatasetsResult<u64> {
        let dataset = self.datasets.store.read().await?.load::<Dataset>(self.id).await?;
        Ok(dataset.and_then(|dataset| dataset.count).unwrap_or(0))
    }
}

/// An editable dataset, and which of its lines wait; `None` when none does.
async fn waiting(
    unit: &mut dyn UnitOfWork,
    id: &str,
) -> DatasetsResult<Option<(Stored<Dataset>, Extending)>> {
    let dataset = unit.load::<Dataset>(id).await?.filter(|dataset| dataset.is_rest);
    Ok(dataset.and_then(|dataset| dataset.extending.clone().map(|state| (dataset, state))))
}

impl ExtendLines {
    /// Goes on at `until`, or when the owner's limit is raised, and says why in the journal, once: each write until then
    /// tries again.
    async fn put_off(&self, id: &str, text: String, until: Timestamp) -> DatasetsResult<()> {
        let mut unit = self.0.store.begin().await?;
        let Some(dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        let (job, now) = (extend_job(id, until), self.0.clock.now());
        if limits::put_off(unit.as_mut(), job, &dataset.owner, until, now).await? < until {
            return Ok(unit.commit().await?);
        }
        let latest = unit.logs().latest(&names::journal(id), EVENTS_BACK).await?;
        let event = match latest.iter().any(|record| record.body["data"] == text.as_str()) {
            true => None,
            false => Some(self.0.record(unit.as_mut(), id, "warning", Some(text)).await?),
        };
        unit.commit().await?;
        event.iter().for_each(|event| self.0.announce(id, event));
        Ok(())
    }

    /// Puts the dataset in error with the reason in its journal. Its lines stay served, and wait.
    async fn failed(&self, id: &str, text: String) -> DatasetsResult<()> {
        let mut unit = self.0.store.begin().await?;
        let Some(mut dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        set_error(&mut dataset);
        unit.save(&mut dataset, self.0.clock.now()).await?;
        let event = self.0.record(unit.as_mut(), id, "error", Some(text)).await?;
        unit.commit().await?;
        self.0.announce(id, &event);
        Ok(())
    }
}

#[async_trait]
impl JobHandler for ExtendLines {
    fn kinds(&self) -> &'static [&'static str] {
        &[EXTEND_LINES]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        let problems = Problems::default();
        let mut run = Run { datasets: &self.0, id: &id, cancel: &context.cancel, problems, treated: 0 };
        match run.all(&context).await {
            Ok(()) => Ok(()),
            Err(Stop::Producer(text)) => self.failed(&id, text).await.map_err(JobError::retry),
            Err(Stop::OverQuota(text, until)) => {
                self.put_off(&id, text, until).await.map_err(JobError::retry)
            }
            Err(_) if context.cancel.is_cancelled() => Err(JobError::Cancelled),
            Err(Stop::Cancelled) => Err(JobError::Cancelled),
            Err(Stop::Temporary(text)) => Err(JobError::retry(text)),
            Err(Stop::Error(error)) => Err(JobError::retry(error)),
        }
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = job.id, %error, "edited lines stay without what their extensions give");
        let Ok(id) = dataset_of(job) else { return };
        if let Err(error) = self.failed(&id, format!("{GIVEN_UP}{error}")).await {
            tracing::error!(dataset = %id, %error, "the error of a dataset could not be written");
        }
    }
}
