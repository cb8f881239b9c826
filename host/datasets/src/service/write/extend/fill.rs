//! A batch of lines on its way through the extensions, one after the other.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use halle_model::{Column, Dataset, Extension};
use halle_store::LineRecord;
use indexmap::IndexMap;
use tokio_util::sync::CancellationToken;

use crate::enrich::expressions::{EXPRESSION, LineExpressions};
use crate::enrich::{EnrichError, source_name};
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

/// Fills the columns of the extensions of `dataset` in `lines`. With `whole`, also those that are filled within a write.
pub(super) async fn fill(
    datasets: &Datasets,
    dataset: &Dataset,
    whole: bool,
    lines: &mut [LineRecord],
    problems: &mut Problems,
    cancel: &CancellationToken,
) -> Result<(), EnrichError> {
    let expressions = LineExpressions::of(dataset, &datasets.dice).map_err(EnrichError::Invalid)?;
    for line in lines.iter_mut() {
        expressions.strip_later(&mut line.body);
        if whole {
            expressions.forget(&mut line.body);
            expressions.complete(&mut line.body).map_err(|text| of_line(&text, line))?;
        }
    }
    if !expressions.has_later() {
        return Ok(());
    }
    let mut columns = expressions.base().to_vec();
    let Some(mut rows) = batch::of(&columns, lines).map_err(machine)? else { return Ok(()) };
    let mut position = 0;
    for extension in dataset.extensions.iter().filter(|extension| extension.active) {
        if cancel.is_cancelled() {
            return Err(EnrichError::Cancelled);
        }
        if extension.kind == EXPRESSION {
            rows = computed(&expressions, position, rows, lines)?;
            columns.extend(expressions.column(position).cloned());
            position += 1;
            continue;
        }
        let opened = datasets.open_enrichment(&dataset.owner, extension, &columns, cancel.clone()).await;
        let mut enrichment = opened?;
        let enriched = enrichment.run(rows.clone()).await?;
        if let Some((row, problem)) = enriched.problems.first() {
            let line = lines.get(*row as usize).map_or("?", |line| line.id.as_str());
            let first = format!("ligne {line} : {}", problem.message);
            problems.add(extension, enriched.problems.len(), first);
        }
        rows = joined(&rows, &enriched.columns, enrichment.outputs())
            .map_err(|error| EnrichError::Invalid(error.to_string()))?;
        keep(enrichment.outputs(), &rows, lines);
        columns.extend(enrichment.outputs().iter().cloned());
    }
    Ok(())
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
) -> Result<RecordBatch, EnrichError> {
    let Some(column) = expressions.column(position) else { return Ok(rows) };
    if expressions.is_later(&column.key) {
        for line in lines.iter_mut() {
            expressions.compute(position, &mut line.body).map_err(|text| of_line(&text, line))?;
        }
    }
    let array = batch::column(column, lines);
    let field = Arc::new(Field::new(&column.key, array.data_type().clone(), true));
    let fields: Vec<_> = rows.schema().fields().iter().cloned().chain([field]).collect();
    let arrays = rows.columns().iter().cloned().chain([array]).collect();
    let count = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &count).map_err(machine)
}

fn of_line(text: &str, line: &LineRecord) -> EnrichError {
    EnrichError::Invalid(format!("{text} (ligne {})", line.id))
}

fn machine(error: impl std::fmt::Display) -> EnrichError {
    EnrichError::Temporary(error.to_string())
}
