//! Remote services: APIs that enrich rows, described by OpenAPI documents and understood by adapter plugins.
//!
//! A service is a document, a server and a key. The adapter says which of its operations can enrich; it builds the
//! requests and reads the answers, while the requests themselves are made here, through the one way out.
//!
//! **Invariant:** an adapter does no I/O and never sees the key of a service.
//!
//! **Invariant:** a row that a service could not treat is told in the error column; it never stops the others.
//!
//! Start with [`model::RemoteService`], then [`enrich`].

mod answers;
pub mod enrich;
mod http;
pub mod model;
mod send;
mod service;
mod views;

use std::sync::Arc;

use halle_base::{Clock, Dice};
use halle_extensions::PluginHost;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::services::Egress;
use halle_extensions::uses::{self, PluginUsers};
use halle_extensions::vault::Vault;
use halle_store::Store;

pub use http::{openapi, router};

/// Remote services that use a plugin: who asks before it is removed.
pub fn plugin_users() -> Arc<dyn PluginUsers> {
    uses::by_key::<model::RemoteService>("remote-service")
}

/// What the feature is made of; `app` and tests choose the adapters.
pub struct ServicesParts {
    /// Metadata.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub dice: Arc<dyn Dice>,
    /// The sandbox.
    pub plugins: Arc<dyn PluginHost>,
    /// What is installed.
    pub installed: Arc<dyn InstalledPlugins>,
    /// The way out.
    pub egress: Arc<dyn Egress>,
    /// Secrets at rest.
    pub vault: Arc<Vault>,
}

/// The feature: cheap to clone.
#[derive(Clone)]
pub struct RemoteServices(Arc<ServicesParts>);

impl RemoteServices {
    /// The feature over the given adapters.
    pub fn new(parts: ServicesParts) -> Self {
        Self(Arc::new(parts))
    }

    /// Completes services that an earlier release stored, so that they are found by their plugin.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn complete_keys(&self) -> halle_store::StoreResult<u64> {
        halle_store::rekey::<model::RemoteService>(&*self.store, halle_extensions::uses::PLUGIN_KEY).await
    }
}

impl std::ops::Deref for RemoteServices {
    type Target = ServicesParts;

    fn deref(&self) -> &ServicesParts {
        &self.0
    }
}
