//! The registry: packages that are installed, and what each was granted.

use serde::{Deserialize, Serialize};

use crate::grants::{Grants, Limits};
use crate::manifest::Manifest;

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
