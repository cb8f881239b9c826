//! Bodies of edits: what they may be, and how much of them.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt;
use halle_base::limits::JSON_BODY_BYTES_MAX;
use halle_http::{ApiError, ApiResult};
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use crate::error::DatasetsError;

/// Media type of a request, without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_lowercase()
}

/// 415 in the words of the reference.
pub(super) fn unsupported() -> ApiError {
    let message = "Cette API attend un header content-type compatible, le plus souvent application/json.";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", message)
}

/// The values of one line, from a JSON body with a length.
pub(super) async fn line(headers: &HeaderMap, body: Body) -> ApiResult<Map<String, Value>> {
    if media_type(headers) != "application/json" {
        return Err(unsupported());
    }
    if !headers.contains_key(header::CONTENT_LENGTH) {
        return Err(DatasetsError::LengthRequired.into());
    }
    let bytes = axum::body::to_bytes(body, JSON_BODY_BYTES_MAX).await.map_err(|_| {
        let message = format!("Le corps de la requête dépasse {JSON_BODY_BYTES_MAX} octets.");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message)
    })?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        ApiError::bad_request(format!("Le corps de la requête n'est pas du JSON valide : {error}."))
    })?;
    match value {
        Value::Object(line) => Ok(line),
        other => Err(ApiError::bad_request(format!("doit être de type object (valeur : {other})"))),
    }
}

/// Writes a body of any length into a temporary file, up to `bytes_max`.
pub(super) async fn spool(
    body: Body,
    folder: &std::path::Path,
    bytes_max: u64,
) -> Result<tempfile::TempPath, DatasetsError> {
    let file = tempfile::NamedTempFile::new_in(folder).map_err(DatasetsError::internal)?;
    let (file, path) = file.into_parts();
    let mut file = tokio::fs::File::from_std(file);
    let mut stream = body.into_data_stream();
    let mut received = 0_u64;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            DatasetsError::BadRequest(format!("Le corps de la requête s'est interrompu : {error}."))
        })?;
        received += chunk.len() as u64;
        if received > bytes_max {
            return Err(DatasetsError::TooLarge(bytes_max));
        }
        file.write_all(&chunk).await.map_err(DatasetsError::internal)?;
    }
    file.flush().await.map_err(DatasetsError::internal)?;
    Ok(path)
}
