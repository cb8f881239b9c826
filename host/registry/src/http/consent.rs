//! What a plugin asks for, and the consent of an administrator.

use axum::Json;
use axum::extract::{Path, State};
use halle_extensions::grants::Grants;
use halle_extensions::registry::Registry;
use halle_http::{ApiError, ApiResult, Caller, ClientIp, JsonBody, Params, layers};

use crate::error::refused;
use crate::http::{load, superadmin};
use crate::views::AskedView;

/// Shows what a plugin asks for, beside what it was granted.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/asked", tag = "registry", operation_id = "getAsked",
    params(("id" = String, Path)),
    responses((status = 200, description = "What it asks for, was granted, may use, and its limits")))]
pub async fn asked(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<AskedView>> {
    superadmin(&caller)?;
    Ok(Json(AskedView::from(&load(&registry, &id).await?.current)))
}

/// Grants what the body says, at most what is asked; `null` grants everything that is asked.
#[utoipa::path(put, path = "/registry/api/v1/artefacts/{id}/grants", tag = "registry", operation_id = "putGrants",
    params(("id" = String, Path),
        ("digest" = Option<String>, Query, description = "Package that was decided on; 409 if another is current")),
    request_body(content_type = "application/json", description = "Grants, or `null` for everything that is asked"),
    responses((status = 200, description = "What it was granted"),
        (status = 400, description = "More than it asks for"), (status = 409, description = "The package changed")))]
pub async fn grant(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
    params: Params,
    JsonBody(decided): JsonBody<Option<Grants>>,
) -> ApiResult<Json<AskedView>> {
    let user = superadmin(&caller)?;
    let current = load(&registry, &id).await?.current.installed.digest;
    if params.get("digest").is_some_and(|digest| digest != current) {
        return Err(ApiError::conflict(
            "Une autre version de l'extension a été installée entre-temps : relisez ce qu'elle demande. The package \
             changed meanwhile: read again what it asks for.",
        ));
    }
    let installed = registry.grant(&id, decided).await.map_err(refused)?;
    let message = format!("granted {:?} to {id} {}", installed.grants, installed.digest);
    layers::audit("registry.grant", Some(ip), &user.email, &message);
    Ok(Json(AskedView::from(&load(&registry, &id).await?.current)))
}
