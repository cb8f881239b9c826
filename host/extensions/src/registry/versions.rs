//! Versions of one plugin, side by side: one runs, one may wait for consent, some are kept.
//!
//! **Invariant:** what runs was granted at most what its own manifest asks, and an upgrade never brings more than was asked
//! before: it waits beside the version that runs until an administrator consents.

use halle_base::{AccountRef, Timestamp};
use halle_model::Caller;
use halle_model::permission::{Operation, operation};
use halle_model::plugins::{PLUGIN_OPERATIONS, can_of_plugins, can_of_private_plugin};
use halle_store::{Entity, Key};
use serde::{Deserialize, Serialize};

use super::{Installed, RegistryError};
use crate::grants::{self, Grants};
use crate::host::Admission;
use crate::package::Pages;

/// Earlier versions that are kept for a rollback.
pub(super) const PREVIOUS_MAX: usize = 5;

/// Hours that the package of a forgotten version stays: longer than anything runs that may have begun with it.
const RETIRED_KEPT_H: i64 = 24;

/// Packages of forgotten versions that stay at once: whoever may send versions fills no disk.
pub(super) const RETIRED_MAX: usize = 20;

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
    /// Public key, in hex, of whoever signed the package, trusted or not; `None` when nobody did.
    #[serde(default)]
    pub signer: Option<String>,
    /// Bytes of the package, compressed.
    #[serde(default)]
    pub package_bytes: u64,
    /// Bytes of the component.
    #[serde(default)]
    pub component_bytes: u64,
    /// Pages for people among its files.
    #[serde(default)]
    pub pages: Pages,
    /// Whether an administrator consented to this very version, and not to one before it alone.
    #[serde(default)]
    pub consented: bool,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// It runs, or would if it were granted what it asks for.
    Current,
    /// It asks for more than the current one, and waits for consent.
    Waiting,
    /// It ran once, and is kept for a rollback.
    Kept,
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
    /// A version that asks for more than the current one was asked for.
    #[serde(default)]
    pub waiting: Option<Version>,
    /// Whether an administrator stopped it: nothing new starts, everything is kept.
    #[serde(default)]
    pub disabled: bool,
    /// Whether every account sees it.
    #[serde(default = "yes")]
    pub public: bool,
    /// Accounts that see it when not every one does.
    #[serde(default)]
    pub private_access: Vec<AccountRef>,
    /// Versions that were forgotten lately: their packages stay a while, so that what runs may end.
    #[serde(default)]
    pub retired: Vec<Retired>,
}

/// A version that was forgotten.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retired {
    /// Its digest.
    pub digest: String,
    /// When it was forgotten.
    pub retired_at: Timestamp,
}

fn yes() -> bool {
    true
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

impl Installation {
    /// The first version of a plugin, seen by every account.
    pub fn new(first: Version) -> Self {
        Self {
            current: first,
            previous: Vec::new(),
            waiting: None,
            disabled: false,
            public: true,
            private_access: Vec::new(),
            retired: Vec::new(),
        }
    }

    /// Notes which of the versions `before` are there no more; the digests of those whose time is over, or which are too many,
    /// the oldest first, which are dropped.
    pub(super) fn retire(&mut self, before: &[String], now: Timestamp) -> Vec<String> {
        let stays: Vec<String> = self.digests();
        self.retired.retain(|retired| !stays.contains(&retired.digest));
        let gone = before.iter().filter(|digest| !stays.contains(digest));
        self.retired.extend(gone.map(|digest| Retired { digest: digest.clone(), retired_at: now }));
        let mut over = self.retired_before(None, now);
        let too_many = self.retired.len().saturating_sub(RETIRED_MAX);
        over.extend(self.retired.drain(..too_many).map(|retired| retired.digest));
        over
    }

    /// Drops the forgotten versions whose time is over, and those that were forgotten before `oldest_kept`; their digests.
    pub(super) fn retired_before(&mut self, oldest_kept: Option<Timestamp>, now: Timestamp) -> Vec<String> {
        let is_over = |retired: &Retired| {
            now.duration_since(retired.retired_at).as_hours() >= RETIRED_KEPT_H
                || oldest_kept.is_some_and(|kept| retired.retired_at < kept)
        };
        let (over, kept): (Vec<Retired>, Vec<Retired>) = self.retired.drain(..).partition(is_over);
        self.retired = kept;
        over.into_iter().map(|retired| retired.digest).collect()
    }

    /// Digests of every version.
    pub(super) fn digests(&self) -> Vec<String> {
        self.versions().map(|(_, version)| version.installed.digest.clone()).collect()
    }

    /// Every version with its state: the current one, the one that waits, then those that are kept.
    pub fn versions(&self) -> impl Iterator<Item = (VersionState, &Version)> {
        let waiting = self.waiting.iter().map(|version| (VersionState::Waiting, version));
        let kept = self.previous.iter().map(|version| (VersionState::Kept, version));
        std::iter::once((VersionState::Current, &self.current)).chain(waiting).chain(kept)
    }

    /// The version with this digest.
    pub fn version(&self, digest: &str) -> Option<(VersionState, &Version)> {
        self.versions().find(|(_, version)| version.installed.digest == digest)
    }

    /// The version that a decision is wanted on: the one that waits, or else the current one.
    pub fn undecided(&self) -> &Version {
        self.waiting.as_ref().unwrap_or(&self.current)
    }

    /// Whether a caller may do an operation of [`PLUGIN_OPERATIONS`] on the plugin.
    pub fn allows(&self, caller: &Caller, operation: Operation) -> bool {
        if self.public {
            can_of_plugins(caller, operation)
        } else {
            can_of_private_plugin(caller, operation, &self.private_access)
        }
    }

    /// Whether an account sees the plugin.
    pub fn is_visible_to(&self, account: &AccountRef) -> bool {
        self.allows(&Caller::account_itself(account.clone()), operation(PLUGIN_OPERATIONS, "readArtefact"))
    }

    /// Takes a version in, and says where it stands: it runs at once, with the grants of the old one, unless it asks for
    /// more and the old one runs.
    pub(super) fn receive(&mut self, mut new: Version) -> VersionState {
        let old = &self.current.installed;
        let digest = new.installed.digest.clone();
        let asked = grants::asked(&new.installed.manifest);
        let asks_for_more = !new.installed.asks_beyond(old, &grants::asked(&old.manifest)).is_empty();
        // The same package again is the same version: what was said of it stays said.
        new.consented = self.versions().any(|(_, known)| known.consented && known.installed.digest == digest);
        if asks_for_more && old.grants.is_some() {
            self.waiting = Some(new);
            return VersionState::Waiting;
        }
        if !asks_for_more {
            new.installed.grants = old.grants.as_ref().map(|grants| grants.narrowed_to(&asked));
        }
        self.make_current(new);
        VersionState::Current
    }

    /// Decides what a version may do: the one with this digest, or the current one when none waits. One that waited runs from
    /// now on.
    pub(super) fn consent(
        &mut self,
        digest: Option<&str>,
        decided: Option<Grants>,
    ) -> Result<(), RegistryError> {
        if let (None, Some(Version { installed, .. })) = (digest, &self.waiting) {
            // Another version than the one that was read about may have come meanwhile.
            let (id, digest) = (installed.id.clone(), installed.digest.clone());
            let version = installed.manifest.plugin.version.clone();
            return Err(RegistryError::WhichVersion { id, version, digest });
        }
        let digest = digest.unwrap_or(&self.current.installed.digest).to_owned();
        let is_waiting = self.waiting.as_ref().is_some_and(|waiting| waiting.installed.digest == digest);
        if !is_waiting && self.current.installed.digest != digest {
            return Err(RegistryError::NoVersion { id: self.id().to_owned(), version: digest });
        }
        let mut version = match self.waiting.take_if(|_| is_waiting) {
            Some(waiting) => waiting,
            None => self.current.clone(),
        };
        let asked = grants::asked(&version.installed.manifest);
        let decided = decided.unwrap_or_else(|| asked.clone());
        let beyond = decided.beyond(&asked);
        if !beyond.is_empty() {
            return Err(RegistryError::NotAsked(beyond));
        }
        version.installed.grants = Some(decided);
        version.consented = true;
        self.make_current(version);
        Ok(())
    }

    /// Makes a kept version the current one, with the grants it had; the last current one without a digest.
    pub(super) fn activate(&mut self, digest: Option<&str>) -> Result<(), RegistryError> {
        let id = self.id().to_owned();
        if digest == Some(&self.current.installed.digest) {
            return Ok(());
        }
        let is_wanted = |version: &Version| digest.is_none_or(|digest| version.installed.digest == digest);
        let position = self.previous.iter().position(is_wanted).ok_or_else(|| match digest {
            None => RegistryError::NoPrevious(id.clone()),
            Some(digest) => RegistryError::NoVersion { id: id.clone(), version: digest.to_owned() },
        })?;
        let wanted = &self.previous[position].installed;
        if wanted.grants.is_none() && self.current.installed.grants.is_some() {
            let version = wanted.manifest.plugin.version.clone();
            return Err(RegistryError::NotGranted { id, version });
        }
        let wanted = self.previous.remove(position);
        self.make_current(wanted);
        Ok(())
    }

    /// Forgets a version that does not run.
    pub(super) fn forget(&mut self, digest: &str) -> Result<(), RegistryError> {
        let id = self.id().to_owned();
        let (state, version) = self
            .version(digest)
            .ok_or_else(|| RegistryError::NoVersion { id: id.clone(), version: digest.to_owned() })?;
        if state == VersionState::Current {
            let version = version.installed.manifest.plugin.version.clone();
            return Err(RegistryError::IsCurrent { id, version });
        }
        if state == VersionState::Waiting {
            // It may be kept too, with the grants it once had: what is declined is the upgrade.
            self.waiting = None;
        } else {
            self.previous.retain(|version| version.installed.digest != digest);
        }
        Ok(())
    }

    /// Makes a version current and keeps the last one, among a few others. The last of them that an administrator consented
    /// to is always one: whoever may send versions leaves a way back.
    fn make_current(&mut self, new: Version) {
        let old = std::mem::replace(&mut self.current, new);
        let digest = &self.current.installed.digest;
        self.previous.insert(0, old);
        self.previous.retain(|version| version.installed.digest != *digest);
        self.waiting.take_if(|waiting| waiting.installed.digest == *digest);
        let spared = self.previous.iter().position(|version| version.consented);
        if let Some(spared) = spared.filter(|spared| *spared >= PREVIOUS_MAX) {
            self.previous.swap(spared, PREVIOUS_MAX - 1);
        }
        self.previous.truncate(PREVIOUS_MAX);
    }
}

#[cfg(test)]
mod tests;
