//! `halle:host/datasets`: datasets by slot.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use halle_base::limits::DATASET_COLUMNS_MAX;
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter};
use halle_extensions::{Field, Problem};
use serde_json::Value;
use wasmtime::component::Resource;

use super::blobs::BlobHandle;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::datasets;
use crate::columns;
use crate::convert::{self, fields_from_wit, fields_to_wit};
use crate::guest::{Guest, problem, unless_cancelled};
use crate::limits::bad_answer;
use crate::weigh::Weigh;

/// Rows of one batch.
const ROWS_MAX: u32 = 4_096;
const FILE_NAME_BYTES_MAX: usize = 200;

/// Lines being read.
pub struct ReaderHandle {
    /// Where they come from.
    pub reader: Box<dyn RowsReader>,
    /// What the platform gave and the guest has not seen yet: a batch has a limit in bytes, too.
    rest: Option<RecordBatch>,
}

impl ReaderHandle {
    /// Cuts what the guest sees next from `rows`, and keeps what is beyond.
    fn cut(&mut self, rows: RecordBatch, rows_max: u32) -> RecordBatch {
        let count = rows.num_rows();
        let fits = columns::parts(&rows).first().map_or(count, |(_, fits)| *fits).min(rows_max as usize);
        self.rest = (fits < count).then(|| rows.slice(fits, count - fits));
        rows.slice(0, fits)
    }
}

/// A transaction; dropping it changes nothing.
pub struct WriterHandle {
    writer: Box<dyn RowsWriter>,
    fields: Vec<Field>,
}

impl Guest {
    /// The datasets, when this slot is granted in this direction.
    fn slot(&self, slot: &str, granted: &[String]) -> Result<Arc<dyn DatasetSlots>, wit::Problem> {
        if !granted.iter().any(|name| name == slot) {
            let slot = convert::one_line(slot, 64);
            return Err(problem("denied/slot", format!("the slot `{slot}` is not granted to this plugin")));
        }
        self.call
            .services
            .datasets
            .clone()
            .ok_or_else(|| problem("dataset/unbound", format!("no dataset is bound to the slot `{slot}`")))
    }

    /// Opens what is bound to a slot.
    pub async fn open_slot(&mut self, slot: &str, query: &Value) -> Result<ReaderHandle, wit::Problem> {
        let datasets = self.slot(slot, &self.grants.read_slots)?;
        let reader = self.wait(datasets.open_read(slot, query)).await?;
        Ok(ReaderHandle { reader, rest: None })
    }

    /// The next rows of a reader of the platform.
    pub async fn next_rows(
        &mut self,
        reader: &Resource<ReaderHandle>,
        max_rows: u32,
    ) -> wasmtime::Result<Result<Option<wit::Batch>, wit::Problem>> {
        let max_rows = if max_rows == 0 { ROWS_MAX } else { max_rows.min(ROWS_MAX) };
        let cancel = self.call.cancel.clone();
        let handle = self.table.get_mut(reader)?;
        let rows = match handle.rest.take() {
            Some(rest) => Ok(Some(rest)),
            None => unless_cancelled(&cancel, handle.reader.next(max_rows)).await,
        };
        match rows {
            Ok(Some(rows)) => {
                let (rows, fields) = (handle.cut(rows, max_rows), handle.reader.schema().to_vec());
                Ok(Ok(Some(self.batch_to_guest(&rows, &fields)?)))
            }
            Ok(None) => Ok(Ok(None)),
            Err(failed) => Ok(Err(self.problem(failed))),
        }
    }
}

impl datasets::Host for Guest {
    async fn open_read(
        &mut self,
        slot: String,
        query: String,
    ) -> wasmtime::Result<Result<Resource<ReaderHandle>, wit::Problem>> {
        self.enter()?;
        self.took(query.weight());
        let query = convert::json(&query, "the query")?;
        match self.open_slot(&slot, &query).await {
            Ok(reader) => Ok(Ok(self.push(reader)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn open_write(
        &mut self,
        slot: String,
        mode: String,
        schema: Vec<wit::Field>,
    ) -> wasmtime::Result<Result<Resource<WriterHandle>, wit::Problem>> {
        self.enter()?;
        let datasets = match self.slot(&slot, &self.grants.write_slots) {
            Ok(datasets) => datasets,
            Err(refused) => return Ok(Err(refused)),
        };
        if !matches!(mode.as_str(), "replace" | "append" | "upsert") {
            return Ok(Err(problem("dataset/mode", "the mode is none of `replace`, `append`, `upsert`")));
        }
        let fields = fields_from_wit(schema, DATASET_COLUMNS_MAX, "the schema")?;
        match self.wait(datasets.open_write(&slot, &mode, &fields)).await {
            Ok(writer) => Ok(Ok(self.push(WriterHandle { writer, fields })?)),
            Err(refused) => Ok(Err(refused)),
        }
    }
}

impl datasets::HostReader for Guest {
    async fn schema(&mut self, reader: Resource<ReaderHandle>) -> wasmtime::Result<Vec<wit::Field>> {
        self.enter()?;
        Ok(fields_to_wit(self.table.get(&reader)?.reader.schema()))
    }

    async fn next(
        &mut self,
        reader: Resource<ReaderHandle>,
        max_rows: u32,
    ) -> wasmtime::Result<Result<Option<wit::Batch>, wit::Problem>> {
        self.enter()?;
        self.next_rows(&reader, max_rows).await
    }

    async fn drop(&mut self, reader: Resource<ReaderHandle>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl datasets::HostWriter for Guest {
    async fn write(
        &mut self,
        writer: Resource<WriterHandle>,
        batch: wit::Batch,
    ) -> wasmtime::Result<Result<datasets::WriteReport, wit::Problem>> {
        self.enter()?;
        self.took(batch.weight());
        let cancel = self.call.cancel.clone();
        let handle = self.table.get_mut(&writer)?;
        let rows = columns::from_wit(batch, &handle.fields, None).map_err(bad_answer)?;
        let written = unless_cancelled(&cancel, handle.writer.write(rows)).await;
        Ok(match written {
            Ok((accepted, problems)) => {
                let problems =
                    problems.into_iter().map(|(row, refused)| (row, self.problem(refused))).collect();
                Ok(datasets::WriteReport { accepted, problems })
            }
            Err(failed) => Err(self.problem(failed)),
        })
    }

    async fn replace_file(
        &mut self,
        writer: Resource<WriterHandle>,
        name: String,
        file: Resource<BlobHandle>,
    ) -> wasmtime::Result<Result<(), wit::Problem>> {
        self.enter()?;
        if let Err(refused) = check_file_name(&name) {
            return Ok(Err(self.problem(refused)));
        }
        let blob = self.table.get(&file)?.clone();
        let cancel = self.call.cancel.clone();
        let replace = self.table.get_mut(&writer)?.writer.replace_file(&name, blob.file());
        let replaced = unless_cancelled(&cancel, replace).await;
        Ok(replaced.map_err(|failed| self.problem(failed)))
    }

    async fn commit(
        &mut self,
        writer: Resource<WriterHandle>,
    ) -> wasmtime::Result<Result<datasets::CommitReport, wit::Problem>> {
        self.enter()?;
        let handle = self.table.delete(writer)?;
        let committed = self.wait(handle.writer.commit()).await;
        Ok(committed.map(|rows| datasets::CommitReport { rows }))
    }

    async fn drop(&mut self, writer: Resource<WriterHandle>) -> wasmtime::Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}

/// Whether a text can be the name of an uploaded file: no path, nothing hidden, nothing a shell would misread.
pub fn check_file_name(name: &str) -> Result<(), Problem> {
    let is_sound = (1..=FILE_NAME_BYTES_MAX).contains(&name.len())
        && !name.starts_with('.')
        && !name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ':'));
    if is_sound {
        Ok(())
    } else {
        Err(Problem::new("dataset/file-name", "the file name must be plain, such as `data.csv`"))
    }
}
