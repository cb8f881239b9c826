//! Publications as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::shapes::{Conflict, OfOne, OverShare, PageQuery, WrongBody, WrongParameter};
use halle_http::{ApiResult, Caller, JsonBody, Params};

use super::of_catalog;
use crate::Catalogs;
use crate::model::Publication;
use crate::service::NewPublication;
use crate::views::{PublicationPage, PublicationWithLog};

/// Lists the publications in a catalogue, newest first.
#[utoipa::path(get, path = "/catalogs/api/publications", tag = "catalogs", operation_id = "listPublications",
    params(
        ("catalogId" = String, Query, description = "Identifier of the catalogue"),
        PageQuery),
    responses((status = 200, description = "A page", body = PublicationPage), WrongParameter, OfOne))]
pub(super) async fn list(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<PublicationPage>> {
    let (catalog, paging) = of_catalog(&params)?;
    let page = catalogs.exchanges::<Publication>(&caller, catalog, paging).await?;
    Ok(Json(PublicationPage { count: page.count, results: page.results }))
}

/// Publishes a dataset. 409 when it is published there already, 429 when the account has used up its plugin seconds.
#[utoipa::path(post, path = "/catalogs/api/publications", tag = "catalogs", operation_id = "postPublication",
    request_body = NewPublication,
    responses((status = 201, description = "The publication", body = Publication), WrongBody, OfOne, Conflict, OverShare))]
pub(super) async fn create(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    JsonBody(body): JsonBody<NewPublication>,
) -> ApiResult<(StatusCode, Json<Publication>)> {
    Ok((StatusCode::CREATED, Json(catalogs.publish(&caller, body).await?)))
}

/// Shows a publication with its log.
#[utoipa::path(get, path = "/catalogs/api/publications/{id}", tag = "catalogs", operation_id = "readPublication",
    params(("id" = String, Path)),
    responses((status = 200, description = "The publication", body = PublicationWithLog), OfOne))]
pub(super) async fn read(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<PublicationWithLog>> {
    let publication = catalogs.permitted_exchange::<Publication>(&caller, &id, "readCatalog").await?.entity;
    let logs = catalogs.exchange_log(&publication).await?;
    Ok(Json(PublicationWithLog { publication, logs }))
}

/// Publishes again: the remote twin is brought up to date. 429 when the account has used up its plugin seconds.
#[utoipa::path(post, path = "/catalogs/api/publications/{id}", tag = "catalogs", operation_id = "republish",
    params(("id" = String, Path)),
    responses((status = 200, description = "The publication", body = Publication), OfOne, Conflict, OverShare))]
pub(super) async fn republish(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Publication>> {
    catalogs.republish(&caller, &id).await.map(Json)
}

/// Removes the remote twin, then the publication. The removal waits while the account has no plugin seconds left.
#[utoipa::path(delete, path = "/catalogs/api/publications/{id}", tag = "catalogs",
    operation_id = "deletePublication",
    params(("id" = String, Path),
        ("onlyLink" = Option<bool>, Query, description = "Leave the remote twin where it is")),
    responses((status = 204, description = "It is gone, or goes as soon as the remote twin is removed"),
        OfOne, Conflict))]
pub(super) async fn delete(
    State(catalogs): State<Catalogs>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<StatusCode> {
    catalogs.unpublish(&caller, &id, params.flag("onlyLink")).await?;
    Ok(StatusCode::NO_CONTENT)
}
