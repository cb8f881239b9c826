//! Keys of an application.

use axum::Json;
use axum::extract::{Path, State};
use halle_http::shapes::{OfOne, WrongBody};
use halle_http::{ApiResult, Caller, JsonBody};

use crate::Applications;
use crate::model::ApplicationKey;

/// Lists the keys that open the application and the data it shows.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/keys", tag = "applications",
    operation_id = "getKeys", params(("id" = String, Path)),
    responses((status = 200, description = "The keys", body = Vec<ApplicationKey>), OfOne))]
pub(super) async fn read(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Vec<ApplicationKey>>> {
    applications.keys(&caller, &id).await.map(Json)
}

/// Replaces the keys: those without `id` are made, those that are left out stop working.
#[utoipa::path(post, path = "/data-fair/api/v1/applications/{id}/keys", tag = "applications",
    operation_id = "setKeys", params(("id" = String, Path)), request_body = Vec<ApplicationKey>,
    responses((status = 200, description = "The keys", body = Vec<ApplicationKey>), WrongBody, OfOne))]
pub(super) async fn replace(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(keys): JsonBody<Vec<ApplicationKey>>,
) -> ApiResult<Json<Vec<ApplicationKey>>> {
    applications.set_keys(&caller, &id, keys).await.map(Json)
}
