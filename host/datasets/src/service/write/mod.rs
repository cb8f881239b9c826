//! Edits of lines, for editable datasets.
//!
//! SQL is the truth: a change is written there, with the dataset's new dates and a job, in one transaction. Then the index
//! gets the lines ([`portion`]), or catches up ([`sync`]), before the answer, so that the next read sees the change. If the
//! process dies in between, the job catches up.

mod at_once;
mod attach;
pub(crate) mod batch;
mod bulk;
mod change;
pub(crate) mod check;
mod decide;
mod expire;
mod extend;
mod group;
pub(crate) mod history;
mod line_id;
mod lock;
mod pending;
mod portion;
mod source;
mod sync;
mod sync_files;
mod transaction;
mod writer;

use halle_model::Column;

pub(crate) use attach::FILES_MAX;
pub use attach::{Attached, LineFile};
pub use bulk::{Bulk, BulkReport};
pub(crate) use change::shown;
pub use change::{Action, Change, Outcome, Write};
pub(crate) use decide::owner_value;
pub(crate) use extend::extend_job;
pub use extend::{EXTEND_LINES, ExtendLines};
pub use history::RevisionsPage;
pub use source::{BulkFile, BulkFormat};
pub(crate) use source::{Numbered, Unreadable, cell, read as read_lines};
pub(crate) use sync::rebuild_job;
pub use sync::{LineLocks, REBUILD_LINES, SYNC_LINES, SyncLines};
pub(crate) use transaction::{require_editable, require_ownership};
pub use writer::{LinesWriter, WriteMode};

use crate::documents;

/// Computed columns that the index of an editable dataset has besides the producer's.
const KEPT: [&str; 7] = ["_id", "_i", "_updatedAt", "_updatedBy", "_updatedByName", "_owner", "_ownerName"];

/// Columns of the index of an editable dataset: its own, and those that edited lines have.
pub(crate) fn index_columns(schema: &[Column]) -> Vec<Column> {
    let kept = |column: &&Column| {
        !column.calculated || KEPT.contains(&column.key.as_str()) || documents::is_of_files(&column.key)
    };
    // What is counted changes with every line; an index is not built again for it.
    let uncounted = |column: &Column| Column { values: None, cardinality: None, ..column.clone() };
    schema.iter().filter(kept).map(uncounted).collect()
}
