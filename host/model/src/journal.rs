//! Events of a dataset's life, as its journal tells them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One event. Types are Data Fair's: `dataset-created`, `data-updated`, `structure-updated`, `finalize-end`, `error`,
/// `validation-error`..., and `<stage>-start`, `<stage>-end` for the stages of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub date: Timestamp,
    /// Text for a person, such as the reason of an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Whether the event is about the draft of the dataset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<bool>,
    /// What was wrong with the rows, of a `validation-error`.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub diagnostic: Option<Diagnostic>,
}

/// How many errors a check of rows found, and what the file that lists them holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnostic {
    /// Whether there is a file that lists the errors.
    pub has_diagnostic_file: bool,
    /// Errors in that file.
    pub diagnostic_error_count: u64,
    /// Whether there were more errors than the file may hold.
    pub diagnostic_capped: bool,
    /// Values that broke a rule or did not fit their column.
    pub validation_error_count: u64,
    /// Rows that a mandatory extension could not treat.
    pub extension_error_count: u64,
}

impl JournalEvent {
    /// An event of which only the type and the date are known.
    pub fn new(kind: impl Into<String>, date: Timestamp) -> Self {
        Self { kind: kind.into(), date, data: None, draft: None, diagnostic: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lie_beside_the_text_and_events_without_them_are_read() {
        let plain = r#"{"type":"error","date":"2026-01-01T00:00:00Z","data":"x"}"#;
        let event: JournalEvent = serde_json::from_str(plain).unwrap();
        assert_eq!(event.diagnostic, None);
        assert_eq!(serde_json::to_string(&event).unwrap(), plain);
        let told = JournalEvent { diagnostic: Some(Diagnostic::default()), ..event };
        let wire = serde_json::to_value(&told).unwrap();
        assert_eq!(wire["hasDiagnosticFile"], false);
        assert_eq!(serde_json::from_value::<JournalEvent>(wire).unwrap(), told);
    }
}
