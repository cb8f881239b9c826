//! JSON bodies whose errors say what is wrong and where.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use halle_base::limits::JSON_BODY_BYTES_MAX;
use serde::de::DeserializeOwned;

use crate::error::{ApiError, ApiResult};

/// Extractor: a JSON body of at most [`JSON_BODY_BYTES_MAX`]. 415 for another media type, 413 for a larger body, 400
/// with line and column for a body that is no JSON or has a wrong field, which is named.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> ApiResult<Self> {
        let media_type = media_type(request.headers());
        if media_type != "application/json" && !media_type.ends_with("+json") {
            return Err(unsupported_media_type());
        }
        let body = bytes(request, JSON_BODY_BYTES_MAX).await?;
        parse(&body).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> ApiResult<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        let reason = not_readable(error.inner());
        // A dot is the body itself.
        if field == "." { reason } else { ApiError::bad_request(format!("`{field}` : {reason}")) }
    })?;
    deserializer.end().map_err(|error| not_readable(&error))?;
    Ok(value)
}

/// The media type of a body, lower case and without parameters; empty when the request does not say.
pub fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// 415 in Data Fair's words (reference §1.2).
pub fn unsupported_media_type() -> ApiError {
    let message =
        "Cette API attend un header content-type compatible, le plus souvent application/json.".to_owned();
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", message)
}

/// 400 for a body that `serde_json` refused, with its line and column.
pub fn not_readable(error: &serde_json::Error) -> ApiError {
    ApiError::bad_request(format!("Le corps de la requête n'est pas valide : {error}."))
}

/// Reads a whole body; 413 when it is larger than `bytes_max`.
pub async fn bytes(request: Request, bytes_max: usize) -> ApiResult<bytes::Bytes> {
    axum::body::to_bytes(request.into_body(), bytes_max).await.map_err(|_| {
        let message = format!("Le corps de la requête dépasse {bytes_max} octets ou a été interrompu.");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message)
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn read(media_type: &str, body: &'static str) -> ApiResult<JsonBody<Vec<u32>>> {
        let request = Request::builder().header(header::CONTENT_TYPE, media_type).body(Body::from(body));
        JsonBody::from_request(request.unwrap(), &()).await
    }

    #[tokio::test]
    async fn a_refused_body_says_why_and_where() {
        assert_eq!(read("application/json; charset=utf-8", "[1]").await.unwrap().0, [1]);
        let error = read("application/json", "[1,\n\"x\"]").await.unwrap_err();
        assert!(error.status == StatusCode::BAD_REQUEST && error.message.contains("line 2"), "{error}");
        let wrong = read("application/json", "[1,-2]").await.unwrap_err();
        assert!(wrong.message.starts_with("`[1]` : "), "{wrong}");
        assert!(read("application/json", "[1] 2").await.is_err(), "nothing may follow");
        assert_eq!(read("text/html", "[]").await.unwrap_err().status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
