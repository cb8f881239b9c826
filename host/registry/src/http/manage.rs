//! Who uses a plugin, who sees it, and whether it may start.

use axum::Json;
use axum::extract::{Path, State};
use halle_base::AccountRef;
use halle_extensions::registry::{Change, PRIVATE_ACCESS_MAX, Registry};
use halle_extensions::uses::Uses;
use halle_http::{ApiError, ApiResult, Caller, ClientIp, JsonBody, layers};
use serde::Deserialize;

use crate::error::refused;
use crate::http::{load, superadmin};
use crate::views::ArtefactView;

/// Lists who uses a plugin, over all accounts.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/uses", tag = "registry", operation_id = "listUses",
    params(("id" = String, Path)),
    responses((status = 200, description = "`{count, results}`; a result has `type`, `id`, `title` and `owner`"),
        (status = 404, description = "Not installed")))]
pub async fn uses(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Uses>> {
    superadmin(&caller)?;
    load(&registry, &id).await?;
    Ok(Json(registry.uses(&id).await.map_err(refused)?))
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Patch {
    /// Whether nothing new may start.
    disabled: Option<bool>,
    /// Whether every account sees it.
    public: Option<bool>,
    /// Accounts that see it when not every one does.
    private_access: Option<Vec<AccountRef>>,
}

/// Disables or enables a plugin, or says which accounts see it. What an account has of a plugin goes on working when it does
/// not see it any more.
#[utoipa::path(patch, path = "/registry/api/v1/artefacts/{id}", tag = "registry", operation_id = "patchArtefact",
    params(("id" = String, Path)),
    request_body(content_type = "application/json",
        description = "Any of `disabled`, `public`, and `privateAccess`: `[{\"type\", \"id\"}]`"),
    responses((status = 200, description = "The plugin"), (status = 400, description = "Refused, with the reason"),
        (status = 404, description = "Not installed")))]
pub async fn patch(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
    JsonBody(patch): JsonBody<Patch>,
) -> ApiResult<Json<ArtefactView>> {
    let user = superadmin(&caller)?;
    if patch.private_access.as_ref().is_some_and(|accounts| accounts.len() > PRIVATE_ACCESS_MAX) {
        return Err(ApiError::bad_request(format!(
            "`privateAccess` a plus de {PRIVATE_ACCESS_MAX} comptes. `privateAccess` has more than {PRIVATE_ACCESS_MAX} accounts."
        )));
    }
    let message = format!("changed {id}: {patch:?}");
    let Patch { disabled, public, private_access } = patch;
    registry.adjust(&id, Change { disabled, public, private_access }).await.map_err(refused)?;
    layers::audit("registry.patch", Some(ip), &user.email, &message);
    Ok(Json(ArtefactView::from(&load(&registry, &id).await?)))
}
