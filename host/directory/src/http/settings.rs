//! `/data-fair/api/v1/settings/{type}/{id}`: what an account sets (reference §1.9), its API keys included (§5.5).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_base::{AccountKind, AccountRef};
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use halle_model::settings::{DatasetsMetadata, License, PublicationSite, Topic};
use serde_json::{Map, Value};

use crate::Directory;
use crate::service::Change;
use crate::views::SettingsView;

/// Shows the settings of an account to its administrators. Keys are shown without their secret.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}", tag = "settings",
    operation_id = "readSettings",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The settings"), (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "Another account")))]
pub async fn read(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<SettingsView>> {
    directory.settings(&caller, &owner(&kind, &id)?).await.map(Json)
}

/// Changes some settings of an account; `null` unsets. The answer holds the clear text of each new API key, this once.
#[utoipa::path(patch, path = "/data-fair/api/v1/settings/{type}/{id}", tag = "settings",
    operation_id = "patchSettings",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    request_body = Object,
    responses((status = 200, description = "The settings, with `clearKey` in new keys"),
        (status = 400, description = "An attribute is wrong: the text says which")))]
pub async fn change(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(change): JsonBody<Map<String, Value>>,
) -> ApiResult<Json<SettingsView>> {
    directory.change_settings(&caller, &owner(&kind, &id)?, change, Change::Merge).await.map(Json)
}

/// Replaces the settings of an account; API keys stay unless `apiKeys` is given.
#[utoipa::path(put, path = "/data-fair/api/v1/settings/{type}/{id}", tag = "settings",
    operation_id = "writeSettings",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    request_body = Object,
    responses((status = 200, description = "The settings, with `clearKey` in new keys"),
        (status = 400, description = "An attribute is wrong: the text says which")))]
pub async fn replace(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(settings): JsonBody<Map<String, Value>>,
) -> ApiResult<Json<SettingsView>> {
    directory.change_settings(&caller, &owner(&kind, &id)?, settings, Change::Replace).await.map(Json)
}

/// Topics that resources of an account may have.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}/topics", tag = "settings",
    operation_id = "listTopics",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The topics")))]
pub async fn topics(
    State(directory): State<Directory>,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<Vec<Topic>>> {
    directory.topics(&owner(&kind, &id)?).await.map(Json)
}

/// Licences that resources of an account may have: the standard ones and its own.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}/licenses", tag = "settings",
    operation_id = "listLicenses",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The licences")))]
pub async fn licenses(
    State(directory): State<Directory>,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<Vec<License>>> {
    directory.licenses(&owner(&kind, &id)?).await.map(Json)
}

/// Which descriptive attributes the forms of an account show.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}/datasets-metadata", tag = "settings",
    operation_id = "readDatasetsMetadata",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The attributes")))]
pub async fn datasets_metadata(
    State(directory): State<Directory>,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<DatasetsMetadata>> {
    directory.datasets_metadata(&owner(&kind, &id)?).await.map(Json)
}

/// Settings of the assistant, for members of the account.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}/agent-chat", tag = "settings",
    operation_id = "readAgentChat",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The settings"), (status = 403, description = "Another account")))]
pub async fn agent_chat(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<Map<String, Value>>> {
    directory.agent_chat(&caller, &owner(&kind, &id)?).await.map(Json)
}

/// Sites of an account, for its members.
#[utoipa::path(get, path = "/data-fair/api/v1/settings/{type}/{id}/publication-sites", tag = "settings",
    operation_id = "listPublicationSites",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    responses((status = 200, description = "The sites"), (status = 403, description = "Another account")))]
pub async fn publication_sites(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
) -> ApiResult<Json<Vec<PublicationSite>>> {
    directory.publication_sites(&caller, &owner(&kind, &id)?).await.map(Json)
}

/// Declares a site of an account, or replaces the declaration with its type and identifier.
#[utoipa::path(post, path = "/data-fair/api/v1/settings/{type}/{id}/publication-sites", tag = "settings",
    operation_id = "writePublicationSite",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    request_body = Object,
    responses((status = 200, description = "The site"), (status = 400, description = "An attribute is wrong"),
        (status = 409, description = "Another account has a site at this address")))]
pub async fn put_publication_site(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(site): JsonBody<PublicationSite>,
) -> ApiResult<Json<PublicationSite>> {
    directory.put_publication_site(&caller, &owner(&kind, &id)?, site).await.map(Json)
}

/// Takes the declaration of a site back.
#[utoipa::path(delete, path = "/data-fair/api/v1/settings/{type}/{id}/publication-sites/{siteType}/{siteId}",
    tag = "settings", operation_id = "deletePublicationSite",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`"),
        ("siteType" = String, Path, description = "Type of the site"),
        ("siteId" = String, Path, description = "Identifier of the site")),
    responses((status = 204, description = "Done"), (status = 404, description = "There is no such site")))]
pub async fn remove_publication_site(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id, site_kind, site_id)): Path<(String, String, String, String)>,
) -> ApiResult<StatusCode> {
    directory.remove_publication_site(&caller, &owner(&kind, &id)?, &site_kind, &site_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn owner(kind: &str, id: &str) -> ApiResult<AccountRef> {
    let wrong = || ApiError::bad_request("Type de compte inconnu : attendu `user` ou `organization`.");
    let (id, department) = id.split_once(':').map_or((id, None), |(id, department)| (id, Some(department)));
    let kind = match kind {
        "user" if department.is_none() => AccountKind::User,
        "organization" => AccountKind::Organization,
        _ => return Err(wrong()),
    };
    Ok(AccountRef { kind, department: department.map(str::to_owned), ..AccountRef::user(id, "") })
}
