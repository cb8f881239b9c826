//! `/datasets/{id}/metadata-attachments`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_http::conditional::{CacheFor, is_not_modified, not_modified, set_last_modified};
use halle_http::{ApiError, ApiResult, Caller};

use super::range::{Wanted, wanted};
use crate::http::headers::{answer, streamed};
use crate::http::write::multipart::Form;
use crate::service::metadata_files::{media_type, updated_at};
use crate::state::Datasets;

/// Keeps the file of the field `attachment`. It must then be listed in the attribute `attachments`.
pub(super) async fn post(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
    request: Request,
) -> ApiResult<Response> {
    // Refuse before the body is received, where that is possible.
    datasets.permitted(&caller, &id, "postMetadataAttachment").await?;
    let mut form = Box::pin(Form::receive(&datasets, request, &["attachment"])).await?;
    let Some(file) = form.take_file("attachment") else {
        let message = "Le champ \"attachment\" manque : envoyez-y un fichier.";
        return Err(ApiError::bad_request(message));
    };
    let (dataset, kept) = datasets.put_metadata_file(&caller, &id, &file.name, &file.path).await?;
    Ok(answer(&dataset, "postMetadataAttachment", None, Json(kept)))
}

/// The file, or the range of it that is asked.
pub(super) async fn get(
    State(datasets): State<Datasets>,
    Path((id, name)): Path<(String, String)>,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let found = datasets.metadata_file(&caller, &id, &name).await?;
    let wanted = wanted(&headers, found.size, &found.etag);
    let (status, body, length, range) = match &wanted {
        _ if is_not_modified(&headers, Some(&found.etag), None) => {
            (StatusCode::NOT_MODIFIED, not_modified().into_body(), None, None)
        }
        Wanted::Unsatisfiable => {
            let range = format!("bytes */{}", found.size);
            (StatusCode::RANGE_NOT_SATISFIABLE, Body::empty(), None, Some(range))
        }
        Wanted::Whole => {
            let bytes = datasets.metadata_bytes(&found, None).await?;
            (StatusCode::OK, streamed(bytes), Some(found.size), None)
        }
        Wanted::Part(part) => {
            let bytes = datasets.metadata_bytes(&found, Some(part.clone())).await?;
            let range = format!("bytes {}-{}/{}", part.start, part.end - 1, found.size);
            (StatusCode::PARTIAL_CONTENT, streamed(bytes), Some(part.end - part.start), Some(range))
        }
    };
    let mut response = (status, body).into_response();
    let answered = response.headers_mut();
    answered.insert(header::CACHE_CONTROL, CacheFor::Nobody.header());
    answered.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answered.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(&name)));
    length.map(|length| answered.insert(header::CONTENT_LENGTH, HeaderValue::from(length)));
    for (name, text) in [(header::ETAG, Some(found.etag.clone())), (header::CONTENT_RANGE, range)] {
        let value = text.and_then(|text| HeaderValue::from_str(&text).ok());
        value.map(|value| answered.insert(name, value));
    }
    if let Some(status) = found.remote {
        answered.insert("x-remote-status", HeaderValue::from_static(status.as_str()));
    }
    if let Some(date) = updated_at(&found.dataset, &name) {
        set_last_modified(answered, date);
    }
    Ok(answer(&found.dataset, "downloadMetadataAttachment", None, response))
}

/// Removes the file.
pub(super) async fn delete(
    State(datasets): State<Datasets>,
    Path((id, name)): Path<(String, String)>,
    caller: Caller,
) -> ApiResult<Response> {
    let dataset = datasets.delete_metadata_file(&caller, &id, &name).await?;
    Ok(answer(&dataset, "deleteMetadataAttachment", None, StatusCode::NO_CONTENT))
}
