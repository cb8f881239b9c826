//! An index opened for reading, and its changes.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use halle_search::ast::{Metric, Operand};
use halle_search::engine::{
    Groups, IndexSummary, LinesPage, LinesRequest, ScanRequest, SearchResult, ShapesPage, ShapesRequest,
    ValuesAggRequest, Words, WordsRequest,
};
use halle_search::{Index, IndexId, IndexSpec, Query, SearchError};
use serde_json::Value;

use crate::bits::Bits;
use crate::deadline::Deadline;
use crate::lines::scan::Scan;
use crate::lines::{self, gather, shapes};
use crate::select::Selection;
use crate::snapshot::{Field, Live, Snapshot};
use crate::{Shared, agg, builder, folder, quick, summary};

/// Small parts at the end of an editable index before they are made one.
const TAIL_PARTS_MAX: usize = 8;

/// An index that is in use: its current version, and who may change it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) id: IndexId,
    dir: PathBuf,
    current: RwLock<Arc<Snapshot>>,
    /// Held while a new version is made; true once the index is removed.
    writer: Mutex<bool>,
}

impl Opened {
    pub(crate) fn new(id: IndexId, dir: PathBuf, snapshot: Arc<Snapshot>) -> Self {
        Self { id, dir, current: RwLock::new(snapshot), writer: Mutex::new(false) }
    }

    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes `next` the version that readers get, once it is on disk.
    pub(crate) fn publish(&self, next: Arc<Snapshot>, number: u64) -> SearchResult<()> {
        let previous = self.current();
        folder::publish(&self.dir, &self.id, &next.spec, &next.parts, number)?;
        let kept = |live: &Live| next.parts.iter().any(|next| Arc::ptr_eq(&next.part, &live.part));
        next.parts.iter().for_each(|live| live.part.keep());
        previous.parts.iter().filter(|live| !kept(live)).for_each(|live| live.part.doom());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// Lets one writer at a time go on; tells whether the index was removed.
    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, shared: &Shared, removed: &[String], added: Option<RecordBatch>) -> SearchResult<()> {
        let removed_meanwhile = self.lock();
        if *removed_meanwhile {
            return Err(SearchError::NoIndex(self.id.0.clone()));
        }
        let before = self.current();
        let (deadline, _waiting) = Deadline::start(None);
        let mut parts = without(&before, removed, &deadline)?;
        if let Some(batch) = added.filter(|batch| batch.num_rows() > 0) {
            check_ids(&batch)?;
            let dir = self.dir.join(folder::part_name(shared.next_number()));
            let part = builder::write(dir, &before.spec, std::slice::from_ref(&batch), 1)?;
            parts.push(Live { part: Arc::new(part), deleted: None });
        }
        parts.retain(|live| live.rows() > 0);
        let parts = self.merge_tail(shared, &before.spec, parts)?;
        let next = Snapshot::new(&self.id, Arc::clone(&before.spec), parts);
        self.publish(Arc::new(next), shared.next_number())?;
        shared.unions.forget(&self.id);
        Ok(())
    }

    /// Makes one part of the last ones when they are many, so that their number grows with the logarithm of the rows.
    fn merge_tail(
        &self,
        shared: &Shared,
        spec: &Arc<IndexSpec>,
        mut parts: Vec<Live>,
    ) -> SearchResult<Vec<Live>> {
        let (mut first, mut rows) = (parts.len(), 0);
        while first > 0 {
            let next = parts[first - 1].rows();
            let fits = rows + next <= shared.config.part_rows_max;
            if !fits || next > rows.saturating_mul(4).max(1_024) {
                break;
            }
            rows += next;
            first -= 1;
        }
        if parts.len() - first < TAIL_PARTS_MAX {
            return Ok(parts);
        }
        let tail = Snapshot::new(&self.id, Arc::clone(spec), parts.split_off(first));
        let fields: Vec<(String, Field)> = spec
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| (column.key.clone(), Field::Column(index)))
            .collect();
        let mut batches = Vec::new();
        for (at, live) in tail.parts.iter().enumerate() {
            let rows: Vec<(u32, u32)> = live.alive().iter().map(|row| (at as u32, row as u32)).collect();
            for chunk in rows.chunks(halle_base::limits::BATCH_ROWS_MAX) {
                batches.push(gather::batch(&tail, &fields, chunk)?);
            }
        }
        let dir = self.dir.join(folder::part_name(shared.next_number()));
        let part = builder::write(dir, spec, &batches, 1)?;
        parts.push(Live { part: Arc::new(part), deleted: None });
        Ok(parts)
    }
}

/// The parts, less the lines of these identifiers.
fn without(before: &Snapshot, removed: &[String], deadline: &Deadline) -> SearchResult<Vec<Live>> {
    let mut parts = before.parts.clone();
    if removed.is_empty() {
        return Ok(parts);
    }
    let values = removed.iter().map(|id| Operand::Text(id.clone())).collect();
    let query = Query::In { column: "_id".to_owned(), values };
    let selection = Selection::new(before, &query, deadline)?;
    for (at, live) in parts.iter_mut().enumerate() {
        let hits = selection.hits(at, false)?.rows;
        if hits.count() > 0 {
            let mut deleted = live.deleted.as_ref().map_or_else(|| Bits::none(hits.len()), |d| (**d).clone());
            deleted.or(&hits);
            live.deleted = Some(Arc::new(deleted));
        }
    }
    Ok(parts)
}

fn check_ids(batch: &RecordBatch) -> SearchResult<()> {
    let ids = batch.column_by_name("_id").and_then(|ids| ids.as_string_opt::<i32>());
    let ids = ids.ok_or_else(|| SearchError::engine("lines to add need a text column `_id`"))?;
    let distinct: HashSet<&str> = ids.iter().flatten().collect();
    if ids.null_count() > 0 || distinct.len() < ids.len() {
        return Err(SearchError::engine("lines to add need an `_id` each, all different"));
    }
    Ok(())
}

/// One version of an index, for one reader.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    /// The index that changes are made to; none of a union.
    pub(crate) opened: Option<Arc<Opened>>,
    pub(crate) snapshot: Arc<Snapshot>,
}

impl Reader {
    /// Runs a question beside the asynchronous threads.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Snapshot, &Deadline) -> SearchResult<T> + Send + 'static,
    ) -> SearchResult<T> {
        let snapshot = Arc::clone(&self.snapshot);
        self.shared.run(true, move |deadline| question(&snapshot, deadline)).await
    }
}

#[async_trait]
impl Index for Reader {
    fn spec(&self) -> &IndexSpec {
        &self.snapshot.spec
    }

    fn rows(&self) -> u64 {
        self.snapshot.rows()
    }

    async fn lines(&self, request: LinesRequest) -> SearchResult<LinesPage> {
        if quick::is_quick_page(&self.snapshot, &request) {
            return self.shared.at_once(|deadline| lines::page(&self.snapshot, &request, deadline));
        }
        self.ask(move |snapshot, deadline| lines::page(snapshot, &request, deadline)).await
    }

    async fn line(&self, id: &str) -> SearchResult<Option<Bytes>> {
        if quick::is_quick(&self.snapshot, &lines::with_id(id)) {
            return self.shared.at_once(|deadline| lines::line(&self.snapshot, id, deadline));
        }
        let id = id.to_owned();
        self.ask(move |snapshot, deadline| lines::line(snapshot, &id, deadline)).await
    }

    async fn scan(
        &self,
        request: ScanRequest,
    ) -> SearchResult<BoxStream<'static, SearchResult<RecordBatch>>> {
        let (shared, snapshot) = (Arc::clone(&self.shared), Arc::clone(&self.snapshot));
        let scan = shared.run(false, move |deadline| Scan::start(snapshot, request, deadline)).await?;
        let next = |state: Option<(Arc<Shared>, Scan)>| async move {
            let (shared, mut scan) = state?;
            let step = shared.run(false, move |deadline| Ok((scan.next(deadline)?, scan))).await;
            match step {
                Ok((Some(batch), scan)) => Some((Ok(batch), Some((shared, scan)))),
                Ok((None, _)) => None,
                Err(error) => Some((Err(error), None)),
            }
        };
        Ok(stream::unfold(Some((shared, scan)), next).fuse().boxed())
    }

    async fn shapes(&self, request: ShapesRequest) -> SearchResult<ShapesPage> {
        self.ask(move |snapshot, deadline| shapes::page(snapshot, &request, deadline)).await
    }

    async fn counts(&self, query: Query, areas: Vec<[f64; 4]>) -> SearchResult<Vec<u64>> {
        self.ask(move |snapshot, deadline| shapes::counts(snapshot, &query, &areas, deadline)).await
    }

    fn revision(&self) -> Option<u64> {
        Some(self.snapshot.revision)
    }

    async fn values_agg(&self, request: ValuesAggRequest) -> SearchResult<Groups> {
        self.ask(move |snapshot, deadline| agg::groups(snapshot, &request, deadline)).await
    }

    async fn metric(
        &self,
        query: Query,
        column: &str,
        metric: Metric,
        percents: &[f64],
    ) -> SearchResult<(u64, Value)> {
        let (column, percents) = (column.to_owned(), percents.to_vec());
        self.ask(move |snapshot, deadline| {
            agg::metric(snapshot, &query, &column, metric, &percents, deadline)
        })
        .await
    }

    async fn words(&self, request: WordsRequest) -> SearchResult<Words> {
        self.ask(move |snapshot, deadline| agg::words(snapshot, &request, deadline)).await
    }

    async fn bbox(&self, query: Query) -> SearchResult<Option<[f64; 4]>> {
        self.ask(move |snapshot, deadline| agg::bbox(snapshot, &query, deadline)).await
    }

    async fn summary(&self) -> SearchResult<IndexSummary> {
        self.ask(|snapshot, deadline| summary::summary(snapshot, deadline).cloned()).await
    }

    async fn apply(&self, removed: Vec<String>, added: Option<RecordBatch>) -> SearchResult<()> {
        let Some(opened) = self.opened.clone() else {
            return Err(SearchError::engine("a union is not edited; its members are"));
        };
        if !self.snapshot.spec.editable {
            let id = &opened.id.0;
            return Err(SearchError::Engine(format!("index `{id}` was not built to be edited")));
        }
        let shared = Arc::clone(&self.shared);
        let change = move || opened.apply(&shared, &removed, added);
        // Not stopped half-way when the caller goes away: the blocking task runs to its end.
        tokio::task::spawn_blocking(change).await.map_err(SearchError::engine)?
    }
}
