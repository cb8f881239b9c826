//! A sandbox that admits components and runs none: running is tested where components are.

use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use halle_base::AccountRef;
use halle_extensions::host::{
    Admission, Call, Connector, DataRequest, Described, Enriched, Enricher, NamedRows, Outcome, PluginHost,
    Prepared, RemoteCall, RemoteOperation, Rendered,
};
use halle_extensions::manifest::Manifest;
use halle_extensions::metering::Subject;
use halle_extensions::services::HttpResponse;
use halle_extensions::uses::{PluginUsers, Use, Uses};
use halle_extensions::{Field, PluginError, PluginResult};
use halle_store::{StoreResult, UnitOfWork};
use serde_json::Value;

/// Admits every component but the text `refuse me`.
pub struct Gate;

/// Resources that use plugins, as tests say.
#[derive(Clone, Default)]
pub struct Users(Arc<Mutex<Vec<Use>>>);

impl Users {
    /// A processing of the town uses whatever plugin.
    pub fn set(&self, titles: &[&str]) {
        let owner = Some(AccountRef::organization("ville", "Ville"));
        let one = |title: &&str| Use {
            kind: "processing",
            id: title.to_lowercase(),
            title: (*title).to_owned(),
            owner: owner.clone(),
        };
        *self.0.lock().unwrap() = titles.iter().map(one).collect();
    }
}

#[async_trait]
impl PluginUsers for Users {
    async fn uses(&self, _unit: &mut dyn UnitOfWork, _plugin: &str, limit: u32) -> StoreResult<Uses> {
        let all = self.0.lock().unwrap();
        let results = all.iter().take(limit as usize).cloned().collect();
        Ok(Uses { count: all.len() as u64, results })
    }
}

fn runs_nothing<T>() -> PluginResult<T> {
    Err(PluginError::Unavailable("this sandbox runs nothing".to_owned()))
}

#[async_trait]
impl PluginHost for Gate {
    async fn admit(&self, _manifest: &Manifest, component: &[u8]) -> PluginResult<Admission> {
        if component == b"refuse me" {
            return Err(PluginError::Unavailable("it imports `wasi:filesystem`".to_owned()));
        }
        let imports = vec!["halle:host/log@1.0.0".to_owned()];
        let described = Described { title: "Dit bonjour".to_owned(), ..Described::default() };
        Ok(Admission { imports, exports: Vec::new(), initial_memory_bytes: 65_536, described })
    }

    async fn check_share(&self, _: &Subject) -> PluginResult<()> {
        Ok(())
    }

    async fn enricher(&self, _call: Call, _input: &[Field]) -> PluginResult<Box<dyn Enricher>> {
        runs_nothing()
    }

    async fn run_processing(&self, _call: Call, _trigger: Value) -> PluginResult<Outcome> {
        runs_nothing()
    }

    async fn prepare(&self, _call: Call, _draft: Value) -> PluginResult<Prepared> {
        runs_nothing()
    }

    fn connector(&self, _call: Call) -> Arc<dyn Connector> {
        unreachable!("the registry opens no connector")
    }

    async fn visualisation_queries(&self, _call: Call) -> PluginResult<Vec<DataRequest>> {
        runs_nothing()
    }

    async fn render(&self, _call: Call, _data: Vec<NamedRows>, _context: Value) -> PluginResult<Rendered> {
        runs_nothing()
    }

    async fn operations(&self, _call: Call, _document: Value) -> PluginResult<Vec<RemoteOperation>> {
        runs_nothing()
    }

    async fn build_requests(
        &self,
        _call: Call,
        _op: &str,
        _rows: RecordBatch,
    ) -> PluginResult<Vec<RemoteCall>> {
        runs_nothing()
    }

    async fn parse_responses(
        &self,
        _call: Call,
        _op: &str,
        _calls: Vec<RemoteCall>,
        _responses: Vec<HttpResponse>,
    ) -> PluginResult<Enriched> {
        runs_nothing()
    }
}
