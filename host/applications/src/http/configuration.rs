//! The configuration of an application. Data Fair has two addresses for it; here they are the same.

use axum::Json;
use axum::extract::{Path, State};
use halle_http::shapes::{Conflict, OfOne, WrongBody};
use halle_http::{ApiResult, Caller, JsonBody};
use serde_json::Value;

use crate::Applications;

/// Gives the configuration.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/configuration", tag = "applications",
    operation_id = "readConfiguration", params(("id" = String, Path)),
    responses((status = 200, description = "The configuration", body = Value), OfOne))]
pub(super) async fn read(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let application = applications.permitted(&caller, &id, "readConfig").await?;
    Ok(Json(application.entity.configuration))
}

/// Replaces the configuration. The plugin's schema checks it.
#[utoipa::path(put, path = "/data-fair/api/v1/applications/{id}/configuration", tag = "applications",
    operation_id = "writeConfiguration", params(("id" = String, Path)), request_body = Value,
    responses((status = 200, description = "The configuration", body = Value), WrongBody, OfOne, Conflict))]
pub(super) async fn write(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(configuration): JsonBody<Value>,
) -> ApiResult<Json<Value>> {
    applications.configure(&caller, &id, configuration).await.map(Json)
}

/// Gives the configuration, at its other address.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/config", tag = "applications",
    operation_id = "readConfig", params(("id" = String, Path)),
    responses((status = 200, description = "The configuration", body = Value), OfOne))]
pub(super) async fn read_config(
    applications: State<Applications>,
    caller: Caller,
    id: Path<String>,
) -> ApiResult<Json<Value>> {
    read(applications, caller, id).await
}

/// Replaces the configuration, at its other address.
#[utoipa::path(put, path = "/data-fair/api/v1/applications/{id}/config", tag = "applications",
    operation_id = "writeConfig", params(("id" = String, Path)), request_body = Value,
    responses((status = 200, description = "The configuration", body = Value), WrongBody, OfOne, Conflict))]
pub(super) async fn write_config(
    applications: State<Applications>,
    caller: Caller,
    id: Path<String>,
    configuration: JsonBody<Value>,
) -> ApiResult<Json<Value>> {
    write(applications, caller, id, configuration).await
}
