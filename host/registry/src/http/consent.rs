//! What a plugin asks for, and the consent of an administrator.

use axum::Json;
use axum::extract::{Path, State};
use halle_extensions::grants::Grants;
use halle_extensions::registry::{Registry, RegistryError, VersionState};
use halle_http::{ApiError, ApiResult, Caller, ClientIp, JsonBody, Params, layers};

use crate::error::refused;
use crate::http::{load, superadmin};
use crate::views::AskedView;

/// Shows what a plugin asks for, beside what it was granted: the version that waits for consent, or else the current one, or
/// the one that `digest` names.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/asked", tag = "registry", operation_id = "getAsked",
    params(("id" = String, Path), ("digest" = Option<String>, Query, description = "Version")),
    responses((status = 200, description = "What it asks for, was granted, may use, its limits, and what changes with it"),
        (status = 404, description = "Not installed, or no such version")))]
pub async fn asked(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
    params: Params,
) -> ApiResult<Json<AskedView>> {
    superadmin(&caller)?;
    let installation = load(&registry, &id).await?;
    let undecided = installation.undecided().installed.digest.clone();
    let digest = params.get("digest").unwrap_or(&undecided);
    let found = installation.version(digest);
    let (state, version) = found
        .ok_or_else(|| refused(RegistryError::NoVersion { id: id.clone(), version: digest.to_owned() }))?;
    Ok(Json(AskedView::new(&installation, state, version)))
}

/// Grants what the body says, at most what is asked; `null` grants everything that is asked. A version that waited runs from
/// now on.
#[utoipa::path(put, path = "/registry/api/v1/artefacts/{id}/grants", tag = "registry", operation_id = "putGrants",
    params(("id" = String, Path),
        ("digest" = Option<String>, Query, description = "Version that was decided on, 409 if it is gone; needed when one waits, otherwise the current one")),
    request_body(content_type = "application/json", description = "Grants, or `null` for everything that is asked"),
    responses((status = 200, description = "What it was granted"),
        (status = 400, description = "More than it asks for, or a version waits and `digest` is absent"), (status = 409, description = "The package changed")))]
pub async fn grant(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
    params: Params,
    JsonBody(decided): JsonBody<Option<Grants>>,
) -> ApiResult<Json<AskedView>> {
    let user = superadmin(&caller)?;
    let installed = registry.grant(&id, params.get("digest"), decided).await.map_err(|error| match error {
        RegistryError::NoVersion { .. } => ApiError::conflict(
            "Une autre version de l'extension a été installée entre-temps : relisez ce qu'elle demande. The package \
             changed meanwhile: read again what it asks for.",
        ),
        error => refused(error),
    })?;
    let message = format!("granted {:?} to {id} {}", installed.grants, installed.digest);
    layers::audit("registry.grant", Some(ip), &user.email, &message);
    let installation = load(&registry, &id).await?;
    Ok(Json(AskedView::new(&installation, VersionState::Current, &installation.current)))
}
