//! The transaction that makes changes: decided one after the other, written at once, seen by the next read.

use std::sync::Arc;

use halle_base::Timestamp;
use halle_http::ApiError;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, LineRecord, NewJob, RevisionRecord, StoreError, UnitOfWork};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::SYNC_LINES;
use super::change::{Action, Change, Outcome, Size, Write, bytes_of, shown, touch};
use super::decide::{Decision, Refusal, Scope, action_of, decide};
use super::extend::Given;
use super::pending::{Batch, file_of};
use super::portion::{Handed, last_states};
use crate::constraints::LineKeys;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::expire;
use crate::service::load::{check, find, load_in};
use crate::service::names;
use crate::service::read::not_ready;
use crate::state::Datasets;

/// Times a write is tried again when the dataset was changed by someone else meanwhile.
pub(super) const ATTEMPTS_MAX: u32 = 5;

/// How long after a write its dataset is settled: those that come meanwhile are settled with it.
const SETTLE_AFTER: SignedDuration = SignedDuration::from_millis(500);

/// How long after a transaction of a bulk its dataset is settled, if the bulk does not say before that it ended.
const SETTLE_BULK_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// What a client is told when a write was decided in vain too often.
const BUSY: &str = "Le jeu de données est modifié par trop d'écritures à la fois, réessayez.";

/// The refusal of a write that was decided in vain too often.
pub(super) fn busy() -> DatasetsError {
    DatasetsError::Conflict(BUSY.to_owned())
}

/// When readers see what was written.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// Before the answer.
    AtOnce,
    /// When whoever gets the lines has given them to the index.
    By(mpsc::Sender<Handed>),
    /// When the job comes to it.
    Later,
}

/// What a transaction did.
#[derive(Default)]
pub(super) struct Committed {
    /// For each write, what became of its changes.
    outcomes: Vec<DatasetsResult<Vec<Outcome>>>,
    made: Option<Made>,
}

/// Lines that are written, which readers do not see yet.
struct Made {
    dataset: Arc<Dataset>,
    lines: Vec<Arc<LineRecord>>,
    batch: Batch,
    /// Number of the last line before them.
    before: i64,
    /// The highest number of the lines.
    highest: i64,
    seen: Seen,
}

/// A change of which the line is known.
struct Named {
    action: Action,
    id: String,
    /// Whether the identifier was made for it.
    is_new: bool,
    body: Map<String, Value>,
}

/// What became of a change, as long as lines have no numbers.
pub(super) enum Slot {
    /// Which write it is, and the rule that the line breaks.
    Written(usize, Option<String>),
    Kept(LineRecord),
    Refused(Refusal),
    /// Extensions must be asked first: nothing is written, and the change is decided again.
    Asked,
}

/// What became of an attempt to write.
enum Tried {
    /// It is done.
    Done(Box<Committed>),
    /// Nothing was written: extensions of this dataset must be asked about lines with these values first.
    Ask(Box<Dataset>, Vec<Map<String, Value>>),
}

impl Datasets {
    /// Changes lines of an editable dataset in one transaction, and returns once readers see it. A change that cannot be
    /// made does not prevent the others. `operation` is the permission it takes, such as `bulkLines`.
    pub async fn change_lines(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        changes: &[Change],
    ) -> DatasetsResult<Vec<Outcome>> {
        let write = Write { caller: caller.clone(), operation, owner: None, changes: changes.to_vec() };
        self.write_lines(id, write).await
    }

    /// Makes the changes of one caller, together with those of others who write now.
    pub async fn write_lines(&self, id: &str, write: Write) -> DatasetsResult<Vec<Outcome>> {
        let dataset = self.load(&write.caller, id, write.operation).await?.entity;
        require_editable(&dataset)?;
        let _turn = self.turn(&dataset.id, false).await?;
        self.write_in_group(&dataset.id, write).await
    }

    /// Makes the changes of one caller, who has the turn to write.
    pub(super) async fn write_alone(
        &self,
        id: &str,
        write: &Write,
        seen: &Seen,
    ) -> DatasetsResult<Vec<Outcome>> {
        let committed = self.write_together(id, std::slice::from_ref(write), seen).await?;
        let mut outcomes = self.show(committed).await?;
        outcomes.pop().ok_or_else(|| DatasetsError::internal("a write had no outcome"))?
    }

    /// Makes the changes of several callers durable, each as if it were alone: one transaction. The dataset is the one that
    /// the first of them means. Readers see them with [`Self::show`].
    pub(super) async fn write_together(
        &self,
        id: &str,
        writes: &[Write],
        seen: &Seen,
    ) -> DatasetsResult<Committed> {
        self.write_asking(id, writes, seen, None).await
    }

    /// As [`Self::write_together`]. With `silence`, extensions are not asked: a write that needs them fails with it.
    pub(super) async fn write_asking(
        &self,
        id: &str,
        writes: &[Write],
        seen: &Seen,
        silence: Option<&ApiError>,
    ) -> DatasetsResult<Committed> {
        let mut given = None;
        let changes: usize = writes.iter().map(|write| write.changes.len()).sum();
        // Once asked about, a change is decided: the next attempt asks about later ones only.
        let (mut asks, mut stale) = (changes.saturating_add(1), ATTEMPTS_MAX);
        while asks > 0 && stale > 0 {
            match self.try_write(id, writes, seen, &mut given).await {
                Ok(Tried::Done(committed)) => return Ok(*committed),
                Ok(Tried::Ask(dataset, asked)) => {
                    if let Some(silence) = silence {
                        return Err(silence.clone().into());
                    }
                    asks -= 1;
                    let given = given.get_or_insert_with(|| Given::none(&dataset));
                    given.ask(self, &dataset, asked).await?;
                }
                Err(DatasetsError::Store(StoreError::Stale { .. })) => stale -= 1,
                Err(error) => return Err(error),
            }
        }
        Err(busy())
    }

    async fn try_write(
        &self,
        id: &str,
        writes: &[Write],
        seen: &Seen,
        given: &mut Option<Given>,
    ) -> DatasetsResult<Tried> {
        let Some(first) = writes.first() else { return Ok(Tried::Done(Box::default())) };
        let mut unit = self.store.begin().await?;
        let dataset = find(unit.as_mut(), &first.caller, id).await?;
        let mut dataset = dataset.ok_or_else(|| DatasetsError::NotFound(id.to_owned()))?;
        let now = self.clock.now();
        let expressions = self.line_expressions(&dataset)?;
        let known = given.take().map(|given| given.of(&dataset));
        *given = Given::is_needed(&dataset).then(|| known.unwrap_or_else(|| Given::none(&dataset)));
        let given = given.as_ref();
        let mut keys = LineKeys::of(&dataset);
        let mut batch = Batch::default();
        let mut slots = Vec::with_capacity(writes.len());
        let mut author = None;
        let room = self.room_for(unit.as_mut(), writes, &dataset).await?;
        for write in writes {
            let (caller, owner) = (&write.caller, write.owner.as_ref());
            let scope = Scope { dataset: &dataset, expressions: &expressions, given, caller, owner, now };
            let admitted = permitted(write, &dataset)
                .and_then(|()| if adds(write) { room.clone().map_err(DatasetsError::Api) } else { Ok(()) });
            let decided = match admitted {
                Ok(()) => {
                    let changes = &write.changes;
                    Ok(self.decide_all(unit.as_mut(), &scope, changes, &mut keys, &mut batch).await?)
                }
                Err(refusal) => Err(refusal),
            };
            author = author.or_else(|| decided.is_ok().then_some(&write.caller));
            slots.push(decided);
        }
        if !batch.asked.is_empty() {
            return Ok(Tried::Ask(Box::new(dataset.entity), batch.asked));
        }
        let Some(author) = author.filter(|_| !batch.lines.is_empty()) else {
            let outcomes = outcomes_of(slots, &[], &batch);
            return Ok(Tried::Done(Box::new(Committed { outcomes, made: None })));
        };
        let highest = write_batch(unit.as_mut(), &dataset, &mut batch, now).await?;
        let first = highest.saturating_sub_unsigned(batch.len()) + 1;
        let before = unit.lines().before(&dataset.id, first).await?;
        keys.write(unit.as_mut()).await?;
        let size = batch.added_to(Size::of(&dataset));
        touch(&mut dataset, author, now, size);
        self.extend_later(unit.as_mut(), &mut dataset, (&expressions, given), first - 1, now).await?;
        unit.save(&mut dataset, now).await?;
        unit.jobs().enqueue(&sync_job(&dataset.id, now, seen)).await?;
        if let Some(job) = expire::job(&dataset, now) {
            unit.jobs().enqueue(&job).await?;
        }
        unit.commit().await?;
        let lines: Vec<_> = std::mem::take(&mut batch.lines).into_iter().map(Arc::new).collect();
        let outcomes = outcomes_of(slots, &lines, &batch);
        let seen = seen.clone();
        let made = Some(Made { dataset: Arc::new(dataset.entity), lines, batch, before, highest, seen });
        Ok(Tried::Done(Box::new(Committed { outcomes, made })))
    }

    /// Has readers see what was written, if they are to see it now, and tells those who listen.
    pub(super) async fn show(
        &self,
        committed: Committed,
    ) -> DatasetsResult<Vec<DatasetsResult<Vec<Outcome>>>> {
        if let Some(Made { dataset, lines, batch, before, highest, seen }) = committed.made {
            let orphans = batch.orphans(&dataset, &lines);
            if !matches!(seen, Seen::Later) {
                let first = highest.saturating_sub_unsigned(lines.len() as u64) + 1;
                let last = last_states(&lines, |at, id| batch.is_last(at, id));
                let handed = Handed::of(&dataset, &last, before, (first, highest))?;
                match (seen, handed) {
                    // If nobody takes them, the index catches up at the end of the bulk.
                    (Seen::By(relay), Some(handed)) => drop(relay.send(handed).await),
                    (Seen::AtOnce, Some(handed)) => self.show_handed(handed).await?,
                    (Seen::AtOnce, None) => self.sync_lines(&dataset, highest).await?,
                    (_, _) => {}
                }
            }
            self.announce_lines(&dataset.id, &lines, &batch);
            self.forget_files(&dataset.id, orphans).await;
        }
        Ok(committed.outcomes)
    }

    /// Whether the owner of the dataset has room for more lines, if any of the writes adds some.
    async fn room_for(
        &self,
        unit: &mut dyn UnitOfWork,
        writes: &[Write],
        dataset: &Dataset,
    ) -> DatasetsResult<Result<(), ApiError>> {
        if !writes.iter().any(adds) {
            return Ok(Ok(()));
        }
        match self.check_room_in(unit, &dataset.owner, 1, 0).await {
            Err(DatasetsError::Store(error)) => Err(error.into()),
            room => Ok(room.map_err(ApiError::from)),
        }
    }

    /// The dataset, if it is editable and ready; 501 if it is of another kind.
    pub(super) async fn editable(
        &self,
        unit: &mut dyn UnitOfWork,
        caller: &Caller,
        id: &str,
        operation: &str,
    ) -> DatasetsResult<Stored<Dataset>> {
        let dataset = load_in(unit, caller, id, operation).await?;
        require_editable(&dataset)?;
        Ok(dataset)
    }

    pub(super) async fn decide_all(
        &self,
        unit: &mut dyn UnitOfWork,
        scope: &Scope<'_>,
        changes: &[Change],
        keys: &mut LineKeys,
        batch: &mut Batch,
    ) -> DatasetsResult<Vec<Slot>> {
        let mut slots = Vec::with_capacity(changes.len());
        let named: Vec<_> = changes.iter().map(|change| self.name(scope.dataset, change)).collect();
        let ids = named.iter().flatten().filter(|named| !named.is_new).map(|named| named.id.as_str());
        batch.look_up(unit, scope.dataset, ids.collect()).await?;
        for named in named {
            let decided = match named {
                Ok(named) => decide_one(unit, scope, named, batch).await?,
                Err(refusal) => Err(refusal),
            };
            slots.push(match decided {
                Err(refusal) => Slot::Refused(refusal),
                Ok((_, Decision::Keep(line))) => Slot::Kept(line),
                Ok((_, Decision::Ask(values, line))) => {
                    batch.ask(values, line);
                    Slot::Asked
                }
                Ok((action, Decision::Write { line, created, warning })) => {
                    match occupy(unit, scope.dataset, keys, batch, &line).await? {
                        Ok(()) => Slot::Written(batch.add(action, line, created), warning),
                        Err(text) => Slot::Refused((409, text)),
                    }
                }
            });
        }
        Ok(slots)
    }

    fn name(&self, dataset: &Dataset, change: &Change) -> Result<Named, Refusal> {
        let mut body = change.body.clone();
        let action = action_of(change, &mut body)?;
        let (id, is_new) = self.identifier(dataset, change.id.as_deref(), &mut body)?;
        Ok(Named { action, id, is_new, body })
    }

    /// Tells those who listen on `datasets/{id}/transactions`.
    fn announce_lines(&self, dataset: &str, lines: &[Arc<LineRecord>], batch: &Batch) {
        if !self.hub.is_heard() {
            return;
        }
        let channel = format!("datasets/{dataset}/transactions");
        for (line, asked) in lines.iter().zip(&batch.changes) {
            let mut line = shown(line);
            line.insert("_action".to_owned(), asked.action.as_str().into());
            self.hub.publish(&channel, Value::Object(line));
        }
    }
}

fn adds(write: &Write) -> bool {
    write.changes.iter().any(|change| change.action != Action::Delete)
}

/// Refuses unless the caller may make these changes, and the dataset is one whose lines are edited.
fn permitted(write: &Write, dataset: &Dataset) -> DatasetsResult<()> {
    check(&write.caller, write.operation, dataset)?;
    require_editable(dataset)?;
    if write.owner.is_some() { require_ownership(dataset) } else { Ok(()) }
}

/// 501 for a dataset of another kind, 409 for one that is not ready.
pub(crate) fn require_editable(dataset: &Dataset) -> DatasetsResult<()> {
    if !dataset.is_rest {
        let message = "Cette opération n'est possible que sur un jeu de données éditable.";
        return Err(DatasetsError::NotImplemented(message.to_owned()));
    }
    if dataset.served.is_none() { Err(not_ready(dataset)) } else { Ok(()) }
}

/// 501 for a dataset whose lines have no owners.
pub(crate) fn require_ownership(dataset: &Dataset) -> DatasetsResult<()> {
    if dataset.rest.line_ownership {
        return Ok(());
    }
    let message = "Les lignes de ce jeu de données n'ont pas de propriétaire (option lineOwnership).";
    Err(DatasetsError::NotImplemented(message.to_owned()))
}

async fn decide_one(
    unit: &mut dyn UnitOfWork,
    scope: &Scope<'_>,
    named: Named,
    batch: &mut Batch,
) -> DatasetsResult<Result<(Action, Decision), Refusal>> {
    let Named { action, id, is_new, body } = named;
    let before = if is_new { None } else { batch.before(unit, scope.dataset, &id).await? };
    let bytes = before.as_ref().map_or(0, |line| bytes_of(&line.body));
    batch.bytes_before.entry(id.clone()).or_insert(bytes);
    let file = before.as_ref().and_then(|line| file_of(scope.dataset, line)).map(str::to_owned);
    batch.files_before.extend(file.map(|file| (id.clone(), file)));
    Ok(decide(scope, action, id, body, before).map(|decision| (action, decision)))
}

/// Takes the unique values of a line for it, before it joins the batch; the reason when another line has them.
pub(super) async fn occupy(
    unit: &mut dyn UnitOfWork,
    dataset: &Dataset,
    keys: &mut LineKeys,
    batch: &Batch,
    line: &LineRecord,
) -> DatasetsResult<Result<(), String>> {
    if keys.is_free() {
        return Ok(Ok(()));
    }
    let before = batch.before(unit, dataset, &line.id).await?;
    keys.replace(unit, before.as_ref(), line).await
}

/// Writes lines and their revisions, and gives the lines their numbers; the highest.
pub(super) async fn write_batch(
    unit: &mut dyn UnitOfWork,
    dataset: &Dataset,
    batch: &mut Batch,
    now: Timestamp,
) -> DatasetsResult<i64> {
    let highest = unit.lines().put(&dataset.id, &batch.lines).await?;
    // Numbers are given one after the other, in the order of the writes.
    for (line, i) in batch.lines.iter_mut().rev().zip((0..=highest).rev()) {
        line.i = i;
    }
    if dataset.rest.history {
        let written = batch.changes.iter().zip(&batch.lines);
        let revisions: Vec<RevisionRecord> =
            written.map(|(asked, line)| revision(asked.action, line, now)).collect();
        unit.revisions().add(&dataset.id, &revisions).await?;
    }
    Ok(highest)
}

/// What is remembered of a write.
pub(super) fn revision(action: Action, line: &LineRecord, at: Timestamp) -> RevisionRecord {
    let owner = line.body.get("_owner").and_then(Value::as_str).map(str::to_owned);
    let (action, body) = (action.as_str().to_owned(), line.body.clone());
    RevisionRecord { line: line.id.clone(), i: line.i, action, at, owner, body }
}

/// What became of the changes of each write; `lines` are those of the batch.
fn outcomes_of(
    slots: Vec<DatasetsResult<Vec<Slot>>>,
    lines: &[Arc<LineRecord>],
    batch: &Batch,
) -> Vec<DatasetsResult<Vec<Outcome>>> {
    slots.into_iter().map(|slots| slots.map(|slots| outcomes(slots, lines, batch))).collect()
}

pub(super) fn outcomes(slots: Vec<Slot>, lines: &[Arc<LineRecord>], batch: &Batch) -> Vec<Outcome> {
    let outcome = |slot| match slot {
        Slot::Refused((status, text)) => Outcome::Failed(status, text),
        Slot::Kept(line) => Outcome::Unchanged(Arc::new(line)),
        Slot::Asked => Outcome::Failed(409, BUSY.to_owned()),
        Slot::Written(at, warning) => {
            let line = &lines[at];
            let written = match (line.deleted, batch.changes[at].created) {
                (true, _) => Outcome::Deleted,
                (false, true) => Outcome::Created(Arc::clone(line)),
                (false, false) => Outcome::Modified(Arc::clone(line)),
            };
            match warning {
                Some(text) => Outcome::Warned(text, Box::new(written)),
                None => written,
            }
        }
    };
    slots.into_iter().map(outcome).collect()
}

/// The job that makes the index catch up if this process does not, has it on disk, and refreshes the statistics. One that
/// shows nothing new waits for more writes to come.
pub(super) fn sync_job(dataset: &str, now: Timestamp, seen: &Seen) -> NewJob {
    let run_at = match seen {
        Seen::AtOnce => now.saturating_add(SETTLE_AFTER).unwrap_or(now),
        Seen::By(_) => now.saturating_add(SETTLE_BULK_AFTER).unwrap_or(now),
        Seen::Later => now,
    };
    NewJob::now(SYNC_LINES, names::job_key(dataset), json!({ "dataset": dataset }), run_at)
}
