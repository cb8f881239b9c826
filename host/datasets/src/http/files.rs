//! `GET /datasets/{id}/raw`, `/convert`, `/full`, `/data-files` and `/attachments`.

use axum::Json;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_http::conditional::CacheFor;
use halle_http::{ApiResult, BaseUrl, Caller};
use serde_json::{Value, json};

use crate::error::DatasetsError;
use crate::http::headers::{answer, streamed};
use crate::http::range::{Wanted, wanted};
use crate::http::seen::Seen;
use crate::service::files::{converted, full_name, kind_of};
use crate::service::full::Width;
use crate::state::Datasets;
use crate::views::millis;

/// Files of data have no strong validator: a part is never asked on condition.
const NO_VALIDATOR: &str = "";

/// What usage counting calls downloads.
const TRACK: Option<&str> = Some("readDataFiles");

/// The file as it was uploaded.
pub(super) async fn raw(
    Seen(datasets): Seen,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send_original(&datasets, &caller, &id, "downloadOriginalData", &headers).await
}

/// The upload, or the range of it that is asked. `asked` are the headers of the request.
async fn send_original(
    datasets: &Datasets,
    caller: &Caller,
    id: &str,
    operation: &'static str,
    asked: &HeaderMap,
) -> ApiResult<Response> {
    let download = datasets.original_file(caller, id, operation).await?;
    let size = download.info.size;
    let wanted = wanted(asked, size, NO_VALIDATOR);
    let body = match &wanted {
        Wanted::Part(part) => streamed(datasets.part_of(&download.key, part.clone()).await?),
        Wanted::Unsatisfiable => Body::empty(),
        Wanted::Whole => streamed(download.body),
    };
    let described = (download.name.as_str(), download.mimetype.as_str());
    let response = part_of_file(described, size, &wanted, body);
    Ok(answer(&download.dataset, operation, TRACK, response))
}

/// A file of `size` bytes, by its name and media type, or the part of it that is wanted.
fn part_of_file((name, mimetype): (&str, &str), size: u64, wanted: &Wanted, body: Body) -> Response {
    let (status, length, range) = match wanted {
        Wanted::Part(part) => {
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            (StatusCode::PARTIAL_CONTENT, part.end - part.start, Some(range))
        }
        Wanted::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, 0, Some(format!("bytes */{size}"))),
        Wanted::Whole => (StatusCode::OK, size, None),
    };
    let mut headers = file_headers(name, mimetype, Some(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    (status, headers, body).into_response()
}

/// The rows with the columns of extensions: CSV, or GeoJSON where they have a geometry.
pub(super) async fn full(
    Seen(datasets): Seen,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    send_full(&datasets, &caller, &id, "downloadFullData").await
}

async fn send_full(
    datasets: &Datasets,
    caller: &Caller,
    id: &str,
    operation: &'static str,
) -> ApiResult<Response> {
    let (dataset, body) = datasets.written_file(caller, id, operation, Width::Full).await?;
    let mimetype = format!("{}; charset=utf-8", kind_of(&dataset).mime());
    let headers = file_headers(&full_name(&dataset), &mimetype, None);
    Ok(answer(&dataset, operation, TRACK, (headers, streamed(body))))
}

/// The file as the reference would have converted it; the upload itself where nothing had to be converted.
pub(super) async fn convert(
    Seen(datasets): Seen,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    send_converted(&datasets, &caller, &id, "downloadOriginalData", &headers).await
}

async fn send_converted(
    datasets: &Datasets,
    caller: &Caller,
    id: &str,
    operation: &'static str,
    asked: &HeaderMap,
) -> ApiResult<Response> {
    let known = datasets.permitted(caller, id, operation).await?;
    if converted(&known).is_none() {
        return send_original(datasets, caller, id, operation, asked).await;
    }
    let (dataset, body) = datasets.written_file(caller, id, operation, Width::Converted).await?;
    let (name, mimetype) = match converted(&dataset) {
        Some(file) => (file.name.clone(), file.mimetype.clone()),
        None => (full_name(&dataset), kind_of(&dataset).mime().to_owned()),
    };
    let headers = file_headers(&name, &format!("{mimetype}; charset=utf-8"), None);
    Ok(answer(&dataset, operation, TRACK, (headers, streamed(body))))
}

/// The files that can be downloaded.
pub(super) async fn list(
    Seen(datasets): Seen,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let (dataset, files) = datasets.data_files(&caller, &id).await?;
    let updated = dataset.data_updated_at.unwrap_or(dataset.updated_at);
    let views: Vec<Value> = files
        .iter()
        .map(|file| {
            let route = match file.key {
                "original" => "raw",
                "normalized" => "convert",
                key => key,
            };
            let mut view = json!(file);
            view["url"] = json!(format!("{}/data-fair/api/v1/datasets/{}/{route}", base.0, dataset.id));
            view["updatedAt"] = json!(millis(updated));
            view
        })
        .collect();
    let headers = [(header::CACHE_CONTROL, CacheFor::Nobody.header())];
    Ok(answer(&dataset, "listDataFiles", None, (StatusCode::OK, headers, Json(views)).into_response()))
}

/// One of the files, by its name in the list.
pub(super) async fn one(
    Seen(datasets): Seen,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let operation = "downloadDataFile";
    match datasets.data_file_key(&caller, &id, operation, &name).await? {
        Some("full") => send_full(&datasets, &caller, &id, operation).await,
        Some("normalized") => send_converted(&datasets, &caller, &id, operation, &headers).await,
        Some(_) => send_original(&datasets, &caller, &id, operation, &headers).await,
        None => Err(DatasetsError::Missing(format!("Le fichier \"{name}\" n'existe pas.")).into()),
    }
}

/// A file that came along with the rows, or the range of it that is asked.
pub(super) async fn attachment(
    Seen(datasets): Seen,
    caller: Caller,
    Path((id, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (dataset, file) = datasets.attachment(&caller, &id, &path).await?;
    let name = path.rsplit('/').next().unwrap_or(&path);
    let size = file.size;
    let wanted = match wanted(&headers, size, NO_VALIDATOR) {
        // Ranges may be ignored (RFC 9110 §14.2): who asks for a lot of work gets, and is charged for, all of its bytes.
        Wanted::Part(part) if !file.may_begin_at(part.start) => Wanted::Whole,
        wanted => wanted,
    };
    let body = match &wanted {
        Wanted::Part(part) => streamed(datasets.attachment_bytes(file, Some(part.clone())).await?),
        Wanted::Unsatisfiable => Body::empty(),
        Wanted::Whole => streamed(datasets.attachment_bytes(file, None).await?),
    };
    let response = part_of_file((name, media_type_of(name)), size, &wanted, body);
    Ok(answer(&dataset, "downloadAttachment", None, response))
}

/// Media type of a file that a browser may show; anything that could hold scripts is only bytes.
fn media_type_of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("txt") => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Headers of a download. The name is sent twice: in ASCII for old clients, in full for the others (RFC 6266).
fn file_headers(name: &str, mimetype: &str, size: Option<u64>) -> HeaderMap {
    let ascii: String =
        name.chars().map(|c| if c.is_ascii() && !matches!(c, '"' | '\\') { c } else { '_' }).collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    let disposition = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}");
    let mut headers = HeaderMap::from_iter([(header::CACHE_CONTROL, CacheFor::Nobody.header())]);
    let texts = [(header::CONTENT_DISPOSITION, disposition), (header::CONTENT_TYPE, mimetype.to_owned())];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
    if let Some(size) = size {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size));
    }
    headers
}
