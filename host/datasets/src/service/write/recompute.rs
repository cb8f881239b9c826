//! Computed values of lines that are there, after their expressions changed.

use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::Dataset;
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, LineRecord, NewJob, StoreError};
use serde_json::json;

use crate::enrich::expressions::LineExpressions;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::pipeline::dataset_of;
use crate::service::journal::set_error;
use crate::service::names;
use crate::state::Datasets;

/// Kind of the job that computes the values of all lines again.
pub const RECOMPUTE_LINES: &str = "dataset-recompute-lines";

/// Lines computed in one transaction.
const LINES_PER_STEP: u32 = 1_000;

/// The job that computes the values of all lines again, and builds the index with them.
pub(crate) fn recompute_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(RECOMPUTE_LINES, names::job_key(dataset), json!({ "dataset": dataset }), now)
}

/// Does [`RECOMPUTE_LINES`] jobs. Payload: `dataset`.
#[derive(Debug, Clone)]
pub struct RecomputeLines(pub Datasets);

/// How far the lines are computed.
#[derive(Debug, Default)]
struct Progress {
    /// Number of the last line that was looked at.
    from: i64,
    /// Number of the last line that there was before any was written: those after it are computed already.
    last: Option<i64>,
}

/// What a step found.
enum Step {
    /// There are more lines.
    More,
    /// All lines are computed.
    Done,
    /// A line cannot be computed: why.
    Failed(String),
}

impl RecomputeLines {
    async fn step(&self, id: &str, progress: &mut Progress) -> DatasetsResult<Step> {
        // Not while a write wants to be alone.
        let _turn = self.0.turn(id, false).await?;
        let mut unit = self.0.store.begin().await?;
        let dataset = unit.load::<Dataset>(id).await?;
        let Some(mut dataset) = dataset.filter(|dataset| dataset.is_rest) else { return Ok(Step::Done) };
        let expressions = match LineExpressions::of(&dataset, &self.0.dice) {
            Ok(expressions) => expressions,
            Err(text) => return Ok(Step::Failed(text)),
        };
        let mut lines = unit.lines().after(id, progress.from, LINES_PER_STEP).await?;
        lines.retain(|line| progress.last.is_none_or(|last| line.i <= last));
        let Some(last) = lines.last() else { return Ok(Step::Done) };
        let from = last.i;
        let mut changed = Vec::new();
        for line in lines.into_iter().filter(|line| !line.deleted) {
            match computed(&expressions, line) {
                Ok(line) => changed.extend(line),
                Err(text) => return Ok(Step::Failed(text)),
            }
        }
        if !changed.is_empty() {
            let highest = unit.lines().put(id, &changed).await?;
            let count = i64::try_from(changed.len()).map_err(DatasetsError::internal)?;
            progress.last.get_or_insert(highest - count);
            // A writer who read the lines before must read them again.
            let now = self.0.clock.now();
            dataset.updated_at = now;
            unit.save(&mut dataset, now).await?;
            unit.commit().await?;
        }
        progress.from = from;
        Ok(Step::More)
    }

    /// Tells readers and listeners that the values are new.
    async fn finalized(&self, id: &str) -> DatasetsResult<()> {
        let mut unit = self.0.store.begin().await?;
        let Some(mut dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        let now = self.0.clock.now();
        dataset.finalized_at = Some(now);
        dataset.data_updated_at = Some(now);
        unit.save(&mut dataset, now).await?;
        let event = self.0.record(unit.as_mut(), id, "finalize-end", None).await?;
        unit.commit().await?;
        self.0.announce(id, &event);
        Ok(())
    }

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

    async fn all(&self, context: &JobContext, id: &str) -> DatasetsResult<()> {
        let mut progress = Progress::default();
        loop {
            if context.cancel.is_cancelled() {
                return Ok(());
            }
            match self.step(id, &mut progress).await {
                Ok(Step::More) => {}
                Ok(Step::Done) => break,
                Ok(Step::Failed(text)) => return self.failed(id, text).await,
                // Somebody wrote meanwhile: the same lines again.
                Err(DatasetsError::Store(StoreError::Stale { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let dataset = self.0.store.read().await?.load::<Dataset>(id).await?;
        let Some(dataset) = dataset.filter(|dataset| dataset.is_rest) else { return Ok(()) };
        self.0.rebuild_lines(&dataset).await?;
        self.finalized(id).await?;
        match self.0.settle_lines(id).await {
            // Somebody writes: their own job will settle.
            Err(DatasetsError::Store(StoreError::Stale { .. })) => Ok(()),
            result => result,
        }
    }
}

/// The line with its values computed again; `None` when nothing changed. The text of what is wrong otherwise.
fn computed(expressions: &LineExpressions, line: LineRecord) -> Result<Option<LineRecord>, String> {
    let mut body = line.body.clone();
    expressions.forget(&mut body);
    expressions.complete(&mut body).map_err(|text| format!("{text} (ligne {})", line.id))?;
    Ok((body != line.body).then_some(LineRecord { body, ..line }))
}

#[async_trait]
impl JobHandler for RecomputeLines {
    fn kinds(&self) -> &'static [&'static str] {
        &[RECOMPUTE_LINES]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let id = dataset_of(&context.job)?;
        let result = self.all(&context, &id).await;
        if context.cancel.is_cancelled() {
            return Err(JobError::Cancelled);
        }
        result.map_err(JobError::retry)
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = job.id, %error, "lines keep values of older expressions; change the extensions again");
    }
}
