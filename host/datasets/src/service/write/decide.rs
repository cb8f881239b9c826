//! What one change does to one line, before anything is written.

use halle_base::{AccountRef, Timestamp};
use halle_model::editing::PrimaryKeyMode;
use halle_model::{Caller, Dataset};
use halle_store::LineRecord;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::change::{Action, Change};
use super::check;
use super::extend::Given;
use super::line_id::new_line_id;
use crate::enrich::expressions::LineExpressions;
use crate::service::patch::is_lenient;
use crate::state::Datasets;

/// Bytes of the identifier of a line.
const LINE_ID_BYTES_MAX: usize = 512;

/// Values that the platform notes with each write: they do not make a line different.
const NOTES: [&str; 3] = ["_updatedAt", "_updatedBy", "_updatedByName"];

/// What there is to do for a change.
pub(super) enum Decision {
    /// Write the line, although it breaks a rule that does not block, if there is a warning.
    Write { line: LineRecord, created: bool, warning: Option<String> },
    /// Nothing: the line is like that already.
    Keep(LineRecord),
    /// To ask what mandatory extensions give a line with these values, and to decide again; and the line as it will be unless they
    /// refuse it, without what they give.
    Ask(Map<String, Value>, LineRecord),
}

/// Why a change cannot be made: HTTP status and text.
pub(super) type Refusal = (u16, String);

/// Who writes, when, and whose lines may be touched.
pub(super) struct Scope<'a> {
    pub dataset: &'a Dataset,
    /// What computes the values that are not the writer's to give.
    pub expressions: &'a LineExpressions,
    /// What extensions gave lines before they are written, where these need it.
    pub given: Option<&'a Given>,
    pub caller: &'a Caller,
    /// The owner whose lines these are; `None` for those who may write every line.
    pub owner: Option<&'a AccountRef>,
    pub now: Timestamp,
}

/// The value of `_owner` for lines of an account: `type:id`, or `type:id:department`.
pub(crate) fn owner_value(owner: &AccountRef) -> String {
    owner.key()
}

impl Datasets {
    /// Which line a change is about, and whether that is a new one for certain; takes `_id` out of the body.
    pub(super) fn identifier(
        &self,
        dataset: &Dataset,
        wanted: Option<&str>,
        body: &mut Map<String, Value>,
    ) -> Result<(String, bool), Refusal> {
        let given = match body.shift_remove("_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id),
            Some(other) => return Err((400, format!("/_id doit être de type string (valeur : {other})"))),
        };
        if let (Some(wanted), Some(given)) = (wanted, &given)
            && wanted != given
        {
            return Err((400, "L'identifiant d'une ligne ne peut pas être modifié.".to_owned()));
        }
        let id = wanted.map(str::to_owned).or(given).filter(|id| !id.is_empty());
        let id = id.or_else(|| primary_key_id(dataset, body));
        let (id, is_new) =
            id.map_or_else(|| (new_line_id(&*self.dice, self.clock.now()), true), |id| (id, false));
        if id.len() > LINE_ID_BYTES_MAX {
            return Err((400, format!("/_id dépasse {LINE_ID_BYTES_MAX} octets")));
        }
        Ok((id, is_new))
    }
}

/// The action of a change: `_action` of the body wins, and is taken out of it.
pub(super) fn action_of(change: &Change, body: &mut Map<String, Value>) -> Result<Action, Refusal> {
    match body.shift_remove("_action") {
        None | Some(Value::Null) => Ok(change.action),
        Some(name) => {
            let action = name.as_str().and_then(Action::of);
            action.ok_or_else(|| (400, format!("action inconnue : {name}")))
        }
    }
}

/// Decides a change of the line `id`, which is `before` if it exists.
pub(super) fn decide(
    scope: &Scope<'_>,
    action: Action,
    id: String,
    mut body: Map<String, Value>,
    before: Option<LineRecord>,
) -> Result<Decision, Refusal> {
    let unknown = || (404, "Identifiant de ligne inconnu".to_owned());
    if before.as_ref().is_some_and(|line| !is_in_scope(scope, line)) {
        return Err(unknown());
    }
    let mut kept = platform_values(scope, &mut body, before.as_ref())?;
    let values = match (action, &before) {
        (Action::Create, Some(_)) => return Err((409, format!("La ligne \"{id}\" existe déjà."))),
        (Action::Update | Action::Patch | Action::Delete, None) => return Err(unknown()),
        (Action::Delete, Some(_)) => {
            let mut body = notes(scope, kept.shift_remove("_updatedAt"));
            body.extend(kept);
            let line = LineRecord { id, i: 0, body, deleted: true };
            return Ok(Decision::Write { line, created: false, warning: None });
        }
        (Action::Patch, Some(line)) => {
            let mut merged = line.body.clone();
            // Values of columns that are no more go with the next change of their line.
            merged.retain(|key, _| !key.starts_with('_'));
            scope.expressions.forget(&mut merged);
            merged.extend(body);
            merged
        }
        _ => body,
    };
    let forced_at = kept.shift_remove("_updatedAt");
    let values = checked(scope.dataset, scope.expressions, values);
    let (mut values, warning) = values.map_err(|text| (400, text))?;
    let asked = scope.given.map(|given| (given, values.clone()));
    values.extend(kept);
    if let Some(line) = &before {
        let changed = |key: &&String| line.body.get(*key) != values.get(*key);
        if let Some(key) = scope.dataset.primary_key.iter().find(changed) {
            return Err((400, format!("La clé primaire d'une ligne ne peut pas être modifiée ({key}).")));
        }
        if forced_at.is_none() && is_same(scope.expressions, &line.body, &values) {
            return Ok(Decision::Keep(line.clone()));
        }
    }
    if let Some((given, asked)) = asked {
        match given.get(&asked) {
            Some(Ok(more)) => values.extend(more.clone()),
            Some(Err(text)) => return Err((400, text.to_owned())),
            None => return Ok(Decision::Ask(asked, LineRecord { id, i: 0, body: values, deleted: false })),
        }
    }
    values.extend(notes(scope, forced_at));
    let created = before.is_none();
    let line = LineRecord { id, i: 0, body: values, deleted: false };
    Ok(Decision::Write { line, created, warning })
}

/// The values of a line as they are stored, computed ones among them, and the rule that they break where that does not
/// block; or what is wrong with it.
fn checked(
    dataset: &Dataset,
    expressions: &LineExpressions,
    mut values: Map<String, Value>,
) -> Result<(Map<String, Value>, Option<String>), String> {
    expressions.strip(&mut values);
    let (mut values, broken) = check::leniently(&dataset.schema, values)?;
    if let Some(text) = broken.as_ref().filter(|_| !is_lenient(dataset)) {
        return Err(text.clone());
    }
    expressions.complete(&mut values)?;
    Ok((values, broken))
}

/// Values that tell whose a line is.
const OWNERSHIP: [&str; 2] = ["_owner", "_ownerName"];

/// Whether the line belongs to the owner whose lines are written.
fn is_in_scope(scope: &Scope<'_>, line: &LineRecord) -> bool {
    let Some(owner) = scope.owner else { return true };
    line.body.get("_owner").and_then(Value::as_str) == Some(owner_value(owner).as_str())
}

/// Takes out of the body what is not the producer's: the owner of the line, and the date that a superadmin forces.
fn platform_values(
    scope: &Scope<'_>,
    body: &mut Map<String, Value>,
    before: Option<&LineRecord>,
) -> Result<Map<String, Value>, Refusal> {
    let mut kept = Map::new();
    if scope.caller.admin_mode
        && let Some(at) = body.shift_remove("_updatedAt")
    {
        if at.as_str().is_none_or(|text| text.parse::<Timestamp>().is_err()) {
            return Err((
                400,
                format!("/_updatedAt doit correspondre au format \"date-time\" (valeur : {at})"),
            ));
        }
        kept.insert("_updatedAt".to_owned(), at);
    }
    if !scope.dataset.rest.line_ownership {
        return Ok(kept);
    }
    let given = OWNERSHIP.map(|key| body.shift_remove(key));
    if let Some(owner) = scope.owner {
        kept.insert("_owner".to_owned(), owner_value(owner).into());
        kept.insert("_ownerName".to_owned(), owner.name.as_str().into());
        return Ok(kept);
    }
    for (key, given) in OWNERSHIP.into_iter().zip(given) {
        let value = given.or_else(|| before.and_then(|line| line.body.get(key).cloned()));
        match value {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => drop(kept.insert(key.to_owned(), text.into())),
            Some(other) => return Err((400, format!("/{key} doit être de type string (valeur : {other})"))),
        }
    }
    Ok(kept)
}

/// When the line is written, and by whom where that is kept.
fn notes(scope: &Scope<'_>, forced_at: Option<Value>) -> Map<String, Value> {
    let mut notes = Map::new();
    let at = forced_at.unwrap_or_else(|| format!("{:.3}", scope.now).into());
    notes.insert("_updatedAt".to_owned(), at);
    if let Some(user) = scope.caller.user.as_ref().filter(|_| scope.dataset.rest.store_updated_by) {
        notes.insert("_updatedBy".to_owned(), user.id.as_str().into());
        notes.insert("_updatedByName".to_owned(), user.name.as_str().into());
    }
    notes
}

/// Whether a line would be as it is, whatever extensions gave it.
fn is_same(expressions: &LineExpressions, before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let is_written = |key: &str| !NOTES.contains(&key) && !expressions.is_later(key);
    before.keys().filter(|key| is_written(key)).count() == after.len()
        && after.iter().all(|(key, value)| before.get(key) == Some(value))
}

/// The identifier that the primary key gives a line. `None` without primary key.
fn primary_key_id(dataset: &Dataset, body: &Map<String, Value>) -> Option<String> {
    if dataset.primary_key.is_empty() {
        return None;
    }
    let values: Vec<&Value> =
        dataset.primary_key.iter().map(|key| body.get(key).unwrap_or(&Value::Null)).collect();
    let text = serde_json::to_string(&values).ok()?;
    Some(match dataset.rest.primary_key_mode {
        Some(PrimaryKeyMode::Base64) => {
            use base64::Engine;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
        }
        Some(PrimaryKeyMode::Sha256) | None => hex::encode(Sha256::digest(text.as_bytes())),
    })
}
