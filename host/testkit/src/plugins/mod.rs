//! A world for features that run plugins: real adapters, datasets, and plugins whose behaviour a test chooses by their
//! configuration.

mod capitals;
mod connector;
mod host;
mod manifests;
mod outside;

use std::sync::Arc;

use halle_base::Secret;
use halle_datasets::enrich::{AllEnrichments, Enrichments, PluginEnrichments};
use halle_datasets::{Datasets, DatasetsConfig, DatasetsParts};
use halle_extensions::vault::Vault;
use halle_http::Hub;
use halle_store::runner::JobHandler;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{Answer, Api, Stack};

pub use host::FakePlugins;
pub use outside::Outside;

/// Where datasets are.
pub const DATASETS: &str = "/data-fair/api/v1/datasets";

/// What a feature that runs plugins is built over, but for datasets.
pub struct Tools {
    /// Store, blobs, index, clock.
    pub stack: Stack,
    /// The plugins, installed and running.
    pub plugins: Arc<FakePlugins>,
    /// The way out.
    pub outside: Arc<Outside>,
    /// Secrets at rest.
    pub vault: Arc<Vault>,
    /// Real time.
    pub hub: Hub,
}

/// [`Tools`], and datasets over them.
pub struct World {
    /// The tools.
    pub tools: Tools,
    /// Datasets.
    pub datasets: Datasets,
}

impl World {
    /// A fresh world whose datasets are enriched by its plugins.
    pub async fn with_plugins() -> Self {
        let by_plugins = |tools: &Tools| PluginEnrichments::new(tools.plugins.clone(), tools.plugins.clone());
        Self::new(|tools| vec![Arc::new(by_plugins(tools))]).await
    }

    /// A fresh world whose datasets are enriched by what `enrichments` makes.
    pub async fn new(enrichments: impl FnOnce(&Tools) -> Vec<Arc<dyn Enrichments>>) -> Self {
        let stack = Stack::new().await;
        let tools = Tools {
            plugins: Arc::default(),
            outside: Arc::default(),
            vault: Arc::new(Vault::new(&Secret::new([7; 32]))),
            hub: Hub::new(stack.clock.clone()),
            stack,
        };
        let stack = &tools.stack;
        let datasets = Datasets::new(DatasetsParts {
            store: Arc::clone(&stack.store),
            blobs: Arc::clone(&stack.blobs),
            engine: Arc::clone(&stack.engine),
            clock: stack.clock.clone(),
            dice: Arc::clone(&stack.dice),
            enrichments: Arc::new(AllEnrichments::new(enrichments(&tools))),
            hub: tools.hub.clone(),
            config: DatasetsConfig::new(stack.subfolder("tmp")),
        });
        Self { tools, datasets }
    }

    /// Runs the pipeline of datasets until nothing is due.
    pub async fn run_pipeline(&self) {
        self.tools.stack.runner(halle_datasets::handlers(&self.datasets)).run_ready().await;
    }

    /// Runs the jobs of a feature until nothing is due, with the pipeline beside: they may wait for it.
    pub async fn run(&self, handlers: Vec<Arc<dyn JobHandler>>) {
        let done = CancellationToken::new();
        let pipeline = self.tools.stack.runner(halle_datasets::handlers(&self.datasets)).run(done.clone());
        let jobs = async {
            self.tools.stack.runner(handlers).run_ready().await;
            done.cancel();
        };
        tokio::join!(pipeline, jobs);
    }

    /// Uploads a CSV file as a dataset of the caller's and takes it through the pipeline. `api` must have the routes of
    /// datasets below [`DATASETS`].
    ///
    /// # Panics
    /// If the upload is refused.
    pub async fn upload(&self, api: &Api, id: &str, csv: &str) -> Value {
        let path = format!("{DATASETS}/{id}");
        let answer = api.upload(axum::http::Method::POST, &path, "data.csv", csv.as_bytes(), &[]).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        self.run_pipeline().await;
        api.get(&path).await.json()
    }
}

impl Answer {
    /// The body of a success as JSON.
    ///
    /// # Panics
    /// If the answer is no success; the message shows it.
    pub fn ok(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    /// The text of a refusal.
    ///
    /// # Panics
    /// If the status is another; the message shows the answer.
    pub fn refused(&self, status: u16) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.text()
    }
}
