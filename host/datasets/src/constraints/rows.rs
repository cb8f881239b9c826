//! Rows of a version that break a constraint.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use halle_ingest::rows::RowsReader;
use tokio_util::sync::CancellationToken;

use super::Unique;
use crate::jobs::diagnostic::{Entry, ErrorType, Report};
use crate::jobs::pipeline::{StageError, StageResult};

/// Digests of rows that are compared at a time; more rows are looked at in several goes.
const DIGESTS_MAX: u64 = 8 << 20;

/// Values that are told to occur several times; the file lists no more errors.
const REPEATED_MAX: usize = 10_000;

/// Between the values of a row; no file has it in its cells for a purpose.
const BETWEEN: &str = "\u{1f}";

/// Canonical rows to look at.
pub(crate) struct Rows<'a> {
    /// Where they are.
    pub path: &'a Path,
    /// Line of the file on which the first row begins.
    pub first_line: u64,
    /// To stop early.
    pub cancel: &'a CancellationToken,
}

/// Notes every row whose values an earlier one has: line, columns, what is wrong, the values.
pub(crate) fn note(rows: &Rows<'_>, unique: &Unique, report: &mut Report) -> StageResult<()> {
    let hasher = RandomState::new();
    let total = RowsReader::open(rows.path, Some(&[]))?.rows();
    // Digests spread evenly, so that each go has about its share of them.
    let goes = total.div_ceil(DIGESTS_MAX).max(1);
    for go in 0..goes {
        let mut digests = Vec::new();
        each(rows, unique, |_, values| {
            let digest = hasher.hash_one(values);
            if digest % goes == go {
                digests.push(digest);
            }
            Ok(())
        })?;
        let repeated = repeated(digests);
        if !repeated.is_empty() {
            list(rows, unique, &|values: &str| repeated.contains(&hasher.hash_one(values)), report)?;
        }
    }
    Ok(())
}

/// Digests that occur more than once.
fn repeated(mut digests: Vec<u64>) -> HashSet<u64> {
    digests.sort_unstable();
    let pairs = digests.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| pair[0]).take(REPEATED_MAX).collect()
}

/// Notes the rows whose values, `suspect`, really occur more than once.
fn list(
    rows: &Rows<'_>,
    unique: &Unique,
    suspect: &dyn Fn(&str) -> bool,
    report: &mut Report,
) -> StageResult<()> {
    let mut first: HashMap<String, u64> = HashMap::new();
    let (name, field) = (unique.name(), unique.properties.join(", "));
    each(rows, unique, |line, values| {
        if !suspect(values) {
            return Ok(());
        }
        let Some(before) = first.get(values) else {
            first.insert(values.to_owned(), line);
            return Ok(());
        };
        let message = format!("la valeur est déjà à la ligne {before} (contrainte d'unicité \"{name}\")");
        let value = values.replace(BETWEEN, ", ");
        report.rows(0, 1);
        let error_type = ErrorType::Validation;
        report.add(Entry { line, error_type, field: &field, message: &message, value: &value })
    })
}

/// Calls `treat` with the line and the values of each row that has any.
fn each(
    rows: &Rows<'_>,
    unique: &Unique,
    mut treat: impl FnMut(u64, &str) -> StageResult<()>,
) -> StageResult<()> {
    let keys: Vec<&str> = unique.properties.iter().map(String::as_str).collect();
    let options = FormatOptions::default().with_null("");
    let mut line = rows.first_line;
    let mut values = String::new();
    for batch in RowsReader::open(rows.path, Some(&keys))? {
        if rows.cancel.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let batch = batch?;
        let cells = batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options));
        let cells = cells.collect::<Result<Vec<_>, _>>().map_err(StageError::machine)?;
        for row in 0..batch.num_rows() {
            values.clear();
            for (index, cell) in cells.iter().enumerate() {
                values.push_str(if index > 0 { BETWEEN } else { "" });
                cell.value(row).write(&mut values).map_err(StageError::machine)?;
            }
            if values.len() > BETWEEN.len() * (cells.len() - 1) {
                treat(line, &values)?;
            }
            line += 1;
        }
    }
    Ok(())
}
