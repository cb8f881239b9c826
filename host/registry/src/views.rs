//! What the registry answers with.

use std::collections::BTreeMap;

use halle_base::Timestamp;
use halle_extensions::grants::{Grants, Limits, asked};
use halle_extensions::host::Admission;
use halle_extensions::manifest::PluginKind;
use halle_extensions::registry::{Installation, Version};
use serde::Serialize;
use serde_json::Value;

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
    /// Whether an administrator consented: a plugin without consent does not run.
    granted: bool,
    /// JSON Schema of its configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_schema: Option<Value>,
    /// Names of the datasets it reads or writes.
    slots: Vec<String>,
    updated_at: Timestamp,
    previous_versions: Vec<PreviousView>,
}

/// A version that is kept for a rollback.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct PreviousView {
    version: String,
    digest: String,
    installed_at: Timestamp,
}

impl From<&Version> for PreviousView {
    fn from(version: &Version) -> Self {
        Self {
            version: version.installed.manifest.plugin.version.clone(),
            digest: version.installed.digest.clone(),
            installed_at: version.installed_at,
        }
    }
}

impl From<&Installation> for ArtefactView {
    fn from(installation: &Installation) -> Self {
        let Version { installed, installed_at, .. } = &installation.current;
        let plugin = installed.manifest.plugin.clone();
        Self {
            raw_id: installed.id.clone(),
            id: installed.id.clone(),
            name: installed.id.clone(),
            format: "wasm",
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
            granted: installed.grants.is_some(),
            config_schema: installed.manifest.config.clone(),
            slots: installed.manifest.slots.keys().cloned().collect(),
            updated_at: *installed_at,
            previous_versions: installation.previous.iter().map(PreviousView::from).collect(),
        }
    }
}

/// What a plugin asks for beside what it was granted: the page an administrator reads before consenting.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AskedView {
    id: String,
    version: String,
    digest: String,
    /// Absent for a package that nobody signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<String>,
    /// Everything its manifest asks for.
    asked: Grants,
    /// What was granted; `null` until somebody decided.
    granted: Option<Grants>,
    /// Limits on each call.
    limits: Limits,
    /// Interfaces its component imports: what it could ever use.
    admission: Admission,
}

impl From<&Version> for AskedView {
    fn from(version: &Version) -> Self {
        let installed = &version.installed;
        Self {
            id: installed.id.clone(),
            version: installed.manifest.plugin.version.clone(),
            digest: installed.digest.clone(),
            signed_by: installed.signed_by.clone(),
            asked: asked(&installed.manifest),
            granted: installed.grants.clone(),
            limits: installed.limits,
            admission: version.admission.clone(),
        }
    }
}
