//! Imports as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use serde::Deserialize;
use serde_json::{Value, json};

use super::window;
use crate::Catalogs;
use crate::model::Import;
use crate::service::{ImportPatch, NewImport};

/// Parameters of the lists of imports and publications.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListParams {
    pub(super) catalog_id: String,
    pub(super) size: Option<u32>,
    pub(super) page: Option<u32>,
}

pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let (skip, size) = window(params.page, params.size)?;
    let page = catalogs.imports(&caller, &params.catalog_id, skip, size).await?;
    Ok(Json(json!({ "count": page.count, "results": page.results })))
}

pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewImport>,
) -> ApiResult<(StatusCode, Json<Import>)> {
    Ok((StatusCode::CREATED, Json(catalogs.import(&caller, body).await?)))
}

/// The import with its log.
pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let import = catalogs.permitted_import(&caller, &id, "readCatalog").await?;
    with_log(&catalogs, &import.entity, &import.log_stream()).await
}

pub(super) async fn patch(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ImportPatch>,
) -> ApiResult<Json<Import>> {
    Ok(Json(catalogs.patch_import(&caller, &id, body).await?))
}

pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    catalogs.delete_import(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Anything that has a log, with it under `logs`.
pub(super) async fn with_log(
    catalogs: &Catalogs,
    entity: &impl serde::Serialize,
    stream: &str,
) -> ApiResult<Json<Value>> {
    let logs: Vec<Value> =
        catalogs.exchange_log(stream).await?.into_iter().map(|record| record.body).collect();
    let mut view = serde_json::to_value(entity).map_err(ApiError::internal)?;
    view["logs"] = Value::Array(logs);
    Ok(Json(view))
}
