//! Every API key of the platform: those of accounts, and those that open one dataset.

use std::sync::Arc;

use async_trait::async_trait;
use halle_applications::Applications;
use halle_base::Clock;
use halle_datasets::Datasets;
use halle_directory::Directory;
use halle_http::app_keys::{AnonymousAction, ApplicationKeys, KeyedPage};
use halle_http::jwks::JwksVerifier;
use halle_http::{ApiKeys, ApiResult};
use halle_model::{Caller, Pass};

/// Keys of accounts first, then, where a request is about a dataset, the keys of that one.
pub struct PlatformKeys {
    /// Has the keys of accounts.
    pub directory: Directory,
    /// Have those of datasets.
    pub datasets: Datasets,
}

#[async_trait]
impl ApiKeys for PlatformKeys {
    async fn resolve(&self, clear: &str) -> ApiResult<Option<Caller>> {
        self.directory.resolve(clear).await
    }

    async fn resolve_on(&self, clear: &str, resource: &str) -> ApiResult<Option<Caller>> {
        match self.directory.resolve(clear).await? {
            Some(caller) => Ok(Some(caller)),
            None => self.datasets.holder_of_key(clear, resource).await,
        }
    }
}

/// Keys of applications, and the tokens of those who write with one.
pub struct PageKeys {
    /// Have the keys.
    pub applications: Applications,
    /// Checks tokens.
    pub verifier: Arc<JwksVerifier>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl ApplicationKeys for PageKeys {
    async fn passes(&self, page: &KeyedPage) -> ApiResult<Vec<Pass>> {
        self.applications.opened_by(page).await
    }

    async fn is_ready(&self, token: &str) -> bool {
        let action = self.verifier.verify_as::<AnonymousAction>(token).await;
        action.is_ok_and(|action| action.is_ready(self.clock.now()))
    }
}
