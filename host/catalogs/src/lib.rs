//! Catalogues: two-way exchange with other portals, through connector plugins.
//!
//! A *catalogue* is a connector and its configuration. An *import* brings one remote resource in as a dataset, once or on
//! a schedule; a *publication* keeps the remote twin of a local dataset up to date.
//!
//! **Invariant:** an import replaces the data of its dataset only with a whole file; until then, and on any error,
//! readers keep what they had.
//!
//! **Invariant:** a publication remembers the remote identifier as soon as the connector told it, so that a crash never
//! creates a second twin.
//!
//! **Invariant:** imports and publications act as the owner of the catalogue, and touch datasets of that owner only.
//!
//! Start with [`model`], then [`jobs`], then `http`.

mod http;
mod jobs;
pub mod model;
mod service;
mod views;
mod watch;

use std::sync::Arc;

use halle_base::{Clock, Dice};
use halle_datasets::Datasets;
use halle_extensions::PluginHost;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::services::Egress;
use halle_extensions::uses::{self, PluginUsers};
use halle_extensions::vault::Vault;
use halle_store::Store;
use halle_store::runner::JobHandler;

pub use http::{openapi, router};

/// Catalogues that use a plugin: who asks before it is removed.
pub fn plugin_users() -> Arc<dyn PluginUsers> {
    uses::by_key::<model::Catalog>("catalog")
}

/// What the feature is made of; `app` and tests choose the adapters.
pub struct CatalogsParts {
    /// Metadata, logs, jobs.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// Local datasets.
    pub datasets: Datasets,
    /// The sandbox.
    pub plugins: Arc<dyn PluginHost>,
    /// What is installed.
    pub installed: Arc<dyn InstalledPlugins>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// Secrets at rest.
    pub vault: Arc<Vault>,
    /// Address of this server, for the links that publications carry; without a trailing slash.
    pub public_url: Arc<str>,
}

/// The feature: cheap to clone.
#[derive(Clone)]
pub struct Catalogs(Arc<CatalogsParts>);

impl Catalogs {
    /// The feature over the given adapters.
    pub fn new(parts: CatalogsParts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Catalogs {
    type Target = CatalogsParts;

    fn deref(&self) -> &CatalogsParts {
        &self.0
    }
}

/// Handlers of the feature's jobs.
pub fn handlers(catalogs: &Catalogs) -> Vec<Arc<dyn JobHandler>> {
    vec![Arc::new(jobs::ImportHandler(catalogs.clone())), Arc::new(jobs::PublishHandler(catalogs.clone()))]
}
