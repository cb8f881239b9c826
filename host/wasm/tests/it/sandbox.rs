//! A sandbox with some plugins in it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use halle_base::SeededDice;
use halle_extensions::grants::{Grants, Limits, asked};
use halle_extensions::host::Call;
use halle_extensions::manifest::Manifest;
use halle_extensions::metering::Subject;
use halle_extensions::registry::{Installed, MemoryComponents};
use halle_extensions::services::{
    Egress, EgressPolicy, HttpRequest, HttpResponse, HttpStream, LogLevel, RunLog, Services,
};
use halle_extensions::{Problem, check};
use halle_wasm::{WasmConfig, WasmHost};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// A sandbox and its folder.
pub struct Sandbox {
    pub host: WasmHost,
    /// Removed with the sandbox.
    _folder: tempfile::TempDir,
}

impl Sandbox {
    /// A sandbox that knows these components by name.
    pub fn with(components: &[(&str, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = host_in(folder.path(), components);
        Self { host, _folder: folder }
    }
}

pub fn host_in(folder: &std::path::Path, components: &[(&str, Vec<u8>)]) -> WasmHost {
    let mut known = MemoryComponents::default();
    for (name, component) in components {
        known.insert(*name, Bytes::from(component.clone()));
    }
    WasmHost::new(WasmConfig::new(folder), Arc::new(known), &SeededDice::new(1)).unwrap()
}

/// The manifest of a plugin of this kind; `more` is TOML after `[plugin]`.
pub fn manifest(kind: &str, more: &str) -> Manifest {
    let contract = if kind == "catalog-connector" { "catalog" } else { kind };
    check::parse(&format!(
        r#"
        schema = 1
        [plugin]
        id = "p"
        version = "1.0.0"
        kind = "{kind}"
        contract = "halle:{contract}@1"
        title = {{ en = "P" }}
        licence = "MIT"
        {more}
        "#
    ))
    .unwrap()
}

/// Limits for tests: what breaks, breaks soon.
pub fn tight() -> Limits {
    Limits {
        memory_bytes_max: 16 << 20,
        cpu_ms_max: 1_000,
        wall_ms_max: 20_000,
        host_calls_max: 10_000,
        crossing_bytes_max: 1 << 20,
        handles_max: 100,
        log_records_max: 50,
        grace_ms: 100,
    }
}

/// A call of the component `digest`, everything granted.
pub fn call(digest: &str, manifest: Manifest) -> Call {
    let grants = asked(&manifest);
    call_with(digest, manifest, Some(grants))
}

pub fn call_with(digest: &str, manifest: Manifest, grants: Option<Grants>) -> Call {
    let plugin = Installed {
        id: manifest.plugin.id.clone(),
        digest: digest.to_owned(),
        manifest,
        grants,
        limits: tight(),
        signed_by: None,
    };
    Call {
        subject: Subject::tool(&plugin),
        plugin: Arc::new(plugin),
        config: json!({}),
        secrets: Arc::new(Vec::new()),
        services: Services::none(),
        cancel: CancellationToken::new(),
    }
}

/// A log that remembers.
#[derive(Default)]
pub struct Memory(pub Mutex<Vec<String>>);

impl Memory {
    /// The messages so far.
    pub fn said(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl RunLog for Memory {
    fn emit(&self, _level: LogLevel, message: &str, _fields: &[(String, String)]) {
        self.0.lock().unwrap().push(message.to_owned());
    }
    fn task(&self, name: &str, total: Option<u64>) {
        self.0.lock().unwrap().push(format!("task {name} {total:?}"));
    }
    fn advance(&self, done: u64) {
        self.0.lock().unwrap().push(format!("done {done}"));
    }
}

/// An egress that echoes what it was given, and remembers that it was called.
#[derive(Default)]
pub struct Echo(pub Mutex<Vec<(EgressPolicy, HttpRequest)>>);

#[async_trait]
impl Egress for Echo {
    async fn send(&self, policy: &EgressPolicy, request: HttpRequest) -> Result<HttpResponse, Problem> {
        self.0.lock().unwrap().push((policy.clone(), request.clone()));
        let body = Bytes::from(format!("{:?}", request.headers));
        Ok(HttpResponse { status: 200, headers: request.headers, body, truncated: false })
    }

    async fn stream(&self, _policy: &EgressPolicy, _request: HttpRequest) -> Result<HttpStream, Problem> {
        Err(Problem::new("http/connect", "no streams here"))
    }

    async fn upload(
        &self,
        policy: &EgressPolicy,
        request: HttpRequest,
        length: u64,
        body: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<HttpResponse, Problem> {
        let body: Vec<u8> = body.map(|chunk| chunk.unwrap().to_vec()).concat().await;
        assert_eq!(body.len() as u64, length, "a server is told the length before the body");
        self.send(policy, HttpRequest { body: Some(Bytes::from(body)), ..request }).await
    }
}
