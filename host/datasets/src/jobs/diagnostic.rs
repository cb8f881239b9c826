//! What a check of rows finds: counted, quoted in the journal, and listed in a CSV that the producer downloads.

use std::fs::File;
use std::io::{BufWriter, Write};

use halle_model::journal::Diagnostic;
use tempfile::NamedTempFile;

use crate::jobs::pipeline::{StageError, StageResult};

/// Errors that the file lists (Data Fair: 10,000); all are counted.
const LISTED_MAX: u64 = 10_000;

/// Errors that the journal quotes.
const QUOTED_MAX: usize = 5;

/// Longest value that is repeated, in characters.
const VALUE_CHARS_MAX: usize = 300;

/// First line of the file, after the mark that makes spreadsheets read UTF-8.
const HEADER: &str = "\u{feff}line,error_type,field,message,raw_value\n";

/// What an error is about, as the file says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    /// A value does not fit its column, or breaks a rule.
    Validation,
    /// A column is gone, or of another type.
    Structure,
}

impl ErrorType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Structure => "structure",
        }
    }
}

/// One error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// Line of the file on which the row begins, from 1.
    pub line: u64,
    /// What it is about.
    pub error_type: ErrorType,
    /// Key of the column.
    pub field: &'a str,
    /// What is wrong, in French.
    pub message: &'a str,
    /// The value as the file has it, or nothing.
    pub value: &'a str,
}

/// A check of rows in progress.
pub(crate) struct Report {
    csv: csv::Writer<BufWriter<File>>,
    file: NamedTempFile,
    found: Diagnostic,
    errors: u64,
    rows: u64,
    wrong_rows: u64,
    quoted: Vec<String>,
}

impl Report {
    /// A report without errors, written to `file`.
    pub(crate) fn new(file: NamedTempFile) -> StageResult<Self> {
        let mut target = BufWriter::new(file.reopen().map_err(StageError::machine)?);
        target.write_all(HEADER.as_bytes()).map_err(StageError::machine)?;
        let csv = csv::WriterBuilder::new().has_headers(false).from_writer(target);
        let found = Diagnostic::default();
        Ok(Self { csv, file, found, errors: 0, rows: 0, wrong_rows: 0, quoted: Vec::new() })
    }

    /// Notes one error.
    pub(crate) fn add(&mut self, entry: Entry<'_>) -> StageResult<()> {
        self.count(entry.error_type, 1);
        let value: String = entry.value.chars().take(VALUE_CHARS_MAX).collect();
        if self.quoted.len() < QUOTED_MAX {
            let shown = if value.is_empty() { String::new() } else { format!(" (« {value} »)") };
            let Entry { line, field, message, .. } = entry;
            self.quoted.push(format!("ligne {line}, colonne « {field} » : {message}{shown}"));
        }
        if self.found.diagnostic_error_count < LISTED_MAX {
            self.found.diagnostic_error_count += 1;
            let line = entry.line.to_string();
            let record = [&line, entry.error_type.as_str(), entry.field, entry.message, &value];
            self.csv.write_record(record).map_err(StageError::machine)?;
        }
        Ok(())
    }

    /// Notes errors that are not described one by one.
    pub(crate) fn count(&mut self, error_type: ErrorType, errors: u64) {
        self.errors += errors;
        if error_type == ErrorType::Validation {
            self.found.validation_error_count += errors;
        }
    }

    /// Notes rows that were looked at, and how many of them were wrong.
    pub(crate) fn rows(&mut self, rows: u64, wrong: u64) {
        self.rows += rows;
        self.wrong_rows += wrong;
    }

    /// Rows looked at so far.
    pub(crate) fn rows_seen(&self) -> u64 {
        self.rows
    }

    /// The reason to stop or to warn; `None` when every row obeys.
    pub(crate) fn text(&self) -> Option<String> {
        if self.errors == 0 {
            return None;
        }
        // Rounded up: a single wrong line of many must not read as 0 %.
        let percent = (self.wrong_rows * 100).div_ceil(self.rows.max(1));
        Some(format!("{percent}% des lignes ont une erreur de validation : {}.", self.quoted.join(" ; ")))
    }

    /// The file, and what it holds.
    pub(crate) fn finish(mut self) -> StageResult<(NamedTempFile, Diagnostic)> {
        self.csv.flush().map_err(StageError::machine)?;
        let has_diagnostic_file = self.errors > 0;
        let diagnostic_capped = self.errors > self.found.diagnostic_error_count;
        Ok((self.file, Diagnostic { has_diagnostic_file, diagnostic_capped, ..self.found }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: u64, value: &str) -> Entry<'_> {
        let (field, message) = ("age", "un nombre entier est attendu");
        Entry { line, error_type: ErrorType::Validation, field, message, value }
    }

    #[test]
    fn the_reason_names_the_lines_and_never_rounds_to_nothing() {
        let mut report = Report::new(NamedTempFile::new().unwrap()).unwrap();
        report.rows(1_000, 0);
        assert_eq!(report.text(), None);
        report.add(entry(2, "x")).unwrap();
        report.rows(1_000, 1);
        assert_eq!(
            report.text().unwrap(),
            "1% des lignes ont une erreur de validation : ligne 2, colonne « age » : un nombre entier est attendu (« x »)."
        );
    }

    #[test]
    fn the_file_is_capped_and_says_so() {
        let mut report = Report::new(NamedTempFile::new().unwrap()).unwrap();
        for line in 0..=LISTED_MAX {
            report.add(entry(line + 2, "a \"b\", c")).unwrap();
        }
        let (file, found) = report.finish().unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.starts_with(HEADER), "{}", &text[..80]);
        let second = text.lines().nth(1).unwrap();
        assert_eq!(second, "2,validation,age,un nombre entier est attendu,\"a \"\"b\"\", c\"");
        assert_eq!(text.lines().count() as u64, LISTED_MAX + 1);
        assert!(found.diagnostic_capped && found.has_diagnostic_file);
        assert_eq!((found.diagnostic_error_count, found.validation_error_count), (10_000, 10_001));
    }
}
