//! Why a use case could not do what it was asked. [`crate::http::errors`] gives each its status, code and text.

use halle_base::{AccountRef, Timestamp};
use halle_http::ApiError;
use halle_http::error::StatusCode;
use halle_search::SearchError;
use halle_store::StoreError;

/// Result of a use case.
pub type DatasetsResult<T> = Result<T, DatasetsError>;

/// Why a use case failed. Texts are for the client, in Data Fair's words where clients match on them.
#[derive(Debug, thiserror::Error)]
pub enum DatasetsError {
    /// No such dataset: the identifier or slug asked for. The text is the one clients know.
    #[error("Dataset not found")]
    NotFound(String),
    /// No such thing within a dataset: a line, a file. The text says what.
    #[error("{0}")]
    Missing(String),
    /// A parameter, a field or a body is wrong. The text says which and why.
    #[error("{0}")]
    BadRequest(String),
    /// The state of the dataset forbids it. The text says what to wait for or to do.
    #[error("{0}")]
    Conflict(String),
    /// The owner has used up the plugin seconds that an extension needs: the pipeline goes on at `until`, or when the owner's
    /// limit is raised. The text says so.
    #[error("{message}")]
    PutOff {
        /// In French and English.
        message: String,
        /// When.
        until: Timestamp,
        /// The owner, whose limit it is.
        owner: AccountRef,
    },
    /// The upload has no length.
    #[error("Content-Length is expected for multipart requests")]
    LengthRequired,
    /// The upload is larger than allowed.
    #[error("Un fichier téléversé dépasse la limite de {0} octets.")]
    TooLarge(u64),
    /// The file is of a type that cannot be read. The text names it.
    #[error("{0}")]
    UnsupportedType(String),
    /// This version cannot do it. The text says what.
    #[error("{0}")]
    NotImplemented(String),
    /// Another server did not give what was asked of it. The text says what.
    #[error("{0}")]
    Remote(String),
    /// Refused by a permission, or an error that is already in the client's words.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The index could not answer.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Anything else of ours or of the machine. The text is for the log.
    #[error("{0}")]
    Internal(String),
}

impl DatasetsError {
    /// The account has used up what it may: 429. The text says which limit.
    pub fn over_quota(message: impl Into<String>) -> Self {
        Self::Api(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "quota-exceeded", message))
    }

    /// Wraps an error that the client cannot do anything about.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        Self::Internal(error.to_string())
    }

    /// A wrong parameter, field or body.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::BadRequest(message.into())
    }
}
