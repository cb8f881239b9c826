//! Errors as clients see them: Data Fair's plain text, or RFC 9457 for a client that asks for JSON.

use axum::extract::Request;
pub use axum::http::{HeaderMap, StatusCode};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// An answer that is not a success. The message is for the client: it says what to do and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable code for programs, such as `dataset-not-found`.
    pub code: &'static str,
    /// Text for people.
    pub message: String,
    /// JSON pointer of what is wrong in the body of the request, such as `/config/url`, where one value of it is.
    pub pointer: Option<String>,
}

/// Result of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Any status.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), pointer: None }
    }

    /// The same, about one value of the body of the request.
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), ..self }
    }

    /// 400: a parameter, a field or a body is wrong.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", message)
    }

    /// 401: who are you?
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// 403: a permission is missing.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission-missing", message)
    }

    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    /// 409: the state of the thing forbids it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 500: logs `error` under an identifier, which is all that the client gets.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        let id = format!("{:08x}", halle_base::Dice::roll(&halle_base::SystemDice) as u32);
        tracing::error!(error.id = %id, %error, "request failed");
        let message = format!("Erreur interne, référence {id}. Internal error, reference {id}.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message.clone()).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response.extensions_mut().insert(self);
        response
    }
}

/// Rewrites errors as `application/problem+json` when the client prefers JSON to text.
pub async fn problem_documents(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    let wants_json = accept.split(',').any(|range| {
        let media_type = range.split(';').next().unwrap_or("").trim();
        matches!(media_type, "application/problem+json" | "application/json")
    }) && !accept.contains("text/plain");
    let response = next.run(request).await;
    if !wants_json {
        return response;
    }
    let Some(error) = response.extensions().get::<ApiError>().cloned() else { return response };
    let mut body = serde_json::json!({
        "type": format!("/problems/{}", error.code),
        "title": error.status.canonical_reason().unwrap_or("Error"),
        "status": error.status.as_u16(),
        "detail": error.message,
    });
    if let Some(pointer) = error.pointer {
        body["pointer"] = pointer.into();
    }
    let mut problem = (error.status, body.to_string()).into_response();
    let media_type = HeaderValue::from_static("application/problem+json");
    problem.headers_mut().insert(header::CONTENT_TYPE, media_type);
    problem.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    problem
}
