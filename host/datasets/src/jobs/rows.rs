//! Rows between blocking threads (files) and tasks (plugins, index): bounded, in order, cancellable.

use arrow::record_batch::RecordBatch;
use halle_ingest::rows::{RowsReader, RowsSummary, RowsWriter};
use halle_model::Column;
use halle_store::BlobKey;
use halle_store::blobs::LocalBlob;
use tempfile::NamedTempFile;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::jobs::pipeline::{Stage, StageError, StageResult};

/// Batches that wait between two threads.
const BATCHES_WAITING_MAX: usize = 2;

/// Batches on their way; ends after the first error.
pub(crate) type Batches = mpsc::Receiver<StageResult<RecordBatch>>;

/// Runs work that blocks on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StageResult<T> + Send + 'static,
) -> StageResult<T> {
    tokio::task::spawn_blocking(work).await.map_err(StageError::machine)?
}

/// A blob that must be there, as a local file.
pub(crate) async fn local(stage: &Stage<'_>, key: &BlobKey) -> StageResult<LocalBlob> {
    let blob = stage.datasets.blobs.local(key).await?;
    blob.ok_or_else(|| StageError::Machine(format!("the blob {} is missing", key.as_str())))
}

/// A new file on its way to the blobs; removed when dropped.
pub(crate) fn temporary(stage: &Stage<'_>) -> StageResult<NamedTempFile> {
    NamedTempFile::new_in(&stage.datasets.config.temp_dir).map_err(StageError::machine)
}

/// Reads canonical rows on a thread of their own: the columns of `keys`, in this order.
pub(crate) fn read(blob: LocalBlob, keys: Vec<String>, cancel: CancellationToken) -> Batches {
    let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    tokio::task::spawn_blocking(move || {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let reader = match RowsReader::open(&blob.path, Some(&keys)) {
            Ok(reader) => reader,
            Err(error) => return drop(sender.blocking_send(Err(error.into()))),
        };
        for batch in reader {
            let batch =
                if cancel.is_cancelled() { Err(StageError::Cancelled) } else { batch.map_err(Into::into) };
            let last = batch.is_err();
            // A closed channel means that whoever wanted the rows has gone.
            if sender.blocking_send(batch).is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// Writes canonical rows on a thread of their own. Returns where to send batches, and the task that ends when the
/// sender is dropped.
pub(crate) fn write(
    file: &NamedTempFile,
    columns: Vec<Column>,
) -> (mpsc::Sender<RecordBatch>, tokio::task::JoinHandle<StageResult<RowsSummary>>) {
    let (sender, mut receiver) = mpsc::channel::<RecordBatch>(BATCHES_WAITING_MAX);
    let path = file.path().to_owned();
    let task = tokio::task::spawn_blocking(move || {
        let mut writer = RowsWriter::create(&path, &columns)?;
        while let Some(batch) = receiver.blocking_recv() {
            writer.write(&batch)?;
        }
        Ok(writer.finish()?)
    });
    (sender, task)
}
