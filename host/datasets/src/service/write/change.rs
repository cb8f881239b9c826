//! Changes of lines: what is asked, what it does, and the transaction that does it.

use halle_base::{Timestamp, new_id};
use halle_model::dataset::Author;
use halle_model::{Caller, Dataset};
use halle_store::documents::Stored;
use halle_store::{EntityExt, LineRecord, NewJob, StoreError, UnitOfWork};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{SYNC_LINES, check};
use crate::error::{DatasetsError, DatasetsResult};
use crate::service::load::load_in;
use crate::service::names;
use crate::service::read::not_ready;
use crate::state::Datasets;

/// Times a write is tried again when the dataset was changed by someone else meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Bytes of the identifier of a line.
const LINE_ID_BYTES_MAX: usize = 512;

/// What a change does to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Creates the line or replaces it.
    CreateOrUpdate,
    /// Creates the line; 409 if there is one.
    Create,
    /// Replaces the line; 404 if there is none.
    Update,
    /// Changes the values that are given; 404 if there is no line.
    Patch,
    /// Removes the line; 404 if there is none.
    Delete,
}

impl Action {
    /// The action of this name in `_action`.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "createOrUpdate" => Self::CreateOrUpdate,
            "create" => Self::Create,
            "update" => Self::Update,
            "patch" => Self::Patch,
            "delete" => Self::Delete,
            _ => return None,
        })
    }
}

/// A change of one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What to do; `_action` of the body wins.
    pub action: Action,
    /// The line; else `_id` of the body, else made of the primary key, else a new identifier.
    pub id: Option<String>,
    /// Values by column key.
    pub body: Map<String, Value>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A new line, as readers see it.
    Created(Map<String, Value>),
    /// The line with its new values.
    Modified(Map<String, Value>),
    /// The line was like that already.
    Unchanged(Map<String, Value>),
    /// The line is gone.
    Deleted,
    /// Nothing was changed: HTTP status and reason.
    Failed(u16, String),
}

/// A decision, before it is written.
enum Decision {
    Write { line: LineRecord, created: bool },
    Keep(LineRecord),
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
        for _attempt in 0..ATTEMPTS_MAX {
            match self.try_change(caller, id, operation, changes).await {
                Err(DatasetsError::Store(StoreError::Stale { .. })) => {}
                result => return result,
            }
        }
        let message = "Le jeu de données est modifié par trop d'écritures à la fois, réessayez.";
        Err(DatasetsError::Conflict(message.to_owned()))
    }

    async fn try_change(
        &self,
        caller: &Caller,
        id: &str,
        operation: &'static str,
        changes: &[Change],
    ) -> DatasetsResult<Vec<Outcome>> {
        let mut unit = self.store.begin().await?;
        let mut dataset = self.editable(unit.as_mut(), caller, id, operation).await?;
        if changes.iter().any(|change| change.action != Action::Delete) {
            self.check_room_in(unit.as_mut(), &dataset.owner, 1, 0).await?;
        }
        let now = self.clock.now();
        let mut outcomes = Vec::with_capacity(changes.len());
        let mut pending: IndexMap<String, LineRecord> = IndexMap::new();
        let mut lines_added = 0_i64;
        for change in changes {
            let outcome = match self.decide(unit.as_mut(), &dataset, change, &pending, now).await? {
                Err((status, text)) => Outcome::Failed(status, text),
                Ok(Decision::Keep(line)) => Outcome::Unchanged(shown(&line)),
                Ok(Decision::Write { line, created }) => {
                    lines_added += i64::from(created) - i64::from(line.deleted);
                    let outcome = match (line.deleted, created) {
                        (true, _) => Outcome::Deleted,
                        (false, true) => Outcome::Created(shown(&line)),
                        (false, false) => Outcome::Modified(shown(&line)),
                    };
                    // The last write of a line counts, in the order of the writes.
                    pending.shift_remove(&line.id);
                    pending.insert(line.id.clone(), line);
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        if pending.is_empty() {
            return Ok(outcomes);
        }
        let lines: Vec<LineRecord> = pending.into_values().collect();
        let highest = unit.lines().put(&dataset.id, &lines).await?;
        number(unit.as_mut(), &dataset.id, &mut outcomes).await?;
        let count = dataset.count.unwrap_or(0).saturating_add_signed(lines_added);
        touch(&mut dataset, caller, now, count);
        unit.save(&mut dataset, now).await?;
        unit.jobs().enqueue(&sync_job(&dataset.id, now)).await?;
        unit.commit().await?;
        self.sync_lines(&dataset, highest).await?;
        Ok(outcomes)
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
        if !dataset.is_rest {
            let message = "Cette opération n'est possible que sur un jeu de données éditable.";
            return Err(DatasetsError::NotImplemented(message.to_owned()));
        }
        if dataset.served.is_none() {
            return Err(not_ready(&dataset));
        }
        Ok(dataset)
    }

    async fn decide(
        &self,
        unit: &mut dyn UnitOfWork,
        dataset: &Dataset,
        change: &Change,
        pending: &IndexMap<String, LineRecord>,
        now: Timestamp,
    ) -> DatasetsResult<Result<Decision, (u16, String)>> {
        let mut body = change.body.clone();
        let action = match body.shift_remove("_action") {
            None | Some(Value::Null) => change.action,
            Some(name) => match name.as_str().and_then(Action::of) {
                Some(action) => action,
                None => return Ok(Err((400, format!("action inconnue : {name}")))),
            },
        };
        let id = match self.identifier(dataset, change, &mut body) {
            Ok(id) => id,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let before = match pending.get(&id) {
            Some(line) => Some(line.clone()).filter(|line| !line.deleted),
            None => unit.lines().get(&dataset.id, &id).await?,
        };
        Ok(decide(dataset, action, id, body, before, now))
    }

    /// Which line a change is about; takes `_id` out of the body.
    pub(super) fn identifier(
        &self,
        dataset: &Dataset,
        change: &Change,
        body: &mut Map<String, Value>,
    ) -> Result<String, (u16, String)> {
        let given = match body.shift_remove("_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(other) => return Err((400, format!("/_id doit être de type string (valeur : {other})"))),
        };
        if let (Some(wanted), Some(given)) = (&change.id, &given)
            && wanted != given
        {
            return Err((400, "L'identifiant d'une ligne ne peut pas être modifié.".to_owned()));
        }
        let id = change.id.clone().or(given).filter(|id| !id.is_empty());
        let id = id.or_else(|| primary_key_id(dataset, body)).unwrap_or_else(|| new_id(&*self.dice));
        if id.len() > LINE_ID_BYTES_MAX {
            return Err((400, format!("/_id dépasse {LINE_ID_BYTES_MAX} octets")));
        }
        Ok(id)
    }
}

fn decide(
    dataset: &Dataset,
    action: Action,
    id: String,
    body: Map<String, Value>,
    before: Option<LineRecord>,
    now: Timestamp,
) -> Result<Decision, (u16, String)> {
    let unknown = || (404, "Identifiant de ligne inconnu".to_owned());
    let mut values = match (action, &before) {
        (Action::Create, Some(_)) => return Err((409, format!("La ligne \"{id}\" existe déjà."))),
        (Action::Update | Action::Patch | Action::Delete, None) => return Err(unknown()),
        (Action::Delete, Some(_)) => {
            let line = LineRecord { id, i: 0, body: Map::new(), deleted: true };
            return Ok(Decision::Write { line, created: false });
        }
        (Action::Patch, Some(line)) => {
            let mut merged = line.body.clone();
            merged.shift_remove("_updatedAt");
            merged.extend(body);
            merged
        }
        _ => body,
    };
    values = check::line(&dataset.schema, values).map_err(|text| (400, text))?;
    if let Some(line) = &before {
        let changed = |key: &&String| line.body.get(*key) != values.get(*key);
        if let Some(key) = dataset.primary_key.iter().find(changed) {
            return Err((400, format!("La clé primaire d'une ligne ne peut pas être modifiée ({key}).")));
        }
        let same = line.body.iter().filter(|(key, _)| *key != "_updatedAt").count() == values.len()
            && values.iter().all(|(key, value)| line.body.get(key) == Some(value));
        if same {
            return Ok(Decision::Keep(line.clone()));
        }
    }
    values.insert("_updatedAt".to_owned(), format!("{now:.3}").into());
    let created = before.is_none();
    Ok(Decision::Write { line: LineRecord { id, i: 0, body: values, deleted: false }, created })
}

/// The identifier that the primary key gives a line: a digest of its values. `None` without primary key.
fn primary_key_id(dataset: &Dataset, body: &Map<String, Value>) -> Option<String> {
    if dataset.primary_key.is_empty() {
        return None;
    }
    let values: Vec<&Value> =
        dataset.primary_key.iter().map(|key| body.get(key).unwrap_or(&Value::Null)).collect();
    let text = serde_json::to_string(&values).ok()?;
    Some(hex::encode(Sha256::digest(text.as_bytes())))
}

/// A line as readers see it, without its number as long as that is not known.
fn shown(line: &LineRecord) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("_id".to_owned(), line.id.as_str().into());
    shown.extend(line.body.clone());
    if line.i > 0 {
        shown.insert("_i".to_owned(), line.i.into());
    }
    shown
}

/// Fills in the number that the store gave a single line: what an interface shows at once.
async fn number(unit: &mut dyn UnitOfWork, dataset: &str, outcomes: &mut [Outcome]) -> DatasetsResult<()> {
    let [Outcome::Created(line) | Outcome::Modified(line)] = outcomes else { return Ok(()) };
    let id = line.get("_id").and_then(Value::as_str).unwrap_or_default();
    if let Some(stored) = unit.lines().get(dataset, id).await? {
        *line = shown(&stored);
    }
    Ok(())
}

/// Notes on the dataset that its lines changed, now, and readers see it.
pub(super) fn touch(dataset: &mut Dataset, caller: &Caller, now: Timestamp, count: u64) {
    dataset.count = Some(count);
    if let Some(served) = &mut dataset.served {
        served.rows = count;
    }
    dataset.data_updated_at = Some(now);
    dataset.finalized_at = Some(now);
    dataset.updated_at = now;
    dataset.updated_by = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
}

/// The job that makes the index catch up if this process does not, and refreshes the statistics.
fn sync_job(dataset: &str, now: Timestamp) -> NewJob {
    NewJob::now(SYNC_LINES, names::job_key(dataset), json!({ "dataset": dataset }), now)
}
