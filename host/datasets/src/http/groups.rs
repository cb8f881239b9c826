//! `GET /datasets/{id}/group-sizes`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json};
use halle_http::{ApiResult, Caller};

use crate::state::Datasets;

/// How large the groups are that extensions make of the lines: a report for each of these extensions.
pub(super) async fn sizes(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let results = datasets.group_sizes(&caller, &id).await?;
    json(&headers, CacheFor::Nobody, &serde_json::json!({ "count": results.len(), "results": results }))
}
