//! What the registry answers with.

use std::collections::BTreeMap;

use halle_base::{AccountRef, Timestamp};
use halle_extensions::grants::{Grants, Limits, asked};
use halle_extensions::host::Admission;
use halle_extensions::manifest::PluginKind;
use halle_extensions::package::{Pages, key_id};
use halle_extensions::registry::{Installation, Version, VersionState};
use halle_model::Caller;
use serde::Serialize;
use serde_json::Value;

/// Form of every artefact here: a package with a WebAssembly component.
pub const FORMAT: &str = "wasm";

/// Attributes of [`ArtefactView`], which `select` may name.
pub const ARTEFACT_ATTRIBUTES: [&str; 27] = [
    "_id",
    "id",
    "name",
    "format",
    "category",
    "contract",
    "version",
    "licence",
    "title",
    "description",
    "authors",
    "homepage",
    "digest",
    "signedBy",
    "keyId",
    "granted",
    "disabled",
    "public",
    "privateAccess",
    "size",
    "componentSize",
    "pages",
    "configSchema",
    "slots",
    "updatedAt",
    "waiting",
    "previousVersions",
];

/// An installed plugin, for whoever may configure one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtefactView {
    #[serde(rename = "_id")]
    raw_id: String,
    id: String,
    name: String,
    format: &'static str,
    category: PluginKind,
    contract: String,
    version: String,
    licence: String,
    title: BTreeMap<String, String>,
    description: BTreeMap<String, String>,
    authors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    /// Hex SHA-256 of the package.
    digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// Identifier of the key that signed the package, trusted or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// Whether an administrator consented: a plugin without consent does not run.
    granted: bool,
    /// Whether an administrator stopped it.
    disabled: bool,
    /// Whether every account sees it.
    public: bool,
    /// Accounts that see it when not every one does; for superadmins.
    #[serde(skip_serializing_if = "Option::is_none")]
    private_access: Option<Vec<AccountRef>>,
    /// Bytes of the package.
    size: u64,
    /// Bytes of the component.
    component_size: u64,
    /// Names of its pages for people, among its static files.
    pages: Pages,
    /// JSON Schema of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_schema: Option<Value>,
    /// Names of the datasets it reads or writes.
    slots: Vec<String>,
    updated_at: Timestamp,
    /// A version that asks for more than this one, and waits for consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<VersionView>,
    previous_versions: Vec<VersionView>,
}

/// A version, in a list.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    version: String,
    digest: String,
    /// `current`, `waiting` or `kept`.
    state: VersionState,
    granted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    size: u64,
    component_size: u64,
    pages: Pages,
    installed_at: Timestamp,
}

impl From<(VersionState, &Version)> for VersionView {
    fn from((state, version): (VersionState, &Version)) -> Self {
        let installed = &version.installed;
        Self {
            version: installed.manifest.plugin.version.clone(),
            digest: installed.digest.clone(),
            state,
            granted: installed.grants.is_some(),
            signed_by: installed.signed_by.clone(),
            key_id: identifier(version),
            size: version.package_bytes,
            component_size: version.component_bytes,
            pages: version.pages.clone(),
            installed_at: version.installed_at,
        }
    }
}

/// Identifier of the key that signed a version.
fn identifier(version: &Version) -> Option<String> {
    version.signer.as_deref().map(|key| key_id(key).to_owned())
}

impl From<&Installation> for ArtefactView {
    fn from(installation: &Installation) -> Self {
        let Version { installed, installed_at, .. } = &installation.current;
        let views = |wanted: VersionState| {
            installation.versions().filter(move |(state, _)| *state == wanted).map(VersionView::from)
        };
        let plugin = installed.manifest.plugin.clone();
        Self {
            raw_id: installed.id.clone(),
            id: installed.id.clone(),
            name: installed.id.clone(),
            format: FORMAT,
            category: plugin.kind,
            contract: plugin.contract,
            version: plugin.version,
            licence: plugin.licence,
            title: plugin.title,
            description: plugin.description,
            authors: plugin.authors,
            homepage: plugin.homepage,
            digest: installed.digest.clone(),
            signed_by: installed.signed_by.clone(),
            key_id: identifier(&installation.current),
            granted: installed.grants.is_some(),
            disabled: installation.disabled,
            public: installation.public,
            private_access: Some(installation.private_access.clone()),
            size: installation.current.package_bytes,
            component_size: installation.current.component_bytes,
            pages: installation.current.pages.clone(),
            config_schema: installed.manifest.config.clone(),
            slots: installed.manifest.slots.keys().cloned().collect(),
            updated_at: *installed_at,
            waiting: views(VersionState::Waiting).next(),
            previous_versions: views(VersionState::Kept).collect(),
        }
    }
}

impl ArtefactView {
    /// What a caller may see of it: who else does is for superadmins, and for no key of theirs.
    pub fn for_caller(installation: &Installation, caller: &Caller) -> Self {
        let mut view = Self::from(installation);
        view.private_access.take_if(|_| !caller.admin_mode || caller.scopes.is_some());
        view
    }
}

/// What a plugin asks for beside what it was granted: the page an administrator reads before consenting.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    id: String,
    version: String,
    digest: String,
    state: VersionState,
    /// Absent for a package that nobody signed who is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// Identifier of the key that signed it, trusted or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    /// Everything its manifest asks for.
    asked: Grants,
    /// What was granted; `null` until somebody decided.
    granted: Option<Grants>,
    /// What the current version was granted, which an upgrade is compared with; `null` when it was granted nothing yet.
    granted_before: Option<Grants>,
    /// What it asks for that the current version did not ask for, each list of grants and what goes together:
    /// `origins: https://...`, `http: POST https://...`, `secret: token (bearer) -> https://...`, `kind: ...`, `cpuMsMax: ...`.
    added: Vec<String>,
    /// What the current version asked for that it does not any more.
    dropped: Vec<String>,
    /// Limits on each call.
    limits: Limits,
    /// Interfaces its component imports: what it could ever use.
    admission: Admission,
}

impl AskedView {
    /// What one version of a plugin asks for.
    pub fn new(installation: &Installation, state: VersionState, version: &Version) -> Self {
        let (installed, current) = (&version.installed, &installation.current.installed);
        let (asked, asked_before) = (asked(&installed.manifest), asked(&current.manifest));
        Self {
            id: installed.id.clone(),
            version: installed.manifest.plugin.version.clone(),
            digest: installed.digest.clone(),
            state,
            signed_by: installed.signed_by.clone(),
            key_id: identifier(version),
            added: installed.asks_beyond(current, &asked_before),
            dropped: asked_before.beyond(&asked),
            asked,
            granted: installed.grants.clone(),
            granted_before: current.grants.clone(),
            limits: installed.limits,
            admission: version.admission.clone(),
        }
    }
}
