//! `/data-fair/api/v1/settings/{type}/{id}`: the API keys of an account (reference §1.9, §5.5).

use axum::Json;
use axum::extract::{Path, State};
use halle_base::{AccountKind, AccountRef};
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use serde::Deserialize;

use crate::Directory;
use crate::service::KeyChange;
use crate::views::SettingsView;

/// What may be changed of the settings.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingsChange {
    /// All keys of the account: known ones as they are, new ones without `id`.
    api_keys: Vec<KeyChange>,
}

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

/// Replaces the API keys of an account. The answer holds the clear key of each new one, this once.
#[utoipa::path(patch, path = "/data-fair/api/v1/settings/{type}/{id}", tag = "settings",
    operation_id = "patchSettings",
    params(("type" = String, Path, description = "`user` or `organization`"),
        ("id" = String, Path, description = "`id`, or `id:department`")),
    request_body = SettingsChange,
    responses((status = 200, description = "The settings, with `clearKey` in new keys"),
        (status = 400, description = "A key was changed, or is wrong")))]
pub async fn change(
    State(directory): State<Directory>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    JsonBody(change): JsonBody<SettingsChange>,
) -> ApiResult<Json<SettingsView>> {
    directory.change_keys(&caller, &owner(&kind, &id)?, change.api_keys).await.map(Json)
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
