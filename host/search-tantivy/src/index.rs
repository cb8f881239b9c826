//! An index opened for reading.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use halle_search::ast::Metric;
use halle_search::engine::{
    Explanation, Groups, IndexSummary, LinesPage, LinesRequest, ScanRequest, SearchResult, ShapesPage,
    ShapesRequest, ValuesAggRequest, Words, WordsRequest,
};
use halle_search::{Index, IndexSpec, Query, SearchError};
use serde_json::Value;

use crate::changes::Opened;
use crate::deadline::Deadline;
use crate::lines::scan::Scan;
use crate::lines::{self, shapes};
use crate::snapshot::Snapshot;
use crate::{Shared, agg, explain, quick, summary};

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

    async fn explain(&self, request: ValuesAggRequest) -> SearchResult<Explanation> {
        self.ask(move |snapshot, deadline| explain::explain(snapshot, &request, deadline)).await
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

    async fn persist(&self) -> SearchResult<()> {
        let Some(opened) = self.opened.clone() else { return Ok(()) };
        let shared = Arc::clone(&self.shared);
        let persist = move || opened.persist(&shared);
        tokio::task::spawn_blocking(persist).await.map_err(SearchError::engine)?
    }
}
