//! Many changes in one request.

use std::path::Path;

use halle_base::Timestamp;
use halle_model::Caller;
use halle_store::{EntityExt, LineRecord};
use serde::Serialize;

use super::change::{Change, Outcome, touch};
use super::source::{self, BulkFormat, Numbered};
use super::{check, rebuild_job};
use crate::error::{DatasetsError, DatasetsResult};
use crate::state::Datasets;

/// Errors that a report lists (Data Fair: 50); all are counted.
const ERRORS_MAX: usize = 50;

/// What became of a bulk request, as Data Fair tells it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkReport {
    /// Changes that could be made, or had nothing to change.
    pub nb_ok: u64,
    /// Changes that had nothing to change.
    pub nb_not_modified: u64,
    /// Changes that could not be made.
    pub nb_errors: u64,
    /// Warnings; this version has none.
    pub nb_warnings: u64,
    /// New lines.
    pub nb_created: u64,
    /// Lines with new values.
    pub nb_modified: u64,
    /// Lines that are gone.
    pub nb_deleted: u64,
    /// The first errors.
    pub errors: Vec<BulkError>,
    /// Warnings; this version has none.
    pub warnings: Vec<BulkError>,
    /// When readers saw the changes; absent if nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexed_at: Option<Timestamp>,
    /// Whether all lines were replaced.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// Whether nothing was replaced, because of the errors.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// Whether the first batch had only errors: the status is 400 then.
    #[serde(skip)]
    pub hopeless: bool,
}

/// A change that could not be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BulkError {
    /// Number of the line in the request, from 1.
    pub line: u64,
    /// Why.
    pub error: String,
    /// HTTP status that the change alone would have had.
    pub status: u16,
}

impl BulkReport {
    fn fail(&mut self, line: u64, status: u16, error: String) {
        self.nb_errors += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(BulkError { line, error, status });
        }
    }

    fn count(&mut self, line: u64, outcome: Outcome) {
        match outcome {
            Outcome::Created(_) => self.nb_created += 1,
            Outcome::Modified(_) => self.nb_modified += 1,
            Outcome::Unchanged(_) => self.nb_not_modified += 1,
            Outcome::Deleted => self.nb_deleted += 1,
            Outcome::Failed(status, text) => return self.fail(line, status, text),
        }
        self.nb_ok += 1;
    }

    fn has_changes(&self) -> bool {
        self.nb_created + self.nb_modified + self.nb_deleted > 0
    }
}

impl Datasets {
    /// Makes the changes of a file, a transaction per 1,000 lines. With `drop`, the lines of the file replace all there
    /// are, in one transaction, or nothing is changed at all.
    pub async fn bulk_lines(
        &self,
        caller: &Caller,
        id: &str,
        file: &Path,
        format: BulkFormat,
        drop: bool,
    ) -> DatasetsResult<BulkReport> {
        let schema = {
            let mut unit = self.store.read().await?;
            self.editable(unit.as_mut(), caller, id, "bulkLines").await?.entity.schema
        };
        if drop {
            return self.replace_lines(caller, id, file, format).await;
        }
        let mut report = BulkReport::default();
        let mut batches = source::read(file, format, &schema);
        let mut first = true;
        while let Some(batch) = batches.recv().await {
            match batch {
                Ok(lines) => self.change_batch(caller, id, lines, &mut report).await?,
                Err(text) if first => return Err(DatasetsError::BadRequest(text)),
                Err(text) => report.fail(report.nb_ok + report.nb_errors + 1, 400, text),
            }
            if std::mem::take(&mut first) {
                report.hopeless = report.nb_errors > 0 && report.nb_ok == 0;
            }
        }
        if report.has_changes() {
            report.indexed_at = Some(self.clock.now());
        }
        Ok(report)
    }

    /// Removes every line.
    pub async fn delete_all_lines(&self, caller: &Caller, id: &str) -> DatasetsResult<()> {
        self.replace(caller, id, "deleteAllLines", None, &mut BulkReport::default()).await
    }

    async fn change_batch(
        &self,
        caller: &Caller,
        id: &str,
        lines: Vec<Numbered>,
        report: &mut BulkReport,
    ) -> DatasetsResult<()> {
        let (mut numbers, mut changes) = (Vec::new(), Vec::new());
        for (number, change) in lines {
            match change {
                Ok(change) => {
                    numbers.push(number);
                    changes.push(change);
                }
                Err(text) => report.fail(number, 400, text),
            }
        }
        let outcomes = self.change_lines(caller, id, "bulkLines", &changes).await?;
        numbers.into_iter().zip(outcomes).for_each(|(number, outcome)| report.count(number, outcome));
        Ok(())
    }

    async fn replace_lines(
        &self,
        caller: &Caller,
        id: &str,
        file: &Path,
        format: BulkFormat,
    ) -> DatasetsResult<BulkReport> {
        let mut report = BulkReport::default();
        // First look at every line, so that nothing is written if one is wrong.
        let schema = self.load(caller, id, "bulkLines").await?.entity.schema;
        let mut batches = source::read(file, format.clone(), &schema);
        while let Some(batch) = batches.recv().await {
            for (number, change) in batch.map_err(DatasetsError::BadRequest)? {
                if let Err(text) = change.and_then(|change| checked(&schema, change)) {
                    report.fail(number, 400, text);
                }
            }
        }
        if report.nb_errors > 0 {
            report.cancelled = true;
            return Ok(report);
        }
        self.replace(caller, id, "bulkLines", Some((file, format)), &mut report).await?;
        report.dropped = true;
        report.indexed_at = Some(self.clock.now());
        Ok(report)
    }

    /// Replaces every line by those of the file, or by none.
    async fn replace(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        source: Option<(&Path, BulkFormat)>,
        report: &mut BulkReport,
    ) -> DatasetsResult<()> {
        let mut unit = self.store.begin().await?;
        let mut dataset = self.editable(unit.as_mut(), caller, id, operation).await?;
        let now = self.clock.now();
        unit.lines().clear(&dataset.id).await?;
        if let Some((file, format)) = source {
            let mut batches = source::read(file, format, &dataset.schema);
            while let Some(batch) = batches.recv().await {
                let mut lines = Vec::new();
                for (_, change) in batch.map_err(DatasetsError::BadRequest)? {
                    let change = change.map_err(DatasetsError::BadRequest)?;
                    lines.push(self.new_line(&dataset, change, now).map_err(DatasetsError::BadRequest)?);
                }
                report.nb_ok += lines.len() as u64;
                report.nb_created += lines.len() as u64;
                unit.lines().put(&dataset.id, &lines).await?;
            }
        }
        let count = unit.lines().count(&dataset.id).await?;
        touch(&mut dataset, caller, now, count);
        unit.save(&mut dataset, now).await?;
        unit.jobs().enqueue(&rebuild_job(&dataset.id, now)).await?;
        unit.commit().await?;
        self.rebuild_lines(&dataset).await
    }

    fn new_line(
        &self,
        dataset: &halle_model::Dataset,
        mut change: Change,
        now: Timestamp,
    ) -> Result<LineRecord, String> {
        change.body.shift_remove("_action");
        let id = self.identifier(dataset, &change.clone(), &mut change.body).map_err(|(_, text)| text)?;
        let mut body = check::line(&dataset.schema, change.body)?;
        body.insert("_updatedAt".to_owned(), format!("{now:.3}").into());
        Ok(LineRecord { id, i: 0, body, deleted: false })
    }
}

/// Checks a line that is going to replace others.
fn checked(schema: &[halle_model::Column], mut change: Change) -> Result<(), String> {
    for own in ["_id", "_action"] {
        change.body.shift_remove(own);
    }
    check::line(schema, change.body).map(drop)
}
