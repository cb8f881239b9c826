//! Where packages are kept, and where the sandbox finds their components.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use halle_store::{BlobKey, Blobs, StoreError};

use super::RegistryError;
use crate::package::{Package, PackageError};
use crate::types::{PluginError, PluginResult};

/// Where the sandbox finds the component of an installed package.
#[async_trait]
pub trait ComponentSource: Send + Sync {
    /// The component of the package with this digest; its content was checked against the digest.
    async fn component(&self, digest: &str) -> PluginResult<Bytes>;
}

/// Packages in the blob store, by digest.
#[derive(Debug, Clone)]
pub struct PackageStore {
    blobs: Arc<dyn Blobs>,
}

impl PackageStore {
    /// Packages in these blobs, below `plugins/`.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Self { blobs }
    }

    /// The package, or `None`. A package whose content is not what its digest says is an error.
    pub async fn get(&self, digest: &str) -> Result<Option<Package>, RegistryError> {
        let Some(archive) = self.archive(digest).await? else { return Ok(None) };
        let package = Package::read(&archive)?;
        if package.digest() != digest {
            return Err(PackageError::Malformed(format!("stored package {digest} was changed")).into());
        }
        Ok(Some(package))
    }

    /// The bytes of a package, as it was installed, or `None`.
    pub async fn archive(&self, digest: &str) -> Result<Option<Vec<u8>>, RegistryError> {
        let Some((_, stream)) = self.blobs.get(&key(digest)?, None).await? else { return Ok(None) };
        let archive: Vec<u8> = stream
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .map_err(StoreError::engine)?;
        Ok(Some(archive))
    }

    /// Deletes packages that nothing points to any more; one that cannot be deleted is told in the log, and stays.
    pub(super) async fn forget(&self, digests: &[String]) {
        for digest in digests {
            let deleted = match key(digest) {
                Ok(key) => self.blobs.delete(&key).await,
                Err(error) => Err(error),
            };
            if let Err(error) = deleted {
                tracing::warn!(%error, plugin.digest = %digest, "a package is not deleted");
            }
        }
    }

    pub(super) async fn put(&self, digest: &str, archive: Bytes) -> Result<(), RegistryError> {
        let body = futures::stream::once(std::future::ready(Ok(archive)));
        self.blobs.put(&key(digest)?, Box::pin(body)).await?;
        Ok(())
    }
}

fn key(digest: &str) -> Result<BlobKey, StoreError> {
    BlobKey::new(&["plugins", digest])
}

#[async_trait]
impl ComponentSource for PackageStore {
    async fn component(&self, digest: &str) -> PluginResult<Bytes> {
        match self.get(digest).await {
            Ok(Some(package)) => Ok(package.component().clone()),
            Ok(None) => Err(PluginError::Unavailable(format!(
                "package {digest} is not stored here: install it again"
            ))),
            Err(error) => Err(PluginError::Unavailable(format!("package {digest} cannot be read: {error}"))),
        }
    }
}

/// Components in memory, for tools and tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryComponents(BTreeMap<String, Bytes>);

impl MemoryComponents {
    /// Adds a component under the digest of its package.
    pub fn insert(&mut self, digest: impl Into<String>, component: Bytes) {
        self.0.insert(digest.into(), component);
    }
}

#[async_trait]
impl ComponentSource for MemoryComponents {
    async fn component(&self, digest: &str) -> PluginResult<Bytes> {
        let unknown = || PluginError::Unavailable(format!("component {digest} is unknown"));
        self.0.get(digest).cloned().ok_or_else(unknown)
    }
}
