//! Bodies of creations and updates: JSON, or multipart streamed to a file.

use std::path::Path;

use axum::body::Bytes;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{HeaderMap, StatusCode, header};
use halle_base::limits::JSON_BODY_BYTES_MAX;
use halle_http::ApiError;
use halle_ingest::NormalizeOptions;
use serde_json::{Map, Value};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;

use crate::error::{DatasetsError, DatasetsResult};
use crate::service::create::Upload;
use crate::state::Datasets;

/// Fields of one multipart body.
const FIELDS_MAX: usize = 200;

/// Bytes that a multipart body may have besides its file: attributes and separators.
const OVERHEAD_BYTES_MAX: u64 = 2 << 20;

/// A body: attributes, and a file if there was one.
pub(super) struct Received {
    /// Attributes.
    pub attributes: Map<String, Value>,
    /// The file.
    pub file: Option<ReceivedFile>,
    /// Files that come beside, in a zip; removed when dropped.
    pub attachments: Option<TempPath>,
}

/// An uploaded file, removed when dropped.
pub(super) struct ReceivedFile {
    name: String,
    path: TempPath,
    encoding: Option<String>,
    normalize: Option<NormalizeOptions>,
}

impl ReceivedFile {
    /// The file as use cases take it, with the files that come beside.
    pub(super) fn upload<'a>(&'a self, attachments: Option<&'a Path>) -> Upload<'a> {
        let (encoding, normalize) = (self.encoding.clone(), self.normalize.clone());
        Upload { encoding, normalize, attachments, ..Upload::new(&self.name, &self.path) }
    }
}

/// Reads a body. 411 for multipart without a length, 413 for a body that is too large, 415 for another media type.
pub(super) async fn receive(datasets: &Datasets, request: Request) -> DatasetsResult<Received> {
    let media_type = media_type(request.headers());
    let length = content_length(request.headers());
    if media_type == "multipart/form-data" {
        let max = datasets.config.upload_bytes_max;
        match length {
            None => return Err(DatasetsError::LengthRequired),
            Some(length) if length > max.saturating_add(OVERHEAD_BYTES_MAX) => {
                return Err(DatasetsError::TooLarge(max));
            }
            Some(_) => {}
        }
        return Box::pin(receive_multipart(datasets, request)).await;
    }
    let attributes = json_object(request).await?;
    Ok(Received { attributes, file: None, attachments: None })
}

/// A JSON object as the whole body; an empty body is an empty object.
pub(super) async fn json_object(request: Request) -> DatasetsResult<Map<String, Value>> {
    match json_body(request).await? {
        Value::Object(object) => Ok(object),
        _ => Err(DatasetsError::bad_request("Le corps de la requête doit être un objet JSON.")),
    }
}

/// JSON as the whole body.
pub(super) async fn json_body(request: Request) -> DatasetsResult<Value> {
    let media_type = media_type(request.headers());
    let empty = content_length(request.headers()) == Some(0);
    if media_type != "application/json" && !(empty && media_type.is_empty()) {
        return Err(unsupported_media_type());
    }
    let too_large = || {
        let message = format!("Le corps de la requête dépasse {} ko.", JSON_BODY_BYTES_MAX / 1024);
        DatasetsError::Api(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message))
    };
    if content_length(request.headers()).is_some_and(|length| length > JSON_BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    let body: Bytes =
        axum::body::to_bytes(request.into_body(), JSON_BODY_BYTES_MAX).await.map_err(|_| too_large())?;
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(&body).map_err(|error| {
        DatasetsError::BadRequest(format!(
            "Le corps de la requête n'est pas du JSON : {error}. The request body is not JSON."
        ))
    })
}

async fn receive_multipart(datasets: &Datasets, mut request: Request) -> DatasetsResult<Received> {
    // The extractor's own limit of 2 MB is for forms held in memory; a file streams, and is counted as it is written.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut multipart = Multipart::from_request(request, &()).await.map_err(broken)?;
    let mut received = Received { attributes: Map::new(), file: None, attachments: None };
    let (mut encoding, mut normalize) = (None, None);
    for _ in 0..FIELDS_MAX {
        let Some(field) = multipart.next_field().await.map_err(broken)? else {
            if let Some(file) = &mut received.file {
                file.encoding = encoding;
                file.normalize = normalize;
            }
            return Ok(received);
        };
        let name = field.name().unwrap_or_default().to_owned();
        match (name.as_str(), field.file_name().is_some()) {
            ("file" | "dataset", true) => received.file = Some(stream_to_file(datasets, field).await?),
            ("attachments", true) => received.attachments = Some(spool(datasets, field).await?.0),
            (_, true) => {
                let message = format!(
                    "Le champ \"{name}\" ne peut pas contenir un fichier : utilisez \"file\" ou \"attachments\"."
                );
                return Err(DatasetsError::BadRequest(message));
            }
            ("body", false) => {
                let text = text_of(field).await?;
                match serde_json::from_str(&text) {
                    Ok(Value::Object(object)) => received.attributes.extend(object),
                    _ => {
                        return Err(DatasetsError::bad_request("Le champ \"body\" doit être un objet JSON."));
                    }
                }
            }
            ("file_encoding", false) => {
                encoding = Some(text_of(field).await?).filter(|text| !text.is_empty());
            }
            ("file_normalizeOptions", false) => normalize = Some(normalize_options(&text_of(field).await?)?),
            ("id" | "", false) => {
                return Err(DatasetsError::BadRequest(format!("Le champ \"{name}\" est réservé.")));
            }
            (_, false) => {
                let text = text_of(field).await?;
                received.attributes.insert(name, attribute(text));
            }
        }
    }
    Err(DatasetsError::BadRequest(format!("Le corps de la requête a plus de {FIELDS_MAX} champs.")))
}

/// Where the table is in a spreadsheet: positions from 1.
fn normalize_options(text: &str) -> DatasetsResult<NormalizeOptions> {
    serde_json::from_str(text).map_err(|error| {
        DatasetsError::BadRequest(format!(
            "Le champ \"file_normalizeOptions\" doit être un objet JSON, par exemple {{\"spreadsheetHeaderLine\": 3}} : {error}."
        ))
    })
}

/// An attribute sent as a field of its own: objects, arrays and literals as JSON, anything else as text.
fn attribute(text: String) -> Value {
    let literal = matches!(text.as_str(), "true" | "false" | "null");
    if literal || text.starts_with(['{', '[']) {
        return serde_json::from_str(&text).unwrap_or(Value::String(text));
    }
    Value::String(text)
}

/// The data file, which must be of a known format and have something in it.
async fn stream_to_file(datasets: &Datasets, field: Field<'_>) -> DatasetsResult<ReceivedFile> {
    let name = base_name(field.file_name().unwrap_or_default())?;
    crate::service::create::accept(&name)?;
    let (path, size) = spool(datasets, field).await?;
    if size == 0 {
        return Err(DatasetsError::BadRequest(format!("Le fichier \"{name}\" est vide.")));
    }
    Ok(ReceivedFile { name, path, encoding: None, normalize: None })
}

/// Writes an uploaded file to disk piece by piece; 413 as soon as it is too large. Where it is, and how many bytes.
async fn spool(datasets: &Datasets, mut field: Field<'_>) -> DatasetsResult<(TempPath, u64)> {
    let max = datasets.config.upload_bytes_max;
    let path =
        NamedTempFile::new_in(&datasets.config.temp_dir).map_err(DatasetsError::internal)?.into_temp_path();
    let mut file = tokio::fs::File::create(&path).await.map_err(DatasetsError::internal)?;
    let mut size = 0_u64;
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        size += piece.len() as u64;
        if size > max {
            return Err(DatasetsError::TooLarge(max));
        }
        file.write_all(&piece).await.map_err(DatasetsError::internal)?;
    }
    file.flush().await.map_err(DatasetsError::internal)?;
    Ok((path, size))
}

/// The name without folders, whichever system wrote them.
fn base_name(name: &str) -> DatasetsResult<String> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let sound: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if sound.is_empty() || sound == "." || sound == ".." {
        return Err(DatasetsError::BadRequest(format!("\"{name}\" n'est pas un nom de fichier.")));
    }
    Ok(sound)
}

async fn text_of(mut field: Field<'_>) -> DatasetsResult<String> {
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > JSON_BODY_BYTES_MAX {
            let message = format!("Le champ \"{name}\" dépasse {} ko.", JSON_BODY_BYTES_MAX / 1024);
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message).into());
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| DatasetsError::BadRequest(format!("Le champ \"{name}\" n'est pas du texte UTF-8.")))
}

fn broken(error: impl std::fmt::Display) -> DatasetsError {
    DatasetsError::BadRequest(format!("Le corps multipart est incorrect ou incomplet : {error}."))
}

fn unsupported_media_type() -> DatasetsError {
    let message = "Cette API attend un header content-type compatible, le plus souvent application/json.";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", message).into()
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn file_names_lose_their_folders() {
        assert_eq!(base_name("../../etc/a.csv").unwrap(), "a.csv");
        assert_eq!(base_name("C:\\data\\é.csv").unwrap(), "é.csv");
        for bad in ["", "a/", "..", "\u{1}"] {
            assert!(base_name(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn fields_are_json_where_they_look_like_it() {
        for (text, value) in [
            ("Titre", json!("Titre")),
            ("[\"a\"]", json!(["a"])),
            ("{oops", json!("{oops")),
            ("true", json!(true)),
            ("2024", json!("2024")),
        ] {
            assert_eq!(attribute(text.to_owned()), value);
        }
    }
}
