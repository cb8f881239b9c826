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
}
