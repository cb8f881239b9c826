//! The registry: packages that are installed, and what each was granted.
//!
//! **Invariant:** a package is admitted by the sandbox before it is stored, and stored before anything points to it.
//!
//! **Invariant:** grants never go beyond what the manifest asks; an upgrade that asks for more has none until an
//! administrator consents.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use halle_base::{Clock, Timestamp};
use halle_store::{BlobKey, Blobs, Entity, EntityExt, Filter, Key, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::grants::{self, Grants, HostLimits, Limits};
use crate::host::{Admission, PluginHost, StaticFile};
use crate::manifest::Manifest;
use crate::package::{Package, PackageError, TrustedKey};
use crate::types::{PluginError, PluginResult, Problem};

/// Earlier versions that are kept for a rollback.
const PREVIOUS_MAX: usize = 5;

/// Installations that a list shows.
const LIST_MAX: u32 = 1_000;

/// An installed plugin: which package is current, and what it may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installed {
    /// Identifier of the plugin (`org/name` or `name`), also of the installation.
    pub id: String,
    /// Hex SHA-256 of the package: its identity.
    pub digest: String,
    /// What the package says of itself.
    pub manifest: Manifest,
    /// What an administrator granted; `None` until they decided. A plugin without grants does not run.
    pub grants: Option<Grants>,
    /// Limits on each call.
    pub limits: Limits,
    /// Key that signed the package, or `None` for an unsigned one that an administrator accepted.
    pub signed_by: Option<String>,
}

/// A version of a plugin, as it was installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// What runs.
    pub installed: Installed,
    /// What admission found out.
    pub admission: Admission,
    /// When it was installed.
    pub installed_at: Timestamp,
}

/// What the registry stores of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// The version that runs.
    pub current: Version,
    /// Other versions that are kept, the last current one first, with the grants they had.
    #[serde(default)]
    pub previous: Vec<Version>,
}

impl Entity for Installation {
    const COLLECTION: &'static str = "plugins";

    fn id(&self) -> &str {
        &self.current.installed.id
    }

    fn title(&self) -> &str {
        let titles = &self.current.installed.manifest.plugin.title;
        let title = titles.get("fr").or_else(|| titles.get("en")).or_else(|| titles.values().next());
        title.map_or(&self.current.installed.id, |title| title)
    }

    fn keys(&self) -> Vec<Key> {
        let kind = serde_json::to_value(self.current.installed.manifest.plugin.kind).unwrap_or_default();
        vec![Key::new("kind", kind.as_str().unwrap_or_default())]
    }
}

/// Why the registry refused.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The package is refused.
    #[error(transparent)]
    Package(#[from] PackageError),
    /// Nobody signed the package, and nobody accepted that.
    #[error(
        "the package is not signed: install it with `--accept-unsigned` if you trust where it comes from"
    )]
    Unsigned,
    /// The sandbox refused the component.
    #[error("the plugin is refused: {0}")]
    Refused(PluginError),
    /// There is no such plugin.
    #[error("no plugin `{0}` is installed")]
    NotFound(String),
    /// More was granted than the manifest asks.
    #[error("the plugin does not ask for {}: grant at most what it asks", .0.join(", "))]
    NotAsked(Vec<String>),
    /// There is no earlier version.
    #[error("no earlier version of `{0}` is kept")]
    NoPrevious(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

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
        let Some((_, stream)) = self.blobs.get(&key(digest)?, None).await? else { return Ok(None) };
        let archive: Vec<u8> = stream
            .try_fold(Vec::new(), |mut all, chunk| async move {
                all.extend_from_slice(&chunk);
                Ok(all)
            })
            .await
            .map_err(StoreError::engine)?;
        let package = Package::read(&archive)?;
        if package.digest() != digest {
            return Err(PackageError::Malformed(format!("stored package {digest} was changed")).into());
        }
        Ok(Some(package))
    }

    async fn put(&self, digest: &str, archive: Bytes) -> Result<(), RegistryError> {
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

/// Installs, grants, lists, removes.
#[derive(Clone)]
pub struct Registry {
    /// Where installations are.
    pub store: Arc<dyn Store>,
    /// Where packages are.
    pub packages: PackageStore,
    /// The sandbox that admits them.
    pub host: Arc<dyn PluginHost>,
    /// Keys whose signatures are accepted.
    pub trusted_keys: Vec<TrustedKey>,
    /// What the host allows.
    pub limits: HostLimits,
    /// The current instant.
    pub clock: Arc<dyn Clock>,
}

impl Registry {
    /// Installs or upgrades a package. Grants are kept when the new version asks for nothing that was not asked before;
    /// otherwise it waits for [`grant`](Self::grant). The same package again changes nothing.
    pub async fn install(&self, archive: &[u8], accept_unsigned: bool) -> Result<Installed, RegistryError> {
        let package = Package::read(archive)?;
        let signed_by = match package.verify(&self.trusted_keys) {
            Ok(Some(name)) => Some(name),
            Ok(None) if accept_unsigned => None,
            Ok(None) => return Err(RegistryError::Unsigned),
            Err(PackageError::Untrusted(_)) if accept_unsigned => None,
            Err(error) => return Err(error.into()),
        };
        let admission =
            self.host.admit(&package.manifest, package.component()).await.map_err(RegistryError::Refused)?;
        let digest = package.digest();
        self.packages.put(&digest, Bytes::copy_from_slice(archive)).await?;

        let manifest = package.manifest;
        let limits = self.limits.effective(manifest.plugin.kind, manifest.limits.as_ref());
        let id = manifest.plugin.id.clone();
        let installed = Installed { id: id.clone(), digest, manifest, grants: None, limits, signed_by };
        let now = self.clock.now();
        let new = Version { installed, admission, installed_at: now };
        let mut work = self.store.begin().await?;
        let installed = if let Some(mut stored) = work.load::<Installation>(&id).await? {
            upgrade(&mut stored.entity, new);
            work.save(&mut stored, now).await?;
            stored.entity.current.installed
        } else {
            let entity = Installation { current: new, previous: Vec::new() };
            work.insert(&entity, now).await?;
            entity.current.installed
        };
        work.commit().await?;
        tracing::info!(plugin.id = %installed.id, plugin.digest = %installed.digest, "installed a plugin");
        Ok(installed)
    }

    /// Grants what an administrator decided, or everything that is asked.
    pub async fn grant(&self, id: &str, decided: Option<Grants>) -> Result<Installed, RegistryError> {
        self.change(id, |installation| {
            let asked = grants::asked(&installation.current.installed.manifest);
            let decided = decided.unwrap_or_else(|| asked.clone());
            let beyond = decided.beyond(&asked);
            if !beyond.is_empty() {
                return Err(RegistryError::NotAsked(beyond));
            }
            installation.current.installed.grants = Some(decided);
            Ok(())
        })
        .await
    }

    /// Takes every grant back: the plugin stops running until an administrator grants it again.
    pub async fn revoke(&self, id: &str) -> Result<Installed, RegistryError> {
        self.change(id, |installation| {
            installation.current.installed.grants = None;
            Ok(())
        })
        .await
    }

    /// Goes back to the version that was current before, with the grants it had. Doing so twice changes nothing.
    pub async fn rollback(&self, id: &str) -> Result<Installed, RegistryError> {
        self.change(id, |installation| {
            let Some(previous) = installation.previous.first_mut() else {
                return Err(RegistryError::NoPrevious(id.to_owned()));
            };
            std::mem::swap(&mut installation.current, previous);
            Ok(())
        })
        .await
    }

    async fn change(
        &self,
        id: &str,
        change: impl FnOnce(&mut Installation) -> Result<(), RegistryError> + Send,
    ) -> Result<Installed, RegistryError> {
        let mut work = self.store.begin().await?;
        let found = work.load::<Installation>(id).await?;
        let mut stored = found.ok_or_else(|| RegistryError::NotFound(id.to_owned()))?;
        change(&mut stored.entity)?;
        work.save(&mut stored, self.clock.now()).await?;
        work.commit().await?;
        Ok(stored.entity.current.installed)
    }

    /// The current version of a plugin, or `None`.
    pub async fn get(&self, id: &str) -> Result<Option<Arc<Installed>>, RegistryError> {
        let found = self.store.read().await?.load::<Installation>(id).await?;
        Ok(found.map(|stored| Arc::new(stored.entity.current.installed)))
    }

    /// All that is installed, by title.
    pub async fn list(&self) -> Result<Vec<Installation>, RegistryError> {
        let filter = Filter { order: halle_store::Order::TitleAsc, ..Filter::all(LIST_MAX) };
        let page = self.store.read().await?.list::<Installation>(&filter).await?;
        Ok(page.results.into_iter().map(|stored| stored.entity).collect())
    }

    /// A static file of an installed package, or `None`.
    pub async fn static_file(
        &self,
        installed: &Installed,
        name: &str,
    ) -> Result<Option<StaticFile>, RegistryError> {
        Ok(self.packages.get(&installed.digest).await?.and_then(|package| package.static_file(name)))
    }

    /// Forgets a plugin. Its packages stay stored, so that what runs may end. Whether there was one.
    pub async fn remove(&self, id: &str) -> Result<bool, RegistryError> {
        let mut work = self.store.begin().await?;
        let there_was = work.remove::<Installation>(id).await?;
        work.commit().await?;
        Ok(there_was)
    }
}

/// Makes `new` the current version, with the grants of the old one unless it asks for more.
fn upgrade(installation: &mut Installation, mut new: Version) {
    let old = &installation.current.installed;
    let asked = grants::asked(&new.installed.manifest);
    let asks_for_more = !asked.beyond(&grants::asked(&old.manifest)).is_empty()
        || old.manifest.plugin.kind != new.installed.manifest.plugin.kind;
    if !asks_for_more {
        new.installed.grants = old.grants.as_ref().map(|grants| grants.narrowed_to(&asked));
    }
    let old = std::mem::replace(&mut installation.current, new);
    let digest = installation.current.installed.digest.clone();
    installation.previous.insert(0, old);
    installation.previous.retain(|version| version.installed.digest != digest);
    installation.previous.truncate(PREVIOUS_MAX);
}

impl Installed {
    /// The grants, or the reason why the plugin does not run.
    pub fn granted(&self) -> PluginResult<&Grants> {
        self.grants.as_ref().ok_or_else(|| {
            PluginError::Reported(Problem::denied(
                "consent",
                format!("L'extension `{0}` attend l'accord d'un administrateur. / The plugin `{0}` waits for the consent of an administrator.", self.id),
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(digest: &str, origins: &[&str], grants: Option<Grants>) -> Version {
        let manifest = format!(
            r#"
            schema = 1
            [plugin]
            id = "p"
            version = "1.0.0"
            kind = "processing"
            contract = "halle:processing@1"
            title = {{ en = "P" }}
            licence = "MIT"
            [http.api]
            origins = {origins:?}
            "#
        );
        let manifest = crate::check::parse(&manifest).unwrap();
        let limits = Limits::default();
        let installed = Installed {
            id: "p".to_owned(),
            digest: digest.to_owned(),
            manifest,
            grants,
            limits,
            signed_by: None,
        };
        let admission = Admission { imports: Vec::new(), exports: Vec::new(), initial_memory_bytes: 0 };
        Version { installed, admission, installed_at: Timestamp::UNIX_EPOCH }
    }

    fn granted_everything(mut version: Version) -> Version {
        version.installed.grants = Some(grants::asked(&version.installed.manifest));
        version
    }

    #[test]
    fn an_upgrade_keeps_its_grants_unless_it_asks_for_more() {
        let current = granted_everything(version("1", &["https://a.example", "https://b.example"], None));
        let mut installation = Installation { current, previous: Vec::new() };

        upgrade(&mut installation, version("2", &["https://a.example"], None));
        let kept = installation.current.installed.grants.clone().unwrap();
        assert_eq!(kept.origins, ["https://a.example"]);

        upgrade(&mut installation, version("3", &["https://a.example", "https://c.example"], None));
        assert_eq!(installation.current.installed.grants, None);
        let error = installation.current.installed.granted().unwrap_err();
        assert_eq!(error.code(), "denied/consent");

        let kept: Vec<&str> = installation.previous.iter().map(|v| v.installed.digest.as_str()).collect();
        assert_eq!(kept, ["2", "1"]);
    }

    #[test]
    fn installing_the_same_package_again_keeps_everything() {
        let current = granted_everything(version("1", &["https://a.example"], None));
        let mut installation = Installation { current: current.clone(), previous: Vec::new() };
        upgrade(&mut installation, version("1", &["https://a.example"], None));
        assert_eq!(installation, Installation { current, previous: Vec::new() });
    }
}
