//! Many lines written by one transaction, and seen by readers together: what plugins write.
//!
//! A bulk request makes its changes a few thousand lines at a time, and what cannot be made does not prevent the others. Here
//! one line that cannot be written prevents all, and no read sees a part of them. Lines are streamed from a file: the
//! transaction of the store holds them, not the memory.

use halle_base::Timestamp;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, StoreError, UnitOfWork};
use serde_json::{Map, Value};

use super::bulk::BulkReport;
use super::change::{Action, Change, Size, shown, touch};
use super::decide::{Refusal, Scope};
use super::extend::{Given, LINES_MAX};
use super::pending::Batch;
use super::source::{self, BulkFile, Numbered};
use super::transaction::{ATTEMPTS_MAX, Seen, Slot, busy, sync_job, write_batch};
use super::{portion, rebuild_job};
use crate::constraints::LineKeys;
use crate::documents;
use crate::enrich::expressions::LineExpressions;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::expire;
use crate::state::Datasets;

/// The permission that it takes.
pub(super) const OPERATION: &str = "bulkLines";

/// Lines read back at a time, for those who listen.
const LINES_PER_STEP: u32 = 1_000;

/// Files of lines, replaced by lines without, that are removed: those beyond stay behind, and the log says so.
const ORPHANS_MAX: usize = 100_000;

/// Lines to write, all or none.
pub(super) struct AtOnce<'a> {
    pub caller: &'a Caller,
    /// The dataset.
    pub id: &'a str,
    /// What is done with each.
    pub action: Action,
    /// The lines, as [`BulkFormat::Numbered`](super::BulkFormat::Numbered).
    pub file: &'a BulkFile,
    /// How many they are, and the bytes of the file.
    pub lines: u64,
    pub bytes: u64,
}

/// What became of an attempt.
enum Tried {
    Done(BulkReport),
    /// Nothing was written: extensions of this dataset must be asked about lines with these values first.
    Ask(Box<Dataset>, Vec<Map<String, Value>>),
}

/// What one attempt has done so far.
struct Progress {
    report: BulkReport,
    asked: Vec<Map<String, Value>>,
    /// Numbers of the first and the last line written.
    numbers: Option<(i64, i64)>,
    size: Size,
    orphans: Vec<String>,
    orphans_left: usize,
}

impl Datasets {
    /// Why each of these changes cannot be made, as far as that is known before the others of its transaction are; nothing is
    /// written. With `anew`, no other line is there.
    pub(super) async fn rehearse(
        &self,
        caller: &Caller,
        id: &str,
        changes: &[Change],
        anew: bool,
    ) -> DatasetsResult<Vec<Option<Refusal>>> {
        let mut unit = self.store.read().await?;
        let dataset = self.editable(unit.as_mut(), caller, id, OPERATION).await?.entity;
        let (now, expressions) = (self.clock.now(), self.line_expressions(&dataset)?);
        let given = Given::is_needed(&dataset).then(|| Given::none(&dataset));
        let given = given.as_ref();
        let scope = Scope { dataset: &dataset, expressions: &expressions, given, caller, owner: None, now };
        if anew {
            return Ok(changes.iter().map(|change| self.new_line(&scope, change.clone()).err()).collect());
        }
        let (mut keys, mut batch) = (LineKeys::of(&dataset), Batch::default());
        let slots = self.decide_all(unit.as_mut(), &scope, changes, &mut keys, &mut batch).await?;
        let refusal = |slot| match slot {
            Slot::Refused(refusal) => Some(refusal),
            _ => None,
        };
        Ok(slots.into_iter().map(refusal).collect())
    }

    /// Writes lines in one transaction, of which readers see all or nothing. If one cannot be written, none is: the report is
    /// `cancelled`, and says which.
    pub(super) async fn write_at_once(&self, asked: &AtOnce<'_>) -> DatasetsResult<BulkReport> {
        let dataset = {
            let mut unit = self.store.read().await?;
            self.editable(unit.as_mut(), asked.caller, asked.id, OPERATION).await?.entity
        };
        if Given::is_needed(&dataset) {
            self.check_size(&dataset, asked.file).await?;
        }
        let _turn = self.turn(&dataset.id, true).await?;
        // What others wrote reaches the index by itself, so that these lines fill portions of their own.
        self.show_lines(&dataset.id).await?;
        let mut given = None;
        // Once asked about, a line is decided: the next attempt asks about later changes of it only.
        let (mut asks, mut stale) = (LINES_MAX + 1, ATTEMPTS_MAX);
        while asks > 0 && stale > 0 {
            match self.try_at_once(asked, &mut given).await {
                Ok(Tried::Done(report)) => return Ok(report),
                Ok(Tried::Ask(dataset, values)) => {
                    asks -= 1;
                    given.get_or_insert_with(|| Given::none(&dataset)).ask(self, &dataset, values).await?;
                }
                Err(DatasetsError::Store(StoreError::Stale { .. })) => stale -= 1,
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    async fn try_at_once(&self, asked: &AtOnce<'_>, given: &mut Option<Given>) -> DatasetsResult<Tried> {
        let mut unit = self.store.begin().await?;
        let mut dataset = self.editable(unit.as_mut(), asked.caller, asked.id, OPERATION).await?;
        let (now, expressions) = (self.clock.now(), self.line_expressions(&dataset)?);
        let known = given.take().map(|given| given.of(&dataset));
        *given = Given::is_needed(&dataset).then(|| known.unwrap_or_else(|| Given::none(&dataset)));
        let given = given.as_ref();
        self.check_room_in(unit.as_mut(), &dataset.owner, 1, 0).await?;
        let scope = Scope {
            dataset: &dataset,
            expressions: &expressions,
            given,
            caller: asked.caller,
            owner: None,
            now,
        };
        let done = self.write_all(unit.as_mut(), &scope, asked).await?;
        if done.report.nb_errors > 0 {
            return Ok(Tried::Done(BulkReport { cancelled: true, ..done.report }));
        }
        if !done.asked.is_empty() {
            return Ok(Tried::Ask(Box::new(dataset.entity), done.asked));
        }
        let Some((first, last)) = done.numbers else { return Ok(Tried::Done(done.report)) };
        let anew = !fits_a_portion(&dataset, asked);
        self.save_at_once(unit, &mut dataset, asked, (&expressions, given), &done, (now, anew)).await?;
        let mut report = done.report;
        let shown = match anew {
            true => self.rebuild_lines(&dataset).await,
            false => self.sync_lines(&dataset, last).await,
        };
        match shown {
            Ok(()) => report.indexed_at = Some(self.clock.now()),
            // They are written: the job shows them.
            Err(error) => {
                tracing::warn!(dataset = asked.id, %error, "lines written at once are not shown yet");
            }
        }
        self.announce_written(&dataset.id, asked.action, (first, last)).await?;
        self.forget_files(&dataset.id, done.orphans).await;
        if done.orphans_left > 0 {
            tracing::warn!(
                dataset = asked.id,
                files = done.orphans_left,
                "files that no line has stay behind"
            );
        }
        Ok(Tried::Done(report))
    }

    /// Decides every line and writes it, unless one before it cannot be written or must be asked about.
    async fn write_all(
        &self,
        unit: &mut dyn UnitOfWork,
        scope: &Scope<'_>,
        asked: &AtOnce<'_>,
    ) -> DatasetsResult<Progress> {
        let mut done = Progress {
            report: BulkReport::default(),
            asked: Vec::new(),
            numbers: None,
            size: Size::of(scope.dataset),
            orphans: Vec::new(),
            orphans_left: 0,
        };
        let mut keys = LineKeys::of(scope.dataset);
        let mut batches = source::read(asked.file, &scope.dataset.schema);
        while let Some(lines) = batches.recv().await {
            let lines = lines.map_err(DatasetsError::BadRequest)?;
            self.write_some(unit, scope, (asked.action, lines), &mut keys, &mut done).await?;
        }
        Ok(done)
    }

    async fn write_some(
        &self,
        unit: &mut dyn UnitOfWork,
        scope: &Scope<'_>,
        (action, lines): (Action, Vec<Numbered>),
        keys: &mut LineKeys,
        done: &mut Progress,
    ) -> DatasetsResult<()> {
        let (mut numbers, mut changes) = (Vec::new(), Vec::new());
        for (number, change) in lines {
            match change {
                Ok(change) => {
                    numbers.push(number);
                    changes.push(Change { action, ..change });
                }
                Err(text) => done.report.fail(number, 400, text),
            }
        }
        let mut batch = Batch::default();
        let slots = self.decide_all(unit, scope, &changes, keys, &mut batch).await?;
        done.asked.append(&mut batch.asked);
        for (&number, slot) in numbers.iter().zip(&slots) {
            if let Slot::Refused((status, text)) = slot {
                done.report.fail(number, *status, text.clone());
            }
        }
        if done.report.nb_errors > 0 || !done.asked.is_empty() {
            return Ok(());
        }
        if batch.len() > 0 {
            done.size = batch.added_to(done.size);
            let last = write_batch(unit, scope.dataset, &mut batch, scope.now).await?;
            let first = last.saturating_sub_unsigned(batch.len()) + 1;
            done.numbers = Some((done.numbers.map_or(first, |(first, _)| first), last));
            keys.write(unit).await?;
        }
        let written: Vec<_> = std::mem::take(&mut batch.lines).into_iter().map(Into::into).collect();
        done.forget(batch.orphans(scope.dataset, &written));
        for (number, outcome) in
            numbers.into_iter().zip(super::transaction::outcomes(slots, &written, &batch))
        {
            done.report.count(number, outcome);
        }
        Ok(())
    }

    /// Ends the transaction: the dataset's dates and size, the jobs that the lines need, within the quota of its owner.
    async fn save_at_once(
        &self,
        mut unit: Box<dyn UnitOfWork>,
        dataset: &mut Stored<Dataset>,
        asked: &AtOnce<'_>,
        extensions: (&LineExpressions, Option<&Given>),
        done: &Progress,
        (now, anew): (Timestamp, bool),
    ) -> DatasetsResult<()> {
        let grown = done.size.bytes.saturating_sub(Size::of(dataset).bytes);
        self.check_room_in(unit.as_mut(), &dataset.owner, grown, 0).await?;
        touch(dataset, asked.caller, now, done.size);
        let after = done.numbers.map_or(0, |(first, _)| first - 1);
        self.extend_later(unit.as_mut(), dataset, extensions, after, now).await?;
        unit.save(dataset, now).await?;
        let seen =
            if anew { rebuild_job(&dataset.id, now) } else { sync_job(&dataset.id, now, &Seen::AtOnce) };
        unit.jobs().enqueue(&seen).await?;
        if let Some(job) = expire::job(dataset, now) {
            unit.jobs().enqueue(&job).await?;
        }
        Ok(unit.commit().await?)
    }

    /// Tells those who listen on `datasets/{id}/transactions` of the lines with these numbers, read back.
    async fn announce_written(
        &self,
        id: &str,
        action: Action,
        (first, last): (i64, i64),
    ) -> DatasetsResult<()> {
        let (channel, mut after) = (format!("datasets/{id}/transactions"), first - 1);
        while after < last && self.hub.is_heard() {
            let lines = self.store.read().await?.lines().after(id, after, LINES_PER_STEP).await?;
            let Some(end) = lines.last() else { break };
            after = end.i;
            for line in lines.iter().filter(|line| line.i <= last && !line.deleted) {
                let mut line = shown(line);
                line.insert("_action".to_owned(), action.as_str().into());
                self.hub.publish(&channel, Value::Object(line));
            }
        }
        Ok(())
    }
}

impl Progress {
    fn forget(&mut self, orphans: Vec<String>) {
        let kept = orphans.len().min(ORPHANS_MAX - self.orphans.len());
        self.orphans_left += orphans.len() - kept;
        self.orphans.extend(orphans.into_iter().take(kept));
    }
}

impl BulkReport {
    /// The first line that cannot be written: its number, and why.
    pub(super) fn first_error(&self) -> Option<(u64, &str)> {
        self.errors.first().map(|error| (error.line, error.error.as_str()))
    }
}

/// Whether the index takes these lines at once; else it is built anew aside, and readers change to it.
fn fits_a_portion(dataset: &Dataset, asked: &AtOnce<'_>) -> bool {
    let columns = super::index_columns(&dataset.schema);
    !documents::has_files(&columns) && portion::takes(asked.lines, asked.bytes, columns.len())
}
