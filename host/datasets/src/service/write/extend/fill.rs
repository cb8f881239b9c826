//! A batch of lines on its way through the extensions, one after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_extensions::host::Enriched;
use halle_model::{Column, Dataset, Extension};
use halle_store::LineRecord;
use indexmap::IndexMap;
use tokio_util::sync::CancellationToken;

use crate::enrich::expressions::{EXPRESSION, LineExpressions};
use crate::enrich::{EnrichError, PATIENCE_OF_JOBS, source_name};
use crate::jobs::extend::joined;
use crate::service::write::batch;
use crate::state::Datasets;

/// Lines that extensions could not treat, told once for many batches.
#[derive(Debug, Default)]
pub(super) struct Problems(IndexMap<String, (u64, String)>);

impl Problems {
    fn add(&mut self, extension: &Extension, count: usize, first: String) {
        let entry = self.0.entry(source_name(extension).to_owned()).or_insert((0, first));
        entry.0 += count as u64;
    }

    /// What the journal says, an entry per extension; they are forgotten then.
    pub(super) fn take(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.0).into_iter().map(|(name, (count, first))| {
            format!("L'extension \"{name}\" n'a pas pu traiter {count} lignes. Première : {first}")
        });
        told.collect()
    }
}

/// What a write that waits for the extensions wants to know besides.
#[derive(Debug, Default)]
pub(super) struct Within {
    /// Lines, by their place, that must not be written, and why.
    pub refused: HashMap<usize, String>,
    /// Whether an extension that is not mandatory did not answer, so that it and those after it must be asked later.
    pub is_partial: bool,
}

impl Within {
    fn refuse(&mut self, row: usize, text: String) {
        self.refused.entry(row).or_insert(text);
    }
}

/// Fills the columns of the extensions of `dataset` in `lines`. With `whole`, also those that are filled within a write.
/// A line that cannot be treated as it must be fails them all, unless the write takes it out (`within`).
pub(super) async fn fill(
    datasets: &Datasets,
    dataset: &Dataset,
    mut within: Option<&mut Within>,
    whole: bool,
    lines: &mut [LineRecord],
    problems: &mut Problems,
    cancel: &CancellationToken,
) -> Result<(), EnrichError> {
    // A client waits for a write, and so do those who write after it.
    let patience = if within.is_some() { Duration::ZERO } else { PATIENCE_OF_JOBS };
    let expressions = LineExpressions::of(dataset, &datasets.dice).map_err(EnrichError::Invalid)?;
    compute(&expressions, whole, lines, &mut within)?;
    if !expressions.has_later() {
        return Ok(());
    }
    let mut columns = expressions.base().to_vec();
    let Some(mut rows) = batch::of(&columns, &lines.iter().collect::<Vec<_>>()).map_err(machine)? else {
        return Ok(());
    };
    let mut position = 0;
    let active: Vec<&Extension> = dataset.extensions.iter().filter(|extension| extension.active).collect();
    for (at, extension) in active.iter().copied().enumerate() {
        if cancel.is_cancelled() {
            return Err(EnrichError::Cancelled);
        }
        if extension.kind == EXPRESSION {
            rows = computed(&expressions, position, rows, lines, &mut within)?;
            columns.extend(expressions.column(position).cloned());
            position += 1;
            continue;
        }
        let (enriched, outputs) = match run(datasets, dataset, extension, &columns, &rows, (cancel, patience))
            .await
        {
            Err(EnrichError::Temporary(text)) => match &mut within {
                Some(within) if !active[at..].iter().any(|one| one.mandatory) => {
                    tracing::warn!(dataset = dataset.id, error = %text, "an extension is asked again after the write");
                    within.is_partial = true;
                    return Ok(());
                }
                _ => return Err(EnrichError::Temporary(text)),
            },
            result => result?,
        };
        if let Some(within) = within.as_mut().filter(|_| extension.mandatory) {
            for (row, problem) in &enriched.problems {
                let name = source_name(extension);
                let text =
                    format!("L'extension \"{name}\" est obligatoire et a échoué : {}", problem.message);
                within.refuse(*row as usize, text);
            }
        }
        if let Some((row, problem)) = enriched.problems.first() {
            let line = lines.get(*row as usize).map_or("?", |line| line.id.as_str());
            let first = format!("ligne {line} : {}", problem.message);
            problems.add(extension, enriched.problems.len(), first);
        }
        rows = joined(&rows, &enriched.columns, &outputs)
            .map_err(|error| EnrichError::Invalid(error.to_string()))?;
        keep(&outputs, &rows, lines);
        columns.extend(outputs);
    }
    Ok(())
}

/// Takes out what is filled after the write and, with `whole`, computes what is filled within it.
fn compute(
    expressions: &LineExpressions,
    whole: bool,
    lines: &mut [LineRecord],
    within: &mut Option<&mut Within>,
) -> Result<(), EnrichError> {
    for (row, line) in lines.iter_mut().enumerate() {
        expressions.strip_later(&mut line.body);
        if whole {
            expressions.forget(&mut line.body);
            if let Err(text) = expressions.complete(&mut line.body) {
                wrong(row, line, text, within)?;
            }
        }
    }
    Ok(())
}

/// What an extension gives rows of `columns`, and in which columns.
async fn run(
    datasets: &Datasets,
    dataset: &Dataset,
    extension: &Extension,
    columns: &[Column],
    rows: &RecordBatch,
    (cancel, patience): (&CancellationToken, Duration),
) -> Result<(Enriched, Vec<Column>), EnrichError> {
    let until = (cancel.clone(), patience);
    let opened = datasets.open_enrichment(dataset, extension, columns, until).await;
    let mut enrichment = opened?;
    let enriched = enrichment.run(rows.clone()).await?;
    Ok((enriched, enrichment.outputs().to_vec()))
}

/// Puts the last columns of a batch, which are `outputs`, into its lines.
fn keep(outputs: &[Column], rows: &RecordBatch, lines: &mut [LineRecord]) {
    let first = rows.num_columns() - outputs.len();
    for (output, array) in outputs.iter().zip(&rows.columns()[first..]) {
        for (row, line) in lines.iter_mut().enumerate() {
            if let Some(value) = batch::value(output.kind(), array.as_ref(), row) {
                line.body.insert(output.key.clone(), value);
            }
        }
    }
}

/// The batch with the column of an expression, which is computed first if that could not be done within the write.
fn computed(
    expressions: &LineExpressions,
    position: usize,
    rows: RecordBatch,
    lines: &mut [LineRecord],
    within: &mut Option<&mut Within>,
) -> Result<RecordBatch, EnrichError> {
    let Some(column) = expressions.column(position) else { return Ok(rows) };
    if expressions.is_later(&column.key) {
        for (row, line) in lines.iter_mut().enumerate() {
            if let Err(text) = expressions.compute(position, &mut line.body) {
                wrong(row, line, text, within)?;
            }
        }
    }
    let array = batch::column(column, lines);
    let field = Arc::new(Field::new(&column.key, array.data_type().clone(), true));
    let fields: Vec<_> = rows.schema().fields().iter().cloned().chain([field]).collect();
    let arrays = rows.columns().iter().cloned().chain([array]).collect();
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &count).map_err(machine)
}

/// Takes a line for which an expression failed out of the write, or fails.
fn wrong(
    row: usize,
    line: &LineRecord,
    text: String,
    within: &mut Option<&mut Within>,
) -> Result<(), EnrichError> {
    match within {
        Some(within) => {
            within.refuse(row, text);
            Ok(())
        }
        None => Err(EnrichError::Invalid(format!("{text} (ligne {})", line.id))),
    }
}

fn machine(error: impl std::fmt::Display) -> EnrichError {
    EnrichError::Temporary(error.to_string())
}
