//! [`Problem`]: what a person is told when something expected goes wrong.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Result of anything that may end in a [`Problem`].
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Something a person must be told. It is an answer, not a crash: panics are for bugs, and stop the plugin.
///
/// Codes are open strings: `config/invalid`, `remote/status`, `remote/unreachable`, `input/missing`, `cancelled`... Those
/// that start with `denied/` come from the host and mean that a grant is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable code.
    pub code: String,
    /// Text for a person, at most 4 KiB: what is wrong, where, and what to do.
    pub message: String,
    /// Field of the configuration it is about, as a JSON pointer; the form shows the message there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Milliseconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Anything else, as a JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
}

impl Problem {
    /// A problem with a code and a text.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None, retry_after_ms: None, details: None }
    }

    /// A problem of the configuration, at a field named by JSON pointer (`/url`).
    pub fn config(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new("config/invalid", message) }
    }

    /// The same, with anything else worth keeping.
    #[must_use]
    pub fn with_details(mut self, details: &Value) -> Self {
        self.details = Some(details.to_string());
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Problem {}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        Self::new("json/invalid", format!("JSON illisible : {error}"))
    }
}
