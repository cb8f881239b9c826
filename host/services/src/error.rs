//! Why a request about a remote service was refused.

use halle_extensions::{PluginError, Problem};
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_store::StoreError;

/// Why a request about a remote service was refused.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is no such service, or the caller may not know of it.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A permission is missing; the text names it.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something in the body is wrong; the text says what and where.
    #[error("{0}")]
    Invalid(String),
    /// The identifier is taken.
    #[error("{0}")]
    Conflict(String),
    /// The plugin is missing, or refused the configuration.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for ServiceError {
    fn from(problem: Problem) -> Self {
        Self::Plugin(PluginError::Reported(problem))
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::NotFound(what) => Self::not_found(format!("{what} n'existe pas.")),
            ServiceError::Refused(error) => error,
            ServiceError::Invalid(message) => Self::bad_request(message),
            ServiceError::Conflict(message) => Self::conflict(message),
            ServiceError::Plugin(PluginError::Reported(problem)) => {
                let field = problem.field.map(|field| format!("`config{field}` : ")).unwrap_or_default();
                Self::bad_request(format!("{field}{}", problem.message))
            }
            ServiceError::Plugin(error @ PluginError::Unavailable(_)) => {
                Self::new(StatusCode::CONFLICT, "plugin-missing", error.to_string())
            }
            ServiceError::Plugin(error) => {
                Self::new(StatusCode::BAD_GATEWAY, "plugin-failed", error.to_string())
            }
            ServiceError::Store(error @ StoreError::Stale { .. }) => Self::conflict(error.to_string()),
            ServiceError::Store(error) => Self::internal(error),
        }
    }
}
