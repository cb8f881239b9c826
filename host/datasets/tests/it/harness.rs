//! One feature over real adapters, its routes called in-process, its jobs run when a test says so.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use halle_base::{AccountRef, Clock as _, ManualClock, Secret, SeededDice, Timestamp};
use halle_datasets::enrich::{EnrichContext, EnrichError, Grouping};
use halle_datasets::{Datasets, DatasetsConfig, DatasetsParts, Enrichment, Enrichments, handlers, router};
use halle_extensions::Problem;
use halle_extensions::host::Enriched;
use halle_extensions::services::DatasetSlots;
use halle_http::{BaseUrl, Hub};
use halle_ingest::rows::arrow_schema;
use halle_model::caller::{Membership, User};
use halle_model::{Caller, Column, ColumnKind, Extension};
use halle_search_tantivy::{Config, TantivyEngine};
use halle_store::runner::Runner;
use halle_store::{Store, UnitOfWork};
use halle_store_sql::{FolderBlobs, SqlStore};
use jiff::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::postgres_server::Server;

/// Address of the server in links.
pub const BASE: &str = "http://halle.test";

/// Bytes of one upload that the harness allows.
pub const UPLOAD_BYTES_MAX: u64 = 1 << 20;

/// The feature, ready to be called.
pub struct Harness {
    pub datasets: Datasets,
    pub clock: Arc<ManualClock>,
    pub enrichments: Arc<Shouting>,
    pub router: Router,
    runner: Runner,
    pub dir: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: axum::body::Bytes,
    /// The same as text, whatever is no text replaced.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// The body as JSON, of an answer that must be a success.
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        self.json()
    }

    /// Checks status and text of a refusal.
    pub fn refused(&self, status: u16, text: &str) {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (status, text));
    }
}

impl Harness {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let store: Arc<dyn Store> =
            Arc::new(SqlStore::sqlite_temporary().await.unwrap().with_clock(clock.clone()));
        Self::over(dir, clock, store)
    }

    /// The same on the empty database of a server of PostgreSQL.
    pub async fn on_postgres(server: &Server) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
        let store = SqlStore::postgres(&Secret::new(server.url())).await.unwrap();
        Self::over(dir, clock.clone(), Arc::new(store.with_clock(clock)))
    }

    /// The same data in a process that begins after this one was killed.
    pub fn restarted(self) -> Self {
        let Self { dir, clock, runner, datasets, router, .. } = self;
        let store = Arc::clone(&runner.store);
        drop((runner, datasets, router));
        Self::over(dir, clock, store)
    }

    fn over(dir: TempDir, clock: Arc<ManualClock>, store: Arc<dyn Store>) -> Self {
        let temp_dir = dir.path().join("tmp");
        std::fs::create_dir_all(&temp_dir).unwrap();
        let enrichments = Arc::new(Shouting::default());
        let datasets = Datasets::new(DatasetsParts {
            store: Arc::clone(&store),
            blobs: Arc::new(FolderBlobs::new(&dir.path().join("blobs")).unwrap()),
            engine: Arc::new(TantivyEngine::open(&dir.path().join("search"), Config::default()).unwrap()),
            clock: clock.clone(),
            dice: Arc::new(SeededDice::new(1)),
            enrichments: enrichments.clone(),
            hub: Hub::new(clock.clone()),
            config: DatasetsConfig { upload_bytes_max: UPLOAD_BYTES_MAX, ..DatasetsConfig::new(temp_dir) },
        });
        let runner = Runner {
            store,
            clock: clock.clone(),
            handlers: handlers(&datasets),
            worker: "test".to_owned(),
            concurrency: 1,
        };
        Self { router: router(datasets.clone()), datasets, clock, enrichments, runner, dir }
    }

    /// Runs every job that is due, and those that only wait for more of the same.
    pub async fn run(&self) {
        self.runner.run_ready().await;
        let soon = self.clock.now().saturating_add(SignedDuration::from_millis(500)).unwrap();
        let later = Runner {
            store: Arc::clone(&self.runner.store),
            clock: Arc::new(ManualClock::at(soon)),
            handlers: handlers(&self.datasets),
            worker: "later".to_owned(),
            concurrency: 1,
        };
        later.run_ready().await;
    }

    /// Runs what becomes due within an hour: retries, removal of old versions.
    pub async fn run_later(&self) {
        self.clock.advance(SignedDuration::from_hours(1));
        self.run().await;
    }

    /// Sets how many seconds of a day plugins may compute for the account that owns everything.
    pub async fn limit_plugins(&self, seconds: i64) {
        let root = Caller { admin_mode: true, ..admin() };
        let owner = root.account.clone().expect("an admin acts for an account");
        let change = serde_json::from_value(serde_json::json!({ "plugin_seconds": seconds })).unwrap();
        self.datasets.set_limits(&root, &owner, None, &change).await.unwrap();
    }

    /// A request with a JSON body that is sent later, as [`Self::json`] does; it must be answered with a success.
    pub fn later(&self, caller: &Caller, method: Method, path: &str, body: &Value) -> Meanwhile {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        request.extensions_mut().insert(halle_http::Caller(caller.clone()));
        request.extensions_mut().insert(BaseUrl(BASE.into()));
        let router = self.router.clone();
        Box::pin(async move { assert!(router.oneshot(request).await.unwrap().status().is_success()) })
    }

    /// Sends a request as `caller`.
    pub async fn send(&self, caller: &Caller, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(halle_http::Caller(caller.clone()));
        request.extensions_mut().insert(BaseUrl(BASE.into()));
        self.answer(request).await
    }

    /// Sends a request that says itself who asks, and where.
    pub async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, bytes, text }
    }

    /// `GET`.
    pub async fn get(&self, caller: &Caller, path: &str) -> Answer {
        self.send(caller, Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Any method, with a JSON body.
    pub async fn json(&self, caller: &Caller, method: Method, path: &str, body: Value) -> Answer {
        let text = body.to_string();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, text.len());
        self.send(caller, request.body(Body::from(text)).unwrap()).await
    }

    /// A file with attributes, as a browser sends it.
    pub async fn upload(
        &self,
        caller: &Caller,
        path: &str,
        file: (&str, &[u8]),
        fields: &[(&str, &str)],
    ) -> Answer {
        let body = multipart(Some(file), fields);
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=frontier")
            .header(header::CONTENT_LENGTH, body.len());
        self.send(caller, request.body(Body::from(body)).unwrap()).await
    }

    /// Uploads a file as the dataset `id` and takes it through the pipeline.
    pub async fn dataset(&self, id: &str, csv: &str) -> Value {
        self.upload(&admin(), &format!("/datasets/{id}"), ("data.csv", csv.as_bytes()), &[]).await.ok();
        self.run().await;
        self.get(&admin(), &format!("/datasets/{id}")).await.ok()
    }

    /// Types of the journal's events, oldest first.
    pub async fn events(&self, id: &str) -> Vec<String> {
        let mut events = self.datasets.journal(&admin(), id).await.unwrap();
        events.reverse();
        events.into_iter().map(|event| event.kind).collect()
    }

    /// Text of the last error in the journal.
    pub async fn last_error(&self, id: &str) -> String {
        let events = self.datasets.journal(&admin(), id).await.unwrap();
        let wrong = |kind: &str| matches!(kind, "error" | "validation-error");
        events.into_iter().find(|event| wrong(&event.kind)).and_then(|event| event.data).unwrap()
    }

    /// Files below a folder of the harness, relative to it.
    pub fn files(&self, folder: &str) -> Vec<String> {
        fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(&entry.path(), found);
                } else {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        let root = self.dir.path().join(folder);
        let mut found = Vec::new();
        walk(&root, &mut found);
        let prefix = format!("{}/", root.display());
        let mut found: Vec<String> = found.into_iter().map(|path| path.replace(&prefix, "")).collect();
        found.sort();
        found
    }
}

/// A multipart body with the boundary `frontier`.
pub fn multipart(file: Option<(&str, &[u8])>, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    if let Some((name, content)) = file {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    body
}

/// A person.
pub fn user(id: &str) -> User {
    let email = format!("{id}@example.org");
    User { id: id.to_owned(), name: id.to_owned(), email, organizations: Vec::new(), is_admin: false }
}

/// A member of an organisation.
pub fn member(id: &str, organization: &str, role: &str) -> Caller {
    let membership = Membership {
        id: organization.to_owned(),
        name: organization.to_uppercase(),
        role: role.to_owned(),
        department: None,
        department_name: None,
    };
    Caller::member(user(id), &membership)
}

/// The admin of the organisation `ville`, who owns everything unless a test says otherwise.
pub fn admin() -> Caller {
    member("alice", "ville", "admin")
}

/// Somebody else.
pub fn stranger() -> Caller {
    Caller::personal(user("zoe"))
}

/// Enrichments for tests: `enricher` adds the column `_up.nom` with the names in capitals; rows whose name is `bad` are
/// problems. A dataset in the slot `names` has other names (`nom`, `cri`).
#[derive(Default)]
pub struct Shouting {
    /// When set, `open` fails with it.
    pub failure: Mutex<Option<String>>,
    /// When set, `open` says that the owner has used up its share until then.
    pub spent_until: Mutex<Option<Timestamp>>,
    /// When set, `plan` fails with it.
    pub plan_failure: Mutex<Option<String>>,
    /// How often rows were going to be given values.
    pub opened: Mutex<u32>,
    /// When set, whatever does extensions is removed before these are stored.
    pub is_removing: AtomicBool,
    /// What happens once while `plan` is at it.
    pub meanwhile: Mutex<Option<Meanwhile>>,
}

/// Something that happens while something else is done.
pub type Meanwhile = Pin<Box<dyn Future<Output = ()> + Send>>;

#[async_trait]
impl Enrichments for Shouting {
    fn knows(&self, kind: &str) -> bool {
        kind == "enricher"
    }

    /// By the names in capitals, when the configuration says `k`.
    async fn grouping(&self, extension: &Extension) -> Result<Option<Grouping>, EnrichError> {
        let k = extension.config.as_ref().and_then(|config| config["k"].as_u64());
        Ok(k.map(|lines_min| Grouping { column: format!("{}.nom", extension.prefix()), lines_min }))
    }

    async fn may_choose(&self, extension: &Extension, _owner: &AccountRef) -> Result<bool, EnrichError> {
        Ok(extension.plugin.as_deref() != Some("private"))
    }

    async fn hold(&self, _unit: &mut dyn UnitOfWork, extension: &Extension) -> Result<(), EnrichError> {
        let id = extension.plugin.as_deref().unwrap_or_default();
        match self.is_removing.load(Ordering::Relaxed) {
            true => Err(EnrichError::Invalid(format!("Le plugin \"{id}\" n'est pas installé."))),
            false => Ok(()),
        }
    }

    async fn plan(
        &self,
        _context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
    ) -> Result<Vec<Column>, EnrichError> {
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        if let Some(failure) = self.plan_failure.lock().unwrap().clone() {
            return Err(EnrichError::Temporary(failure));
        }
        if !columns.iter().any(|column| column.key == "nom") {
            return Err(EnrichError::Invalid("Il manque une colonne \"nom\".".to_owned()));
        }
        let mut column = Column::new(format!("{}.nom", extension.prefix()), ColumnKind::Text);
        column.original_name = Some("NOM".to_owned());
        column.extension = Some("up".to_owned());
        Ok(vec![column])
    }

    async fn open(
        &self,
        context: &EnrichContext,
        extension: &Extension,
        columns: &[Column],
        _cancel: CancellationToken,
    ) -> Result<Box<dyn Enrichment>, EnrichError> {
        *self.opened.lock().unwrap() += 1;
        if let Some(until) = *self.spent_until.lock().unwrap() {
            return Err(EnrichError::OverQuota { message: "plus de secondes".to_owned(), until });
        }
        if let Some(failure) = self.failure.lock().unwrap().clone() {
            return Err(EnrichError::Temporary(failure));
        }
        let columns = self.plan(context, extension, columns).await?;
        let others =
            if extension.slots.is_empty() { HashMap::new() } else { names(&*context.tables).await? };
        Ok(Box::new(Shout(columns, others)))
    }
}

/// Names by code, as a dataset in the slot `names` has them.
async fn names(tables: &dyn DatasetSlots) -> Result<HashMap<String, String>, EnrichError> {
    let invalid = |problem: Problem| EnrichError::Invalid(problem.message);
    let mut reader = tables.open_read("names", &serde_json::json!({})).await.map_err(invalid)?;
    let mut names = HashMap::new();
    while let Some(rows) = reader.next(2).await.map_err(invalid)? {
        let text = |key: &str| rows.column_by_name(key).unwrap().as_string::<i32>().clone();
        let (codes, loud) = (text("nom"), text("cri"));
        names.extend(
            (0..rows.num_rows()).map(|row| (codes.value(row).to_owned(), loud.value(row).to_owned())),
        );
    }
    Ok(names)
}

struct Shout(Vec<Column>, HashMap<String, String>);

#[async_trait]
impl Enrichment for Shout {
    fn outputs(&self) -> &[Column] {
        &self.0
    }

    fn treats_side_by_side(&self) -> bool {
        true
    }

    async fn run(&mut self, rows: RecordBatch) -> Result<Enriched, EnrichError> {
        let names = rows.column_by_name("nom").unwrap().as_string::<i32>();
        let cry = |name: &str| self.1.get(name).cloned().unwrap_or_else(|| name.to_uppercase());
        let loud: StringArray = names.iter().map(|name| name.map(cry)).collect();
        let problems = (0..names.len())
            .filter(|&row| names.is_valid(row) && names.value(row) == "bad")
            .map(|row| (row as u32, Problem::new("test/bad", "nom inconnu")))
            .collect();
        let columns = RecordBatch::try_new(arrow_schema(&self.0), vec![Arc::new(loud) as ArrayRef]).unwrap();
        Ok(Enriched { columns, problems })
    }
}
