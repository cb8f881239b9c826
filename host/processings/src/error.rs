//! Why a request about a processing was refused.

use halle_extensions::{PluginError, Problem};
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_store::StoreError;

/// Why a request about a processing was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProcessingError {
    /// There is no such processing or run, or the caller may not know of it.
    #[error("{0} does not exist")]
    NotFound(String),
    /// A permission is missing; the text names it.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something in the body is wrong; the text says what and where.
    #[error("{0}")]
    Invalid(String),
    /// The state of the processing forbids it.
    #[error("{0}")]
    Conflict(String),
    /// The plugin is missing, or refused the configuration.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for ProcessingError {
    fn from(problem: Problem) -> Self {
        Self::Plugin(PluginError::Reported(problem))
    }
}

impl From<ProcessingError> for ApiError {
    fn from(error: ProcessingError) -> Self {
        match error {
            ProcessingError::NotFound(what) => Self::not_found(format!("{what} n'existe pas.")),
            ProcessingError::Refused(error) => error,
            ProcessingError::Invalid(message) => Self::bad_request(message),
            ProcessingError::Conflict(message) => Self::conflict(message),
            ProcessingError::Plugin(PluginError::Reported(problem)) => {
                let field = problem.field.map(|field| format!("`config{field}` : ")).unwrap_or_default();
                Self::bad_request(format!("{field}{}", problem.message))
            }
            ProcessingError::Plugin(error @ PluginError::Unavailable(_)) => {
                Self::new(StatusCode::CONFLICT, "plugin-missing", error.to_string())
            }
            ProcessingError::Plugin(error) => {
                Self::new(StatusCode::BAD_GATEWAY, "plugin-failed", error.to_string())
            }
            ProcessingError::Store(error @ StoreError::Stale { .. }) => Self::conflict(error.to_string()),
            ProcessingError::Store(error) => Self::internal(error),
        }
    }
}
