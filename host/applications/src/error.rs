//! Why a request about an application was refused.

use halle_base::IdError;
use halle_datasets::DatasetsError;
use halle_extensions::PluginError;
use halle_http::ApiError;
use halle_store::StoreError;

/// Why a request about an application was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// There is no such application, or the caller may not know of it.
    #[error("application `{0}` does not exist")]
    NotFound(String),
    /// A permission is missing; the text names it.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// Something in the body is wrong; the text says what and where.
    #[error("{0}")]
    Invalid(String),
    /// The plugin gave no picture.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// The data could not be read.
    #[error(transparent)]
    Data(#[from] DatasetsError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What the plugin drew cannot be served.
    #[error("the drawing cannot be served: {0}")]
    Drawing(String),
}

impl From<IdError> for ApplicationError {
    fn from(error: IdError) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<ApplicationError> for ApiError {
    fn from(error: ApplicationError) -> Self {
        use halle_http::error::StatusCode as Status;
        match error {
            ApplicationError::NotFound(id) => Self::not_found(format!("L'application `{id}` n'existe pas.")),
            ApplicationError::Refused(error) => error,
            ApplicationError::Invalid(message) => Self::bad_request(message),
            ApplicationError::Plugin(error @ PluginError::Unavailable(_)) => {
                Self::new(Status::CONFLICT, "plugin-missing", error.to_string())
            }
            ApplicationError::Plugin(PluginError::Reported(problem)) => {
                Self::new(Status::BAD_REQUEST, "visualisation-refused", problem.message)
            }
            ApplicationError::Plugin(_) | ApplicationError::Drawing(_) => {
                Self::new(Status::BAD_GATEWAY, "visualisation-failed", error.to_string())
            }
            ApplicationError::Data(error) => error.into(),
            ApplicationError::Store(StoreError::Duplicate { key, value, .. }) => {
                Self::conflict(format!("`{value}` est déjà utilisé ({key})."))
            }
            ApplicationError::Store(error @ StoreError::Stale { .. }) => Self::conflict(error.to_string()),
            ApplicationError::Store(error) => Self::internal(error),
        }
    }
}
