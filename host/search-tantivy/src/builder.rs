//! Building an index: batches gather until they make a part, which is written while the next one gathers.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_search::engine::{IndexBuilder, IndexSummary, SearchResult};
use halle_search::{IndexId, IndexSpec, SearchError};
use tokio::task::JoinHandle;

use crate::Shared;
use crate::deadline::Deadline;
use crate::folder;
use crate::part::{self, Part};
use crate::snapshot::{Live, Snapshot};
use crate::summary;

/// Rows taken from a batch at once, so that a part ends near its limits even if batches are large.
const SLICE_ROWS: usize = 1_024;

pub(crate) struct Builder {
    shared: Arc<Shared>,
    id: IndexId,
    spec: Arc<IndexSpec>,
    dir: PathBuf,
    batches: Vec<RecordBatch>,
    rows: usize,
    bytes: usize,
    next_line: u64,
    writing: Option<JoinHandle<SearchResult<Part>>>,
    parts: Vec<Live>,
    finished: bool,
}

impl Builder {
    pub(crate) fn new(shared: Arc<Shared>, id: IndexId, spec: IndexSpec) -> Self {
        let dir = folder::dir_of(&shared.root, &id);
        Self {
            shared,
            id,
            spec: Arc::new(spec),
            dir,
            batches: Vec::new(),
            rows: 0,
            bytes: 0,
            next_line: 1,
            writing: None,
            parts: Vec::new(),
            finished: false,
        }
    }

    /// Has the gathered rows written aside, once the part before is done: at most two parts are in memory.
    async fn flush(&mut self) -> SearchResult<()> {
        self.settle().await?;
        if self.rows == 0 {
            return Ok(());
        }
        let batches = std::mem::take(&mut self.batches);
        let (spec, first_line) = (Arc::clone(&self.spec), self.next_line);
        self.next_line += self.rows as u64;
        (self.rows, self.bytes) = (0, 0);
        let dir = self.dir.join(folder::part_name(self.shared.next_number()));
        self.writing = Some(tokio::task::spawn_blocking(move || write(dir, &spec, &batches, first_line)));
        Ok(())
    }

    async fn settle(&mut self) -> SearchResult<()> {
        if let Some(writing) = self.writing.take() {
            let part = writing.await.map_err(SearchError::engine)??;
            self.parts.push(Live { part: Arc::new(part), deleted: None });
        }
        Ok(())
    }
}

/// Writes a part and opens it; doomed until the index that it belongs to is whole.
pub(crate) fn write(
    dir: PathBuf,
    spec: &IndexSpec,
    batches: &[RecordBatch],
    first_line: u64,
) -> SearchResult<Part> {
    let written = part::write(&dir, spec, batches).and_then(|()| Part::open(dir.clone(), spec, first_line));
    match written {
        Ok(part) => {
            part.doom();
            Ok(part)
        }
        Err(error) => {
            // What cannot be removed now is removed when the engine opens.
            let _ = std::fs::remove_dir_all(&dir);
            Err(error)
        }
    }
}

/// Bytes of the values of a batch, whatever it shares with others.
pub(crate) fn bytes_of(batch: &RecordBatch) -> usize {
    let of_column = |column: &arrow::array::ArrayRef| match column.as_string_opt::<i32>() {
        Some(texts) => {
            let offsets = texts.value_offsets();
            let ends = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
            (ends.1 - ends.0) as usize + column.len() * 4
        }
        None => column.len() * 8,
    };
    batch.columns().iter().map(of_column).sum()
}

#[async_trait]
impl IndexBuilder for Builder {
    async fn add(&mut self, batch: RecordBatch) -> SearchResult<()> {
        let limits = self.shared.config;
        let mut start = 0;
        while start < batch.num_rows() {
            let slice = batch.slice(start, SLICE_ROWS.min(batch.num_rows() - start));
            start += slice.num_rows();
            self.rows += slice.num_rows();
            self.bytes += bytes_of(&slice);
            self.batches.push(slice);
            if self.rows + SLICE_ROWS > limits.part_rows_max || self.bytes >= limits.part_bytes_max {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> SearchResult<IndexSummary> {
        self.flush().await?;
        self.settle().await?;
        let parts = std::mem::take(&mut self.parts);
        let snapshot = Arc::new(Snapshot::new(&self.id, Arc::clone(&self.spec), parts));
        let (shared, id, dir) = (Arc::clone(&self.shared), self.id.clone(), self.dir.clone());
        let done = tokio::task::spawn_blocking(move || {
            let (deadline, _waiting) = Deadline::start(None);
            let summary = summary::summary(&snapshot, &deadline)?.clone();
            std::fs::create_dir_all(&dir).map_err(SearchError::engine)?;
            part::sync_dir(&shared.root)?;
            shared.replace(&id, &dir, snapshot)?;
            Ok(summary)
        });
        let summary = done.await.map_err(SearchError::engine)?;
        self.finished = summary.is_ok();
        summary
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // Written parts remove themselves; the folder goes if nothing else is in it.
        if !self.finished {
            self.parts.clear();
            let _ = std::fs::remove_dir(&self.dir);
        }
    }
}
