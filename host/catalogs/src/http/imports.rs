//! Imports as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::shapes::{Conflict, OfOne, OverShare, PageQuery, WrongBody, WrongParameter};
use halle_http::{ApiResult, Caller, JsonBody, Params};

use super::of_catalog;
use crate::Catalogs;
use crate::model::Import;
use crate::service::{ImportPatch, NewImport};
use crate::views::{ImportPage, ImportWithLog};

/// Lists the imports of a catalogue, newest first.
#[utoipa::path(get, path = "/catalogs/api/imports", tag = "catalogs", operation_id = "listImports",
    params(
        ("catalogId" = String, Query, description = "Identifier of the catalogue"),
        PageQuery),
    responses((status = 200, description = "A page", body = ImportPage), WrongParameter, OfOne))]
pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<ImportPage>> {
    let (catalog, paging) = of_catalog(&params)?;
    let page = catalogs.exchanges::<Import>(&caller, catalog, paging).await?;
    Ok(Json(ImportPage { count: page.count, results: page.results }))
}

/// Creates an import and runs it. 409 when another import fills the dataset, 429 when the account has used up its plugin seconds.
#[utoipa::path(post, path = "/catalogs/api/imports", tag = "catalogs", operation_id = "postImport",
    request_body = NewImport,
    responses((status = 201, description = "The import", body = Import), WrongBody, OfOne, Conflict, OverShare))]
pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewImport>,
) -> ApiResult<(StatusCode, Json<Import>)> {
    Ok((StatusCode::CREATED, Json(catalogs.import(&caller, body).await?)))
}

/// Shows an import with its log.
#[utoipa::path(get, path = "/catalogs/api/imports/{id}", tag = "catalogs", operation_id = "readImport",
    params(("id" = String, Path)),
    responses((status = 200, description = "The import", body = ImportWithLog), OfOne))]
pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ImportWithLog>> {
    let import = catalogs.permitted_exchange::<Import>(&caller, &id, "readCatalog").await?.entity;
    let logs = catalogs.exchange_log(&import).await?;
    Ok(Json(ImportWithLog { import, logs }))
}

/// Changes an import, or runs it again. 400 while it runs; to run it, 429 when the account has used up its plugin seconds.
#[utoipa::path(patch, path = "/catalogs/api/imports/{id}", tag = "catalogs", operation_id = "writeImport",
    params(("id" = String, Path)), request_body = ImportPatch,
    responses((status = 200, description = "The import", body = Import), WrongBody, OfOne, Conflict, OverShare))]
pub(super) async fn patch(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ImportPatch>,
) -> ApiResult<Json<Import>> {
    catalogs.patch_import(&caller, &id, body).await.map(Json)
}

/// Forgets an import. The dataset it filled stays.
#[utoipa::path(delete, path = "/catalogs/api/imports/{id}", tag = "catalogs", operation_id = "deleteImport",
    params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), OfOne))]
pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    catalogs.delete_import(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
