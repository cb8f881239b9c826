//! Bodies of edits: what they may be, and how much of them.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt;
use halle_base::limits::JSON_BODY_BYTES_MAX;
use halle_http::{ApiError, ApiResult};
use halle_model::Dataset;
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use super::multipart::{Form, ReceivedFile};
use crate::error::DatasetsError;
use crate::service::write::cell;
use crate::state::Datasets;

/// Media type of a request, without its parameters, in lower case.
pub(in crate::http) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_lowercase()
}

/// 415 in the words of the reference.
pub(in crate::http) fn unsupported() -> ApiError {
    let message = "Cette API attend un header content-type compatible, le plus souvent application/json.";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-type", message)
}

/// A line as a body gives it.
pub(super) struct Line {
    /// Its values.
    pub values: Map<String, Value>,
    /// The file that comes with it.
    pub file: Option<ReceivedFile>,
}

/// The values of one line, with a length: JSON, or a form of values and a file `attachment`.
pub(super) async fn line(datasets: &Datasets, dataset: &Dataset, request: Request) -> ApiResult<Line> {
    match media_type(request.headers()).as_str() {
        "application/json" => Ok(Line { values: json_line(request).await?, file: None }),
        "multipart/form-data" => {
            let form = Box::pin(Form::receive(datasets, request, &["attachment"])).await?;
            form_line(dataset, form)
        }
        _ => Err(unsupported()),
    }
}

async fn json_line(request: Request) -> ApiResult<Map<String, Value>> {
    if !request.headers().contains_key(header::CONTENT_LENGTH) {
        return Err(DatasetsError::LengthRequired.into());
    }
    let bytes = axum::body::to_bytes(request.into_body(), JSON_BODY_BYTES_MAX).await.map_err(|_| {
        let message = format!("Le corps de la requête dépasse {JSON_BODY_BYTES_MAX} octets.");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message)
    })?;
    object(&bytes, "Le corps de la requête")
}

fn object(json: &[u8], what: &str) -> ApiResult<Map<String, Value>> {
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| ApiError::bad_request(format!("{what} n'est pas du JSON valide : {error}.")))?;
    match value {
        Value::Object(line) => Ok(line),
        other => Err(ApiError::bad_request(format!("doit être de type object (valeur : {other})"))),
    }
}

/// The line of a form: `_body` in JSON, else a field per value, read as the type of its column.
fn form_line(dataset: &Dataset, mut form: Form) -> ApiResult<Line> {
    let file = form.take_file("attachment");
    let mut values = match form.take_text("_body") {
        Some(json) => object(json.as_bytes(), "Le champ \"_body\"")?,
        None => Map::new(),
    };
    for (key, text) in form.texts {
        let kind = dataset.column(&key).filter(|column| !column.calculated).map(halle_model::Column::kind);
        let value = cell(&key, kind, &text).map_err(ApiError::bad_request)?;
        values.insert(key, value);
    }
    Ok(Line { values, file })
}

/// Writes a body of any length into a temporary file, up to `bytes_max`.
pub(in crate::http) async fn spool(
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
