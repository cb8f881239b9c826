//! Processings: plugins that run on a schedule or on demand, and write datasets.
//!
//! A processing is a plugin, its configuration, its slots (which datasets it reads and writes), and its schedule. Each
//! execution is a run with a log that grows while one looks.
//!
//! **Invariant:** one run at a time per processing: runs are jobs with the processing as key.
//!
//! **Invariant:** a run that its host did not survive ends as `error`, with a log that says so, and the next one is
//! scheduled.
//!
//! **Invariant:** a plugin sees slots, never identifiers of datasets, and acts as the owner of the processing.
//!
//! Start with [`model::Processing`], then [`jobs`], then `http`.

mod http;
mod jobs;
pub mod model;
mod service;
mod slots;
mod views;

use std::path::PathBuf;
use std::sync::Arc;

use halle_base::{Clock, Dice};
use halle_datasets::Datasets;
use halle_extensions::PluginHost;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::services::Egress;
use halle_extensions::uses::{self, PluginUsers};
use halle_extensions::vault::Vault;
use halle_http::realtime::Hub;
use halle_store::Store;
use halle_store::runner::JobHandler;

pub use http::{openapi, router};

/// Processings that use a plugin: who asks before it is removed.
pub fn plugin_users() -> Arc<dyn PluginUsers> {
    uses::by_key::<model::Processing>("processing")
}

/// What the feature is made of; `app` and tests choose the adapters.
pub struct ProcessingsParts {
    /// Metadata, logs, jobs.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// Datasets, for slots.
    pub datasets: Datasets,
    /// The sandbox.
    pub plugins: Arc<dyn PluginHost>,
    /// What is installed.
    pub installed: Arc<dyn InstalledPlugins>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// Secrets at rest.
    pub vault: Arc<Vault>,
    /// Who listens to logs.
    pub hub: Hub,
    /// Folder for files on their way, on the same file system as the blobs.
    pub temp_dir: PathBuf,
}

/// The feature: cheap to clone.
#[derive(Clone)]
pub struct Processings(Arc<ProcessingsParts>);

impl Processings {
    /// The feature over the given adapters.
    pub fn new(parts: ProcessingsParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Processings {
    type Target = ProcessingsParts;

    fn deref(&self) -> &ProcessingsParts {
        &self.0
    }
}

/// Handlers of the feature's jobs.
pub fn handlers(processings: &Processings) -> Vec<Arc<dyn JobHandler>> {
    vec![Arc::new(jobs::RunHandler(processings.clone()))]
}
