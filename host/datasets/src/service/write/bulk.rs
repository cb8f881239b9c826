//! Many changes in one request.

use halle_base::{AccountRef, Timestamp};
use halle_http::ApiError;
use halle_model::{Caller, Dataset};
use halle_store::{EntityExt, LineRecord, UnitOfWork};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::change::{Action, Change, Outcome, Size, Write, touch};
use super::decide::{Decision, Refusal, Scope, decide};
use super::extend::{Given, LINES_MAX, REQUEST_BYTES_MAX};
use super::pending::Batch;
use super::portion::Relay;
use super::rebuild_job;
use super::source::{self, BulkFile, Numbered};
use super::transaction::{Seen, occupy, sync_job, write_batch};
use crate::constraints::LineKeys;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::expire;
use crate::service::names;
use crate::state::Datasets;

/// Errors, and warnings, that a report lists (Data Fair: 50); all are counted.
const ERRORS_MAX: usize = 50;

/// Batches that are ready together are written in one transaction: each touches most pages of the index of identifiers, however
/// few its lines are.
const BATCHES_PER_TRANSACTION: usize = 4;

/// Lines read at a time when all are replaced.
const LINES_PER_STEP: u32 = 1_000;

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
    /// Changes that were made although the line breaks a rule, where validation does not block.
    pub nb_warnings: u64,
    /// New lines.
    pub nb_created: u64,
    /// Lines with new values.
    pub nb_modified: u64,
    /// Lines that are gone.
    pub nb_deleted: u64,
    /// The first errors.
    pub errors: Vec<BulkError>,
    /// The first of these.
    pub warnings: Vec<BulkWarning>,
    /// When readers saw the changes; absent if nothing changed, or while they do not see them.
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

/// A change that was made although the line breaks a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BulkWarning {
    /// Number of the line in the request, from 1.
    pub line: u64,
    /// Which rule.
    pub warning: String,
}

impl BulkReport {
    fn warn(&mut self, line: u64, warning: String) {
        self.nb_warnings += 1;
        if self.warnings.len() < ERRORS_MAX {
            self.warnings.push(BulkWarning { line, warning });
        }
    }

    pub(super) fn fail(&mut self, line: u64, status: u16, error: String) {
        self.nb_errors += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(BulkError { line, error, status });
        }
    }

    pub(super) fn count(&mut self, line: u64, outcome: Outcome) {
        match outcome {
            Outcome::Created(_) => self.nb_created += 1,
            Outcome::Modified(_) => self.nb_modified += 1,
            Outcome::Unchanged(_) => self.nb_not_modified += 1,
            Outcome::Deleted => self.nb_deleted += 1,
            Outcome::Warned(text, outcome) => {
                self.warn(line, text);
                return self.count(line, *outcome);
            }
            Outcome::Failed(status, text) => return self.fail(line, status, text),
        }
        self.nb_ok += 1;
    }

    pub(super) fn has_changes(&self) -> bool {
        self.nb_created + self.nb_modified + self.nb_deleted > 0
    }
}

/// What a bulk request asks.
#[derive(Debug)]
pub struct Bulk<'a> {
    /// The permission it takes: `bulkLines` or `bulkOwnLines`.
    pub operation: &'static str,
    /// Whose lines they are, for those who may write their own only.
    pub owner: Option<AccountRef>,
    /// The changes.
    pub file: &'a BulkFile,
    /// Whether the lines of the file replace all there are, in one transaction, or nothing is changed at all.
    pub drop: bool,
    /// Whether no other write may happen meanwhile.
    pub lock: bool,
    /// Whether the job makes the changes visible, instead of the answer waiting for it.
    pub later: bool,
}

impl Datasets {
    /// Makes the changes of a file, in transactions of 1,000 to 4,000 lines. `promise` is kept as soon as it is certain that the
    /// report will not be one of failure: then an answer may begin.
    pub async fn bulk_lines(
        &self,
        caller: &Caller,
        id: &str,
        bulk: Bulk<'_>,
        promise: oneshot::Sender<()>,
    ) -> DatasetsResult<BulkReport> {
        let dataset = {
            let mut unit = self.store.read().await?;
            self.editable(unit.as_mut(), caller, id, bulk.operation).await?.entity
        };
        if Given::is_needed(&dataset) {
            self.check_size(&dataset, bulk.file).await?;
        }
        let _turn = self.turn(&dataset.id, bulk.lock || bulk.drop).await?;
        if bulk.drop {
            return self.replace_lines(caller, &dataset, &bulk, promise).await;
        }
        let mut report = BulkReport::default();
        let mut promise = Some(promise);
        let relay = (!bulk.later).then(|| Relay::start(self));
        let seen = relay.as_ref().map_or(Seen::Later, |relay| Seen::By(relay.sender()));
        let mut batches = source::read(bulk.file, &dataset.schema);
        let mut next = batches.recv().await;
        while let Some(mut batch) = next.take() {
            if let (Ok(lines), None) = (&mut batch, &promise) {
                // The first batch says whether the rest is worth reading; those after it share transactions.
                next = source::gather(lines, &mut batches, BATCHES_PER_TRANSACTION - 1);
            }
            let done = match batch {
                Ok(lines) => self.change_batch(caller, &dataset.id, (&bulk, &seen), lines, &mut report).await,
                Err(text) => Err(DatasetsError::BadRequest(text)),
            };
            match done {
                Ok(()) => {}
                Err(error) if promise.is_some() => return Err(error),
                Err(error) => {
                    let error = ApiError::from(error);
                    report.fail(report.nb_ok + report.nb_errors + 1, error.status.as_u16(), error.message);
                    break;
                }
            }
            if let Some(promise) = promise.take() {
                report.hopeless = report.nb_errors > 0 && report.nb_ok == 0;
                if !report.hopeless {
                    // Nobody listens where the answer is sent at the end.
                    let _unheard = promise.send(());
                }
            }
            if next.is_none() {
                next = batches.recv().await;
            }
        }
        drop(seen);
        if let Some(relay) = relay.filter(|_| report.has_changes()) {
            match self.show_bulk(&dataset.id, relay).await {
                Ok(()) => report.indexed_at = Some(self.clock.now()),
                // The lines are written, and the report says which: the job shows them.
                Err(error) => tracing::warn!(dataset = id, %error, "the lines of a bulk are not shown yet"),
            }
        }
        Ok(report)
    }

    /// Has readers see all lines of a bulk, and its dataset settled soon.
    async fn show_bulk(&self, id: &str, relay: Relay) -> DatasetsResult<()> {
        if let Err(error) = relay.finish().await {
            tracing::warn!(dataset = id, %error, "the index reads lines of a bulk again");
        }
        self.show_lines(id).await?;
        let mut unit = self.store.begin().await?;
        unit.jobs().enqueue(&sync_job(id, self.clock.now(), &Seen::AtOnce)).await?;
        Ok(unit.commit().await?)
    }

    /// Has readers see all lines that are written. The index gets them in large portions, which costs far less than a change
    /// of it with each transaction.
    pub(super) async fn show_lines(&self, id: &str) -> DatasetsResult<()> {
        let dataset = self.store.read().await?.load::<Dataset>(id).await?;
        match dataset.filter(|dataset| dataset.is_rest) {
            Some(dataset) => self.sync_lines(&dataset, i64::MAX).await,
            None => Ok(()),
        }
    }

    /// Removes every line.
    pub async fn delete_all_lines(&self, caller: &Caller, id: &str) -> DatasetsResult<()> {
        let operation = "deleteAllLines";
        let dataset = {
            let mut unit = self.store.read().await?;
            self.editable(unit.as_mut(), caller, id, operation).await?.entity
        };
        let _turn = self.turn(&dataset.id, true).await?;
        self.replace(caller, &dataset.id, operation, None, &mut BulkReport::default()).await
    }

    async fn change_batch(
        &self,
        caller: &Caller,
        id: &str,
        (bulk, seen): (&Bulk<'_>, &Seen),
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
        let (operation, owner) = (bulk.operation, bulk.owner.clone());
        let write = Write { caller: caller.clone(), operation, owner, changes };
        let outcomes = self.write_alone(id, &write, seen).await?;
        numbers.into_iter().zip(outcomes).for_each(|(number, outcome)| report.count(number, outcome));
        Ok(())
    }

    async fn replace_lines(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        bulk: &Bulk<'_>,
        promise: oneshot::Sender<()>,
    ) -> DatasetsResult<BulkReport> {
        if bulk.owner.is_some() {
            let message =
                "\"drop\" remplace toutes les lignes : un propriétaire de lignes ne peut pas l'utiliser.";
            return Err(DatasetsError::bad_request(message));
        }
        self.check_room(&dataset.owner, 1, 0).await?;
        let mut report = BulkReport::default();
        // First look at every line, so that nothing is written if one is wrong.
        let mut given = Given::is_needed(dataset).then(|| Given::none(dataset));
        if let Some(given) = &mut given {
            let asked =
                self.check_lines(caller, dataset, bulk, Some(given), &mut BulkReport::default()).await?;
            given.ask(self, dataset, asked).await?;
        }
        self.check_lines(caller, dataset, bulk, given.as_ref(), &mut report).await?;
        if report.nb_errors > 0 {
            report.cancelled = true;
            return Ok(report);
        }
        // Whether values are unique is known at the end only: then there is nothing to promise.
        if LineKeys::of(dataset).is_free() {
            // Nobody listens where the answer is sent at the end.
            let _unheard = promise.send(());
        }
        self.replace(caller, &dataset.id, bulk.operation, Some((bulk.file, given)), &mut report).await?;
        if report.cancelled {
            return Ok(report);
        }
        report.dropped = true;
        report.indexed_at = Some(self.clock.now());
        Ok(report)
    }

    /// Looks at every line that would take the place of all others, and reports those that cannot. The values of lines for
    /// which extensions must be asked first.
    async fn check_lines(
        &self,
        caller: &Caller,
        dataset: &Dataset,
        bulk: &Bulk<'_>,
        given: Option<&Given>,
        report: &mut BulkReport,
    ) -> DatasetsResult<Vec<Map<String, Value>>> {
        let (now, expressions) = (self.clock.now(), self.line_expressions(dataset)?);
        let scope = Scope { dataset, expressions: &expressions, given, caller, owner: None, now };
        let mut asked = Vec::new();
        let mut batches = source::read(bulk.file, &dataset.schema);
        while let Some(batch) = batches.recv().await {
            for (number, change) in batch.map_err(DatasetsError::BadRequest)? {
                let line = change.map_err(|text| (400, text));
                match line.and_then(|line| self.new_line(&scope, line)) {
                    Ok(Decision::Ask(values, _)) => asked.push(values),
                    Ok(Decision::Write { warning: Some(warning), .. }) => report.warn(number, warning),
                    Ok(_) => {}
                    Err((status, text)) => report.fail(number, status, text),
                }
            }
        }
        Ok(asked)
    }

    /// Refuses a request that is too big for its lines to wait for extensions (reference §1.7).
    pub(super) async fn check_size(&self, dataset: &Dataset, file: &BulkFile) -> DatasetsResult<()> {
        let bytes = tokio::fs::metadata(&file.path).await.map_err(DatasetsError::internal)?.len();
        let (mut lines, mut batches) = (0, source::read(file, &dataset.schema));
        while bytes <= REQUEST_BYTES_MAX && lines <= LINES_MAX {
            let Some(batch) = batches.recv().await else { return Ok(()) };
            lines += batch.map_err(DatasetsError::BadRequest)?.len();
        }
        Err(DatasetsError::BadRequest(format!(
            "Ce jeu de données a une extension obligatoire, que chaque écriture attend : une demande a au plus {LINES_MAX} lignes et \
             {REQUEST_BYTES_MAX} octets. Répartissez les lignes sur plusieurs."
        )))
    }

    /// Replaces every line by those of the file, or by none. Changes nothing, and says so in the report, when two lines of
    /// the file have values that must be unique.
    async fn replace(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        source: Option<(&BulkFile, Option<Given>)>,
        report: &mut BulkReport,
    ) -> DatasetsResult<()> {
        let mut unit = self.store.begin().await?;
        let mut dataset = self.editable(unit.as_mut(), caller, id, operation).await?;
        let now = self.clock.now();
        if dataset.rest.history {
            retire_lines(unit.as_mut(), &dataset, now).await?;
        }
        unit.lines().clear(&dataset.id).await?;
        unit.lines().clear(&names::unique_values(&dataset.id)).await?;
        let expressions = self.line_expressions(&dataset)?;
        let mut size = Size { lines: 0, bytes: 0 };
        let (file, given) = source.unzip();
        let given = given.flatten().map(|given| given.of(&dataset));
        if let Some(file) = file {
            let (dataset, expressions, given) = (&dataset, &expressions, given.as_ref());
            let scope = Scope { dataset, expressions, given, caller, owner: None, now };
            let mut keys = LineKeys::of(dataset);
            let mut batches = source::read(file, &dataset.schema);
            while let Some(batch) = batches.recv().await {
                let batch = batch.map_err(DatasetsError::BadRequest)?;
                let mut lines = match self.new_lines(unit.as_mut(), &scope, batch, &mut keys).await? {
                    Ok(lines) => lines,
                    Err((number, text)) => {
                        *report = BulkReport { cancelled: true, ..BulkReport::default() };
                        report.fail(number, 409, text);
                        return Ok(());
                    }
                };
                size = lines.added_to(size);
                report.nb_ok += lines.len();
                report.nb_created += lines.len();
                write_batch(unit.as_mut(), dataset, &mut lines, now).await?;
                keys.write(unit.as_mut()).await?;
            }
        }
        let count = unit.lines().count(&dataset.id).await?;
        touch(&mut dataset, caller, now, Size { lines: count, ..size });
        self.extend_later(unit.as_mut(), &mut dataset, (&expressions, given.as_ref()), 0, now).await?;
        unit.save(&mut dataset, now).await?;
        unit.jobs().enqueue(&rebuild_job(&dataset.id, now)).await?;
        if let Some(job) = expire::job(&dataset, now) {
            unit.jobs().enqueue(&job).await?;
        }
        unit.commit().await?;
        self.rebuild_lines(&dataset).await
    }

    /// Lines that take the place of all others, or the number of one whose values another has, and why.
    async fn new_lines(
        &self,
        unit: &mut dyn UnitOfWork,
        scope: &Scope<'_>,
        given: Vec<Numbered>,
        keys: &mut LineKeys,
    ) -> DatasetsResult<Result<Batch, (u64, String)>> {
        let mut lines = Batch::default();
        for (number, change) in given {
            let line = change.map_err(|text| (400, text));
            let line = line.and_then(|change| self.new_line(scope, change));
            let line = match line.map_err(|(_, text)| DatasetsError::BadRequest(text))? {
                Decision::Write { line, .. } | Decision::Keep(line) => line,
                Decision::Ask(..) => {
                    let message =
                        "Les extensions du jeu de données ont changé pendant l'écriture : réessayez.";
                    return Err(DatasetsError::Conflict(message.to_owned()));
                }
            };
            if let Err(text) = occupy(unit, scope.dataset, keys, &lines, &line).await? {
                return Ok(Err((number, text)));
            }
            lines.add(Action::CreateOrUpdate, line, true);
        }
        Ok(Ok(lines))
    }

    pub(super) fn new_line(&self, scope: &Scope<'_>, change: Change) -> Result<Decision, Refusal> {
        let mut body = change.body;
        body.shift_remove("_action");
        let (id, _) = self.identifier(scope.dataset, None, &mut body)?;
        decide(scope, Action::CreateOrUpdate, id, body, None)
    }
}

/// Remembers that every line goes. Those that are written here come after all others, and are passed over then.
async fn retire_lines(unit: &mut dyn UnitOfWork, dataset: &Dataset, now: Timestamp) -> DatasetsResult<()> {
    let mut from = 0;
    loop {
        let lines = unit.lines().after(&dataset.id, from, LINES_PER_STEP).await?;
        let Some(last) = lines.last() else { return Ok(()) };
        from = last.i;
        let mut gone = Batch::default();
        for line in lines.into_iter().filter(|line| !line.deleted) {
            let mut body = Map::from_iter([("_updatedAt".to_owned(), format!("{now:.3}").into())]);
            body.extend(line.body.into_iter().filter(|(key, _)| key.starts_with("_owner")));
            gone.add(Action::Delete, LineRecord { id: line.id, i: 0, body, deleted: true }, false);
        }
        if gone.len() > 0 {
            write_batch(unit, dataset, &mut gone, now).await?;
        }
    }
}
