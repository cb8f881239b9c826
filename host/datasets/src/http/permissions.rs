//! `GET` and `PUT /datasets/{id}/permissions`.

use axum::Json;
use axum::extract::{Path, Request, State};
use halle_http::Caller;
use halle_model::permission::PermissionEntry;

use crate::error::DatasetsResult;
use crate::http::upload::json_body;
use crate::state::Datasets;

/// The grants.
pub(super) async fn get(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
) -> DatasetsResult<Json<Vec<PermissionEntry>>> {
    Ok(Json(datasets.permissions(&caller, &id).await?))
}

/// Replaces the grants.
pub(super) async fn put(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> DatasetsResult<Json<Vec<PermissionEntry>>> {
    datasets.load(&caller, &id, "setPermissions").await?;
    let entries = json_body(request).await?;
    Ok(Json(datasets.set_permissions(&caller, &id, &entries).await?))
}
