//! Rows on their way through the pipeline.

use std::borrow::Cow;

use arrow::record_batch::RecordBatch;

/// Longest piece of a value that a report repeats, in characters.
const REPORT_CHARS_MAX: usize = 300;

/// Values of one batch that are reported one by one.
pub const BATCH_PROBLEMS_MAX: usize = 1_000;

/// At most [`BATCH_ROWS_MAX`](halle_base::limits::BATCH_ROWS_MAX) rows.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The rows: one Arrow column per column asked, under its key, in the type that
    /// [`ColumnKind`](halle_model::ColumnKind) tells, nullable.
    pub rows: RecordBatch,
    /// Physical line of the file on which the first row begins, from 1.
    pub first_line: u64,
    /// Physical line on which each row begins.
    pub lines: Vec<u64>,
    /// Values that did not fit their column, the first [`BATCH_PROBLEMS_MAX`] of them; they are absent in `rows`.
    pub problems: Vec<CellProblem>,
    /// How many values did not fit, reported or not.
    pub problems_total: u64,
}

/// A value that does not fit its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellProblem {
    /// Row in the batch, from 0.
    pub row: usize,
    /// Physical line of the file on which the row begins, from 1.
    pub line: u64,
    /// Key of the column.
    pub column: String,
    /// The value as the file has it, cut to 300 characters.
    pub value: String,
    /// What was expected, in French: « un nombre entier est attendu ».
    pub reason: Cow<'static, str>,
}

impl std::fmt::Display for CellProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ligne {}, colonne « {} » : {} (« {} »)", self.line, self.column, self.reason, self.value)
    }
}

/// The beginning of a value, for a report.
pub(crate) fn excerpt(value: &str) -> String {
    value.chars().take(REPORT_CHARS_MAX).collect()
}
