//! Catalogues as a resource, and what they hold.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::Paging;
use halle_http::shapes::{
    Conflict, Forbidden, NotSignedIn, OfOne, PageQuery, PluginFailed, WrongBody, WrongParameter,
};
use halle_http::{ApiResult, Caller, JsonBody, Params};

use super::{PAGE_DEFAULT, PAGE_MAX};
use crate::Catalogs;
use crate::service::{CatalogPatch, NewCatalog};
use crate::views::{CatalogPage, CatalogView, ResourcePage};

/// Lists the catalogues that the caller may list, newest first.
#[utoipa::path(get, path = "/catalogs/api/catalogs", tag = "catalogs", operation_id = "listCatalogs",
    params(
        ("q" = Option<String>, Query, description = "Words of the title or the description"),
        PageQuery),
    responses((status = 200, description = "A page", body = CatalogPage), WrongParameter))]
pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<CatalogPage>> {
    let paging = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?;
    let page = catalogs.list(&caller, params.get("q").unwrap_or_default(), paging).await?;
    let mut results = Vec::with_capacity(page.results.len());
    for catalog in page.results {
        results.push(catalogs.view(&caller, catalog).await?);
    }
    Ok(Json(CatalogPage { count: page.count, results }))
}

/// Creates a catalogue. Its connector checks the configuration and says what it can do.
#[utoipa::path(post, path = "/catalogs/api/catalogs", tag = "catalogs", operation_id = "postCatalog",
    request_body = NewCatalog, security(("session" = []), ("apiKey" = [])),
    responses((status = 201, description = "The catalogue", body = CatalogView),
        WrongBody, NotSignedIn, Forbidden, Conflict, PluginFailed))]
pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewCatalog>,
) -> ApiResult<(StatusCode, Json<CatalogView>)> {
    let (catalog, notes) = catalogs.create(&caller, body).await?;
    let view = catalogs.view(&caller, catalog).await?.with_notes(notes);
    Ok((StatusCode::CREATED, Json(view)))
}

/// Shows a catalogue.
#[utoipa::path(get, path = "/catalogs/api/catalogs/{id}", tag = "catalogs", operation_id = "readCatalog",
    params(("id" = String, Path)),
    responses((status = 200, description = "The catalogue", body = CatalogView), OfOne))]
pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<CatalogView>> {
    let catalog = catalogs.permitted(&caller, &id, "readCatalog").await?;
    catalogs.view(&caller, catalog.entity).await.map(Json)
}

/// Changes the attributes given.
#[utoipa::path(patch, path = "/catalogs/api/catalogs/{id}", tag = "catalogs", operation_id = "writeCatalog",
    params(("id" = String, Path)), request_body = CatalogPatch,
    responses((status = 200, description = "The catalogue", body = CatalogView),
        WrongBody, OfOne, Conflict, PluginFailed))]
pub(super) async fn patch(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<CatalogPatch>,
) -> ApiResult<Json<CatalogView>> {
    let (catalog, notes) = catalogs.patch(&caller, &id, body).await?;
    Ok(Json(catalogs.view(&caller, catalog).await?.with_notes(notes)))
}

/// Deletes a catalogue with its imports and publications. Datasets here and twins there stay.
#[utoipa::path(delete, path = "/catalogs/api/catalogs/{id}", tag = "catalogs", operation_id = "deleteCatalog",
    params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), OfOne))]
pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    catalogs.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a page of the remote catalogue.
#[utoipa::path(get, path = "/catalogs/api/catalogs/{id}/resources", tag = "catalogs", operation_id = "browseCatalog",
    params(("id" = String, Path),
        ("currentFolderId" = Option<String>, Query, description = "Folder there; the root when absent"),
        ("q" = Option<String>, Query, description = "Words to search there"),
        ("size" = Option<u32>, Query, description = "Resources of the page, 10 by default"),
        ("page" = Option<u32>, Query, description = "Page, from 1")),
    responses((status = 200, description = "A page", body = ResourcePage),
        WrongParameter, OfOne, Conflict, PluginFailed))]
pub(super) async fn resources(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<ResourcePage>> {
    let size = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?.size.max(1);
    let page = params.number("page")?.unwrap_or(1).max(1);
    // The paging above has limited it.
    let page = u32::try_from(page).unwrap_or(u32::MAX);
    let q = params.get("q").filter(|q| !q.trim().is_empty());
    let listing = catalogs.browse(&caller, &id, params.get("currentFolderId"), q, page, size).await?;
    listing.try_into().map(Json)
}
