//! The format of a case.

use std::collections::BTreeMap;
use std::path::Path;

use halle_extensions::Field;
use halle_extensions::services::{HttpResponse, LogLevel};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Result, ToolError, at};

/// A case.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Case {
    /// What it shows, for people.
    pub description: String,
    /// The configuration, secrets in their places.
    #[serde(default = "empty_object")]
    pub config: Value,
    /// What is called: `prepare` for processings and connectors; `browse`, `fetch`, `publish`, `unpublish` for connectors.
    pub call: Option<String>,
    /// Arguments of that call.
    #[serde(default = "empty_object")]
    pub args: Value,
    /// Why a processing runs.
    #[serde(default = "empty_object")]
    pub trigger: Value,
    /// Columns of `rows`, for enrichers.
    pub fields: Vec<Field>,
    /// Rows to enrich, as objects.
    pub rows: Vec<Value>,
    /// Datasets to read, by slot.
    pub slots: BTreeMap<String, Table>,
    /// Data for a visualisation.
    pub data: Vec<NamedTable>,
    /// Where a visualisation is shown.
    #[serde(default = "empty_object")]
    pub context: Value,
    /// Address of a remote service.
    pub server: Option<String>,
    /// Its description.
    pub document: Value,
    /// The operation to try.
    pub operation: Option<String>,
    /// Its outputs that are wanted; empty for all.
    pub select: Vec<String>,
    /// Recorded HTTP exchanges, in any order.
    pub exchanges: Vec<Exchange>,
    /// What must come out.
    pub expect: Expect,
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}

/// A dataset.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Columns.
    pub fields: Vec<Field>,
    /// Rows, as objects.
    pub rows: Vec<Value>,
    /// Keys of the columns that tell one line from another. With it, even empty, the table is an editable dataset.
    #[serde(default, rename = "primaryKey")]
    pub primary_key: Option<Vec<String>>,
}

/// An answer to a data request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedTable {
    /// Name of the request.
    pub name: String,
    /// Columns.
    pub fields: Vec<Field>,
    /// Rows, as objects.
    pub rows: Vec<Value>,
}

/// A request and its answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What is asked.
    pub request: RecordedRequest,
    /// What is answered.
    pub response: RecordedResponse,
}

/// A request: what it does not mention is not compared.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Method.
    pub method: String,
    /// URL.
    pub url: String,
    /// Headers that must be there, names in lower case.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body, whole.
    #[serde(default)]
    pub body: Option<String>,
    /// Texts that the body must hold.
    #[serde(default)]
    pub contains: Vec<String>,
}

/// An answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// Status.
    pub status: u16,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body as text.
    #[serde(default)]
    pub body: Option<String>,
    /// Body as JSON.
    #[serde(default)]
    pub json: Option<Value>,
}

impl RecordedResponse {
    /// The answer as the host gives it.
    pub fn to_response(&self) -> HttpResponse {
        let mut headers: Vec<(String, String)> =
            self.headers.iter().map(|(k, v)| (k.to_lowercase(), v.clone())).collect();
        let body = match (&self.json, &self.body) {
            (Some(json), _) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                json.to_string()
            }
            (None, body) => body.clone().unwrap_or_default(),
        };
        HttpResponse { status: self.status, headers, body: body.into(), truncated: false }
    }
}

/// What must come out; what is absent is not compared, and objects may have more than is expected.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Rows added, as objects.
    pub rows: Option<Value>,
    /// Problems of rows: `{"row", "code"}`.
    pub problems: Option<Value>,
    /// Outcome of a processing: `{"summary", "details"}`.
    pub outcome: Option<Value>,
    /// What was written and committed, by slot: `{"mode", "rows"}` or `{"mode", "file", "body"}`; for an editable dataset of
    /// the case, also `"lines"`: what it holds then. A slot that is not named must not be written.
    pub written: Option<BTreeMap<String, Value>>,
    /// Answer of a connector, or of `prepare`.
    pub answer: Option<Value>,
    /// Data requests of a visualisation.
    pub queries: Option<Value>,
    /// Its alternative text.
    pub alt: Option<Value>,
    /// Texts that its picture holds.
    pub contains: Vec<String>,
    /// Its data as a table.
    pub table: Option<Value>,
    /// Operations of a remote service.
    pub operations: Option<Value>,
    /// What the plugin logged, every record in its order; also of a call that ends with a problem.
    pub log: Option<Vec<ExpectedRecord>>,
    /// The problem that the call ends with.
    pub problem: Option<ExpectedProblem>,
}

/// A record of the log; what it does not mention is not compared.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedRecord {
    /// Its severity.
    pub level: Option<Level>,
    /// Its message, whole.
    pub message: Option<String>,
    /// A text that its message holds.
    pub contains: Option<String>,
    /// Fields that it has, among others.
    pub fields: BTreeMap<String, String>,
}

/// Severity of a record, as cases write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For operators.
    Debug,
    /// Progress in words.
    Info,
    /// Something to look at.
    Warn,
    /// Something went wrong.
    Error,
}

impl Level {
    /// The severity of a record as the sandbox gives it.
    pub fn of(level: LogLevel) -> Self {
        match level {
            LogLevel::Debug => Self::Debug,
            LogLevel::Info => Self::Info,
            LogLevel::Warn => Self::Warn,
            LogLevel::Error => Self::Error,
        }
    }

    /// As cases write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A problem.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedProblem {
    /// Its code.
    pub code: String,
    /// Its field.
    #[serde(default)]
    pub field: Option<String>,
    /// A text that its message holds.
    #[serde(default)]
    pub contains: Option<String>,
}

impl Case {
    /// Reads a case; keys that are not known are refused.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(at(path))?;
        serde_json::from_str(&text)
            .map_err(|error| ToolError::Case { path: path.to_owned(), message: error.to_string() })
    }
}
