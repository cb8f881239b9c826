//! Why a request about a catalogue was refused.

use halle_datasets::DatasetsError;
use halle_extensions::{PluginError, Problem};
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_store::StoreError;

/// Why a request about a catalogue was refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no such catalogue, import or publication, or the caller may not know of it.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A permission is missing; the text names it.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something in the body is wrong; the text says what and where.
    #[error("{0}")]
    Invalid(String),
    /// The state of things forbids it.
    #[error("{0}")]
    Conflict(String),
    /// The plugin is missing, or refused the configuration.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The local dataset refused.
    #[error(transparent)]
    Data(#[from] DatasetsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for CatalogError {
    fn from(problem: Problem) -> Self {
        Self::Plugin(PluginError::Reported(problem))
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound(what) => Self::not_found(format!("{what} n'existe pas.")),
            CatalogError::Refused(error) => error,
            CatalogError::Invalid(message) => Self::bad_request(message),
            CatalogError::Conflict(message) => Self::conflict(message),
            CatalogError::Plugin(PluginError::Reported(problem)) => {
                let field = problem.field.map(|field| format!("`config{field}` : ")).unwrap_or_default();
                Self::bad_request(format!("{field}{}", problem.message))
            }
            CatalogError::Plugin(error @ PluginError::Unavailable(_)) => {
                Self::new(StatusCode::CONFLICT, "plugin-missing", error.to_string())
            }
            CatalogError::Plugin(error) => {
                Self::new(StatusCode::BAD_GATEWAY, "plugin-failed", error.to_string())
            }
            CatalogError::Data(error) => error.into(),
            CatalogError::Store(error @ (StoreError::Stale { .. } | StoreError::Duplicate { .. })) => {
                Self::conflict(error.to_string())
            }
            CatalogError::Store(error) => Self::internal(error),
        }
    }
}
