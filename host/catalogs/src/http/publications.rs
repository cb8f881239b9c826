//! Publications as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_http::{ApiResult, Caller, JsonBody};
use serde::Deserialize;
use serde_json::{Value, json};

use super::imports::{ListParams, with_log};
use super::window;
use crate::Catalogs;
use crate::model::Publication;
use crate::service::NewPublication;

/// Parameters of a removal.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteParams {
    #[serde(default)]
    only_link: bool,
}

pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let (skip, size) = window(params.page, params.size)?;
    let page = catalogs.publications(&caller, &params.catalog_id, skip, size).await?;
    Ok(Json(json!({ "count": page.count, "results": page.results })))
}

pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewPublication>,
) -> ApiResult<(StatusCode, Json<Publication>)> {
    Ok((StatusCode::CREATED, Json(catalogs.publish(&caller, body).await?)))
}

/// The publication with its log.
pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let publication = catalogs.permitted_publication(&caller, &id, "readCatalog").await?;
    with_log(&catalogs, &publication.entity, &publication.log_stream()).await
}

pub(super) async fn republish(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Publication>> {
    Ok(Json(catalogs.republish(&caller, &id).await?))
}

pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<DeleteParams>,
) -> ApiResult<StatusCode> {
    catalogs.unpublish(&caller, &id, params.only_link).await?;
    Ok(StatusCode::NO_CONTENT)
}
