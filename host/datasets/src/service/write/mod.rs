//! Edits of lines, for editable datasets.
//!
//! SQL is the truth: a change is written there, with the dataset's new dates and a job, in one transaction. Then the index
//! catches up ([`sync`]) before the answer, so that the next read sees the change. If the process dies in between, the
//! job catches up.

mod batch;
mod bulk;
mod change;
mod check;
mod source;
mod sync;

use halle_model::Column;

pub use bulk::BulkReport;
pub use change::{Action, Change, Outcome};
pub use source::BulkFormat;
pub(crate) use sync::rebuild_job;
pub use sync::{LineLocks, REBUILD_LINES, SYNC_LINES, SyncLines};

/// Columns of the index of an editable dataset: its own, and those that every edited line has.
pub(crate) fn index_columns(schema: &[Column]) -> Vec<Column> {
    let kept =
        |column: &&Column| !column.calculated || matches!(column.key.as_str(), "_id" | "_i" | "_updatedAt");
    schema.iter().filter(kept).cloned().collect()
}
