//! Types of the contract (`wit/base/1`), on the host's side.

use halle_base::Timestamp;
use halle_model::ColumnKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something a person must be told: expected, typed, never a crash. Codes are open strings; those that start with
/// `denied/` mean a missing grant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Stable code, such as `remote/status`, `config/invalid`, `denied/http`.
    pub code: String,
    /// Text for a person, at most 4 KiB.
    pub message: String,
    /// Field of the configuration it is about, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Milliseconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

impl Problem {
    /// A problem with a code and a text.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None, retry_after_ms: None, details: None }
    }

    /// A refusal for want of a grant.
    pub fn denied(what: &str, message: impl Into<String>) -> Self {
        Self::new(format!("denied/{what}"), message)
    }
}

/// Why a call of a plugin gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PluginError {
    /// The plugin said so.
    #[error("{0}")]
    Reported(Problem),
    /// The sandbox stopped it. Codes: `plugin/trap`, `plugin/memory`, `plugin/cpu`, `plugin/deadline`, `plugin/stack`,
    /// `plugin/host-calls`, `plugin/output-too-large`, `plugin/handles`, `plugin/bad-answer`; `plugin/sandbox` when the sandbox itself failed.
    #[error("{message}")]
    Stopped {
        /// Stable code.
        code: &'static str,
        /// Which limit or fault, in words for a person.
        message: String,
    },
    /// It was asked to stop and did, or was made to.
    #[error("cancelled")]
    Cancelled,
    /// The account has used up what it may.
    #[error("{message}")]
    OverQuota {
        /// Which limit, and until when, in words for a person.
        message: String,
        /// When the account may call again.
        until: Timestamp,
    },
    /// The machine is at fault, neither the plugin nor who called it: later may be better.
    #[error("{0}")]
    Temporary(String),
    /// It is not installed, not granted, or does not fit this host.
    #[error("{0}")]
    Unavailable(String),
}

impl From<Problem> for PluginError {
    fn from(problem: Problem) -> Self {
        Self::Reported(problem)
    }
}

impl PluginError {
    /// Stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Reported(problem) => &problem.code,
            Self::Stopped { code, .. } => code,
            Self::Cancelled => "plugin/cancelled",
            Self::OverQuota { .. } => "plugin/quota",
            Self::Temporary(_) => "plugin/temporary",
            Self::Unavailable(_) => "plugin/unavailable",
        }
    }
}

/// Result of a call of a plugin.
pub type PluginResult<T> = Result<T, PluginError>;

/// A column as plugins see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Key.
    pub key: String,
    /// What it holds: on the wire `text`, `integer`, `number`, `boolean`, `date`, `date-time`, `object`.
    pub kind: ColumnKind,
    /// Whether values may be missing.
    #[serde(default)]
    pub nullable: bool,
    /// Title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Identifier (URI) of the concept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concept: Option<String>,
}

/// A row of a batch that could not be treated: index in the batch, and why.
pub type RowProblem = (u32, Problem);
