//! Lines of editable datasets: the truth that the index is built from.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::StoreResult;

/// A line of an editable dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct LineRecord {
    /// Identifier within the dataset.
    pub id: String,
    /// Monotonic number of the last write of the line, unique in the dataset; `_i` of Data Fair.
    pub i: i64,
    /// Values by column key, with `_updatedAt`.
    pub body: Map<String, Value>,
    /// Whether the line was deleted. Deleted lines are kept until the index has forgotten them.
    pub deleted: bool,
}

/// Lines of editable datasets.
#[async_trait]
pub trait LineRepository: Send {
    /// The line, deleted ones excluded.
    async fn get(&mut self, dataset: &str, id: &str) -> StoreResult<Option<LineRecord>>;

    /// The lines of these identifiers, deleted ones excluded, in any order. Identifiers are all different.
    async fn get_all(&mut self, dataset: &str, ids: &[&str]) -> StoreResult<Vec<LineRecord>>;

    /// Writes lines: replaces those with the same identifier. `i` is given by the store, in the order of the slice,
    /// one after the other; returns the highest.
    async fn put(&mut self, dataset: &str, lines: &[LineRecord]) -> StoreResult<i64>;

    /// Gives lines other values, each under its number: a line that was written or deleted since is left as it is. Nobody
    /// who reads lines [`after`](Self::after) a number is told. How many lines have the values now.
    async fn amend(&mut self, dataset: &str, lines: &[LineRecord]) -> StoreResult<u64>;

    /// Lines with `i` above `after`, in the order of `i`, deleted ones included, at most `limit`.
    async fn after(&mut self, dataset: &str, after: i64, limit: u32) -> StoreResult<Vec<LineRecord>>;

    /// The number of the last line with `i` below `before`, deleted ones included; 0 if there is none. Within the transaction
    /// that wrote the line numbered `before`, no line will ever come between the two.
    async fn before(&mut self, dataset: &str, before: i64) -> StoreResult<i64>;

    /// Number of lines that are not deleted.
    async fn count(&mut self, dataset: &str) -> StoreResult<u64>;

    /// Forgets deleted lines with `i` up to `up_to`.
    async fn purge(&mut self, dataset: &str, up_to: i64) -> StoreResult<()>;

    /// Removes every line, as if the dataset had never had one.
    async fn clear(&mut self, dataset: &str) -> StoreResult<()>;
}
