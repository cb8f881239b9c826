//! Status, code and text of every error of the feature.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use halle_http::ApiError;
use halle_search::SearchError;
use halle_store::StoreError;

use crate::error::DatasetsError;

impl From<DatasetsError> for ApiError {
    fn from(error: DatasetsError) -> Self {
        let text = error.to_string();
        let (status, code) = match error {
            DatasetsError::Api(error) => return error,
            DatasetsError::Internal(_) => return Self::internal(text),
            DatasetsError::Store(StoreError::Duplicate { .. }) => (StatusCode::CONFLICT, "duplicate"),
            DatasetsError::Store(StoreError::Stale { .. }) => (StatusCode::CONFLICT, "stale"),
            DatasetsError::Store(_) => return Self::internal(text),
            DatasetsError::Search(SearchError::BadRequest(_)) => (StatusCode::BAD_REQUEST, "bad-request"),
            DatasetsError::Search(SearchError::TooLong) => (StatusCode::GATEWAY_TIMEOUT, "search-too-long"),
            DatasetsError::Search(_) => return Self::internal(text),
            DatasetsError::NotFound(_) => (StatusCode::NOT_FOUND, "dataset-not-found"),
            DatasetsError::Missing(_) => (StatusCode::NOT_FOUND, "not-found"),
            DatasetsError::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad-request"),
            DatasetsError::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            DatasetsError::PutOff { .. } => (StatusCode::TOO_MANY_REQUESTS, "quota-exceeded"),
            DatasetsError::LengthRequired => (StatusCode::LENGTH_REQUIRED, "length-required"),
            DatasetsError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "file-too-large"),
            DatasetsError::UnsupportedType(_) => (StatusCode::BAD_REQUEST, "unsupported-type"),
            DatasetsError::Remote(_) => (StatusCode::BAD_GATEWAY, "remote-file"),
            DatasetsError::NotImplemented(_) => (StatusCode::NOT_IMPLEMENTED, "not-implemented"),
        };
        Self::new(status, code, text)
    }
}

impl IntoResponse for DatasetsError {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
