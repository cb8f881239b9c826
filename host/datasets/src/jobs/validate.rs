//! `analyzed` to `validated`: every row read in the types of the schema, checked against the rules of its columns, and
//! kept as canonical rows. `validation-updated` to `finalized` or `validated`: rows that are there, checked again.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use halle_ingest::rows::{RowsReader, RowsWriter};
use halle_ingest::{Analysis, CellProblem, Kind};
use halle_model::Column;
use halle_model::dataset::Status;
use halle_model::journal::Diagnostic;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio_util::sync::CancellationToken;

use crate::jobs::attachments::Beside;
use crate::jobs::diagnostic::{Entry, ErrorType, Report};
use crate::jobs::drafts;
use crate::jobs::pipeline::{Meter, Stage, StageError, StageResult, Told, current};
use crate::jobs::rows::{blocking, local, temporary};
use crate::jobs::sweep;
use crate::rules::BatchRules;
use crate::service::{columns, names};

/// Errors of one batch that are described one by one; the others are counted.
const BATCH_ERRORS_MAX: usize = 10_000;

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
    let (report, rows) = match stage.building.rows_from.as_deref() {
        Some(from) => (check_again(stage, from).await?, None),
        None => read(stage).await?,
    };
    conclude(stage, report, rows).await
}

/// Reads the file into canonical rows.
async fn read(stage: &Stage<'_>) -> StageResult<(Report, Option<NamedTempFile>)> {
    let analysis = stage.building.analysis.clone().map(serde_json::from_value::<Analysis>);
    let analysis = analysis
        .ok_or_else(|| StageError::Machine("the version was not analysed".to_owned()))?
        .map_err(StageError::machine)?;
    let upload = names::upload_of_building(&stage.building);
    let blob = local(stage, &names::original(&stage.dataset.id, upload)?).await?;
    let file = temporary(stage)?;
    let work = Work {
        source: blob.path.clone(),
        target: file.path().to_owned(),
        columns: stage.building.schema.clone(),
        meter: stage.meter(analysis.rows),
        analysis,
        beside: Beside::of(stage).await?,
        cancel: stage.context.cancel.clone(),
        report: temporary(stage)?,
    };
    let report = blocking(move || work.run()).await?;
    Ok((report, Some(file)))
}

/// Checks the canonical rows of version `from` against the rules, without reading the file.
async fn check_again(stage: &Stage<'_>, from: &str) -> StageResult<Report> {
    let rows = local(stage, &names::rows(&stage.dataset.id, from)?).await?;
    let meter = stage.meter(stage.dataset.count.unwrap_or(0));
    let (cancel, list) = (stage.context.cancel.clone(), temporary(stage)?);
    let columns = columns::of_the_file(&stage.building.schema);
    let is_table = stage.building.file.as_ref().is_none_or(|file| file.mimetype != Kind::Features.mime());
    // A row takes a line as far as that is known here: only the file itself tells of line breaks within values.
    let first_line = if is_table { 2 } else { 1 };
    blocking(move || {
        let rules = BatchRules::of(&columns).map_err(StageError::Producer)?;
        let keys = rules.keys();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut report = Report::new(list)?;
        if keys.is_empty() {
            return Ok(report);
        }
        for batch in RowsReader::open(&rows.path, Some(&keys))? {
            if cancel.is_cancelled() {
                return Err(StageError::Cancelled);
            }
            let (batch, before) = (batch?, report.rows_seen());
            note(&mut report, &rules, &batch, &[], |row| first_line + before + row as u64)?;
            meter(report.rows_seen());
        }
        Ok(report)
    })
    .await
}

/// Ends the stage as the report says: on to the next one with the rows that were read, or an error with its list.
async fn conclude(stage: &Stage<'_>, report: Report, rows: Option<NamedTempFile>) -> StageResult<()> {
    let text = report.text();
    let lenient = stage.dataset.description.get("nonBlockingValidation") == Some(&Value::Bool(true));
    if let Some(text) = text.as_ref().filter(|_| !lenient && drafts::is_dropped_with_wrong_rows(stage)) {
        return drafts::cancel(stage, text.clone(), report).await;
    }
    let (file, found) = report.finish()?;
    let served = stage.dataset.served.as_ref().filter(|_| stage.building.checks_only && lenient);
    let holder = served.map_or(&stage.building.id, |served| &served.id);
    if text.is_some() {
        let key = names::diagnostic(&stage.dataset.id, holder)?;
        stage.datasets.blobs.put_file(&key, file.path()).await?;
    }
    let diagnostic = text.as_ref().map(|_| found);
    let told = match text {
        Some(text) if !lenient => return Err(StageError::Invalid { text, diagnostic: found }),
        text => text.map(|text| Told { diagnostic, ..Told::new("validation-error", text) }),
    };
    if let Some(rows) = rows {
        let key = names::rows(&stage.dataset.id, &stage.building.id)?;
        stage.datasets.blobs.put_file(&key, rows.path()).await?;
    }
    if stage.building.checks_only {
        return stay(stage, told, diagnostic).await;
    }
    if stage.is_draft() {
        return drafts::decide(stage, told, diagnostic).await;
    }
    let told = told.into_iter().collect();
    stage
        .ended_with(Status::Validated, told, move |dataset, _now| {
            if let Some(building) = &mut dataset.building {
                building.diagnostic = diagnostic;
            }
        })
        .await
}

/// Only rules had changed, and the rows obey: the served version stays.
async fn stay(stage: &Stage<'_>, told: Option<Told>, diagnostic: Option<Diagnostic>) -> StageResult<()> {
    let mut unit = stage.datasets.store.begin().await?;
    let mut side = current(unit.as_mut(), &stage.dataset, &stage.building).await?;
    let now = stage.datasets.clock.now();
    if let Some(served) = &mut side.served {
        served.diagnostic = diagnostic;
    }
    side.building = None;
    side.status = Status::Finalized;
    side.error_status = None;
    side.save(unit.as_mut(), now).await?;
    let retired = [stage.building.id.clone()];
    unit.jobs().enqueue(&sweep::at_once(&stage.dataset.id, &retired, now)).await?;
    let mut told: Vec<Told> = told.into_iter().collect();
    told.extend([Told::plain("validate-end"), Told::plain("finalize-end")]);
    let events = stage.tell(unit.as_mut(), told).await?;
    unit.commit().await?;
    stage.announce(&events);
    Ok(())
}

struct Work {
    source: PathBuf,
    target: PathBuf,
    columns: Vec<Column>,
    analysis: Analysis,
    /// Files that the lines name.
    beside: Option<Beside>,
    meter: Meter,
    cancel: CancellationToken,
    report: NamedTempFile,
}

impl Work {
    fn run(self) -> StageResult<Report> {
        let rules = BatchRules::of(&self.columns).map_err(StageError::Producer)?;
        let mut writer = RowsWriter::create(Path::new(&self.target), &self.columns)?;
        let mut report = Report::new(self.report)?;
        for batch in halle_ingest::read(&self.source, &self.analysis, &self.columns)? {
            if self.cancel.is_cancelled() {
                return Err(StageError::Cancelled);
            }
            let mut batch = batch?;
            if let Some(beside) = &self.beside {
                beside.check_rows(&mut batch, &self.columns);
            }
            writer.write(&batch.rows)?;
            let line = |row: usize| batch.lines[row];
            note(&mut report, &rules, &batch.rows, &batch.problems, line)?;
            let unlisted = batch.problems_total.saturating_sub(batch.problems.len() as u64);
            report.count(ErrorType::Validation, unlisted);
            (self.meter)(report.rows_seen());
        }
        writer.finish()?;
        Ok(report)
    }
}

/// Adds what is wrong with the rows of one batch, row by row.
fn note(
    report: &mut Report,
    rules: &BatchRules<'_>,
    rows: &RecordBatch,
    problems: &[CellProblem],
    line: impl Fn(usize) -> u64,
) -> StageResult<()> {
    let mut wrong = vec![false; rows.num_rows()];
    let mut errors: Vec<(usize, String, String, String)> = Vec::new();
    let mut unread = HashSet::new();
    for problem in problems {
        wrong[problem.row] = true;
        unread.insert((problem.row, problem.column.as_str()));
        errors.push((problem.row, problem.column.clone(), problem.reason.to_string(), problem.value.clone()));
    }
    let mut unlisted = 0;
    rules.check(rows, &unread, |one| {
        wrong[one.row] = true;
        if errors.len() < BATCH_ERRORS_MAX {
            errors.push((one.row, one.column, one.message, one.value));
        } else {
            unlisted += 1;
        }
    });
    errors.sort_by_key(|(row, ..)| *row);
    for (row, field, message, value) in &errors {
        let error_type = ErrorType::Validation;
        report.add(Entry { line: line(*row), error_type, field, message, value })?;
    }
    report.count(ErrorType::Validation, unlisted);
    report.rows(rows.num_rows() as u64, wrong.iter().filter(|wrong| **wrong).count() as u64);
    Ok(())
}
