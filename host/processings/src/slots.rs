//! Datasets in the slots of a processing: the plugin says `output`, the processing says which dataset that is.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_datasets::service::create::{NewDataset, Upload};
use halle_datasets::service::read::refused;
use halle_datasets::service::write::{LinesWriter, WriteMode};
use halle_extensions::services::{DatasetSlots, RowsReader, RowsWriter};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, Problem};
use halle_model::slug::column_key;
use halle_model::{Caller, Column, ColumnKind, Status};
use halle_search::params::Params;
use halle_store::EntityExt;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use crate::Processings;
use crate::model::{Processing, Slot};

/// How long a commit waits for the dataset to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30 * 60);

/// The slots of one processing, for one run.
pub(crate) struct ProcessingSlots {
    processings: Processings,
    processing: Processing,
    caller: Caller,
    /// Bytes that the open transactions of the run have collected.
    collected: Arc<AtomicU64>,
}

impl ProcessingSlots {
    /// The slots, acting for the owner of the processing.
    pub(crate) fn new(processings: &Processings, processing: &Processing) -> Self {
        let caller = Caller::platform_for(processing.owner.clone());
        Self {
            processings: processings.clone(),
            processing: processing.clone(),
            caller,
            collected: Arc::default(),
        }
    }

    fn slot(&self, name: &str) -> Result<&Slot, Problem> {
        self.processing.slots.get(name).ok_or_else(|| {
            let message = format!(
                "Aucun jeu de données n'est associé à « {name} » dans ce traitement. \
                 No dataset stands in the slot `{name}` of this processing."
            );
            Problem::new("dataset/unbound", message)
        })
    }
}

#[async_trait]
impl DatasetSlots for ProcessingSlots {
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        let Some(dataset) = &self.slot(slot)?.dataset else {
            return Err(Problem::new(
                "slot/empty",
                format!("le jeu de données de « {slot} » n'existe pas encore"),
            ));
        };
        let pairs = query.as_object().into_iter().flatten().map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let params = Params::new(pairs).map_err(|error| Problem::new("dataset/query", error.to_string()))?;
        let read =
            self.processings.datasets.batches(&self.caller, dataset, &params).await.map_err(refused)?;
        Ok(read.into_reader())
    }

    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem> {
        let mode = WriteMode::of(mode).ok_or_else(|| {
            let message = format!(
                "« {mode} » n'est pas un mode d'écriture : `replace`, `append` ou `upsert`. \
                 `{mode}` is no mode of writing: `replace`, `append` or `upsert`."
            );
            Problem::new("dataset/mode", message)
        })?;
        let bound = self.slot(slot)?.clone();
        let content = match &bound.dataset {
            Some(id) if mode != WriteMode::Replace || self.is_editable(id).await? => {
                let writer = self.processings.datasets.lines_writer(&self.caller, id, mode, schema).await?;
                Content::Lines(Box::new(writer))
            }
            None if mode != WriteMode::Replace => return Err(nothing_to_add_to(slot)),
            _ => self.collect(schema)?,
        };
        Ok(Box::new(SlotWriter {
            processings: self.processings.clone(),
            processing: self.processing.id.clone(),
            caller: self.caller.clone(),
            name: slot.to_owned(),
            slot: bound,
            content,
            budget: Budget {
                collected: Arc::clone(&self.collected),
                mine: 0,
                bytes_max: self.processings.datasets.config.upload_bytes_max,
            },
        }))
    }
}

impl ProcessingSlots {
    async fn is_editable(&self, id: &str) -> Result<bool, Problem> {
        self.processings.datasets.is_editable(id).await.map_err(refused)
    }

    /// A file for rows that become the file of a dataset.
    fn collect(&self, schema: &[Field]) -> Result<Content, Problem> {
        let file = NamedTempFile::new_in(&self.processings.temp_dir).map_err(|error| disk(&error))?;
        let mut csv = csv::Writer::from_writer(file.reopen().map_err(|error| disk(&error))?);
        csv.write_record(schema.iter().map(|field| &field.key)).map_err(|error| disk(&error))?;
        Ok(Content::Rows { file, csv: Box::new(csv), columns: columns(schema) })
    }
}

/// What the plugin says of the columns of its rows, for a dataset that does not know them yet: keys, titles, concepts, and the
/// types that the values have whatever they look like, such as codes of digits that are texts.
fn columns(schema: &[Field]) -> Vec<Column> {
    let named = schema.iter().map(|field| (column_key(&field.key), field)).filter(|(key, _)| !key.is_empty());
    named
        .map(|(key, field)| {
            // JSON comes as a text, as from any file.
            let kind = if field.kind == ColumnKind::Object { ColumnKind::Text } else { field.kind };
            let mut column = Column::new(key, kind);
            column.original_name = Some(field.key.clone());
            column.title.clone_from(&field.title);
            column.refers_to.clone_from(&field.concept);
            let forced = json!({ "type": column.json_type, "format": column.format });
            column.other.insert("x-transform".to_owned(), forced);
            column
        })
        .collect()
}

fn nothing_to_add_to(slot: &str) -> Problem {
    let message = format!(
        "Aucun jeu de données éditable n'est associé à « {slot} » : choisissez-en un dans le traitement, ou utilisez `replace`. \
         No editable dataset stands in the slot `{slot}`: choose one in the processing, or use `replace`."
    );
    Problem::new("dataset/unbound", message)
}

/// What a transaction has written to the disk: the open ones of a run together, at most what one file may have.
struct Budget {
    collected: Arc<AtomicU64>,
    mine: u64,
    bytes_max: u64,
}

impl Budget {
    fn take(&mut self, bytes: u64) -> Result<(), Problem> {
        self.mine += bytes;
        let collected = self.collected.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if collected <= self.bytes_max {
            return Ok(());
        }
        let max = self.bytes_max;
        let message = format!(
            "Ce qui est écrit dépasse {max} octets, la taille permise d'un fichier. \
             What is written is larger than {max} bytes, the size that a file may have."
        );
        Err(Problem::new("dataset/too-large", message))
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        self.collected.fetch_sub(self.mine, Ordering::Relaxed);
    }
}

/// What a transaction has collected.
enum Content {
    /// Rows, as CSV with the keys of the columns as header.
    Rows { file: NamedTempFile, csv: Box<csv::Writer<std::fs::File>>, columns: Vec<Column> },
    /// A file to take as it is.
    File { name: String, file: NamedTempFile },
    /// Lines of an editable dataset, which keeps them itself.
    Lines(Box<LinesWriter>),
}

/// A transaction on the dataset in a slot. Dropping it removes what it collected, and nothing else happened.
struct SlotWriter {
    processings: Processings,
    processing: String,
    caller: Caller,
    name: String,
    slot: Slot,
    content: Content,
    budget: Budget,
}

#[async_trait]
impl RowsWriter for SlotWriter {
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        let csv = match &mut self.content {
            Content::Rows { csv, .. } => csv,
            Content::Lines(writer) => {
                let added = writer.add(&batch).await?;
                self.budget.take(added.bytes)?;
                return Ok((added.accepted, added.problems));
            }
            Content::File { .. } => {
                return Err(Problem::new("dataset/mode", "a file was given already: rows cannot follow"));
            }
        };
        let formatters = formatters(&batch)?;
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = formatters.iter().map(|column| column.value(row).to_string()).collect();
            // Each cell is followed by a comma or the end of its line.
            self.budget.take(cells.iter().map(|cell| cell.len() as u64 + 1).sum())?;
            csv.write_record(cells).map_err(|error| disk(&error))?;
        }
        Ok((batch.num_rows() as u64, Vec::new()))
    }

    async fn replace_file(&mut self, name: &str, file: &Path) -> Result<(), Problem> {
        self.budget.take(tokio::fs::metadata(file).await.map_err(|error| disk(&error))?.len())?;
        let copy = NamedTempFile::new_in(&self.processings.temp_dir).map_err(|error| disk(&error))?;
        tokio::fs::copy(file, copy.path()).await.map_err(|error| disk(&error))?;
        match &mut self.content {
            Content::Lines(writer) => writer.replace_by(name, copy)?,
            content => *content = Content::File { name: name.to_owned(), file: copy },
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<u64, Problem> {
        let (file, name, columns) = match self.content {
            Content::Rows { file, csv, columns } => {
                let mut written = csv.into_inner().map_err(|error| disk(&error))?;
                written.flush().map_err(|error| disk(&error))?;
                (file, format!("{}.csv", self.name), columns)
            }
            Content::File { name, file } => (file, name, Vec::new()),
            Content::Lines(writer) => return writer.commit().await,
        };
        let datasets = &self.processings.datasets;
        let upload = Upload { columns: &columns, ..Upload::new(&name, file.path()) };
        let dataset = match &self.slot.dataset {
            Some(id) => {
                datasets.replace_with(&self.caller, id, upload, &Map::new()).await.map_err(refused)?
            }
            None => {
                let extras = json!({ "extras": { "processingId": self.processing } });
                let attributes = extras.as_object().cloned().unwrap_or_else(Map::new);
                let title = self.slot.title.clone();
                let new = NewDataset { title, attributes, ..NewDataset::default() };
                let created = datasets.create_with(&self.caller, new, upload).await.map_err(refused)?;
                bind(&self.processings, &self.processing, &self.name, &created.id).await?;
                created
            }
        };
        let ready = datasets.wait_finalized(&dataset.id, READY_WITHIN).await.map_err(refused)?;
        if ready.status == Status::Error {
            let message = format!("le jeu de données « {} » est en erreur : voir son journal", ready.title);
            return Err(Problem::new("dataset/error", message));
        }
        Ok(ready.count.unwrap_or(0))
    }
}

/// Remembers the dataset that a run created, so that the next run replaces its content.
async fn bind(processings: &Processings, processing: &str, slot: &str, dataset: &str) -> Result<(), Problem> {
    let unavailable = |error: halle_store::StoreError| {
        tracing::error!(%error, "the slot of a processing could not be bound");
        Problem::new("slot/unavailable", "le jeu de données créé n'a pas pu être associé au traitement")
    };
    let mut work = processings.store.begin().await.map_err(unavailable)?;
    let Some(mut stored) = work.load::<Processing>(processing).await.map_err(unavailable)? else {
        return Ok(());
    };
    if let Some(slot) = stored.entity.slots.get_mut(slot) {
        slot.dataset = Some(dataset.to_owned());
    }
    work.save(&mut stored, processings.clock.now()).await.map_err(unavailable)?;
    work.commit().await.map_err(unavailable)
}

fn formatters(batch: &RecordBatch) -> Result<Vec<arrow::util::display::ArrayFormatter<'_>>, Problem> {
    let columns = batch.columns().iter().map(|column| {
        arrow::util::display::ArrayFormatter::try_new(
            column.as_ref(),
            &arrow::util::display::FormatOptions::default(),
        )
    });
    columns.collect::<Result<_, _>>().map_err(|error| Problem::new("dataset/type", error.to_string()))
}

fn disk(error: &impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a file on its way to a dataset could not be written");
    Problem::new("dataset/disk", "le fichier temporaire n'a pas pu être écrit")
}
