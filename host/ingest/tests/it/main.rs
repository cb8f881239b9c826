//! Files as producers have them, through the public API.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic where a test would")]

mod broken;
mod compressed;
mod demo;
mod formats;
mod messy;
mod properties;
mod rows;
mod streaming;

use std::path::PathBuf;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use halle_ingest::{Analysis, CellProblem, IngestError, IngestResult, Options, analyze, read};
use halle_model::{Column, ColumnKind};

/// A file of a test; removed when dropped.
struct Sample {
    folder: tempfile::TempDir,
    name: String,
}

impl Sample {
    fn new(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let sample = Self { folder: tempfile::tempdir().unwrap(), name: name.to_owned() };
        std::fs::write(sample.path(), bytes).unwrap();
        sample
    }

    /// A file of the fixtures, whose script tells what is in them.
    fn fixture(name: &str) -> Self {
        Self::new(name, fixture(name))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("upload")
    }

    fn analyze(&self) -> IngestResult<Analysis> {
        analyze(&self.path(), &self.name, &Options::default())
    }

    /// Analyses, expecting it to fail.
    fn refusal(&self) -> IngestError {
        self.analyze().unwrap_err()
    }

    /// Columns and rows as text, of a file in which every value fits.
    fn table(&self) -> (String, String) {
        let analysis = self.analyze().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let (rows, problems) = self.rows(&analysis, &analysis.columns);
        assert_eq!(problems, [], "{}", self.name);
        (kinds(&analysis.columns), rows)
    }

    /// Analyses after a previous version.
    fn analyze_after(&self, previous: &[Column]) -> Analysis {
        analyze(&self.path(), &self.name, &Options { previous: Some(previous), ..Options::default() })
            .unwrap()
    }

    /// The rows as text, one line a row, cells joined with ` | `, absent ones as `-`; and what did not fit.
    fn rows(&self, analysis: &Analysis, columns: &[Column]) -> (String, Vec<CellProblem>) {
        let (mut lines, mut problems) = (Vec::new(), Vec::new());
        for batch in read(&self.path(), analysis, columns).unwrap() {
            let batch = batch.unwrap();
            lines.extend(lines_of(&batch.rows));
            problems.extend(batch.problems);
        }
        (lines.join("\n"), problems)
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn lines_of(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default();
    let cell = |column: &dyn Array, row: usize| {
        if column.is_null(row) {
            "-".to_owned()
        } else {
            ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string()
        }
    };
    let line = |row| batch.columns().iter().map(|c| cell(c, row)).collect::<Vec<_>>().join(" | ");
    (0..batch.num_rows()).map(line).collect()
}

/// `key:kind` of each column.
fn kinds(columns: &[Column]) -> String {
    let kind = |column: &Column| match column.kind() {
        ColumnKind::Text => "text",
        ColumnKind::Integer => "integer",
        ColumnKind::Number => "number",
        ColumnKind::Boolean => "boolean",
        ColumnKind::Date => "date",
        ColumnKind::DateTime => "date-time",
        ColumnKind::Object => "object",
    };
    columns.iter().map(|c| format!("{}:{}", c.key, kind(c))).collect::<Vec<_>>().join(" ")
}
