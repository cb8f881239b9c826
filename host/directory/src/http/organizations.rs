//! `/simple-directory/api/organizations`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::{List, Paging};
use halle_http::{ApiResult, Caller, JsonBody, Params};

use crate::Directory;
use crate::http::users::{PAGE_SIZE_DEFAULT, ids};
use crate::service::OrganizationChange;
use crate::views::{OrganizationView, UserRef};

/// Lists organisations by identifier and name.
#[utoipa::path(get, path = "/simple-directory/api/organizations", tag = "directory",
    operation_id = "listOrganizations",
    params(
        ("q" = Option<String>, Query, description = "Words in the name"),
        ("ids" = Option<String>, Query, description = "Identifiers, separated by commas"),
        ("size" = Option<usize>, Query), ("page" = Option<usize>, Query),
    ),
    responses((status = 200, description = "`{count, results}`")))]
pub async fn list(
    State(directory): State<Directory>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<UserRef>>> {
    let paging = Paging::parse(&params, PAGE_SIZE_DEFAULT)?;
    directory.list_organizations(&caller, params.get("q"), ids(&params), paging).await.map(Json)
}

/// Makes an organisation; whoever makes it administers it, unless `autoAdmin=false`.
#[utoipa::path(post, path = "/simple-directory/api/organizations", tag = "directory",
    operation_id = "postOrganization", request_body = OrganizationChange,
    params(("autoAdmin" = Option<bool>, Query)),
    responses((status = 201, description = "The organisation")))]
pub async fn create(
    State(directory): State<Directory>,
    caller: Caller,
    params: Params,
    JsonBody(body): JsonBody<OrganizationChange>,
) -> ApiResult<(StatusCode, Json<OrganizationView>)> {
    let auto_admin = params.get("autoAdmin") != Some("false");
    let organization = directory.create_organization(&caller, body, auto_admin).await?;
    Ok((StatusCode::CREATED, Json(organization.into())))
}

/// Shows an organisation to its members.
#[utoipa::path(get, path = "/simple-directory/api/organizations/{id}", tag = "directory",
    operation_id = "getOrganization", params(("id" = String, Path)),
    responses((status = 200, description = "The organisation")))]
pub async fn read(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<OrganizationView>> {
    Ok(Json(directory.organization(&caller, &id).await?.into()))
}

/// Changes an organisation, its departments and roles.
#[utoipa::path(patch, path = "/simple-directory/api/organizations/{id}", tag = "directory",
    operation_id = "patchOrganization", params(("id" = String, Path)), request_body = OrganizationChange,
    responses((status = 200, description = "The organisation")))]
pub async fn change(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<OrganizationChange>,
) -> ApiResult<Json<OrganizationView>> {
    Ok(Json(directory.change_organization(&caller, &id, body).await?.into()))
}

/// Removes an organisation that has no other member.
#[utoipa::path(delete, path = "/simple-directory/api/organizations/{id}", tag = "directory",
    operation_id = "deleteOrganization", params(("id" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 400, description = "It still has members")))]
pub async fn remove(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    directory.delete_organization(&caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}

/// The roles that members of an organisation may have.
#[utoipa::path(get, path = "/simple-directory/api/organizations/{id}/roles", tag = "directory",
    operation_id = "getRoles", params(("id" = String, Path)),
    responses((status = 200, description = "Names of roles", body = Vec<String>)))]
pub async fn roles(
    State(directory): State<Directory>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Vec<String>>> {
    let organization = directory.organization(&caller, &id).await?;
    Ok(Json(organization.roles().into_iter().map(str::to_owned).collect()))
}
