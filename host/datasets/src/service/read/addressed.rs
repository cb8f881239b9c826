//! An index that answers the addresses of files as the client knows them.
//!
//! The index has what follows `datasets/` in an address: it does not know the client's address of this server, and a
//! virtual dataset offers the files of others under its own address.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use halle_model::Dataset;
use halle_search::ast::{Metric, Query};
use halle_search::engine::{
    Explanation, Groups, IndexSpec, IndexSummary, LinesPage, LinesRequest, ScanRequest, SearchResult,
    ShapesPage, ShapesRequest, ValuesAggRequest, Words, WordsRequest,
};
use halle_search::{Index, SearchError};
use serde_json::{Map, Value};

use crate::documents::{self, URL};

/// What addresses of datasets begin with, on this server.
const ROOT: &str = "/data-fair/api/v1/datasets/";

/// How addresses are made.
#[derive(Debug, Clone)]
struct Addresses {
    /// Up to `datasets/`.
    root: String,
    /// The virtual dataset through which files are had.
    through: Option<String>,
    /// `?draft=true` while a draft is read.
    query: &'static str,
}

impl Addresses {
    fn whole(&self, stored: &str) -> String {
        let Self { root, through, query } = self;
        match (through, stored.split_once("/attachments/")) {
            (Some(through), Some((child, path))) => {
                format!("{root}{through}/attachments/{child}/{path}{query}")
            }
            _ => format!("{root}{stored}{query}"),
        }
    }

    /// The address that a line has, as the client knows it.
    fn complete(&self, values: &mut Map<String, Value>) {
        if let Some(Value::String(stored)) = values.get_mut(URL) {
            *stored = self.whole(stored);
        }
    }

    fn line(&self, line: &Bytes) -> SearchResult<Bytes> {
        let mut values = parsed(line)?;
        self.complete(&mut values);
        written(&values)
    }

    fn lines(&self, lines: &mut Vec<Bytes>) -> SearchResult<()> {
        *lines = std::mem::take(lines).iter().map(|line| self.line(line)).collect::<SearchResult<_>>()?;
        Ok(())
    }

    fn groups(&self, groups: &mut Groups) -> SearchResult<()> {
        for group in &mut groups.groups {
            self.lines(&mut group.lines)?;
            if let Some(inner) = &mut group.inner {
                self.groups(inner)?;
            }
        }
        Ok(())
    }

    fn batch(&self, batch: &RecordBatch) -> SearchResult<RecordBatch> {
        let whole = |(field, column): (&Arc<arrow::datatypes::Field>, &ArrayRef)| -> ArrayRef {
            match column.as_string_opt::<i32>().filter(|_| field.name() == URL) {
                Some(texts) => {
                    let texts = texts.iter().map(|stored| stored.map(|stored| self.whole(stored)));
                    Arc::new(texts.collect::<StringArray>())
                }
                None => Arc::clone(column),
            }
        };
        let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(whole).collect();
        RecordBatch::try_new(batch.schema(), columns).map_err(SearchError::engine)
    }
}

fn parsed(line: &[u8]) -> SearchResult<Map<String, Value>> {
    serde_json::from_slice(line).map_err(SearchError::engine)
}

fn written(line: &Map<String, Value>) -> SearchResult<Bytes> {
    serde_json::to_vec(line).map(Bytes::from).map_err(SearchError::engine)
}

/// The index, if it has no addresses; else the same with the addresses as the client knows them. `base` is the client's
/// address of this server.
pub(super) fn over(index: &Arc<dyn Index>, dataset: &Dataset, base: &str) -> Arc<dyn Index> {
    if !index.spec().columns.iter().any(|column| column.key == URL) {
        return Arc::clone(index);
    }
    let addresses = Addresses {
        root: format!("{base}{ROOT}"),
        through: dataset.is_virtual.then(|| dataset.id.clone()),
        query: if dataset.draft_reason.is_some() { "?draft=true" } else { "" },
    };
    Arc::new(Addressed { index: Arc::clone(index), addresses })
}

struct Addressed {
    index: Arc<dyn Index>,
    addresses: Addresses,
}

#[async_trait]
impl Index for Addressed {
    fn spec(&self) -> &IndexSpec {
        self.index.spec()
    }

    fn rows(&self) -> u64 {
        self.index.rows()
    }

    async fn lines(&self, request: LinesRequest) -> SearchResult<LinesPage> {
        let is_asked = request.select.iter().any(|key| key == URL);
        let mut page = self.index.lines(request).await?;
        if is_asked {
            self.addresses.lines(&mut page.lines)?;
        }
        Ok(page)
    }

    async fn line(&self, id: &str) -> SearchResult<Option<Bytes>> {
        let Some(line) = self.index.line(id).await? else { return Ok(None) };
        let mut values = parsed(&line)?;
        documents::without_text(&mut values);
        self.addresses.complete(&mut values);
        written(&values).map(Some)
    }

    async fn scan(
        &self,
        request: ScanRequest,
    ) -> SearchResult<BoxStream<'static, SearchResult<RecordBatch>>> {
        let is_asked = request.select.iter().any(|key| key == URL);
        let batches = self.index.scan(request).await?;
        if !is_asked {
            return Ok(batches);
        }
        let addresses = self.addresses.clone();
        Ok(batches.map(move |batch| batch.and_then(|batch| addresses.batch(&batch))).boxed())
    }

    async fn shapes(&self, request: ShapesRequest) -> SearchResult<ShapesPage> {
        let is_asked = request.select.iter().any(|key| key == URL);
        let mut page = self.index.shapes(request).await?;
        if is_asked {
            // A tile is kept for all clients, whatever they call this server.
            let addresses = Addresses { root: ROOT.to_owned(), ..self.addresses.clone() };
            for (batch, _) in &mut page.batches {
                *batch = addresses.batch(batch)?;
            }
        }
        Ok(page)
    }

    async fn counts(&self, query: Query, areas: Vec<[f64; 4]>) -> SearchResult<Vec<u64>> {
        self.index.counts(query, areas).await
    }

    fn revision(&self) -> Option<u64> {
        self.index.revision()
    }

    async fn values_agg(&self, request: ValuesAggRequest) -> SearchResult<Groups> {
        let mut groups = self.index.values_agg(request).await?;
        self.addresses.groups(&mut groups)?;
        Ok(groups)
    }

    async fn explain(&self, request: ValuesAggRequest) -> SearchResult<Explanation> {
        self.index.explain(request).await
    }

    async fn metric(
        &self,
        query: Query,
        column: &str,
        metric: Metric,
        percents: &[f64],
    ) -> SearchResult<(u64, Value)> {
        self.index.metric(query, column, metric, percents).await
    }

    async fn words(&self, request: WordsRequest) -> SearchResult<Words> {
        self.index.words(request).await
    }

    async fn bbox(&self, query: Query) -> SearchResult<Option<[f64; 4]>> {
        self.index.bbox(query).await
    }

    async fn summary(&self) -> SearchResult<IndexSummary> {
        self.index.summary().await
    }

    async fn apply(&self, removed: Vec<String>, added: Option<RecordBatch>) -> SearchResult<()> {
        self.index.apply(removed, added).await
    }

    async fn persist(&self) -> SearchResult<()> {
        self.index.persist().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_whom_the_client_asks() {
        let mut addresses = Addresses { root: "https://h/datasets/".to_owned(), through: None, query: "" };
        let stored = "d/attachments/a/attachments/b.pdf";
        assert_eq!(addresses.whole(stored), "https://h/datasets/d/attachments/a/attachments/b.pdf");
        addresses.query = "?draft=true";
        addresses.through = Some("v".to_owned());
        assert_eq!(
            addresses.whole(stored),
            "https://h/datasets/v/attachments/d/a/attachments/b.pdf?draft=true"
        );
    }
}
