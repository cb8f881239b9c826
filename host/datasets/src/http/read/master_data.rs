//! `GET /datasets/{id}/master-data/single-searchs/{search}`, `POST /datasets/{id}/master-data/bulk-searchs/{search}`.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use halle_http::conditional::CacheFor;
use halle_http::{ApiResult, Caller, Params};
use halle_ingest::Container;

use super::headers::{Answer, Payload, cache_for};
use super::search_params;
use crate::http::headers::{answer, streamed};
use crate::http::seen::Seen;
use crate::http::write::body;
use crate::service::master_data::{AnswerFormat, Questions};
use crate::service::write::{BulkFile, BulkFormat};

/// Values that complete what was typed.
pub(super) async fn single(
    Seen(datasets): Seen,
    Path((id, search)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let (reading, found) = datasets.single_search(&caller, &id, &search, &search_params(&params)?).await?;
    let cache = cache_for(&params, &reading)?;
    let payload = Payload::Bytes(found.to_string().into_bytes());
    let media_type = "application/json; charset=utf-8";
    Ok(Answer { reading: &reading, cache, media_type, payload, next: None }.respond(&headers))
}

/// A line of the reference for each line of the body: ndjson, a JSON array, or CSV. The answer has the format that `Accept`
/// names, else that of the body.
pub(super) async fn bulk(
    Seen(datasets): Seen,
    Path((id, search)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let given = body::media_type(&headers);
    let (same, container) = match given.as_str() {
        "text/csv+gzip" => (AnswerFormat::Csv, Container::Gzip),
        other => (format_of(other).ok_or_else(body::unsupported)?, Container::Plain),
    };
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wanted = accepted.split(',').find_map(|item| format_of(item.split(';').next().unwrap_or("").trim()));
    // Refuse before the body is received.
    let dataset = datasets.permitted(&caller, &id, "bulkSearch").await?;
    let config = &datasets.config;
    let kept = body::spool(body, &config.temp_dir, config.upload_bytes_max).await?;
    let format = match same {
        AnswerFormat::Json => BulkFormat::Json,
        AnswerFormat::Ndjson => BulkFormat::Ndjson,
        AnswerFormat::Csv => BulkFormat::Csv(b','),
    };
    let file = BulkFile { path: kept.to_path_buf(), format, container, encoding: None };
    let wanted = wanted.unwrap_or(same);
    let media_type = match wanted {
        AnswerFormat::Json => "application/json; charset=utf-8",
        AnswerFormat::Ndjson => "application/x-ndjson",
        AnswerFormat::Csv => "text/csv; charset=utf-8",
    };
    let (params, questions) = (search_params(&params)?, Questions { file, kept });
    let found = datasets.bulk_search(&caller, &id, &search, &params, questions, wanted).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, CacheFor::Nobody.header()),
    ];
    Ok(answer(&dataset, "bulkSearch", None, (headers, streamed(found)).into_response()))
}

fn format_of(media_type: &str) -> Option<AnswerFormat> {
    match media_type {
        "application/json" => Some(AnswerFormat::Json),
        "application/x-ndjson" => Some(AnswerFormat::Ndjson),
        "text/csv" => Some(AnswerFormat::Csv),
        _ => None,
    }
}
