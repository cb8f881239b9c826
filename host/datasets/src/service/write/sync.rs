//! The index of an editable dataset, kept equal to SQL.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::Timestamp;
use halle_model::{Column, Dataset};
use halle_search::ast::{Query, SortBy, SortKey};
use halle_search::engine::{IndexSpec, LineFields, LinesRequest};
use halle_search::{Index, IndexId, SearchError};
use halle_store::runner::{JobContext, JobError, JobHandler};
use halle_store::{EntityExt, Job, LineRecord, NewJob, StoreError};
use serde_json::{Map, Value, json};
use tokio::sync::OwnedMutexGuard;

use super::group::Queue;
use super::lock::Turns;
use super::portion::{Handed, Portion};
use super::{batch, index_columns};
use crate::documents;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::follow::tell_followers;
use crate::service::union::tell_parents;
use crate::service::{columns, names, period};
use crate::state::Datasets;

/// Kind of the job that makes the index equal to SQL.
pub const SYNC_LINES: &str = "dataset-sync-lines";

/// Kind of the job that builds the index anew from SQL.
pub const REBUILD_LINES: &str = "dataset-rebuild-lines";

/// Lines read from SQL at a time.
const LINES_PER_STEP: u32 = 1_000;

/// The same, where lines have files whose texts are read.
const LINES_WITH_FILES_PER_STEP: u32 = 32;

/// Locks kept before those that nobody holds are forgotten.
const LOCKS_MAX: usize = 1_000;

/// How long a start waits for indexes that are behind.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(30);

/// The number of the last line that an index has seen; locked while it catches up, so that changes reach it in order.
type Seen = Arc<tokio::sync::Mutex<Option<i64>>>;

/// What orders the writes of this process: one lock per index, so that changes reach it in order; per dataset, a
/// lock that a write which must be alone takes for itself, and the writes that wait to be made together.
#[derive(Debug, Default)]
pub struct LineLocks {
    seen: Mutex<HashMap<IndexId, Seen>>,
    pub(super) turns: Mutex<HashMap<String, Turns>>,
    pub(super) queues: Mutex<HashMap<String, Arc<Queue>>>,
}

impl LineLocks {
    fn of(&self, index: &IndexId) -> Seen {
        shared(&self.seen, index)
    }
}

/// The entry of `key`, made if there is none; entries that nobody holds are forgotten when there are many.
pub(super) fn shared<K: Clone + Eq + Hash, V: Default>(locks: &Mutex<HashMap<K, Arc<V>>>, key: &K) -> Arc<V> {
    let mut locks = locks.lock().unwrap_or_else(PoisonError::into_inner);
    if locks.len() >= LOCKS_MAX {
        locks.retain(|_, held| Arc::strong_count(held) > 1);
    }
    Arc::clone(locks.entry(key.clone()).or_default())
}

impl Datasets {
    /// Makes the index catch up with SQL, at least to the line numbered `up_to`. Writers that wait here find their lines
    /// seen by the one before them: many small writes cost few changes of the index.
    pub(super) async fn sync_lines(&self, dataset: &Dataset, up_to: i64) -> DatasetsResult<()> {
        let Some(served) = &dataset.served else { return Ok(()) };
        let id = names::index(&dataset.id, &served.id);
        let lock = self.line_locks().of(&id);
        let mut seen = lock.lock_owned().await;
        if seen.is_some_and(|seen| seen >= up_to) {
            return Ok(());
        }
        let Some(index) = self.index_with(&id, &index_columns(&dataset.schema)).await? else {
            *seen = Some(self.fill(dataset, &id).await?);
            return Ok(());
        };
        let mut from = match *seen {
            Some(seen) => seen,
            None => highest(&*index).await?,
        };
        while let Some((portion, last)) = self.portion(dataset, &index.spec().columns, from).await? {
            seen = apply(&index, portion, seen, last).await?;
            from = last;
        }
        Ok(())
    }

    /// Has readers see lines that were just written, and all before them. The index gets them from here if it has all others,
    /// else it catches up.
    pub(super) async fn show_handed(&self, handed: Handed) -> DatasetsResult<()> {
        let lock = self.line_locks().of(&handed.index);
        let seen = lock.lock_owned().await;
        if seen.is_some_and(|seen| handed.continues(seen))
            && let Some(index) = self.index_with(&handed.index, &handed.columns).await?
        {
            return apply(&index, handed.portion, seen, handed.last).await.map(drop);
        }
        drop(seen);
        // As it is now: its columns may have changed, or it may be gone.
        let dataset = self.store.read().await?.load::<Dataset>(&handed.dataset.id).await?;
        match dataset.filter(|dataset| dataset.is_rest) {
            Some(dataset) => self.sync_lines(&dataset, handed.last).await,
            None => Ok(()),
        }
    }

    /// The index, if there is one with these columns.
    async fn index_with(&self, id: &IndexId, columns: &[Column]) -> DatasetsResult<Option<Arc<dyn Index>>> {
        match self.engine.open(id).await {
            Ok(index) => Ok(Some(index).filter(|index| index.spec().columns == columns)),
            Err(SearchError::NoIndex(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The next lines numbered above `after`, as many as the index takes at a time, and the number of the last of them; `None`
    /// when there are none.
    async fn portion(
        &self,
        dataset: &Dataset,
        columns: &[Column],
        after: i64,
    ) -> DatasetsResult<Option<(Portion, i64)>> {
        let step = lines_per_step(columns);
        let (mut last, mut portion) = (after, Portion::default());
        while !portion.is_full() {
            let lines = self.store.read().await?.lines().after(&dataset.id, last, step).await?;
            // A line that was written again since this portion has it belongs to the next one.
            if portion.has_any(lines.iter().map(|line| &line.id)) {
                break;
            }
            let Some(end) = lines.last() else { break };
            last = end.i;
            let (values, count) = (self.batch(dataset, columns, &lines).await?, lines.len());
            portion.add(lines.into_iter().map(|line| line.id), values);
            if count < step as usize {
                break;
            }
        }
        Ok((!portion.is_empty()).then_some((portion, last)))
    }

    /// Gives the index the lines numbered above `after`, up to `last`, as they are now, though it may know their numbers.
    pub(super) async fn refresh_lines(&self, dataset: &Dataset, after: i64, last: i64) -> DatasetsResult<()> {
        let Some(served) = &dataset.served else { return Ok(()) };
        // Lines that were not known have their values now; those that moved on since are not asked for again.
        self.sync_lines(dataset, i64::MAX).await?;
        let id = names::index(&dataset.id, &served.id);
        let lock = self.line_locks().of(&id);
        let _seen = lock.lock().await;
        let index = self.engine.open(&id).await?;
        let (mut from, step) = (after, lines_per_step(&index.spec().columns));
        while from < last {
            let mut lines = self.store.read().await?.lines().after(&dataset.id, from, step).await?;
            lines.retain(|line| line.i <= last);
            let Some(end) = lines.last() else { break };
            from = end.i;
            let added = self.batch(dataset, &index.spec().columns, &lines).await?;
            index.apply(lines.iter().map(|line| line.id.clone()).collect(), added).await?;
        }
        // Their numbers do not tell that they changed: after a crash nobody would look for them.
        index.persist().await?;
        Ok(())
    }

    /// Makes indexes catch up with what a process that was killed had written, before anybody reads them. What cannot be
    /// done, or not within [`CATCH_UP_WITHIN`], is logged and left to the jobs.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn catch_up(&self) -> DatasetsResult<()> {
        // Each write leaves this job until what it wrote is on disk.
        let jobs = self.store.read().await?.jobs().of_kind(SYNC_LINES).await?;
        let all = async {
            for id in jobs.iter().filter_map(|job| job.payload.get("dataset")?.as_str()) {
                if let Err(error) = self.show_lines(id).await {
                    tracing::error!(dataset = id, %error, "the index of edited lines is behind");
                }
            }
        };
        if tokio::time::timeout(CATCH_UP_WITHIN, all).await.is_err() {
            tracing::warn!("indexes of edited lines are behind after {CATCH_UP_WITHIN:?}; their jobs go on");
        }
        Ok(())
    }

    /// Builds the index anew from SQL; readers keep the old one until the new one is whole.
    pub(super) async fn rebuild_lines(&self, dataset: &Dataset) -> DatasetsResult<()> {
        let Some(served) = &dataset.served else { return Ok(()) };
        let id = names::index(&dataset.id, &served.id);
        let lock = self.line_locks().of(&id);
        let mut seen = lock.lock().await;
        *seen = Some(self.fill(dataset, &id).await?);
        Ok(())
    }

    /// Fills a new index with every line, and returns the last number that any line ever had. The lock is held.
    async fn fill(&self, dataset: &Dataset, id: &IndexId) -> DatasetsResult<i64> {
        let columns = index_columns(&dataset.schema);
        let spec = IndexSpec { columns: columns.clone(), editable: true };
        let mut builder = self.engine.create(id, spec).await?;
        let (mut from, step) = (0, lines_per_step(&columns));
        // One moment for all steps: a line that is written meanwhile would be met twice, and one that is deleted kept.
        let mut unit = self.store.read().await?;
        loop {
            let lines = unit.lines().after(&dataset.id, from, step).await?;
            let Some(last) = lines.last() else { break };
            from = last.i;
            if let Some(batch) = self.batch(dataset, &columns, &lines).await? {
                builder.add(batch).await?;
            }
        }
        // Lines that are gone had numbers too: whoever still brings them must not be believed.
        let seen = unit.lines().put(&dataset.id, &[]).await?.max(from);
        drop(unit);
        builder.finish().await?;
        Ok(seen)
    }

    /// The lines that are not deleted, with what their files say; `None` when all are deleted.
    async fn batch(
        &self,
        dataset: &Dataset,
        columns: &[Column],
        lines: &[LineRecord],
    ) -> DatasetsResult<Option<RecordBatch>> {
        let Some(batch) = batch::of(columns, &lines.iter().collect::<Vec<_>>())? else { return Ok(None) };
        if !documents::has_files(columns) {
            return Ok(Some(batch));
        }
        let files = self.files_of_lines(dataset, lines).await?;
        documents::with(&batch, columns, &files).map(Some)
    }

    /// Makes the index durable, forgets deleted lines that it no longer has, and writes the statistics of the columns.
    pub(super) async fn settle_lines(&self, id: &str) -> DatasetsResult<()> {
        // All that takes long comes before the transaction, for which writers wait.
        let mut read = self.store.read().await?;
        let Some(before) = read.load::<Dataset>(id).await? else { return Ok(()) };
        let Some(served) = before.served.clone() else { return Ok(()) };
        let count = read.lines().count(id).await?;
        drop(read);
        let index_id = names::index(id, &served.id);
        let seen = *self.line_locks().of(&index_id).lock().await;
        let index = self.engine.open(&index_id).await?;
        index.persist().await?;
        let index = self.engine.open(&index_id).await?;
        let summary = index.summary().await?;
        let period = period::of(&before.schema, &*index).await?;

        let mut unit = self.store.begin().await?;
        if let Some(seen) = seen {
            unit.lines().purge(id, seen).await?;
        }
        let Some(mut dataset) = unit.load::<Dataset>(id).await? else { return Ok(()) };
        if dataset.served.as_ref().is_none_or(|now| now.id != served.id) {
            return Ok(());
        }
        dataset.schema = columns::with_statistics(dataset.schema.clone(), &summary);
        dataset.bbox = summary.bbox;
        period::set(&mut dataset, period);
        // Whoever writes keeps the count; this mends it when nobody does.
        let count = if dataset.revision == before.revision { count } else { dataset.count.unwrap_or(count) };
        dataset.count = Some(count);
        if let Some(served) = &mut dataset.served {
            served.rows = count;
            served.index_bytes = summary.bytes;
        }
        let now = dataset.updated_at;
        unit.save(&mut dataset, now).await?;
        tell_parents(unit.as_mut(), id, self.clock.now()).await?;
        tell_followers(unit.as_mut(), &dataset, self.clock.now()).await?;
        unit.commit().await?;
        self.tell_groups(id).await
    }
}

/// Gives an index a portion, and notes its last number. A task of its own holds the lock until that is done, even if whoever
/// asked for it goes away: what comes after must not overtake it.
async fn apply(
    index: &Arc<dyn Index>,
    portion: Portion,
    mut seen: OwnedMutexGuard<Option<i64>>,
    last: i64,
) -> DatasetsResult<OwnedMutexGuard<Option<i64>>> {
    let index = Arc::clone(index);
    let applied = tokio::spawn(async move {
        let (touched, added) = portion.into_change()?;
        index.apply(touched, added).await?;
        *seen = Some(last);
        Ok(seen)
    });
    applied.await.map_err(DatasetsError::internal)?
}

fn lines_per_step(columns: &[Column]) -> u32 {
    if documents::has_files(columns) { LINES_WITH_FILES_PER_STEP } else { LINES_PER_STEP }
}

/// The number of the last line that an index has; 0 when it is empty.
async fn highest(index: &dyn Index) -> DatasetsResult<i64> {
    let request = LinesRequest {
        query: Query::All,
        sort: vec![SortKey { by: SortBy::Line, descending: true }],
        select: Vec::new(),
        fields: LineFields { line: true, ..LineFields::default() },
        skip: 0,
        size: 1,
        after: None,
        count: false,
        collapse: None,
        highlight: Vec::new(),
    };
    let page = index.lines(request).await?;
    let Some(line) = page.lines.first() else { return Ok(0) };
    let line: Map<String, Value> = serde_json::from_slice(line).map_err(DatasetsError::internal)?;
    Ok(line.get("_i").and_then(Value::as_i64).unwrap_or(0))
}

/// The job that builds the index of an editable dataset anew: after a change of its columns, or of all its lines.
pub(crate) fn rebuild_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(REBUILD_LINES, names::job_key(dataset), json!({ "dataset": dataset }), now)
}

/// Does [`SYNC_LINES`] and [`REBUILD_LINES`] jobs. Payload: `dataset`.
#[derive(Debug, Clone)]
pub struct SyncLines(pub Datasets);

#[async_trait]
impl JobHandler for SyncLines {
    fn kinds(&self) -> &'static [&'static str] {
        &[SYNC_LINES, REBUILD_LINES]
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        let Some(id) = context.job.payload.get("dataset").and_then(Value::as_str) else {
            return Err(JobError::give_up("the payload names no `dataset`"));
        };
        let dataset = self.0.store.read().await?.load::<Dataset>(id).await?;
        let Some(dataset) = dataset.filter(|dataset| dataset.is_rest) else { return Ok(()) };
        if context.job.kind == REBUILD_LINES {
            self.0.rebuild_lines(&dataset).await.map_err(JobError::retry)?;
        } else {
            self.0.sync_lines(&dataset, i64::MAX).await.map_err(JobError::retry)?;
        }
        match self.0.settle_lines(id).await {
            // Somebody writes: their own job will settle.
            Err(DatasetsError::Store(StoreError::Stale { .. })) => Ok(()),
            result => result.map_err(JobError::retry),
        }
    }

    async fn given_up(&self, job: &Job, error: &str) {
        tracing::error!(job = job.id, %error, "the index of edited lines is behind; `halle reindex` rebuilds it");
    }
}
