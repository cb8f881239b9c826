//! Errors of the directory: what stops it from starting, and how storage errors reach clients.

use std::path::PathBuf;

use halle_http::ApiError;
use halle_store::StoreError;

/// Why the directory cannot start, or a command on it failed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The key file cannot be read or written.
    #[error(
        "cannot use the signing keys in {path}: {source}. Check that the folder exists and belongs to this user"
    )]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file holds something else.
    #[error(
        "{path} holds no signing keys: {reason}. Restore it from a backup, or remove it: everybody signs in again"
    )]
    BrokenKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An account that a command names does not exist or may not.
    #[error("{0}")]
    Refused(String),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a storage error reaches a client: conflicts as 409, the rest as 500.
pub(crate) fn stored(error: StoreError) -> ApiError {
    match error {
        StoreError::Duplicate { key, .. } if key == "email" => ApiError::conflict(
            "Un compte existe déjà pour cette adresse. This address has an account already.",
        ),
        StoreError::Duplicate { key, value, .. } => ApiError::conflict(format!(
            "`{value}` est déjà utilisé comme {key} : choisissez une autre valeur."
        )),
        StoreError::Stale { .. } => {
            ApiError::conflict("Cette ressource vient d'être modifiée par quelqu'un d'autre : rechargez-la.")
        }
        other => ApiError::internal(other),
    }
}
