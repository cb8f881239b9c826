//! `validated` to `extended`: enrichments add their columns to the canonical rows, batch by batch.

use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_extensions::host::Enriched;
use halle_ingest::rows::{RowsSummary, arrow_schema};
use halle_model::dataset::Status;
use halle_model::{Column, Extension};

use crate::enrich::{Enrichment, PATIENCE_OF_JOBS, source_name};
use crate::jobs::pipeline::{Stage, StageError, StageResult};
use crate::jobs::rows::{Batches, local, read, temporary, write};
use crate::service::extensions::with_edits;
use crate::service::{columns, names};

/// Rows of a draft that can be read (reference §4.8).
const DRAFT_ROWS_MAX: usize = 100;

/// Batches that an extension is given at once: as many may be treated side by side.
const ROUND_BATCHES_MAX: usize = 8;

/// Bytes in memory of a round, beyond which no batch is added to it: wide rows make batches of many megabytes.
const ROUND_BYTES_MAX: usize = 32 << 20;

/// One extension at work.
struct Worker<'a> {
    extension: &'a Extension,
    enrichment: Box<dyn Enrichment>,
    wrong_rows: u64,
    first_problem: Option<String>,
}

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    let active: Vec<&Extension> =
        stage.dataset.extensions.iter().filter(|extension| extension.active).collect();
    let source = stage.building.rows_from.as_deref();
    if active.is_empty() && source.is_none() {
        return skipped(stage).await;
    }
    stage.started().await?;
    let base = columns::of_the_file(&stage.building.schema);
    let added = stage.datasets.plan_extensions(&stage.dataset, &base).await?;
    let mut all = base.clone();
    let mut workers = Vec::with_capacity(active.len());
    for extension in active {
        let cancel = stage.context.cancel.clone();
        let enrichment = stage
            .datasets
            .open_enrichment(&stage.dataset, extension, &all, (cancel, PATIENCE_OF_JOBS))
            .await?;
        all.extend(enrichment.outputs().iter().cloned());
        workers.push(Worker { extension, enrichment, wrong_rows: 0, first_problem: None });
    }
    if all[base.len()..].iter().map(|column| &column.key).ne(added.iter().map(|column| &column.key)) {
        let message = "Une extension n'ajoute pas les colonnes qu'elle avait annoncées.";
        return Err(StageError::Producer(message.to_owned()));
    }
    let all = with_edits(all, &stage.dataset.schema);
    copy(stage, source.unwrap_or(&stage.building.id), &base, &all, &mut workers).await?;
    let warnings = workers.iter().filter_map(Worker::warning).map(|text| ("warning", text)).collect();
    stage
        .ended(Status::Extended, warnings, move |dataset, _now| {
            if let Some(building) = &mut dataset.building {
                building.schema = all;
            }
        })
        .await
}

/// Moves on without a word in the journal: there was nothing to do.
async fn skipped(stage: &Stage<'_>) -> StageResult<()> {
    let mut unit = stage.datasets.store.begin().await?;
    let mut side = super::pipeline::current(unit.as_mut(), &stage.dataset, &stage.building).await?;
    side.status = Status::Extended;
    side.save(unit.as_mut(), stage.datasets.clock.now()).await?;
    unit.commit().await?;
    Ok(())
}

/// Reads the base columns of version `from`, adds the columns of the workers, and keeps the result as the rows of the
/// version in the making. Reading before replacing makes a second run give the same.
async fn copy(
    stage: &Stage<'_>,
    from: &str,
    base: &[Column],
    all: &[Column],
    workers: &mut [Worker<'_>],
) -> StageResult<RowsSummary> {
    let blob = local(stage, &names::rows(&stage.dataset.id, from)?).await?;
    let keys = base.iter().map(|column| column.key.clone()).collect();
    let mut batches = read(blob, keys, stage.context.cancel.clone());
    let file = temporary(stage)?;
    let (sender, writing) = write(&file, all.to_vec());
    let meter = stage.meter(row_count(stage));
    let mut done = 0_u64;
    let mut rows_left = if stage.is_draft() { DRAFT_ROWS_MAX } else { usize::MAX };
    // Where one extension waits for a remote service, each batch is progress.
    let are_quick = workers.iter().all(|worker| worker.enrichment.treats_side_by_side());
    let batches_max = if are_quick { ROUND_BATCHES_MAX } else { 1 };
    'rounds: loop {
        let mut round = round(&mut batches, batches_max, &mut rows_left).await?;
        if round.is_empty() {
            break;
        }
        for worker in workers.iter_mut() {
            round = worker.run(round, done).await?;
        }
        for batch in round {
            done += batch.num_rows() as u64;
            if sender.send(batch).await.is_err() {
                // The writer stopped early: its result tells why.
                break 'rounds;
            }
        }
        meter(done);
    }
    drop(sender);
    let summary = writing.await.map_err(StageError::machine)??;
    stage.datasets.blobs.put_file(&names::rows(&stage.dataset.id, &stage.building.id)?, file.path()).await?;
    Ok(summary)
}

/// The next batches: one that is waited for, and those that are read already, at most so many. No more rows in all than are left;
/// empty at the end.
async fn round(
    batches: &mut Batches,
    batches_max: usize,
    rows_left: &mut usize,
) -> StageResult<Vec<RecordBatch>> {
    let (mut round, mut bytes) = (Vec::new(), 0);
    let mut next = batches.recv().await;
    while let Some(batch) = next {
        let batch = batch?;
        let batch = batch.slice(0, batch.num_rows().min(*rows_left));
        *rows_left -= batch.num_rows();
        bytes += batch.get_array_memory_size();
        if batch.num_rows() > 0 {
            round.push(batch);
        }
        let has_room = *rows_left > 0 && round.len() < batches_max && bytes < ROUND_BYTES_MAX;
        next = if has_room { batches.try_recv().ok() } else { None };
    }
    Ok(round)
}

/// Rows of the version, as far as they are known: of the analysis, else of the served version.
fn row_count(stage: &Stage<'_>) -> u64 {
    let analysed = stage.building.analysis.as_ref().and_then(|analysis| analysis.get("rows")?.as_u64());
    analysed.or(stage.dataset.count).unwrap_or(0)
}

impl Worker<'_> {
    /// The batches with the columns this extension adds. `before` rows came before them.
    async fn run(&mut self, batches: Vec<RecordBatch>, mut before: u64) -> StageResult<Vec<RecordBatch>> {
        let answers = self.enrichment.run_all(batches.clone()).await?;
        if answers.len() != batches.len() {
            let message = "Une extension n'a pas répondu à chaque lot de lignes.";
            return Err(StageError::Producer(message.to_owned()));
        }
        let mut whole = Vec::with_capacity(batches.len());
        for (batch, enriched) in batches.iter().zip(answers) {
            whole.push(self.extended(batch, &enriched, before)?);
            before += batch.num_rows() as u64;
        }
        Ok(whole)
    }

    /// A batch with the columns that it was answered, whose problems are counted. `before` rows came before it.
    fn extended(
        &mut self,
        batch: &RecordBatch,
        enriched: &Enriched,
        before: u64,
    ) -> StageResult<RecordBatch> {
        if let Some((row, problem)) = enriched.problems.first() {
            let text = format!("ligne {} : {}", before + u64::from(*row) + 1, problem.message);
            if self.extension.mandatory {
                let name = source_name(self.extension);
                let message = format!("L'extension \"{name}\" est obligatoire et a échoué, {text}");
                return Err(StageError::Producer(message));
            }
            self.first_problem.get_or_insert(text);
            self.wrong_rows += enriched.problems.len() as u64;
        }
        joined(batch, &enriched.columns, self.enrichment.outputs())
    }

    fn warning(&self) -> Option<String> {
        let first = self.first_problem.as_ref()?;
        let name = source_name(self.extension);
        Some(format!(
            "L'extension \"{name}\" n'a pas pu traiter {} lignes. Première : {first}",
            self.wrong_rows
        ))
    }
}

/// A batch with more columns. What the enrichment gave must have the rows and the types it announced.
pub(crate) fn joined(
    batch: &RecordBatch,
    added: &RecordBatch,
    outputs: &[Column],
) -> StageResult<RecordBatch> {
    let announced = arrow_schema(outputs);
    let types_differ = added.num_columns() != outputs.len()
        || added
            .columns()
            .iter()
            .zip(announced.fields())
            .any(|(array, field)| array.data_type() != field.data_type());
    if added.num_rows() != batch.num_rows() || types_differ {
        let message = "Une extension a répondu avec des colonnes ou un nombre de lignes inattendus.";
        return Err(StageError::Producer(message.to_owned()));
    }
    let fields = batch.schema().fields().iter().chain(announced.fields()).cloned().collect::<Vec<_>>();
    let arrays = batch.columns().iter().chain(added.columns()).cloned().collect();
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &rows)
        .map_err(StageError::machine)
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};
    use tokio::sync::mpsc;

    use super::*;

    /// Sizes, in rows, of the rounds that batches of so many rows of eight bytes make.
    async fn rounds(sizes: &[usize], batches_max: usize, mut rows_left: usize) -> Vec<Vec<usize>> {
        let (sender, mut batches) = mpsc::channel(sizes.len());
        for size in sizes {
            let column: ArrayRef = Arc::new(Int64Array::from(vec![0; *size]));
            sender.try_send(Ok(RecordBatch::try_from_iter([("a", column)]).unwrap())).unwrap();
        }
        drop(sender);
        let mut rounds = Vec::new();
        loop {
            let next = round(&mut batches, batches_max, &mut rows_left).await.unwrap();
            if next.is_empty() {
                return rounds;
            }
            rounds.push(next.iter().map(RecordBatch::num_rows).collect());
        }
    }

    #[tokio::test]
    async fn rounds_are_bounded_in_batches_in_bytes_and_in_rows() {
        assert_eq!(rounds(&[1, 2, 3, 4, 5], 2, usize::MAX).await, [vec![1, 2], vec![3, 4], vec![5]]);
        // Half of what a round may have: the second fills it.
        let wide = ROUND_BYTES_MAX / 16;
        let expected = [vec![wide; 2], vec![wide; 2], vec![1]];
        assert_eq!(rounds(&[wide, wide, wide, wide, 1], 8, usize::MAX).await, expected);
        assert_eq!(rounds(&[60, 60, 60], 8, 100).await, [vec![60, 40]]);
    }
}
