//! Lines on their way to the index, in portions: a change of it costs the same for one line as for thousands.

use std::sync::Arc;
use std::time::Duration;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use halle_model::{Column, Dataset};
use halle_search::IndexId;
use halle_store::LineRecord;
use indexmap::IndexSet;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{batch, index_columns};
use crate::documents;
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::names;
use crate::state::Datasets;

/// Lines given to the index at a time.
const LINES_MAX: usize = 16_000;

/// Bytes of values after which a portion is given to the index, however few its lines are.
const BYTES_MAX: usize = 4 << 20;

/// Transactions of a bulk that wait for the index: those after them are written when it took one.
const WAITING_MAX: usize = 4;

/// How long lines of a bulk wait for more of them to come.
const SHOWN_WITHIN: Duration = Duration::from_millis(500);

/// Lines that the index gets at a time.
#[derive(Default)]
pub(super) struct Portion {
    touched: IndexSet<String>,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Portion {
    /// Whether the index should get it before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.touched.len() >= LINES_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Whether it has an earlier state of one of these lines: they belong to the next portion then.
    pub(super) fn has_any<'a>(&self, mut ids: impl Iterator<Item = &'a String>) -> bool {
        ids.any(|id| self.touched.contains(id))
    }

    /// Adds lines that it has not: their identifiers, and the values of those that are not deleted.
    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = String>, values: Option<RecordBatch>) {
        self.touched.extend(ids);
        self.bytes += values.as_ref().map_or(0, RecordBatch::get_array_memory_size);
        self.batches.extend(values);
    }

    /// The identifiers of all lines, and the values of those that are not deleted.
    pub(super) fn into_change(self) -> DatasetsResult<(Vec<String>, Option<RecordBatch>)> {
        let added = match &self.batches[..] {
            [] => None,
            [only] => Some(only.clone()),
            [first, ..] => {
                Some(concat_batches(&first.schema(), &self.batches).map_err(DatasetsError::internal)?)
            }
        };
        Ok((self.touched.into_iter().collect(), added))
    }
}

/// Whether so many lines, of so many bytes as JSON, are one portion for certain, in an index of so many columns.
pub(super) fn takes(lines: u64, bytes: u64, columns: usize) -> bool {
    // A column takes an offset or a number for each line, and as much again when it grows.
    let room = bytes.saturating_mul(2).saturating_add(lines.saturating_mul(columns as u64 * 2 * 8));
    lines < LINES_MAX as u64 && room < BYTES_MAX as u64
}

/// Lines that transactions wrote, handed to the index without reading them back.
pub(super) struct Handed {
    pub dataset: Arc<Dataset>,
    /// The index that they are for, and its columns.
    pub index: IndexId,
    pub columns: Vec<Column>,
    /// Number of the last line before them: no other line is between.
    pub after: i64,
    /// The numbers that they have at least and at most.
    pub first: i64,
    pub last: i64,
    pub portion: Portion,
}

impl Handed {
    /// The lines of one transaction, each in its last state, numbered above `after` up to `numbers.1`. `None` where the index
    /// also has what files of lines say.
    pub(super) fn of(
        dataset: &Arc<Dataset>,
        lines: &[&LineRecord],
        after: i64,
        numbers: (i64, i64),
    ) -> DatasetsResult<Option<Self>> {
        let columns = index_columns(&dataset.schema);
        let Some(served) = dataset.served.as_ref().filter(|_| !documents::has_files(&columns)) else {
            return Ok(None);
        };
        let mut portion = Portion::default();
        let values = batch::of(&columns, lines)?;
        portion.add(lines.iter().map(|line| line.id.clone()), values);
        let index = names::index(&dataset.id, &served.id);
        let (first, last) = numbers;
        let dataset = Arc::clone(dataset);
        Ok(Some(Self { dataset, index, columns, after, first, last, portion }))
    }

    /// Whether an index that has all lines up to this number lacks these lines and no other before them.
    pub(super) fn continues(&self, seen: i64) -> bool {
        (self.after..self.first).contains(&seen)
    }

    /// Adds the lines of a later transaction; gives them back when they must reach the index by themselves.
    fn join(&mut self, next: Self) -> Option<Self> {
        let same = self.index == next.index && self.columns == next.columns;
        let fits = same && next.continues(self.last) && !self.portion.is_full();
        if !fits || self.portion.has_any(next.portion.touched.iter()) {
            return Some(next);
        }
        self.last = next.last;
        self.portion.touched.extend(next.portion.touched);
        self.portion.bytes += next.portion.bytes;
        self.portion.batches.extend(next.portion.batches);
        None
    }
}

/// Gives the index the lines of a bulk while those after them are written.
pub(super) struct Relay {
    sender: mpsc::Sender<Handed>,
    task: JoinHandle<DatasetsResult<()>>,
}

impl Relay {
    pub(super) fn start(datasets: &Datasets) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(relay(datasets.clone(), receiver));
        Self { sender, task }
    }

    /// Where transactions hand their lines.
    pub(super) fn sender(&self) -> mpsc::Sender<Handed> {
        self.sender.clone()
    }

    /// Waits until the index has all that was handed.
    ///
    /// # Errors
    ///
    /// When it could not get some of it.
    pub(super) async fn finish(self) -> DatasetsResult<()> {
        drop(self.sender);
        self.task.await.map_err(DatasetsError::internal)?
    }
}

async fn relay(datasets: Datasets, mut receiver: mpsc::Receiver<Handed>) -> DatasetsResult<()> {
    let mut waiting: Option<Handed> = None;
    loop {
        let next = match tokio::time::timeout(SHOWN_WITHIN, receiver.recv()).await {
            Ok(Some(next)) => next,
            Ok(None) => break,
            // Nothing comes: readers need not wait for more.
            Err(_) => {
                if let Some(idle) = waiting.take() {
                    datasets.show_handed(idle).await?;
                }
                continue;
            }
        };
        let apart = match &mut waiting {
            Some(waiting) => waiting.join(next),
            None => Some(next),
        };
        if let Some(next) = apart
            && let Some(full) = waiting.replace(next)
        {
            datasets.show_handed(full).await?;
        }
    }
    match waiting {
        Some(last) => datasets.show_handed(last).await,
        None => Ok(()),
    }
}

/// The last state of each line.
pub(super) fn last_states(
    lines: &[Arc<LineRecord>],
    is_last: impl Fn(usize, &str) -> bool,
) -> Vec<&LineRecord> {
    let last = lines.iter().enumerate().filter(|(at, line)| is_last(*at, &line.id));
    last.map(|(_, line)| &**line).collect()
}
