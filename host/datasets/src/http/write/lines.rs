//! Edits of one line, and the removal of all.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use halle_http::{ApiError, ApiResult, Caller};
use serde_json::{Map, Value};

use super::body;
use crate::error::DatasetsError;
use crate::service::write::{Action, Change, Outcome};
use crate::state::Datasets;

/// `POST /datasets/{id}/lines`: 201 for a new line, 200 when the body names it, 304 when nothing changed.
pub(super) async fn create(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let line = body::line(&headers, body).await?;
    let named = line.contains_key("_id");
    let change = Change { action: Action::CreateOrUpdate, id: None, body: line };
    let outcome = one(&datasets, &caller, &id, "createLine", change).await?;
    respond(outcome, if named { StatusCode::OK } else { StatusCode::CREATED })
}

/// `PUT /datasets/{id}/lines/{line}`: creates or replaces.
pub(super) async fn replace(
    State(datasets): State<Datasets>,
    Path((id, line)): Path<(String, String)>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let body = body::line(&headers, body).await?;
    let change = Change { action: Action::CreateOrUpdate, id: Some(line), body };
    respond(one(&datasets, &caller, &id, "updateLine", change).await?, StatusCode::OK)
}

/// `PATCH /datasets/{id}/lines/{line}`: changes the values that are given; `null` and `""` remove them.
pub(super) async fn patch(
    State(datasets): State<Datasets>,
    Path((id, line)): Path<(String, String)>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let body = body::line(&headers, body).await?;
    let change = Change { action: Action::Patch, id: Some(line), body };
    respond(one(&datasets, &caller, &id, "patchLine", change).await?, StatusCode::OK)
}

/// `DELETE /datasets/{id}/lines/{line}`.
pub(super) async fn delete(
    State(datasets): State<Datasets>,
    Path((id, line)): Path<(String, String)>,
    caller: Caller,
) -> ApiResult<Response> {
    let change = Change { action: Action::Delete, id: Some(line), body: Map::new() };
    respond(one(&datasets, &caller, &id, "deleteLine", change).await?, StatusCode::NO_CONTENT)
}

/// `DELETE /datasets/{id}/lines`.
pub(super) async fn delete_all(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
) -> ApiResult<StatusCode> {
    datasets.delete_all_lines(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes one change. Numbers and dates of lines are the platform's: a body that has them is refused.
async fn one(
    datasets: &Datasets,
    caller: &Caller,
    id: &str,
    operation: &'static str,
    change: Change,
) -> ApiResult<Outcome> {
    let mut outcomes = datasets.change_lines(caller, id, operation, &[change]).await?;
    outcomes.pop().ok_or_else(|| DatasetsError::internal("a change had no outcome").into())
}

fn respond(outcome: Outcome, success: StatusCode) -> ApiResult<Response> {
    let json = |line: Map<String, Value>| (success, Json(Value::Object(line))).into_response();
    match outcome {
        Outcome::Created(line) | Outcome::Modified(line) => Ok(json(line)),
        Outcome::Unchanged(_) => Ok(StatusCode::NOT_MODIFIED.into_response()),
        Outcome::Deleted => Ok(StatusCode::NO_CONTENT.into_response()),
        Outcome::Failed(404, text) => Err(ApiError::not_found(text)),
        Outcome::Failed(409, text) => Err(ApiError::conflict(text)),
        Outcome::Failed(_, text) => Err(ApiError::bad_request(text)),
    }
}
