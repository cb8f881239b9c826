//! Why the registry refuses. The texts are for the command line; routes tell the same in their own words.

use halle_store::StoreError;

use crate::package::{PackageError, key_id};
use crate::types::PluginError;
use crate::uses::Uses;

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
    /// Somebody signed the package whom nobody trusts, and nobody accepted that.
    #[error(
        "the package is signed by the key {key} (identifier {}), which this installation does not trust: add `NAME={key}` to \
         HALLE_TRUSTED_KEYS if you trust whose it is, or install this one package with `--accept-unsigned`",
        key_id(.key)
    )]
    Untrusted {
        /// Public key in hex.
        key: String,
    },
    /// Somebody else than the publisher of the installed version signed the package, or nobody did.
    #[error(
        "the installed version of `{id}` is signed by the key {}, this package {}: it may come from somebody else. Ask the \
         publisher; if they changed their key, install it with `--accept-new-signer`",
        key_id(.pinned), signed_by(.found.as_deref())
    )]
    OtherSigner {
        /// The plugin.
        id: String,
        /// Public key of the installed version, in hex.
        pinned: String,
        /// Public key of the package, in hex; `None` when it is not signed.
        found: Option<String>,
    },
    /// A trusted key signed the installed version, none signed the package, and a program sends it.
    #[error(
        "the installed version of `{id}` is signed by a key that was trusted, `{name}`: an API key sends nothing that no trusted \
         key signed after it. Sign the package with a trusted key, or let an administrator install it"
    )]
    NoLongerTrusted {
        /// The plugin.
        id: String,
        /// Name of the key of the installed version.
        name: String,
    },
    /// The sandbox refused the component.
    #[error("the plugin is refused: {0}")]
    Refused(PluginError),
    /// There is no such plugin.
    #[error("no plugin `{0}` is installed")]
    NotFound(String),
    /// There is no such version of the plugin, or not any more.
    #[error("`{id}` has no version {version}: see `halle plugin versions {id}`")]
    NoVersion {
        /// The plugin.
        id: String,
        /// What was asked for: a digest.
        version: String,
    },
    /// A version waits, and the decision does not say which version it is about.
    #[error(
        "version {version} of `{id}` waits: read what it asks for, then grant it, or the current one, by its digest with \
         `--digest` (it is {digest}; see `halle plugin versions {id}`)"
    )]
    WhichVersion {
        /// The plugin.
        id: String,
        /// The version that waits.
        version: String,
        /// Its digest.
        digest: String,
    },
    /// More was granted than the manifest asks.
    #[error("the plugin does not ask for {}: grant at most what it asks", .0.join(", "))]
    NotAsked(Vec<String>),
    /// There is no earlier version.
    #[error("no earlier version of `{0}` is kept")]
    NoPrevious(String),
    /// The version that should run was never granted what it asks for, and the one that runs was.
    #[error("version {version} of `{id}` was never granted what it asks for: it would not run")]
    NotGranted {
        /// The plugin.
        id: String,
        /// Its version.
        version: String,
    },
    /// The version runs: it can be replaced, not removed.
    #[error(
        "version {version} of `{id}` is the one that runs: roll back or upgrade first, or remove the plugin"
    )]
    IsCurrent {
        /// The plugin.
        id: String,
        /// Its version.
        version: String,
    },
    /// Somebody uses the plugin.
    #[error("`{id}` is used by {uses}: change or remove that first, or disable the plugin")]
    InUse {
        /// The plugin.
        id: String,
        /// By whom.
        uses: Uses,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn signed_by(key: Option<&str>) -> String {
    key.map_or_else(|| "by nobody".to_owned(), |key| format!("by {}", key_id(key)))
}
