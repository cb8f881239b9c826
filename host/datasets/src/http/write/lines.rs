//! Edits of one line, and the removal of all.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use halle_http::{ApiError, ApiResult, Caller};
use serde_json::{Map, Value};

use super::body;
use crate::error::DatasetsError;
use crate::http::target::{Operations, Target};
use crate::service::write::{Action, Change, LineFile, Outcome, Write, require_editable, shown};
use crate::state::Datasets;

/// `POST /datasets/{id}/lines`: 201 for a new line, 200 when the body names it, 304 when nothing changed.
pub(super) async fn create(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
    request: Request,
) -> ApiResult<Response> {
    let edit = Edit { action: Action::CreateOrUpdate, operations: ["createLine", "createOwnLine"] };
    edit.with_body(&datasets, &caller, target, request).await
}

/// `PUT /datasets/{id}/lines/{line}`: creates or replaces.
pub(super) async fn replace(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
    request: Request,
) -> ApiResult<Response> {
    let edit = Edit { action: Action::CreateOrUpdate, operations: ["updateLine", "updateOwnLine"] };
    edit.with_body(&datasets, &caller, target, request).await
}

/// `PATCH /datasets/{id}/lines/{line}`: changes the values that are given; `null` and `""` remove them.
pub(super) async fn patch(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
    request: Request,
) -> ApiResult<Response> {
    let edit = Edit { action: Action::Patch, operations: ["patchLine", "patchOwnLine"] };
    edit.with_body(&datasets, &caller, target, request).await
}

/// `DELETE /datasets/{id}/lines/{line}`.
pub(super) async fn delete(
    State(datasets): State<Datasets>,
    target: Target,
    caller: Caller,
) -> ApiResult<Response> {
    let operation = target.operation(["deleteLine", "deleteOwnLine"]);
    let change = Change { action: Action::Delete, id: Some(target.line.clone()), body: Map::new() };
    respond(one(&datasets, &caller, &target, operation, change).await?, StatusCode::NO_CONTENT)
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

/// An edit that has a body.
struct Edit {
    action: Action,
    operations: Operations,
}

impl Edit {
    async fn with_body(
        self,
        datasets: &Datasets,
        caller: &Caller,
        target: Target,
        request: Request,
    ) -> ApiResult<Response> {
        let operation = target.operation(self.operations);
        // Refuse before the body is received, where that is possible.
        let dataset = datasets.permitted(caller, &target.id, operation).await?;
        require_editable(&dataset)?;
        let line = body::line(datasets, &dataset, request).await?;
        let is_new = target.line.is_empty() && !line.values.contains_key("_id");
        let id = Some(target.line.clone()).filter(|id| !id.is_empty());
        let mut change = Change { action: self.action, id, body: line.values };
        let attached = match &line.file {
            Some(file) => {
                let file = LineFile { name: &file.name, path: &file.path };
                Some(datasets.attach(&dataset, &mut change, file).await?)
            }
            None => None,
        };
        let outcome = one(datasets, caller, &target, operation, change).await;
        if let Some(attached) = attached
            && matches!(outcome, Err(_) | Ok(Outcome::Failed(..)))
        {
            datasets.detach(attached).await;
        }
        let outcome = outcome?;
        respond(outcome, if is_new { StatusCode::CREATED } else { StatusCode::OK })
    }
}

/// Makes one change. Numbers and dates of lines are the platform's: a body that has them is refused.
async fn one(
    datasets: &Datasets,
    caller: &Caller,
    target: &Target,
    operation: &'static str,
    change: Change,
) -> ApiResult<Outcome> {
    let owner = target.owner.clone();
    let write = Write { caller: caller.0.clone(), operation, owner, changes: vec![change] };
    let mut outcomes = datasets.write_lines(&target.id, write).await?;
    outcomes.pop().ok_or_else(|| DatasetsError::internal("a change had no outcome").into())
}

fn respond(outcome: Outcome, success: StatusCode) -> ApiResult<Response> {
    match outcome {
        Outcome::Created(line) | Outcome::Modified(line) => {
            Ok((success, Json(Value::Object(shown(&line)))).into_response())
        }
        Outcome::Unchanged(_) => Ok(StatusCode::NOT_MODIFIED.into_response()),
        Outcome::Warned(_, written) => respond(*written, success),
        Outcome::Deleted => Ok(StatusCode::NO_CONTENT.into_response()),
        Outcome::Failed(404, text) => Err(ApiError::not_found(text)),
        Outcome::Failed(409, text) => Err(ApiError::conflict(text)),
        Outcome::Failed(_, text) => Err(ApiError::bad_request(text)),
    }
}
