//! The sandbox of tests: plugins in plain Rust.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Field as ArrowField, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use halle_base::Timestamp;
use halle_extensions::host::{
    Admission, Call, Connector, DataRequest, Enriched, Enricher, NamedRows, Outcome, Output, Prepared,
    RemoteCall, RemoteOperation, Rendered,
};
use halle_extensions::installed::{InstalledPlugins, absent};
use halle_extensions::manifest::Manifest;
use halle_extensions::metering::Subject;
use halle_extensions::registry::Installed;
use halle_extensions::services::{HttpRequest, HttpResponse, LogLevel};
use halle_extensions::{Field, PluginError, PluginHost, PluginResult, Problem};
use halle_model::ColumnKind;
use halle_store::UnitOfWork;
use serde_json::{Value, json};

use super::capitals::Capitals;
use super::connector::Neighbour;
use super::manifests;

/// Concept of the input of the services' only operation.
const COMMUNE: &str = "http://rdf.insee.fr/def/geo#codeCommune";

/// The plugins of `manifests`, and what the neighbour has.
#[derive(Debug, Clone, Default)]
pub struct FakePlugins {
    resources: Arc<Mutex<BTreeMap<String, String>>>,
    twins: Arc<Mutex<BTreeMap<String, Value>>>,
    is_removing: Arc<AtomicBool>,
    spent_until: Arc<Mutex<Option<Timestamp>>>,
    spent_by_next: Arc<Mutex<Option<Timestamp>>>,
    troubles: Arc<Mutex<Vec<Problem>>>,
    checked_for: Arc<Mutex<Vec<Arc<Subject>>>>,
    upgraded: Arc<Mutex<Option<Value>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FakePlugins {
    /// Gives the neighbour a resource.
    pub fn put_resource(&self, id: &str, csv: &str) {
        locked(&self.resources).insert(id.to_owned(), csv.to_owned());
    }

    /// From now on every plugin is removed between the moment it is found and the moment its user would be stored.
    pub fn remove_under_users(&self) {
        self.is_removing.store(true, Ordering::Relaxed);
    }

    /// From now on every plugin is its version 2, whose configuration has this schema.
    pub fn upgrade_to(&self, schema: Value) {
        *locked(&self.upgraded) = Some(schema);
    }

    /// From now on every account has used up its plugin seconds until then; `None` for none has.
    pub fn spend_until(&self, until: Option<Timestamp>) {
        *locked(&self.spent_until) = until;
    }

    /// The next call of a plugin uses up what its account has until then.
    pub fn spend_with_next_call(&self, until: Timestamp) {
        *locked(&self.spent_by_next) = Some(until);
    }

    /// The next runs, fetches, publications and removals, as many as that, end with this problem.
    pub fn fail_next(&self, count: usize, problem: &Problem) {
        *locked(&self.troubles) = vec![problem.clone(); count];
    }

    /// Begins a call that counts: refused without plugin seconds, or because of trouble that was made.
    pub(super) async fn begin(&self, subject: &Subject) -> PluginResult<()> {
        self.check_share(subject).await?;
        locked(&self.troubles).pop().map_or(Ok(()), |problem| Err(problem.into()))
    }

    /// For whom configurations and documents were checked so far, in order: who pays, and what it is counted for.
    pub fn checked_for(&self) -> Vec<Arc<Subject>> {
        locked(&self.checked_for).clone()
    }

    async fn check_for(&self, call: &Call) -> PluginResult<()> {
        self.check_share(&call.subject).await?;
        locked(&self.checked_for).push(Arc::clone(&call.subject));
        Ok(())
    }

    /// What was published at the neighbour's, by remote identifier.
    pub fn twins(&self) -> BTreeMap<String, Value> {
        locked(&self.twins).clone()
    }

    pub(super) fn resource(&self, id: &str) -> Option<String> {
        locked(&self.resources).get(id).cloned()
    }

    pub(super) fn keep_twin(&self, id: &str, dataset: Value) {
        locked(&self.twins).insert(id.to_owned(), dataset);
    }

    pub(super) fn drop_twin(&self, id: &str) {
        locked(&self.twins).remove(id);
    }
}

#[async_trait]
impl InstalledPlugins for FakePlugins {
    async fn installed(&self, id: &str) -> PluginResult<Option<Arc<Installed>>> {
        let Some(mut found) = manifests::find(id) else { return Ok(None) };
        if let Some(schema) = locked(&self.upgraded).clone() {
            let installed = Arc::make_mut(&mut found);
            installed.manifest.plugin.version = "2.0.0".to_owned();
            installed.manifest.config = Some(schema);
        }
        Ok(Some(found))
    }

    async fn hold(&self, _unit: &mut dyn UnitOfWork, id: &str) -> PluginResult<()> {
        if self.is_removing.load(Ordering::Relaxed) { Err(absent(id)) } else { Ok(()) }
    }
}

pub(super) fn field(key: &str, concept: Option<&str>) -> Field {
    let concept = concept.map(str::to_owned);
    Field { key: key.to_owned(), kind: ColumnKind::Text, nullable: true, title: None, concept }
}

/// A batch of one column of texts.
pub(super) fn texts(name: &str, values: Vec<Option<String>>) -> PluginResult<RecordBatch> {
    let schema = Schema::new(vec![ArrowField::new(name, DataType::Utf8, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(StringArray::from(values)) as ArrayRef]);
    batch.map_err(|error| PluginError::Unavailable(error.to_string()))
}

#[async_trait]
impl PluginHost for FakePlugins {
    async fn admit(&self, _: &Manifest, _: &[u8]) -> PluginResult<Admission> {
        Err(PluginError::Unavailable("the plugins of tests are installed already".to_owned()))
    }

    async fn check_share(&self, _: &Subject) -> PluginResult<()> {
        let mut spent_until = locked(&self.spent_until);
        match *spent_until {
            Some(until) => Err(PluginError::OverQuota { message: "plus de secondes".to_owned(), until }),
            None => {
                *spent_until = locked(&self.spent_by_next).take();
                Ok(())
            }
        }
    }

    async fn enricher(&self, call: Call, columns: &[Field]) -> PluginResult<Box<dyn Enricher>> {
        self.check_share(&call.subject).await?;
        Ok(Box::new(Capitals::over(columns)))
    }

    /// By `mode`: `fail` reports a problem, `hang` waits to be cancelled, `stubborn` too but is stopped for another reason, `trigger` answers why it runs, anything else writes
    /// two rows.
    async fn run_processing(&self, call: Call, trigger: Value) -> PluginResult<Outcome> {
        self.begin(&call.subject).await?;
        call.services.log.emit(LogLevel::Info, "au travail", &[]);
        match call.config["mode"].as_str() {
            Some("trigger") => return Ok(Outcome { summary: trigger.to_string(), details: None }),
            Some("fail") => return Err(Problem::new("demo/failed", "la source est vide").into()),
            Some("hang") => {
                call.cancel.cancelled().await;
                return Err(PluginError::Cancelled);
            }
            Some("stubborn") => {
                call.cancel.cancelled().await;
                let message = "trop d'appels".to_owned();
                return Err(PluginError::Stopped { code: "plugin/host-calls", message });
            }
            _ => {}
        }
        let slots = call.services.datasets.as_ref().ok_or(PluginError::Cancelled)?;
        let mut writer = slots.open_write("output", "replace", &[field("nom", None)]).await?;
        writer.write(texts("nom", vec![Some("un".to_owned()), Some("deux".to_owned())])?).await?;
        let rows = writer.commit().await?;
        Ok(Outcome { summary: format!("{rows} lignes écrites"), details: None })
    }

    /// Refuses the address `refused`; keeps any other configuration, and remarks that the scheme `http` is not encrypted.
    async fn prepare(&self, call: Call, draft: Value) -> PluginResult<Prepared> {
        self.check_for(&call).await?;
        if draft["url"] == "refused" {
            let problem = Problem::new("config/url", "cette adresse ne répond pas");
            return Err(Problem { field: Some("/url".to_owned()), ..problem }.into());
        }
        let is_plain = draft["url"].as_str().is_some_and(|url| url.starts_with("http://"));
        let note = Problem::new("config/plain", "cette adresse n'est pas chiffrée");
        let note = is_plain.then(|| Problem { field: Some("/url".to_owned()), ..note });
        Ok(Prepared { config: draft, notes: note.into_iter().collect() })
    }

    fn connector(&self, call: Call) -> Arc<dyn Connector> {
        Arc::new(Neighbour { plugins: self.clone(), call })
    }

    async fn visualisation_queries(&self, call: Call) -> PluginResult<Vec<DataRequest>> {
        let operation = call.config["operation"].as_str().unwrap_or("lines");
        let query = json!({ "dataset": call.config["dataset"], "operation": operation, "params": {} });
        Ok(vec![DataRequest { name: "lines".to_owned(), query, max_rows: 100 }])
    }

    /// Says how many lines it got, or was told that there are; by `type`, it traps, draws in HTML, or draws what cannot be
    /// served.
    async fn render(&self, call: Call, data: Vec<NamedRows>, _context: Value) -> PluginResult<Rendered> {
        let told = |rows: &NamedRows| {
            let total = rows.rows.column_by_name("total")?.as_primitive_opt::<Int64Type>()?;
            usize::try_from(total.value(0)).ok()
        };
        let lines: usize = data.iter().map(|rows| told(rows).unwrap_or_else(|| rows.rows.num_rows())).sum();
        let output = match call.config["type"].as_str() {
            Some("trap") => {
                let message = "the plugin trapped".to_owned();
                return Err(PluginError::Stopped { code: "plugin/trap", message });
            }
            Some("html") => Output::Html(format!("<p>{lines} lignes</p><script>")),
            Some("vega") => Output::Vega(json!({})),
            Some("script") => Output::Svg("<script/>".to_owned()),
            _ => Output::Svg(format!("<svg viewBox=\"0 0 1 1\"><title>{lines} lignes</title></svg>")),
        };
        Ok(Rendered { output, alt: format!("{lines} lignes"), table: None })
    }

    /// One operation, `saluer`, of a document that has paths.
    async fn operations(&self, call: Call, document: Value) -> PluginResult<Vec<RemoteOperation>> {
        self.check_for(&call).await?;
        if document["paths"].as_object().is_none_or(serde_json::Map::is_empty) {
            return Ok(Vec::new());
        }
        Ok(vec![RemoteOperation {
            id: "saluer".to_owned(),
            title: "Saluer".to_owned(),
            input: vec![Field { nullable: false, ..field("code", Some(COMMUNE)) }],
            output: vec![field("salut", None)],
            max_rows_per_request: 1,
            details: None,
        }])
    }

    /// A request per row, with the row's only value as body.
    async fn build_requests(&self, call: Call, _: &str, rows: RecordBatch) -> PluginResult<Vec<RemoteCall>> {
        let values = rows.column(0).as_string::<i32>();
        let requests = (0..values.len()).map(|row| RemoteCall {
            rows: vec![row as u32],
            request: HttpRequest {
                method: "POST".to_owned(),
                url: call.config["server"].as_str().unwrap_or_default().to_owned(),
                headers: Vec::new(),
                body: Some(Bytes::from(values.value(row).to_owned())),
                timeout_ms: None,
                max_bytes: None,
            },
            auth: None,
        });
        Ok(requests.collect())
    }

    async fn parse_responses(
        &self,
        call: Call,
        _operation: &str,
        calls: Vec<RemoteCall>,
        responses: Vec<HttpResponse>,
    ) -> PluginResult<Enriched> {
        let rows = call.config["rows"].as_u64().unwrap_or_default();
        let mut values = vec![None; usize::try_from(rows).unwrap_or_default()];
        let mut problems = Vec::new();
        for (call, response) in calls.iter().zip(responses) {
            let (row, text) = (call.rows[0], String::from_utf8_lossy(&response.body).into_owned());
            if text.ends_with("perdu") {
                problems.push((row, Problem::new("salut/nobody", "personne ne répond à ce nom")));
            } else {
                values[row as usize] = Some(text);
            }
        }
        Ok(Enriched { columns: texts("salut", values)?, problems })
    }
}
