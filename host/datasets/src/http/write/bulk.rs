//! `POST /datasets/{id}/_bulk_lines`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use halle_http::{ApiError, ApiResult, Caller, Params};

use super::body;
use crate::service::write::BulkFormat;
use crate::state::Datasets;

/// Makes the changes of a JSON array, ndjson or CSV body of any length. The report is JSON; its status is 400 when
/// the first batch had only errors, or when `drop=true` was cancelled.
pub(super) async fn bulk(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let format = format(&headers, &params)?;
    // Refuse before the body is received, where that is possible.
    datasets.load(&caller, &id, "bulkLines").await?;
    let config = &datasets.config;
    let file = body::spool(body, &config.temp_dir, config.upload_bytes_max).await?;
    let report = datasets.bulk_lines(&caller, &id, &file, format, params.flag("drop")).await?;
    let failed = report.cancelled || report.hopeless;
    let status = if failed { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    Ok((status, Json(report)).into_response())
}

fn format(headers: &HeaderMap, params: &Params) -> ApiResult<BulkFormat> {
    match body::media_type(headers).as_str() {
        "application/json" => Ok(BulkFormat::Json),
        "application/x-ndjson" => Ok(BulkFormat::Ndjson),
        "text/csv" => match params.get("sep").unwrap_or(",").as_bytes() {
            [separator] if separator.is_ascii() => Ok(BulkFormat::Csv(*separator)),
            _ => Err(ApiError::bad_request("\"sep\" must be one ASCII character")),
        },
        _ => Err(body::unsupported()),
    }
}
