//! Packages in, out, and back.

use axum::Json;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use halle_base::limits::PACKAGE_BYTES_MAX;
use halle_extensions::registry::Registry;
use halle_http::{ApiError, ApiResult, Caller, ClientIp, Params, layers};

use crate::error::{missing, refused};
use crate::http::{load, superadmin};
use crate::views::ArtefactView;

/// Installs or upgrades a plugin from its package. Consent is given apart.
#[utoipa::path(post, path = "/registry/api/v1/artefacts", tag = "registry", operation_id = "postArtefact",
    params(("acceptUnsigned" = Option<bool>, Query, description = "Take a package that no trusted key signed")),
    request_body(content_type = "multipart/form-data", description = "The package, in the field `file`"),
    responses((status = 201, description = "The plugin, waiting for consent if it asks for more than before"),
        (status = 400, description = "Refused, with the reason"), (status = 413, description = "Too large")))]
pub async fn upload(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    params: Params,
    form: Multipart,
) -> ApiResult<(StatusCode, Json<ArtefactView>)> {
    let user = superadmin(&caller)?;
    let archive = read_package(form).await?;
    let installed = registry.install(&archive, params.flag("acceptUnsigned")).await.map_err(refused)?;
    let message = format!("installed {} {}", installed.id, installed.digest);
    layers::audit("registry.install", Some(ip), &user.email, &message);
    Ok((StatusCode::CREATED, Json(ArtefactView::from(&load(&registry, &installed.id).await?))))
}

/// The field `file` of the form, up to the largest package.
async fn read_package(mut form: Multipart) -> ApiResult<Vec<u8>> {
    let broken = |error: axum::extract::multipart::MultipartError| {
        ApiError::new(
            error.status(),
            "bad-form",
            format!("Le formulaire est illisible : {}.", error.body_text()),
        )
    };
    while let Some(mut field) = form.next_field().await.map_err(broken)? {
        if field.name() != Some("file") {
            continue;
        }
        let mut archive = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(broken)? {
            if archive.len() + chunk.len() > PACKAGE_BYTES_MAX {
                let message = format!("Le paquet dépasse {PACKAGE_BYTES_MAX} octets.");
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "package-too-large", message));
            }
            archive.extend_from_slice(&chunk);
        }
        return Ok(archive);
    }
    Err(ApiError::bad_request(
        "Envoyez le paquet dans le champ `file`. Send the package in the field `file`.",
    ))
}

/// Goes back to the version that was current before, with the grants it had.
#[utoipa::path(post, path = "/registry/api/v1/artefacts/{id}/rollback", tag = "registry",
    operation_id = "rollbackArtefact", params(("id" = String, Path)),
    responses((status = 200, description = "The plugin"), (status = 409, description = "No earlier version is kept")))]
pub async fn rollback(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
) -> ApiResult<Json<ArtefactView>> {
    let user = superadmin(&caller)?;
    let installed = registry.rollback(&id).await.map_err(refused)?;
    let message = format!("went back to {} {}", installed.id, installed.digest);
    layers::audit("registry.rollback", Some(ip), &user.email, &message);
    Ok(Json(ArtefactView::from(&load(&registry, &id).await?)))
}

/// Removes a plugin. What runs may end; nothing new starts.
#[utoipa::path(delete, path = "/registry/api/v1/artefacts/{id}", tag = "registry",
    operation_id = "deleteArtefact", params(("id" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 404, description = "Not installed")))]
pub async fn remove(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    let user = superadmin(&caller)?;
    if !registry.remove(&id).await.map_err(refused)? {
        return Err(missing(&id));
    }
    layers::audit("registry.remove", Some(ip), &user.email, &format!("removed {id}"));
    Ok(StatusCode::NO_CONTENT)
}
