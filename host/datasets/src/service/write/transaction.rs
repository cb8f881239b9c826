//! The transaction that makes changes: decided one after the other, written at once, seen by the next read.

use std::collections::{HashMap, HashSet};

use halle_base::Timestamp;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, LineRecord, NewJob, RevisionRecord, StoreError, UnitOfWork};
use serde_json::{Map, Value, json};

use super::SYNC_LINES;
use super::attach::attachment_column;
use super::change::{Action, Change, Outcome, Size, Write, bytes_of, shown, touch};
use super::decide::{Decision, Refusal, Scope, action_of, decide};
use super::extend::Given;
use crate::constraints::LineKeys;
use crate::error::{DatasetsError, DatasetsResult};
use crate::jobs::expire;
use crate::service::load::{check, find, load_in};
use crate::service::names;
use crate::service::read::not_ready;
use crate::state::Datasets;

/// Times a write is tried again when the dataset was changed by someone else meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// When readers see what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Before the answer.
    AtOnce,
    /// When the job comes to it.
    Later,
}

/// A line that was written, and what was asked for it.
struct Written {
    action: Action,
    line: LineRecord,
    created: bool,
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
enum Slot {
    /// Which write it is, and the rule that the line breaks.
    Written(usize, Option<String>),
    Kept(LineRecord),
    Refused(Refusal),
}

/// Changes of one transaction, in their order.
#[derive(Default)]
pub(super) struct Batch {
    written: Vec<Written>,
    /// The last write of each line.
    last: HashMap<String, usize>,
    /// Lines that were looked up together, as the store has them.
    known: HashMap<String, Option<LineRecord>>,
    lines_added: i64,
    /// Bytes of the lines as they were before this batch.
    bytes_before: HashMap<String, i64>,
    /// Lines that had a file, with its path.
    files_before: Vec<(String, String)>,
    /// Values of lines for which mandatory extensions must be asked first: then nothing of the batch is written.
    asked: Vec<Map<String, Value>>,
}

/// What became of an attempt to write.
enum Tried {
    /// It is done: an outcome per change, of each write.
    Done(Vec<DatasetsResult<Vec<Outcome>>>),
    /// Nothing was written: extensions of this dataset must be asked about lines with these values first.
    Ask(Box<Dataset>, Vec<Map<String, Value>>),
}

impl Tried {
    fn done(slots: Vec<DatasetsResult<Vec<Slot>>>, batch: &Batch) -> Self {
        Self::Done(slots.into_iter().map(|slots| slots.map(|slots| outcomes(slots, batch))).collect())
    }
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
        seen: Seen,
    ) -> DatasetsResult<Vec<Outcome>> {
        let mut outcomes = self.write_together(id, std::slice::from_ref(write), seen).await?;
        outcomes.pop().ok_or_else(|| DatasetsError::internal("a write had no outcome"))?
    }

    /// Makes the changes of several callers, each as if it were alone: one transaction, one change of the index. The
    /// dataset is the one that the first of them means.
    pub(super) async fn write_together(
        &self,
        id: &str,
        writes: &[Write],
        seen: Seen,
    ) -> DatasetsResult<Vec<DatasetsResult<Vec<Outcome>>>> {
        let mut given = None;
        for _attempt in 0..ATTEMPTS_MAX {
            match self.try_write(id, writes, seen, &mut given).await {
                Ok(Tried::Done(outcomes)) => return Ok(outcomes),
                Ok(Tried::Ask(dataset, asked)) => {
                    let given = given.get_or_insert_with(|| Given::none(&dataset));
                    given.ask(self, &dataset, asked).await?;
                }
                Err(DatasetsError::Store(StoreError::Stale { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        let message = "Le jeu de données est modifié par trop d'écritures à la fois, réessayez.";
        Err(DatasetsError::Conflict(message.to_owned()))
    }

    async fn try_write(
        &self,
        id: &str,
        writes: &[Write],
        seen: Seen,
        given: &mut Option<Given>,
    ) -> DatasetsResult<Tried> {
        let Some(first) = writes.first() else { return Ok(Tried::Done(Vec::new())) };
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
        for write in writes {
            let (caller, owner) = (&write.caller, write.owner.as_ref());
            let scope = Scope { dataset: &dataset, expressions: &expressions, given, caller, owner, now };
            let decided = match self.admitted(unit.as_mut(), write, &dataset).await {
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
        let Some(author) = author.filter(|_| !batch.written.is_empty()) else {
            return Ok(Tried::done(slots, &batch));
        };
        let highest = write_batch(unit.as_mut(), &dataset, &mut batch, now).await?;
        keys.write(unit.as_mut()).await?;
        let size = batch.added_to(Size::of(&dataset));
        touch(&mut dataset, author, now, size);
        let before = highest.saturating_sub_unsigned(batch.len());
        self.extend_later(unit.as_mut(), &mut dataset, (&expressions, given), before, now).await?;
        unit.save(&mut dataset, now).await?;
        unit.jobs().enqueue(&sync_job(&dataset.id, now)).await?;
        if let Some(job) = expire::job(&dataset, now) {
            unit.jobs().enqueue(&job).await?;
        }
        unit.commit().await?;
        if seen == Seen::AtOnce {
            self.sync_lines(&dataset, highest).await?;
        }
        self.announce_lines(&dataset.id, &batch);
        self.forget_files(&dataset.id, batch.orphans(&dataset)).await;
        Ok(Tried::done(slots, &batch))
    }

    /// Refuses unless the caller may make these changes, on a dataset whose lines are edited, and whose owner has room for
    /// more of them.
    async fn admitted(
        &self,
        unit: &mut dyn UnitOfWork,
        write: &Write,
        dataset: &Dataset,
    ) -> DatasetsResult<()> {
        permitted(write, dataset)?;
        if write.changes.iter().any(|change| change.action != Action::Delete) {
            self.check_room_in(unit, &dataset.owner, 1, 0).await?;
        }
        Ok(())
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

    async fn decide_all(
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
                Ok((_, Decision::Ask(values))) => {
                    batch.asked.push(values);
                    continue;
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
    fn announce_lines(&self, dataset: &str, batch: &Batch) {
        let channel = format!("datasets/{dataset}/transactions");
        for written in &batch.written {
            let mut line = shown(&written.line);
            line.insert("_action".to_owned(), written.action.as_str().into());
            self.hub.publish(&channel, Value::Object(line));
        }
    }
}

impl Batch {
    pub(super) fn add(&mut self, action: Action, line: LineRecord, created: bool) -> usize {
        self.lines_added += i64::from(created) - i64::from(line.deleted);
        let at = self.written.len();
        self.last.insert(line.id.clone(), at);
        self.written.push(Written { action, line, created });
        at
    }

    /// Reads the lines of these identifiers, so that each is not asked for by itself.
    async fn look_up(
        &mut self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
        ids: HashSet<&str>,
    ) -> DatasetsResult<()> {
        let ids: Vec<&str> = ids.into_iter().filter(|id| !self.known.contains_key(*id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let found = unit.lines().get_all(&dataset.id, &ids).await?;
        self.known.extend(ids.into_iter().map(|id| (id.to_owned(), None)));
        self.known.extend(found.into_iter().map(|line| (line.id.clone(), Some(line))));
        Ok(())
    }

    /// The line as the writes of this batch leave it, or as the store knows it; `None` if there is none.
    async fn before(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
        id: &str,
    ) -> DatasetsResult<Option<LineRecord>> {
        match self.last.get(id) {
            Some(&at) => Ok(Some(self.written[at].line.clone()).filter(|line| !line.deleted)),
            None => match self.known.get(id) {
                Some(known) => Ok(known.clone()),
                None => Ok(unit.lines().get(&dataset.id, id).await?),
            },
        }
    }

    /// The size of a dataset with the changes of this batch.
    pub(super) fn added_to(&self, before: Size) -> Size {
        let bytes = self.last.iter().map(|(id, &at)| {
            let line = &self.written[at].line;
            let after = if line.deleted { 0 } else { bytes_of(&line.body) };
            after - self.bytes_before.get(id).copied().unwrap_or(0)
        });
        Size {
            lines: before.lines.saturating_add_signed(self.lines_added),
            bytes: before.bytes.saturating_add_signed(bytes.sum()),
        }
    }

    /// Files that their lines no longer have. A history keeps them.
    fn orphans(&self, dataset: &Dataset) -> Vec<String> {
        if dataset.rest.history {
            return Vec::new();
        }
        let left = self.files_before.iter().filter(|(id, path)| {
            let now = self.last.get(id).map(|&at| &self.written[at].line);
            let own = path.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('/'));
            own && now.is_some_and(|line| file_of(dataset, line) != Some(path))
        });
        left.map(|(_, path)| path.clone()).collect()
    }

    pub(super) fn len(&self) -> u64 {
        self.written.len() as u64
    }
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

/// The path of the file that a line has.
fn file_of<'a>(dataset: &Dataset, line: &'a LineRecord) -> Option<&'a str> {
    line.body.get(attachment_column(dataset)?)?.as_str()
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
    let lines: Vec<LineRecord> = batch.written.iter().map(|written| written.line.clone()).collect();
    let highest = unit.lines().put(&dataset.id, &lines).await?;
    // Numbers are given one after the other, in the order of the writes.
    for (written, i) in batch.written.iter_mut().rev().zip((0..=highest).rev()) {
        written.line.i = i;
    }
    if dataset.rest.history {
        let revision = |written: &Written| revision(written.action, &written.line, now);
        let revisions: Vec<RevisionRecord> = batch.written.iter().map(revision).collect();
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

fn outcomes(slots: Vec<Slot>, batch: &Batch) -> Vec<Outcome> {
    let outcome = |slot| match slot {
        Slot::Refused((status, text)) => Outcome::Failed(status, text),
        Slot::Kept(line) => Outcome::Unchanged(shown(&line)),
        Slot::Written(at, warning) => {
            let Written { line, created, .. } = &batch.written[at];
            let written = match (line.deleted, created) {
                (true, _) => Outcome::Deleted,
                (false, true) => Outcome::Created(shown(line)),
                (false, false) => Outcome::Modified(shown(line)),
            };
            match warning {
                Some(text) => Outcome::Warned(text, Box::new(written)),
                None => written,
            }
        }
    };
    slots.into_iter().map(outcome).collect()
}

/// The job that makes the index catch up if this process does not, and refreshes the statistics.
fn sync_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(SYNC_LINES, names::job_key(dataset), json!({ "dataset": dataset }), now)
}
