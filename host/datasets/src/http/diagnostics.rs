//! `GET /datasets/{id}/validation-diagnostic.csv` and `/cancelled-draft-diagnostic.csv`.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use halle_http::conditional::CacheFor;
use halle_http::{ApiResult, Caller};

use crate::http::headers::{answer, streamed};
use crate::service::diagnostics::DiagnosticFile;
use crate::state::Datasets;

/// What is wrong with rows, as CSV.
pub(super) async fn validation(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let file = datasets.validation_diagnostic(&caller, &id).await?;
    Ok(respond(file, "attachment; filename=\"validation-diagnostic.csv\""))
}

/// What was wrong with the last draft, dropped for that, as CSV.
pub(super) async fn cancelled(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Response> {
    let file = datasets.cancelled_diagnostic(&caller, &id).await?;
    Ok(respond(file, "attachment; filename=\"cancelled-draft-diagnostic.csv\""))
}

fn respond(file: DiagnosticFile, disposition: &'static str) -> Response {
    let headers = [
        (header::CACHE_CONTROL, CacheFor::Nobody.header()),
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_LENGTH, file.info.size.into()),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition)),
    ];
    answer(&file.dataset, "readJournal", None, (headers, streamed(file.body)))
}
