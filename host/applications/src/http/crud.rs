//! Applications as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::Paging;
use halle_http::shapes::{
    self, Conflict, Forbidden, NotSignedIn, OfOne, PageQuery, WrongBody, WrongParameter,
};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, JsonBody, Params};
use halle_model::permission::PermissionEntry;
use serde_json::Value;

use crate::Applications;
use crate::service::NewApplication;
use crate::service::edit::Patch;
use crate::service::find::ListQuery;
use crate::views::{ApplicationPage, ApplicationView};

/// Applications of a page when the client does not say, as Data Fair.
const PAGE_DEFAULT: usize = 12;

/// Applications of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Lists the applications that the caller may list, newest first.
#[utoipa::path(get, path = "/data-fair/api/v1/applications", tag = "applications",
    operation_id = "listApplications",
    params(
        ("q" = Option<String>, Query, description = "Words of the title or the description"),
        ("dataset" = Option<String>, Query, description = "Identifier of a dataset that they show"),
        PageQuery),
    responses((status = 200, description = "A page", body = ApplicationPage), WrongParameter))]
pub(super) async fn list(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
) -> ApiResult<Json<ApplicationPage>> {
    let query = ListQuery {
        q: params.get("q").unwrap_or_default().to_owned(),
        dataset: params.get("dataset").map(str::to_owned),
        paging: Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?,
    };
    let page = applications.list(&caller, &query).await?;
    let results = page.results.into_iter().map(|one| ApplicationView::new(one, &caller, &base.0)).collect();
    Ok(Json(ApplicationPage { count: page.count, results }))
}

/// Creates an application. Its plugin must be installed, and its schema accept the configuration.
#[utoipa::path(post, path = "/data-fair/api/v1/applications", tag = "applications",
    operation_id = "postApplication", request_body = NewApplication,
    security(("session" = []), ("apiKey" = [])),
    responses((status = 201, description = "The application", body = ApplicationView),
        WrongBody, NotSignedIn, Forbidden, Conflict))]
pub(super) async fn create(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    JsonBody(body): JsonBody<NewApplication>,
) -> ApiResult<(StatusCode, Json<ApplicationView>)> {
    let application = applications.create(&caller, body).await?;
    Ok((StatusCode::CREATED, Json(ApplicationView::new(application, &caller, &base.0))))
}

/// Shows an application.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}", tag = "applications",
    operation_id = "readApplication", params(("id" = String, Path)),
    responses((status = 200, description = "The application", body = ApplicationView), OfOne))]
pub(super) async fn read(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Json<ApplicationView>> {
    let application = applications.permitted(&caller, &id, "readDescription").await?.entity;
    Ok(Json(ApplicationView::new(application, &caller, &base.0)))
}

/// Changes the attributes given.
#[utoipa::path(patch, path = "/data-fair/api/v1/applications/{id}", tag = "applications",
    operation_id = "writeApplication", params(("id" = String, Path)), request_body = Patch,
    responses((status = 200, description = "The application", body = ApplicationView), WrongBody, OfOne, Conflict))]
pub(super) async fn patch(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Patch>,
) -> ApiResult<Json<ApplicationView>> {
    let application = applications.patch(&caller, &id, body).await?;
    Ok(Json(ApplicationView::new(application, &caller, &base.0)))
}

/// Deletes an application. The datasets it shows stay.
#[utoipa::path(delete, path = "/data-fair/api/v1/applications/{id}", tag = "applications",
    operation_id = "deleteApplication", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), OfOne))]
pub(super) async fn delete(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    applications.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the grants.
#[utoipa::path(get, path = "/data-fair/api/v1/applications/{id}/permissions", tag = "applications",
    operation_id = "readApplicationPermissions", params(("id" = String, Path)),
    responses((status = 200, description = "The grants", body = Vec<shapes::Permission>), OfOne))]
pub(super) async fn permissions(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Vec<PermissionEntry>>> {
    let application = applications.permitted(&caller, &id, "getPermissions").await?;
    Ok(Json(application.entity.permissions))
}

/// Replaces the grants.
#[utoipa::path(put, path = "/data-fair/api/v1/applications/{id}/permissions", tag = "applications",
    operation_id = "writeApplicationPermissions", params(("id" = String, Path)),
    request_body = Vec<shapes::Permission>,
    responses((status = 200, description = "The grants", body = Vec<shapes::Permission>), WrongBody, OfOne))]
pub(super) async fn grant(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(entries): JsonBody<Value>,
) -> ApiResult<Json<Vec<PermissionEntry>>> {
    let entries = serde_json::from_value(entries)
        .map_err(|error| ApiError::bad_request(format!("Error in permissions format: {error}")))?;
    applications.grant(&caller, &id, entries).await.map(Json)
}
