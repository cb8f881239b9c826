//! Waiting: a cancellation ends every wait in the host, and so does the time of the call.

use std::path::Path;
use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::pending;
use futures::stream::BoxStream;
use halle_extensions::grants::{Grants, Limits, asked};
use halle_extensions::host::{Call, PluginHost, Publication};
use halle_extensions::registry::Installed;
use halle_extensions::services::{
    DatasetSlots, Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, PluginState, RowsReader,
    RowsWriter, Services,
};
use halle_extensions::types::RowProblem;
use halle_extensions::{Field, PluginError, Problem};
use halle_testkit::guests::{Request, Script};
use halle_wasm::WasmHost;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::guests::{Answer, IMPORT_CANCEL, ZEROES, connector, enricher, processing};
use crate::ports::text;
use crate::sandbox::{Sandbox, call, manifest, tight};

const ASKS: &str = r#"
    [http.api]
    origins = ["https://api.example"]
    methods = ["GET", "PUT"]
    [state]
    max-bytes = 1000
    [slots.input]
    direction = "read"
    [slots.output]
    direction = "write"
"#;

const URL: &str = "https://api.example/";

/// Services that take a request and never answer it. Opening a dataset ends, when `opens`.
struct Never {
    asked: Arc<Notify>,
    opens: bool,
}

impl Never {
    async fn wait<T>(&self) -> T {
        self.asked.notify_one();
        pending().await
    }
}

#[async_trait]
impl Egress for Never {
    async fn send(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpResponse, Problem> {
        self.wait().await
    }
    async fn stream(&self, _: &EgressPolicy, _: HttpRequest) -> Result<HttpStream, Problem> {
        // The head comes, the body does not.
        let asked = Arc::clone(&self.asked);
        let body = futures::stream::once(async move {
            asked.notify_one();
            pending().await
        });
        Ok(HttpStream { status: 200, headers: Vec::new(), body: Box::pin(body) })
    }
    async fn upload(
        &self,
        _: &EgressPolicy,
        _: HttpRequest,
        _: u64,
        _: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        self.wait().await
    }
}

#[async_trait]
impl PluginState for Never {
    async fn get(&self, _: &str) -> Result<Option<(Vec<u8>, u64)>, Problem> {
        self.wait().await
    }
    async fn put(&self, _: &str, _: Vec<u8>, _: Option<u64>) -> Result<u64, Problem> {
        self.wait().await
    }
    async fn delete(&self, _: &str) -> Result<(), Problem> {
        self.wait().await
    }
    async fn keys(&self, _: &str, _: Option<&str>, _: u32) -> Result<Vec<String>, Problem> {
        self.wait().await
    }
}

#[async_trait]
impl DatasetSlots for Never {
    async fn open_read(&self, _: &str, _: &Value) -> Result<Box<dyn RowsReader>, Problem> {
        if !self.opens {
            return self.wait().await;
        }
        let asked = Arc::clone(&self.asked);
        Ok(Box::new(Lines { schema: vec![text("name")], never: Self { asked, opens: true } }))
    }
    async fn open_write(&self, _: &str, _: &str, _: &[Field]) -> Result<Box<dyn RowsWriter>, Problem> {
        if !self.opens {
            return self.wait().await;
        }
        let asked = Arc::clone(&self.asked);
        Ok(Box::new(Lines { schema: Vec::new(), never: Self { asked, opens: true } }))
    }
}

struct Lines {
    schema: Vec<Field>,
    never: Never,
}

#[async_trait]
impl RowsReader for Lines {
    fn schema(&self) -> &[Field] {
        &self.schema
    }
    async fn next(&mut self, _: u32) -> Result<Option<RecordBatch>, Problem> {
        self.never.wait().await
    }
}

#[async_trait]
impl RowsWriter for Lines {
    async fn write(&mut self, _: RecordBatch) -> Result<(u64, Vec<RowProblem>), Problem> {
        self.never.wait().await
    }
    async fn replace_file(&mut self, _: &str, _: &Path) -> Result<(), Problem> {
        self.never.wait().await
    }
    async fn commit(self: Box<Self>) -> Result<u64, Problem> {
        self.never.wait().await
    }
}

/// A call of a plugin of this kind that may use everything, of services that never answer.
fn never(kind: &str, opens: bool, limits: Limits) -> (Call, Arc<Notify>) {
    let asked_for = Arc::new(Notify::new());
    let services = Arc::new(Never { asked: Arc::clone(&asked_for), opens });
    let asks = match kind {
        "processing" => ASKS,
        "catalog-connector" => "[slots.source]\ndirection = \"read\"",
        _ => "[slots.input]\ndirection = \"read\"",
    };
    let mut call = call("p", manifest(kind, asks));
    let grants: Grants = asked(&call.plugin.manifest);
    call.plugin = Arc::new(Installed { limits, grants: Some(grants), ..(*call.plugin).clone() });
    call.services = Services {
        egress: Some(Arc::<Never>::clone(&services)),
        state: Some(Arc::<Never>::clone(&services)),
        datasets: Some(services),
        ..Services::none()
    };
    (call, asked_for)
}

/// A guest that waits for somebody else.
struct Waiter {
    /// The function in which it waits.
    what: &'static str,
    kind: &'static str,
    /// Whether the dataset that it is about opens.
    opens: bool,
    component: Vec<u8>,
}

/// Every host call that waits for somebody else.
fn waits() -> Vec<Waiter> {
    let script = Script::new;
    let put = Request { method: "PUT", url: URL, header: None, body: None };
    let write = || script().open_write("output", "replace", &[("name", "text")]);
    let processings = [
        ("http.send", false, script().send("GET", URL)),
        ("http.download", false, script().download(URL)),
        ("http.upload", false, script().blob("a").upload(put)),
        ("state.get", false, script().state_get("k")),
        ("state.put", false, script().state_put("k", "v", None)),
        ("state.delete", false, script().state_delete("k")),
        ("state.keys", false, script().state_keys("")),
        ("datasets.open-read", false, script().read("input", "{}", 0)),
        ("reader.next", true, script().read("input", "{}", 0)),
        ("datasets.open-write", false, write()),
        ("writer.write", true, write().write(1, &[&["a"]])),
        ("writer.replace-file", true, write().blob("a").replace_file("a.csv")),
        ("writer.commit", true, write().commit()),
    ];
    let mut waits: Vec<Waiter> = processings
        .into_iter()
        .map(|(what, opens, script)| Waiter {
            what,
            kind: "processing",
            opens,
            component: script.component(),
        })
        .collect();
    for opens in [false, true] {
        let what = if opens { "source.file, reading" } else { "source.file, opening" };
        let component = connector(IMPORT_SOURCE, SOURCE_TEXTS, SOURCE_FILE);
        waits.push(Waiter { what, kind: "catalog-connector", opens, component });
        let what = if opens { "table.next" } else { "reference.open" };
        waits.push(Waiter { what, kind: "enricher", opens, component: enricher(&TABLE) });
    }
    waits
}

const IMPORT_SOURCE: &str = r#"(import "halle:host/source@1.0.0" "file" (func $file (param i32 i32 i32)))"#;
const SOURCE_TEXTS: &str = r#"(data (i32.const 4000) "csv")"#;
/// Answers what the host answered: 512 is where a result of a connector stands.
const SOURCE_FILE: &str =
    "(call $file (i32.const 4000) (i32.const 3) (i32.const 512)) (return (i32.const 512))";

/// Opens the table `input` with the session, and reads it with each batch.
const TABLE: Answer<'static> = Answer {
    imports: r#"
        (import "halle:host/reference@1.0.0" "open" (func $open (param i32 i32 i32)))
        (import "halle:host/reference@1.0.0" "[method]table.next" (func $next (param i32 i32 i32)))"#,
    extra: r#"(global $table (mut i32) (i32.const 0)) (data (i32.const 4000) "input")"#,
    open: "(call $open (i32.const 4000) (i32.const 5) (i32.const 3504))
        (if (i32.load8_u (i32.const 3504))
            (then (memory.copy (i32.const 768) (i32.const 3504) (i32.const 96)) (return (i32.const 768))))
        (global.set $table (i32.load (i32.const 3512)))",
    fill: "(call $next (global.get $table) (i32.const 2) (i32.const 3504))
        (memory.copy (i32.const 832) (i32.const 3504) (i32.const 96)) (return (i32.const 832))",
    ..ZEROES
};

/// Calls the function in which a plugin of this kind waits.
async fn run(host: &WasmHost, kind: &str, call: Call) -> Result<(), PluginError> {
    match kind {
        "processing" => host.run_processing(call, json!({})).await.map(drop),
        "catalog-connector" => {
            let current =
                Publication { target: String::new(), remote_id: None, url: None, state: json!(null) };
            host.connector(call).unpublish(current).await
        }
        _ => {
            let mut enrichment = host.enricher(call, &[text("code")]).await?;
            let schema = Arc::new(Schema::new(vec![ArrowField::new("code", DataType::Utf8, true)]));
            let codes = Arc::new(StringArray::from(vec!["29019"]));
            enrichment.run(RecordBatch::try_new(schema, vec![codes]).unwrap()).await.map(drop)
        }
    }
}

#[tokio::test]
async fn a_cancellation_ends_every_wait_in_the_host() {
    for Waiter { what, kind, opens, component } in waits() {
        let sandbox = Sandbox::with(&[("p", component), ("healthy", processing("", "", ""))]);
        // Who does not listen would be let be for an hour.
        let (call, asked_for) = never(kind, opens, Limits { grace_ms: 3_600_000, ..tight() });
        let (host, cancel) = (sandbox.host.clone(), call.cancel.clone());
        let run = tokio::spawn(async move { run(&host, kind, call).await });
        asked_for.notified().await;
        // Somebody who waits keeps nobody else from running.
        let healthy = crate::sandbox::call("healthy", manifest("processing", ""));
        sandbox.host.run_processing(healthy, json!({})).await.unwrap();
        cancel.cancel();
        let error = run.await.unwrap().unwrap_err();
        assert!(matches!(error, PluginError::Cancelled), "{what}: {error}");
    }
}

#[tokio::test]
async fn the_time_of_a_call_ends_every_wait_in_the_host() {
    for Waiter { what, kind, opens, component } in waits() {
        let sandbox = Sandbox::with(&[("p", component)]);
        let (call, _) = never(kind, opens, Limits { wall_ms_max: 100, ..tight() });
        let error = run(&sandbox.host, kind, call).await.unwrap_err();
        assert_eq!(error.code(), "plugin/deadline", "{what}: {error}");
    }
}

#[tokio::test]
async fn who_ignores_a_cancellation_is_stopped_after_the_grace_time() {
    let patient = "(loop $again (drop (call $requested)) (br $again))";
    let sandbox = Sandbox::with(&[("deaf", processing(IMPORT_CANCEL, "", patient))]);
    let limits = Limits { cpu_ms_max: 60_000, host_calls_max: u64::MAX, ..tight() };
    let call = super::limited("deaf", limits);
    call.cancel.cancel();
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert!(matches!(error, PluginError::Cancelled), "{error}");
}

#[tokio::test]
async fn nothing_runs_before_an_administrator_consented() {
    let sandbox = Sandbox::with(&[("healthy", processing("", "", ""))]);
    let call = crate::sandbox::call_with("healthy", manifest("processing", ""), None);
    let error = sandbox.host.run_processing(call, json!({})).await.unwrap_err();
    assert_eq!(error.code(), "denied/consent");
}
