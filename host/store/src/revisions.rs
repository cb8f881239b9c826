//! Revisions: what lines of editable datasets were, one record per change that had an effect.

use async_trait::async_trait;
use halle_base::Timestamp;
use serde_json::{Map, Value};

use crate::StoreResult;

/// What a change made of a line.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionRecord {
    /// The line.
    pub line: String,
    /// Number of the write: [`LineRecord::i`](crate::LineRecord::i) of that moment. Unique in the dataset.
    pub i: i64,
    /// `createOrUpdate`, `create`, `update`, `patch` or `delete`.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// Whose line it was, where lines have owners: `type:id` or `type:id:department`.
    pub owner: Option<String>,
    /// The values that the line had from then on; those of a deleted line only tell when and by whom.
    pub body: Map<String, Value>,
}

/// Which revisions of a dataset: all, unless a line or an owner is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RevisionsOf<'a> {
    /// Of this line.
    pub line: Option<&'a str>,
    /// Of lines of this owner, `type:id` or `type:id:department`.
    pub owner: Option<&'a str>,
}

/// Revisions of lines. They stay when their line goes.
#[async_trait]
pub trait RevisionRepository: Send {
    /// Adds revisions.
    async fn add(&mut self, dataset: &str, revisions: &[RevisionRecord]) -> StoreResult<()>;

    /// Revisions that `which` names, newest first: those numbered below `before`, at most `limit`.
    async fn latest(
        &mut self,
        dataset: &str,
        which: RevisionsOf<'_>,
        before: Option<i64>,
        limit: u32,
    ) -> StoreResult<Vec<RevisionRecord>>;

    /// Number of revisions that `which` names.
    async fn count(&mut self, dataset: &str, which: RevisionsOf<'_>) -> StoreResult<u64>;

    /// Removes revisions older than `before`; how many.
    async fn expire(&mut self, dataset: &str, before: Timestamp) -> StoreResult<u64>;

    /// Removes every revision.
    async fn clear(&mut self, dataset: &str) -> StoreResult<()>;
}
