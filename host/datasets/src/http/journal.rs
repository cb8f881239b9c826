//! `GET /datasets/{id}/journal` and `/task-progress`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json};
use halle_http::{ApiResult, Caller};

use crate::state::Datasets;

/// Events, newest first.
pub(super) async fn journal(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    json(&headers, CacheFor::Nobody, &datasets.journal(&caller, &id).await?)
}

/// The task that runs or waits; an empty object when there is none.
pub(super) async fn task_progress(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    match datasets.task_progress(&caller, &id).await? {
        Some(progress) => json(&headers, CacheFor::Nobody, &progress),
        None => json(&headers, CacheFor::Nobody, &serde_json::json!({})),
    }
}
