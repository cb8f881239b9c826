//! What the platform does for a guest, on the platform's own threads.
//!
//! Threads of guests come after all others ([`crate::priority`]). Work that others wait for must not: a transaction holds the
//! database's one place to write, and a thread that a connection starts for itself is as nice as the thread that asked. So
//! state and datasets are asked from here; requests to the world stay with the guest, whose own business they are.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_extensions::services::{DatasetSlots, PluginState, RowsReader, RowsWriter, Services};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::host::Task;

/// The same services, at work on the threads of `platform`.
pub fn services(services: Services, platform: &Handle) -> Services {
    Services {
        state: services.state.map(|inner| Arc::new(State { inner, platform: platform.clone() }) as _),
        datasets: services.datasets.map(|inner| Arc::new(Slots { inner, platform: platform.clone() }) as _),
        ..services
    }
}

/// Does the work there. It ends early when the guest that waits for it goes away; `code` is what it is told when it fails.
async fn done<T: Send + 'static>(
    platform: &Handle,
    code: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Problem> {
    let mut task = Task(platform.spawn(work));
    (&mut task.0).await.map_err(|error| {
        tracing::error!(%error, "work for a guest failed");
        Problem::new(code, "the platform could not do it")
    })
}

const STATE: &str = "state/unavailable";
const DATASET: &str = "dataset/error";

struct State {
    inner: Arc<dyn PluginState>,
    platform: Handle,
}

#[async_trait]
impl PluginState for State {
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        done(&self.platform, STATE, async move { inner.get(&key).await }).await?
    }

    async fn put(&self, key: &str, value: Vec<u8>, expected: Option<u64>) -> Result<u64, Problem> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        done(&self.platform, STATE, async move { inner.put(&key, value, expected).await }).await?
    }

    async fn delete(&self, key: &str) -> Result<(), Problem> {
        let (inner, key) = (Arc::clone(&self.inner), key.to_owned());
        done(&self.platform, STATE, async move { inner.delete(&key).await }).await?
    }

    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem> {
        let (inner, prefix, after) = (Arc::clone(&self.inner), prefix.to_owned(), after.map(str::to_owned));
        let work = async move { inner.keys(&prefix, after.as_deref(), max).await };
        done(&self.platform, STATE, work).await?
    }
}

struct Slots {
    inner: Arc<dyn DatasetSlots>,
    platform: Handle,
}

#[async_trait]
impl DatasetSlots for Slots {
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        let (inner, slot, query) = (Arc::clone(&self.inner), slot.to_owned(), query.clone());
        let work = async move { inner.open_read(&slot, &query).await };
        let reader = done(&self.platform, DATASET, work).await??;
        let schema = reader.schema().to_vec();
        Ok(Box::new(Reader { inner: Some(reader), schema, platform: self.platform.clone() }))
    }

    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        let inner = Arc::clone(&self.inner);
        let (slot, mode, schema) = (slot.to_owned(), mode.to_owned(), schema.to_vec());
        let work = async move { inner.open_write(&slot, &mode, &schema).await };
        let writer = done(&self.platform, DATASET, work).await??;
        Ok(Box::new(Writer { inner: Some(writer), platform: self.platform.clone() }))
    }
}

/// Work under way has the reader or writer; it is gone when that work was given up.
fn given_up() -> Problem {
    Problem::new(DATASET, "an earlier call on it was given up: open it again")
}

struct Reader {
    inner: Option<Box<dyn RowsReader>>,
    schema: Vec<Field>,
    platform: Handle,
}

#[async_trait]
impl RowsReader for Reader {
    fn schema(&self) -> &[Field] {
        &self.schema
    }

    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem> {
        let mut inner = self.inner.take().ok_or_else(given_up)?;
        let work = async move {
            let rows = inner.next(max_rows).await;
            (inner, rows)
        };
        let (inner, rows) = done(&self.platform, DATASET, work).await?;
        self.inner = Some(inner);
        rows
    }
}

struct Writer {
    inner: Option<Box<dyn RowsWriter>>,
    platform: Handle,
}

#[async_trait]
impl RowsWriter for Writer {
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        let mut inner = self.inner.take().ok_or_else(given_up)?;
        let work = async move {
            let written = inner.write(batch).await;
            (inner, written)
        };
        let (inner, written) = done(&self.platform, DATASET, work).await?;
        self.inner = Some(inner);
        written
    }

    async fn replace_file(&mut self, name: &str, file: &Path) -> Result<(), Problem> {
        let mut inner = self.inner.take().ok_or_else(given_up)?;
        let (name, file) = (name.to_owned(), file.to_owned());
        let work = async move {
            let replaced = inner.replace_file(&name, &file).await;
            (inner, replaced)
        };
        let (inner, replaced) = done(&self.platform, DATASET, work).await?;
        self.inner = Some(inner);
        replaced
    }

    async fn commit(mut self: Box<Self>) -> Result<u64, Problem> {
        let inner = self.inner.take().ok_or_else(given_up)?;
        done(&self.platform, DATASET, inner.commit()).await?
    }
}
