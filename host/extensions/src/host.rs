//! The port: what the platform may ask of plugins, kind by kind.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::metering::Subject;
use crate::registry::Installed;
use crate::services::{HttpRequest, HttpResponse, Services};
use crate::types::{Field, PluginError, PluginResult, RowProblem};

/// Secrets of an instance by name, shared with the calls that run.
pub type Secrets = Arc<Vec<(String, halle_base::Secret<String>)>>;

/// Everything one call needs. A call runs on a fresh instance; nothing survives it but what it wrote to its services.
#[derive(Clone)]
pub struct Call {
    /// Which plugin, with its effective grants and limits.
    pub plugin: Arc<Installed>,
    /// For whom and what it is called: who pays, and what is shown of it.
    pub subject: Arc<Subject>,
    /// Configuration, validated against the manifest's schema, secrets replaced by their names.
    pub config: Value,
    /// Secrets by name. The guest never sees them: the host places them in requests.
    pub secrets: Secrets,
    /// What it may use.
    pub services: Services,
    /// Cancelled when somebody asked to stop. The guest has the grace time of its limits, then it is stopped.
    pub cancel: CancellationToken,
}

/// What admission found out about a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Admission {
    /// Interfaces the component imports, such as `halle:host/log@1.0.0`.
    pub imports: Vec<String>,
    /// Interfaces it exports.
    pub exports: Vec<String>,
    /// Linear memory it starts with, in bytes, over all its memories.
    #[serde(alias = "initial_memory_bytes")]
    pub initial_memory_bytes: u64,
    /// What it says of itself; empty for versions that were installed before this was kept.
    #[serde(default)]
    pub described: Described,
}

/// What a plugin says of itself when it is installed, as `describe` of its contract has it. What its kind does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Described {
    /// Its title.
    pub title: String,
    /// What a connector can do: `browse`, `search`, `fetch`, `publish-dataset`.
    pub abilities: Vec<String>,
    /// Descriptions of services that an adapter understands, such as `openapi-3.1`.
    pub formats: Vec<String>,
    /// Sizes that a visualisation is made for, such as `1200x630`; empty for any.
    pub sizes: Vec<String>,
    /// Columns that an enricher reads, or that a visualisation needs.
    pub columns: Vec<DescribedColumn>,
    /// What a processing adds, in a form of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// A column that a plugin wants of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribedColumn {
    /// Key by which it is found where no column has the concept.
    pub key: String,
    /// What it should hold, such as `text`.
    pub kind: String,
    /// Whether the plugin does without.
    pub is_optional: bool,
    /// Title for people.
    pub title: Option<String>,
    /// Identifier (URI) of the concept that it should have.
    pub concept: Option<String>,
}

/// Runs plugins in a sandbox.
#[async_trait]
pub trait PluginHost: Send + Sync {
    /// Checks that a component may be what its manifest says, and compiles it. Runs nothing of it but `describe`.
    async fn admit(&self, manifest: &crate::manifest::Manifest, component: &[u8]) -> PluginResult<Admission>;

    /// Refuses what the account of `subject` has no plugin seconds left for: [`PluginError::OverQuota`]. Each call asks by
    /// itself; this is for whoever plans one, and would tell a person at once.
    async fn check_share(&self, subject: &Subject) -> PluginResult<()>;

    /// Opens an enrichment for the batches of one job.
    async fn enricher(&self, call: Call, input: &[Field]) -> PluginResult<Box<dyn Enricher>>;

    /// Runs a processing to its end.
    async fn run_processing(&self, call: Call, trigger: Value) -> PluginResult<Outcome>;

    /// Checks and normalises the draft of a configuration, for processings and connectors.
    async fn prepare(&self, call: Call, draft: Value) -> PluginResult<Prepared>;

    /// A catalogue connector.
    fn connector(&self, call: Call) -> Arc<dyn Connector>;

    /// Data requests of a visualisation.
    async fn visualisation_queries(&self, call: Call) -> PluginResult<Vec<DataRequest>>;

    /// Renders a visualisation from the data it asked for.
    async fn render(&self, call: Call, data: Vec<NamedRows>, context: Value) -> PluginResult<Rendered>;

    /// Operations of an API that a remote-service adapter understands.
    async fn operations(&self, call: Call, document: Value) -> PluginResult<Vec<RemoteOperation>>;

    /// Requests that carry the rows of a batch to a remote service.
    async fn build_requests(
        &self,
        call: Call,
        operation: &str,
        rows: RecordBatch,
    ) -> PluginResult<Vec<RemoteCall>>;

    /// Columns from the answers of a remote service, one response per call, in order.
    async fn parse_responses(
        &self,
        call: Call,
        operation: &str,
        calls: Vec<RemoteCall>,
        responses: Vec<HttpResponse>,
    ) -> PluginResult<Enriched>;
}

/// An enrichment in progress.
#[async_trait]
pub trait Enricher: Send {
    /// Columns it needs, of those it was opened with; batches hold these, in this order.
    fn inputs(&self) -> &[Field];
    /// Columns it adds.
    fn outputs(&self) -> &[Field];
    /// Adds columns to a batch of rows.
    async fn run(&mut self, rows: RecordBatch) -> PluginResult<Enriched>;
    /// Adds columns to batches, which may be treated side by side and in any order; the answers in theirs. When one fails, the
    /// enrichment is over.
    async fn run_all(&mut self, batches: Vec<RecordBatch>) -> PluginResult<Vec<Enriched>> {
        let mut answers = Vec::with_capacity(batches.len());
        for rows in batches {
            answers.push(self.run(rows).await?);
        }
        Ok(answers)
    }
}

/// Columns added to a batch, one row per input row, and the rows that could not be treated.
#[derive(Debug, Clone)]
pub struct Enriched {
    /// The output columns.
    pub columns: RecordBatch,
    /// Problems by row.
    pub problems: Vec<RowProblem>,
}

/// How a processing ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// A sentence for the run's page.
    pub summary: String,
    /// Anything else.
    pub details: Option<Value>,
}

/// A configuration, checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// The configuration to store.
    pub config: Value,
    /// Remarks for the person who configures.
    pub notes: Vec<crate::types::Problem>,
}

/// A resource or a folder of a remote catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CatalogEntry {
    /// Identifier at the remote catalogue.
    pub id: String,
    /// Title.
    pub title: String,
    /// `folder` or `resource`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Format, such as `csv`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Last change, RFC 3339 in UTC.
    #[serde(rename = "updatedAt", default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// A page of a remote catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// Entries over all pages, if the catalogue tells.
    pub total: Option<u64>,
    /// Folders from the root to here.
    pub path: Vec<CatalogEntry>,
    /// Entries of this page.
    pub entries: Vec<CatalogEntry>,
}

/// A resource fetched from a remote catalogue: its bytes are on the host, in a file.
#[derive(Debug)]
pub struct Fetched {
    /// The file; removed when dropped.
    pub file: Arc<dyn FetchedFile>,
    /// File name, which tells the format.
    pub name: String,
    /// Metadata in Data Fair's attributes: `title`, `description`, `license`, `keywords`...
    pub metadata: Value,
    /// What the remote catalogue gave to recognise an unchanged resource.
    pub etag: Option<String>,
}

/// A file that the host downloaded for a plugin.
pub trait FetchedFile: Send + Sync + std::fmt::Debug {
    /// Where it is, as long as this lives.
    fn path(&self) -> &std::path::Path;
}

/// A publication of a local dataset in a remote catalogue.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Publication {
    /// What to do: `create`, `update`...
    pub target: String,
    /// Identifier at the remote catalogue, once published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_id: Option<String>,
    /// Page at the remote catalogue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the connector wants back at the next call.
    #[serde(default)]
    pub state: Value,
}

/// What a connector says it published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The twin, to be kept: by it the next call finds what was made. What the answer broke the contract with is as it was
    /// before the call.
    pub twin: Publication,
    /// Why a part of the answer was not taken.
    pub refusal: Option<PluginError>,
}

impl Published {
    /// The twin, if all of the answer was taken.
    pub fn whole(self) -> PluginResult<Publication> {
        self.refusal.map_or(Ok(self.twin), Err)
    }
}

impl From<Publication> for Published {
    fn from(twin: Publication) -> Self {
        Self { twin, refusal: None }
    }
}

/// A catalogue connector, bound to one configured catalogue. Each call is a fresh instance.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Title and abilities (`browse`, `search`, `publish-dataset`...).
    async fn describe(&self) -> PluginResult<(String, Vec<String>)>;
    /// A page of a folder, or of the results of a search. Pages count from 1.
    async fn browse(
        &self,
        folder: Option<&str>,
        q: Option<&str>,
        page: u32,
        size: u32,
        filters: Value,
    ) -> PluginResult<Listing>;
    /// Downloads a resource.
    async fn fetch(&self, id: &str, options: Value) -> PluginResult<Fetched>;
    /// Creates or updates the remote twin of a dataset. Idempotent: `current` carries the remote identifiers.
    async fn publish(&self, dataset: Value, current: Publication) -> PluginResult<Published>;
    /// Removes the remote twin.
    async fn unpublish(&self, current: Publication) -> PluginResult<()>;
}

/// Data a visualisation asks for. The host runs the query with the rights of who looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRequest {
    /// Name by which the visualisation recognises the answer.
    pub name: String,
    /// `{dataset, operation: "lines" | "values_agg" | "metric_agg", params: {...}}`.
    pub query: Value,
    /// Rows at most.
    pub max_rows: u32,
}

/// Data given to a visualisation.
#[derive(Debug, Clone)]
pub struct NamedRows {
    /// Name of the request.
    pub name: String,
    /// Columns.
    pub schema: Vec<Field>,
    /// Rows.
    pub rows: RecordBatch,
}

/// What a visualisation drew.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The picture.
    pub output: Output,
    /// What a person who does not see it is told.
    pub alt: String,
    /// The same data as a table: `{columns: [..], rows: [[..]]}`.
    pub table: Option<Value>,
}

/// Forms a picture may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// SVG, sanitised by the host before it is served.
    Svg(String),
    /// HTML, served only in a sandboxed frame.
    Html(String),
    /// A Vega-Lite document with inline data.
    VegaLite(Value),
    /// A Vega document with inline data.
    Vega(Value),
}

/// An operation of a remote service, as an adapter understood it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RemoteOperation {
    /// Identifier, the `operationId`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Inputs with their concepts.
    pub input: Vec<Field>,
    /// Outputs with their concepts.
    pub output: Vec<Field>,
    /// Rows that one request may carry.
    pub max_rows_per_request: u32,
    /// Anything else the adapter wants to remember.
    pub details: Option<Value>,
}

/// A request that carries some rows of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteCall {
    /// Indexes of the rows in the batch.
    pub rows: Vec<u32>,
    /// The request.
    pub request: HttpRequest,
    /// Name of the secret that authorises it, placed by the host.
    pub auth: Option<String>,
}

/// Bytes of a static file of a package, with its media type.
#[derive(Debug, Clone)]
pub struct StaticFile {
    /// Media type.
    pub media_type: String,
    /// Content.
    pub body: Bytes,
}
