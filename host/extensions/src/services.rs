//! What the platform offers to a running plugin. Each service is checked against the grants before it is called.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

use crate::types::{Field, Problem, RowProblem};

/// Severity of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// For operators.
    Debug,
    /// Progress in words.
    Info,
    /// Something to look at.
    Warn,
    /// Something went wrong.
    Error,
}

/// Receives what a plugin logs and how far it is. Already bounded and redacted when it arrives.
pub trait RunLog: Send + Sync {
    /// A message.
    fn emit(&self, level: LogLevel, message: &str, fields: &[(String, String)]);

    /// A task begins, with the number of steps if known.
    fn task(&self, name: &str, total: Option<u64>);

    /// Steps done of the current task.
    fn advance(&self, done: u64);

    /// So many records were left out, because the plugin logged more than a call may.
    fn left_out(&self, records: u64) {
        self.emit(LogLevel::Warn, &left_out(records), &[]);
    }
}

/// How a log says that records were left out of it.
pub fn left_out(records: u64) -> String {
    format!(
        "Journal trop long : {records} lignes ignorées. / The log was too long: {records} records were dropped."
    )
}

/// A log that forgets.
#[derive(Debug, Clone, Copy)]
pub struct NoLog;

impl RunLog for NoLog {
    fn emit(&self, _level: LogLevel, _message: &str, _fields: &[(String, String)]) {}
    fn task(&self, _name: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64) {}
}

/// An HTTP request that a plugin wants made, or that the host makes for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method, upper case.
    pub method: String,
    /// Absolute URL.
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Option<Bytes>,
    /// Time for the whole exchange, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// Bytes of the answer to read at most.
    pub max_bytes: Option<u64>,
}

/// The answer of an HTTP exchange, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
    /// Whether the body was longer than `max_bytes`.
    pub truncated: bool,
}

/// The answer of an HTTP exchange, its body as a stream.
pub struct HttpStream {
    /// Status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body; fails with a problem when a limit is reached.
    pub body: BoxStream<'static, Result<Bytes, Problem>>,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requester {
    /// What makes them, with its kind: `plugin:gbfs`, `remote-service:geocoder`.
    pub name: String,
    /// The account that pays, `type:id`. Empty where nobody pays.
    pub account: String,
}

/// Where requests may go: what the grants of one installation, or the configuration of one service, allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    /// Origins (`https://host[:port]`), `https://*.example.org` for the hosts below a name. Empty allows nothing.
    pub origins: Vec<String>,
    /// Methods, upper case. Empty allows `GET` and `HEAD` only.
    pub methods: Vec<String>,
    /// Whose requests these are. Without it, requests under the same origins and methods are counted together.
    pub requester: Option<Requester>,
    /// Requests per minute of the requester. 0 is no limit.
    pub requests_per_minute_max: u32,
    /// Bytes of one answer.
    pub response_bytes_max: u64,
}

/// The one way out: allow-list, address filter at dial time, each redirect re-authorised, caps on time and bytes.
/// Private and loopback addresses are refused unless the operator's configuration allows their origin.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Makes a request and reads the answer whole. `denied/http` when the policy or the address filter refuses.
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem>;

    /// Makes a request and hands over the body as it comes.
    async fn stream(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpStream, Problem>;

    /// Sends a file as the body. The stream must give exactly `length` bytes.
    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        length: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem>;
}

/// Small durable state of one installation or instance.
#[async_trait]
pub trait PluginState: Send + Sync {
    /// Value and revision, or `None`.
    async fn get(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, Problem>;
    /// Writes; `expected` is the revision that must be there (0: none), `None` does not care. The new revision.
    async fn put(&self, key: &str, value: Vec<u8>, expected: Option<u64>) -> Result<u64, Problem>;
    /// Removes.
    async fn delete(&self, key: &str) -> Result<(), Problem>;
    /// Keys with the prefix, after `after`, at most `max`.
    async fn keys(&self, prefix: &str, after: Option<&str>, max: u32) -> Result<Vec<String>, Problem>;
}

/// Datasets under the names ("slots") that the installation bound; a plugin never sees an identifier.
#[async_trait]
pub trait DatasetSlots: Send + Sync {
    /// Lines of the dataset in a slot. `query` has `/lines` parameters: `select`, `qs`, filters.
    async fn open_read(&self, slot: &str, query: &Value) -> Result<Box<dyn RowsReader>, Problem>;
    /// A transaction on the dataset in a slot. Modes: `replace` (all lines), `append` and `upsert` (editable datasets).
    async fn open_write(
        &self,
        slot: &str,
        mode: &str,
        schema: &[Field],
    ) -> Result<Box<dyn RowsWriter>, Problem>;
}

/// A stream of rows.
#[async_trait]
pub trait RowsReader: Send {
    /// Its columns.
    fn schema(&self) -> &[Field];
    /// At most `max_rows` rows, or `None` at the end.
    async fn next(&mut self, max_rows: u32) -> Result<Option<RecordBatch>, Problem>;
}

/// A transaction on a dataset. Dropping it changes nothing.
#[async_trait]
pub trait RowsWriter: Send {
    /// Adds rows; how many were accepted, and which were not.
    async fn write(&mut self, batch: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem>;
    /// Makes the file the content of the dataset, instead of rows.
    async fn replace_file(&mut self, name: &str, file: &std::path::Path) -> Result<(), Problem>;
    /// Makes everything visible. Number of rows written.
    async fn commit(self: Box<Self>) -> Result<u64, Problem>;
}

/// What one call or run may use; `None` where the kind has no such service.
#[derive(Clone)]
pub struct Services {
    /// Log and progress.
    pub log: Arc<dyn RunLog>,
    /// Outgoing HTTP.
    pub egress: Option<Arc<dyn Egress>>,
    /// State.
    pub state: Option<Arc<dyn PluginState>>,
    /// Datasets by slot; for enrichers, reference tables.
    pub datasets: Option<Arc<dyn DatasetSlots>>,
}

impl Services {
    /// Nothing but a log that forgets: enough for pure plugins.
    pub fn none() -> Self {
        Self { log: Arc::new(NoLog), egress: None, state: None, datasets: None }
    }
}
