//! `analyzed` to `validated`: every row read in the types of the schema, and kept as canonical rows.

use std::path::{Path, PathBuf};

use halle_ingest::rows::RowsWriter;
use halle_ingest::{Analysis, CellProblem};
use halle_model::Column;
use halle_model::dataset::Status;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::jobs::pipeline::{Meter, Stage, StageError, StageResult};
use crate::jobs::rows::{blocking, local, temporary};
use crate::service::names;

/// Problems that the journal quotes; the rest is counted.
const PROBLEMS_QUOTED_MAX: usize = 5;

/// Values that did not fit their columns.
#[derive(Debug, Default)]
struct Report {
    rows: u64,
    wrong_rows: u64,
    quoted: Vec<String>,
}

impl Report {
    fn add(&mut self, rows: usize, problems: &[CellProblem]) {
        self.rows += rows as u64;
        let mut wrong: Vec<usize> = problems.iter().map(|problem| problem.row).collect();
        wrong.dedup();
        self.wrong_rows += wrong.len() as u64;
        let room = PROBLEMS_QUOTED_MAX.saturating_sub(self.quoted.len());
        self.quoted.extend(problems.iter().take(room).map(ToString::to_string));
    }

    /// The reason to stop or to warn; `None` when every row obeys.
    fn text(&self) -> Option<String> {
        if self.wrong_rows == 0 {
            return None;
        }
        // Rounded up: a single wrong line of many must not read as 0 %.
        let percent = (self.wrong_rows * 100).div_ceil(self.rows.max(1));
        Some(format!("{percent}% des lignes ont une erreur de validation : {}.", self.quoted.join(" ; ")))
    }
}

pub(super) async fn run(stage: &Stage<'_>) -> StageResult<()> {
    stage.started().await?;
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
        cancel: stage.context.cancel.clone(),
    };
    let report = blocking(move || work.run()).await?;
    drop(blob);
    let lenient = stage.dataset.description.get("nonBlockingValidation") == Some(&Value::Bool(true));
    let warnings = match report.text() {
        Some(text) if !lenient => return Err(StageError::Producer(text)),
        text => text.into_iter().map(|text| ("warning", text)).collect(),
    };
    let key = names::rows(&stage.dataset.id, &stage.building.id)?;
    stage.datasets.blobs.put_file(&key, file.path()).await?;
    stage.ended(Status::Validated, warnings, |_dataset, _now| {}).await
}

struct Work {
    source: PathBuf,
    target: PathBuf,
    columns: Vec<Column>,
    analysis: Analysis,
    meter: Meter,
    cancel: CancellationToken,
}

impl Work {
    fn run(&self) -> StageResult<Report> {
        let mut writer = RowsWriter::create(Path::new(&self.target), &self.columns)?;
        let mut report = Report::default();
        for batch in halle_ingest::read(&self.source, &self.analysis, &self.columns)? {
            if self.cancel.is_cancelled() {
                return Err(StageError::Cancelled);
            }
            let batch = batch?;
            writer.write(&batch.rows)?;
            report.add(batch.rows.num_rows(), &batch.problems);
            (self.meter)(report.rows);
        }
        writer.finish()?;
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(row: usize) -> CellProblem {
        let line = row as u64 + 2;
        let (column, value) = ("age".to_owned(), "x".to_owned());
        CellProblem { row, line, column, value, reason: "un nombre entier est attendu" }
    }

    #[test]
    fn the_reason_names_the_lines_and_never_rounds_to_nothing() {
        let mut report = Report::default();
        report.add(1_000, &[]);
        assert_eq!(report.text(), None);
        report.add(1_000, &[problem(0), problem(0)]);
        let text = report.text().unwrap();
        assert!(
            text.starts_with("1% des lignes ont une erreur de validation : ligne 2, colonne « age »"),
            "{text}"
        );
    }
}
