//! Changes that are decided again when the dataset was saved meanwhile.
//!
//! A change of attributes is decided on a dataset as it was read, asks plugins and services about it, and is written only if
//! nothing else was written in between. Most often what else writes is a job, of which the client knows nothing: the
//! change is decided again, on the dataset as it is now. What another client changed stays changed; when it is one of the
//! same attributes, the second one is told (409).

use std::sync::Arc;

use halle_model::{Caller, Column, Dataset};
use halle_store::StoreError;
use halle_store::documents::Stored;
use serde_json::{Map, Value};

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::columns;
use crate::service::init_from::bare;
use crate::state::Datasets;

/// How often a change is decided before the client is told that it cannot be made now.
const ATTEMPTS_MAX: u32 = 5;

/// What jobs note on an extension.
const NOTE_OF_JOBS: &str = "nextUpdate";

/// What is known of the attempts to make one change.
struct Attempts {
    made: u32,
    /// The dataset on which the last attempt was decided, or an earlier state.
    before: Option<Arc<Stored<Dataset>>>,
}

impl Datasets {
    /// Makes a change of `attributes` by `decide`, which decides it on the dataset as it is then and writes it: again, as long as
    /// others than clients of the same attributes were faster.
    pub(super) async fn deciding_again<F>(
        &self,
        (caller, id): (&Caller, &str),
        attributes: &Map<String, Value>,
        decide: impl Fn() -> F,
    ) -> DatasetsResult<Dataset>
    where
        F: Future<Output = DatasetsResult<Dataset>>,
    {
        let mut attempts = Attempts { made: 0, before: self.known(caller, id).await? };
        loop {
            let made = decide().await;
            if !self.is_to_decide_again(&mut attempts, (caller, id), attributes, &made).await? {
                return made;
            }
        }
    }

    /// Whether a change of `attributes` must be decided again: others than clients of the same attributes were faster.
    async fn is_to_decide_again(
        &self,
        attempts: &mut Attempts,
        (caller, id): (&Caller, &str),
        attributes: &Map<String, Value>,
        outcome: &DatasetsResult<Dataset>,
    ) -> DatasetsResult<bool> {
        attempts.made += 1;
        let is_stale = matches!(outcome, Err(DatasetsError::Store(StoreError::Stale { .. })));
        if !is_stale || attempts.made >= ATTEMPTS_MAX {
            return Ok(false);
        }
        let now = self.known(caller, id).await?;
        let before = std::mem::replace(&mut attempts.before, now.clone());
        Ok(before.zip(now).is_some_and(|(before, now)| !is_edited(&before, &now, attributes)))
    }
}

/// Whether a client changed one of `attributes` in between, in the draft or in what is published below it. A draft that was
/// published meanwhile is no such change: it was written before.
fn is_edited(before: &Dataset, now: &Dataset, attributes: &Map<String, Value>) -> bool {
    let both = |dataset: &Dataset| -> serde_json::Result<(Value, Value)> {
        Ok((as_written(dataset.with_draft())?, as_written(Dataset { draft: None, ..dataset.clone() })?))
    };
    let (Ok((draft_before, before)), Ok((draft, now))) = (both(before), both(now)) else { return true };
    attributes.keys().any(|name| {
        let is_published = now.get(name) == draft_before.get(name);
        draft_before.get(name) != draft.get(name) || (before.get(name) != now.get(name) && !is_published)
    })
}

/// What clients wrote of a dataset, without what jobs add to it.
fn as_written(mut dataset: Dataset) -> serde_json::Result<Value> {
    let schema: Vec<Column> = columns::of_the_file(&dataset.schema).into_iter().map(bare).collect();
    dataset.schema = schema;
    let mut written = serde_json::to_value(&dataset)?;
    for extension in written["extensions"].as_array_mut().into_iter().flatten() {
        if let Some(extension) = extension.as_object_mut() {
            extension.shift_remove(NOTE_OF_JOBS);
        }
    }
    Ok(written)
}
