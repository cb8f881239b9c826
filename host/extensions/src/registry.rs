//! The registry: packages that are installed, and what each was granted.
//!
//! **Invariant:** a package is admitted by the sandbox before it is stored, and stored before anything points to it.
//!
//! **Invariant:** grants never go beyond what the manifest asks; an upgrade that asks for more does not run until an
//! administrator consents, and the version before runs meanwhile.
//!
//! **Invariant:** a plugin belongs to the key that signed it: another one is refused unless an administrator takes it.
//!
//! **Invariant:** what somebody uses is not removed.

mod error;
mod retired;
mod store;
mod versions;

use std::sync::Arc;

use bytes::Bytes;
use halle_base::{AccountRef, Clock, Timestamp};
use halle_store::{EntityExt, Filter, Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::grants::{self, Grants, HostLimits, Limits};
use crate::host::{PluginHost, StaticFile};
use crate::manifest::Manifest;
use crate::package::{Package, Signer, TrustedKey};
use crate::types::{PluginError, PluginResult, Problem};
use crate::uses::{self, PluginUsers, Uses};

pub use error::RegistryError;
pub use store::{ComponentSource, MemoryComponents, PackageStore};
pub use versions::{Installation, Retired, Version, VersionState};

/// Installations that a list shows.
const LIST_MAX: u32 = 1_000;

/// Users of a plugin that are named, of each feature.
const USES_MAX: u32 = 20;

/// Accounts that may see a plugin which not every one sees.
pub const PRIVATE_ACCESS_MAX: usize = 1_000;

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
    /// Name of the trusted key that signed the package, or `None` for one that an administrator accepted without.
    pub signed_by: Option<String>,
}

/// What an administrator accepts of a package beyond what is accepted of any. Nothing by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// That nobody signed it, or nobody who is trusted.
    pub unsigned: bool,
    /// That another key signed it than the installed version, or none.
    pub new_signer: bool,
    /// That a program sends it, with an API key: what a trusted key signed is then followed by nothing less, whatever else is
    /// accepted, so that a key that is trusted no more upgrades nothing.
    pub by_key: bool,
}

/// What of an installation changes at once; the rest stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Whether nothing new may start.
    pub disabled: Option<bool>,
    /// Whether every account sees it.
    pub public: Option<bool>,
    /// Accounts that see it when not every one does. At most [`PRIVATE_ACCESS_MAX`] are kept.
    pub private_access: Option<Vec<AccountRef>>,
}

/// A package that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The version of the package.
    pub installed: Installed,
    /// Where it stands.
    pub state: VersionState,
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
    /// Who may use plugins, feature by feature.
    pub users: Vec<Arc<dyn PluginUsers>>,
}

impl Registry {
    /// Installs or upgrades a package. It runs at once with the grants of the version before when it asks for nothing that
    /// was not asked before; otherwise it waits for [`grant`](Self::grant), and the version before runs meanwhile. The same
    /// package again changes nothing.
    pub async fn install(&self, archive: &[u8], accepted: Acceptance) -> Result<Received, RegistryError> {
        let package = Package::read(archive)?;
        let signer = self.signer(&package, accepted)?;
        let id = package.manifest.plugin.id.clone();
        if let Some(installation) = self.installation(&id).await? {
            pinned(&installation, signer.as_ref(), accepted)?;
        }
        let admission =
            self.host.admit(&package.manifest, package.component()).await.map_err(RegistryError::Refused)?;
        let digest = package.digest();
        self.packages.put(&digest, Bytes::copy_from_slice(archive)).await?;

        let (component_bytes, pages) = (package.component().len() as u64, package.pages());
        let manifest = package.manifest;
        let limits = self.limits.effective(manifest.plugin.kind, manifest.limits.as_ref());
        let (signed_by, signer) = signer.map(|signer| (signer.name, signer.key)).unzip();
        let signed_by = signed_by.flatten();
        let now = self.clock.now();
        let new = Version {
            installed: Installed { id: id.clone(), digest, manifest, grants: None, limits, signed_by },
            admission,
            installed_at: now,
            signer,
            package_bytes: archive.len() as u64,
            component_bytes,
            pages,
            consented: false,
        };
        self.receive(new, accepted).await
    }

    /// Who signed a package; an error when that is nobody who is trusted and this was not accepted.
    fn signer(&self, package: &Package, accepted: Acceptance) -> Result<Option<Signer>, RegistryError> {
        match package.verify(&self.trusted_keys)? {
            Some(signer) if signer.name.is_none() && !accepted.unsigned => {
                Err(RegistryError::Untrusted { key: signer.key })
            }
            None if !accepted.unsigned => Err(RegistryError::Unsigned),
            signer => Ok(signer),
        }
    }

    async fn receive(&self, new: Version, accepted: Acceptance) -> Result<Received, RegistryError> {
        let (now, id, digest) = (new.installed_at, new.installed.id.clone(), new.installed.digest.clone());
        let mut work = self.store.begin().await?;
        let (installation, state, mut over) = if let Some(mut stored) = work.load::<Installation>(&id).await?
        {
            let name = new.installed.signed_by.clone();
            let signer = new.signer.clone().map(|key| Signer { key, name });
            pinned(&stored.entity, signer.as_ref(), accepted)?;
            let before = stored.entity.digests();
            let state = stored.entity.receive(new);
            let over = stored.entity.retire(&before, now);
            work.save(&mut stored, now).await?;
            (stored.entity, state, over)
        } else {
            let entity = Installation::new(new);
            work.insert(&entity, now).await?;
            (entity, VersionState::Current, Vec::new())
        };
        work.commit().await?;
        over.extend(self.bound_retired(now).await);
        self.packages.forget(&over).await;
        tracing::info!(plugin.id = %id, plugin.digest = %digest, ?state, "installed a plugin");
        let version =
            if state == VersionState::Waiting { installation.undecided() } else { &installation.current };
        Ok(Received { installed: version.installed.clone(), state })
    }

    /// Grants what an administrator decided, or everything that is asked, to the version with this digest, or to the current
    /// one when none waits. A version that waited runs from now on.
    pub async fn grant(
        &self,
        id: &str,
        digest: Option<&str>,
        decided: Option<Grants>,
    ) -> Result<Installed, RegistryError> {
        self.change(id, |installation| installation.consent(digest, decided)).await
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
        self.change(id, |installation| installation.activate(None)).await
    }

    /// Makes a version that is kept the current one, with the grants it had. What runs ends on the version it began with.
    pub async fn activate(&self, id: &str, digest: &str) -> Result<Installed, RegistryError> {
        self.change(id, |installation| installation.activate(Some(digest))).await
    }

    /// Forgets a version that does not run: one that is kept, or one that waits, which declines it.
    pub async fn forget(&self, id: &str, digest: &str) -> Result<Installed, RegistryError> {
        self.change(id, |installation| installation.forget(digest)).await
    }

    /// Stops a plugin, or lets it start again: nothing new starts while it is disabled, and everything is kept.
    pub async fn disable(&self, id: &str, disabled: bool) -> Result<Installed, RegistryError> {
        self.adjust(id, Change { disabled: Some(disabled), ..Change::default() }).await
    }

    /// Changes whether a plugin may start and who sees it, in one transaction: nobody else's change is lost or undone.
    pub async fn adjust(&self, id: &str, change: Change) -> Result<Installed, RegistryError> {
        self.change(id, |installation| {
            installation.disabled = change.disabled.unwrap_or(installation.disabled);
            installation.public = change.public.unwrap_or(installation.public);
            if let Some(mut accounts) = change.private_access {
                accounts.truncate(PRIVATE_ACCESS_MAX);
                installation.private_access = accounts;
            }
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
        let (before, now) = (stored.entity.digests(), self.clock.now());
        change(&mut stored.entity)?;
        let mut over = stored.entity.retire(&before, now);
        work.save(&mut stored, now).await?;
        work.commit().await?;
        over.extend(self.bound_retired(now).await);
        self.packages.forget(&over).await;
        Ok(stored.entity.current.installed)
    }

    /// Bounds the forgotten versions of all plugins; the digests of packages to forget. In a work of its own, after the change:
    /// it writes other plugins, and what somebody else does to them must neither undo this change nor wait for it. What fails
    /// is done by the next change.
    async fn bound_retired(&self, now: Timestamp) -> Vec<String> {
        let bounded = async {
            let mut work = self.store.begin().await?;
            let over = retired::bound(work.as_mut(), now).await?;
            work.commit().await?;
            Ok::<_, StoreError>(over)
        };
        bounded.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "forgotten versions of plugins stay until the next change");
            Vec::new()
        })
    }

    /// All that is known of a plugin, or `None`.
    pub async fn installation(&self, id: &str) -> Result<Option<Installation>, RegistryError> {
        let found = self.store.read().await?.load::<Installation>(id).await?;
        Ok(found.map(|stored| stored.entity))
    }

    /// The current version of a plugin, without grants while it is disabled, or `None`.
    pub async fn get(&self, id: &str) -> Result<Option<Arc<Installed>>, RegistryError> {
        let found = self.installation(id).await?;
        Ok(found.map(|installation| {
            let mut installed = installation.current.installed;
            if installation.disabled {
                installed.grants = None;
            }
            Arc::new(installed)
        }))
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

    /// Who uses a plugin.
    pub async fn uses(&self, id: &str) -> Result<Uses, RegistryError> {
        let mut unit = self.store.read().await?;
        Ok(uses::all(&self.users, unit.as_mut(), id, USES_MAX).await?)
    }

    /// Forgets a plugin that nobody uses, and its packages. Whether there was one.
    pub async fn remove(&self, id: &str) -> Result<bool, RegistryError> {
        let mut work = self.store.begin().await?;
        let Some(mut stored) = work.load::<Installation>(id).await? else { return Ok(false) };
        // Written first, which waits for whoever holds it and makes later ones wait: who begins to use it meanwhile is either
        // counted below, or finds it gone (see `InstalledPlugins::hold`).
        work.save(&mut stored, self.clock.now()).await?;
        let uses = uses::all(&self.users, work.as_mut(), id, USES_MAX).await?;
        if uses.count > 0 {
            return Err(RegistryError::InUse { id: id.to_owned(), uses });
        }
        work.remove::<Installation>(id).await?;
        work.commit().await?;
        let mut packages = stored.entity.digests();
        packages.extend(stored.entity.retired.into_iter().map(|retired| retired.digest));
        self.packages.forget(&packages).await;
        Ok(true)
    }
}

/// Refuses a package that another key signed than the installed version, unless that was accepted; and by an API key, one
/// that no trusted key signed after one that such a key did. What nobody signed may be followed by what anybody did who is
/// accepted. Of versions that earlier releases stored, the name of the key is known alone.
fn pinned(
    installation: &Installation,
    signer: Option<&Signer>,
    accepted: Acceptance,
) -> Result<(), RegistryError> {
    let Version { installed, signer: pinned_key, .. } = &installation.current;
    let found = signer.map(|signer| &signer.key);
    let found_name = signer.and_then(|signer| signer.name.as_ref());
    let other = match (pinned_key, &installed.signed_by) {
        (Some(key), _) => Some(key).filter(|_| found != Some(key)),
        (None, Some(name)) => Some(name).filter(|_| found_name != Some(name)),
        (None, None) => None,
    };
    if let Some(pinned) = other.filter(|_| !accepted.new_signer) {
        let (id, pinned) = (installed.id.clone(), pinned.clone());
        return Err(RegistryError::OtherSigner { id, pinned, found: found.cloned() });
    }
    match &installed.signed_by {
        Some(name) if accepted.by_key && found_name.is_none() => {
            Err(RegistryError::NoLongerTrusted { id: installed.id.clone(), name: name.clone() })
        }
        _ => Ok(()),
    }
}

impl Installed {
    /// What this version asks for beyond what `before`, another version of the plugin, has or would have with `held`, one
    /// entry each, in words. Nothing if it may run in its place with what is common to both.
    pub fn asks_beyond(&self, before: &Self, held: &Grants) -> Vec<String> {
        let asked = grants::asked(&self.manifest);
        let mut more = asked.beyond(held);
        let reached = grants::reach(&before.manifest, held);
        let reaches = grants::reach(&self.manifest, &asked);
        more.extend(reaches.difference(&reached).map(ToString::to_string));
        // The same question may have another answer since the host allows more: that is the host's decision, not this one's.
        let asks_alike = self.manifest.limits == before.manifest.limits
            && self.manifest.plugin.kind == before.manifest.plugin.kind;
        if !asks_alike {
            more.extend(self.limits.beyond(&before.limits));
        }
        more
    }

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
