//! Catalogues as a resource, and what they hold.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use halle_model::permission::{CATALOG_OPERATIONS, can};
use serde::Deserialize;
use serde_json::{Value, json};

use super::window;
use crate::model::Catalog;
use crate::service::{CatalogPatch, NewCatalog};
use crate::{CatalogError, Catalogs};

/// Parameters of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListParams {
    q: Option<String>,
    size: Option<u32>,
    page: Option<u32>,
}

/// Parameters of browsing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BrowseParams {
    current_folder_id: Option<String>,
    q: Option<String>,
    size: Option<u32>,
    page: Option<u32>,
}

pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let (skip, size) = window(params.page, params.size)?;
    let page = catalogs.list(&caller, params.q.as_deref().unwrap_or_default(), skip, size).await?;
    let mut results = Vec::with_capacity(page.results.len());
    for catalog in &page.results {
        results.push(view(&catalogs, &caller, catalog).await?);
    }
    Ok(Json(json!({ "count": page.count, "results": results })))
}

pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewCatalog>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let catalog = catalogs.create(&caller, body).await?;
    Ok((StatusCode::CREATED, Json(view(&catalogs, &caller, &catalog).await?)))
}

pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let catalog = catalogs.permitted(&caller, &id, "readCatalog").await?;
    Ok(Json(view(&catalogs, &caller, &catalog).await?))
}

pub(super) async fn patch(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CatalogPatch>,
) -> ApiResult<Json<Value>> {
    let catalog = catalogs.patch(&caller, &id, body).await?;
    Ok(Json(view(&catalogs, &caller, &catalog).await?))
}

pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    catalogs.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A page of the remote catalogue: `{count, results, path}`.
pub(super) async fn resources(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    Query(params): Query<BrowseParams>,
) -> ApiResult<Json<Value>> {
    let (_, size) = window(params.page, params.size)?;
    let page = params.page.unwrap_or(1).max(1);
    let folder = params.current_folder_id.as_deref();
    let q = params.q.as_deref().filter(|q| !q.trim().is_empty());
    let listing = catalogs.browse(&caller, &id, folder, q, page, size.max(1)).await?;
    let count = listing.total.unwrap_or(listing.entries.len() as u64);
    Ok(Json(json!({ "count": count, "results": listing.entries, "path": listing.path })))
}

/// The catalogue as a caller sees it: secrets masked, grants left out.
async fn view(catalogs: &Catalogs, caller: &halle_model::Caller, catalog: &Catalog) -> ApiResult<Value> {
    let installed = catalogs.installed.installed(&catalog.plugin).await.map_err(CatalogError::from)?;
    let config = installed.map_or(Value::Null, |plugin| catalog.configured.shown(&plugin.manifest));
    let granted = CATALOG_OPERATIONS.iter().filter(|operation| can(caller, **operation, catalog.protected()));
    let mut view = serde_json::to_value(catalog).map_err(ApiError::internal)?;
    if let Some(object) = view.as_object_mut() {
        object.remove("configured");
        object.remove("permissions");
        object.insert("config".to_owned(), config);
        object.insert("userPermissions".to_owned(), granted.map(|operation| operation.id).collect());
    }
    Ok(view)
}
