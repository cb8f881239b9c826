//! Changes of lines: what is asked, and what became of it.

use std::sync::Arc;

use halle_base::{AccountRef, Timestamp};
use halle_model::dataset::Author;
use halle_model::{Caller, Dataset};
use halle_store::LineRecord;
use serde_json::{Map, Value};

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

    /// Its name in `_action`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateOrUpdate => "createOrUpdate",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
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

/// Changes that one caller asks for.
#[derive(Debug, Clone)]
pub struct Write {
    /// Who.
    pub caller: Caller,
    /// The permission it takes, such as `bulkLines`.
    pub operation: &'static str,
    /// Whose lines they are, for those who may write their own only.
    pub owner: Option<AccountRef>,
    /// The changes, made in this order.
    pub changes: Vec<Change>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A new line.
    Created(Arc<LineRecord>),
    /// The line with its new values.
    Modified(Arc<LineRecord>),
    /// The line was like that already.
    Unchanged(Arc<LineRecord>),
    /// The line is gone.
    Deleted,
    /// The change was made, although the line breaks a rule that does not block: which one.
    Warned(String, Box<Self>),
    /// Nothing was changed: HTTP status and reason.
    Failed(u16, String),
}

/// A line as readers see it.
pub(crate) fn shown(line: &LineRecord) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("_id".to_owned(), line.id.as_str().into());
    shown.extend(line.body.clone());
    if line.i > 0 {
        shown.insert("_i".to_owned(), line.i.into());
    }
    shown
}

/// How many lines a dataset has, and bytes of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub lines: u64,
    pub bytes: u64,
}

impl Size {
    /// What the dataset says of itself.
    pub(super) fn of(dataset: &Dataset) -> Self {
        let bytes = dataset.served.as_ref().map_or(0, |served| served.rows_bytes);
        Self { lines: dataset.count.unwrap_or(0), bytes }
    }
}

/// Bytes of the values of a line, with their keys, about as they are stored.
pub(super) fn bytes_of(body: &Map<String, Value>) -> i64 {
    let of_value = |value: &Value| match value {
        Value::String(text) => text.len(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
    };
    let bytes: usize = body.iter().map(|(key, value)| key.len() + of_value(value)).sum();
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// Notes on the dataset that its lines changed, now, and readers see it.
pub(super) fn touch(dataset: &mut Dataset, caller: &Caller, now: Timestamp, size: Size) {
    dataset.count = Some(size.lines);
    if let Some(served) = &mut dataset.served {
        served.rows = size.lines;
        served.rows_bytes = size.bytes;
    }
    dataset.data_updated_at = Some(now);
    dataset.finalized_at = Some(now);
    dataset.updated_at = now;
    dataset.updated_by = caller.user.as_ref().map(|user| Author { id: user.id.clone() });
}
