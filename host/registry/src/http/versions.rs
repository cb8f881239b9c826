//! Versions of a plugin, side by side.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_extensions::registry::{Installation, Registry, RegistryError};
use halle_http::conditional::{CacheFor, is_not_modified, not_modified};
use halle_http::paging::List;
use halle_http::{ApiError, ApiResult, Caller, ClientIp, layers};

use crate::error::refused;
use crate::http::{installer, load, may_install, superadmin};
use crate::views::{ArtefactView, VersionView};

/// Lists the versions of a plugin: the current one, the one that waits for consent, then those that are kept.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/versions", tag = "registry", operation_id = "listVersions",
    params(("id" = String, Path)),
    responses((status = 200, description = "`{count, results}`; `state` is `current`, `waiting` or `kept`"),
        (status = 404, description = "Not installed")))]
pub async fn list(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<List<VersionView>>> {
    superadmin(&caller)?;
    let installation = load(&registry, &id).await?;
    let results: Vec<VersionView> = installation.versions().map(VersionView::from).collect();
    Ok(Json(List { count: Some(results.len() as u64), results }))
}

/// Makes a version that is kept the current one, with the grants it had. What runs ends on the version it began with.
#[utoipa::path(post, path = "/registry/api/v1/artefacts/{id}/versions/{digest}/activate", tag = "registry",
    operation_id = "activateVersion", params(("id" = String, Path), ("digest" = String, Path)),
    responses((status = 200, description = "The plugin"), (status = 404, description = "No such version is kept"),
        (status = 409, description = "It was never granted what it asks for")))]
pub async fn activate(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path((id, digest)): Path<(String, String)>,
) -> ApiResult<Json<ArtefactView>> {
    let user = superadmin(&caller)?;
    let installed = registry.activate(&id, &digest).await.map_err(refused)?;
    let message = format!("made {} of {id} current", installed.digest);
    layers::audit("registry.activate", Some(ip), &user.email, &message);
    Ok(Json(ArtefactView::from(&load(&registry, &id).await?)))
}

/// Forgets a version that does not run; for the one that waits, this declines it.
#[utoipa::path(delete, path = "/registry/api/v1/artefacts/{id}/versions/{digest}", tag = "registry",
    operation_id = "deleteVersion", params(("id" = String, Path), ("digest" = String, Path)),
    responses((status = 204, description = "Forgotten"), (status = 404, description = "No such version"),
        (status = 409, description = "It is the current one")))]
pub async fn forget(
    State(registry): State<Registry>,
    caller: Caller,
    ip: ClientIp,
    Path((id, digest)): Path<(String, String)>,
) -> ApiResult<StatusCode> {
    let user = superadmin(&caller)?;
    registry.forget(&id, &digest).await.map_err(refused)?;
    layers::audit("registry.forget", Some(ip), &user.email, &format!("forgot {digest} of {id}"));
    Ok(StatusCode::NO_CONTENT)
}

/// The package of a version, as it was sent: to install it elsewhere.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/versions/{digest}/tarball", tag = "registry",
    operation_id = "getTarball", params(("id" = String, Path), ("digest" = String, Path)),
    responses((status = 200, description = "The package", content_type = "application/octet-stream"),
        (status = 404, description = "No such version")))]
pub async fn tarball(
    State(registry): State<Registry>,
    caller: Caller,
    Path((id, digest)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    superadmin(&caller)?;
    let installation = load(&registry, &id).await?;
    package(&registry, &installation, &digest, &headers).await
}

/// The package of the current version, for superadmins and for keys that were made for this plugin.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/tarball", tag = "registry",
    operation_id = "getCurrentTarball", params(("id" = String, Path)),
    responses((status = 200, description = "The package", content_type = "application/octet-stream"),
        (status = 304, description = "The client has it"), (status = 404, description = "Not installed")))]
pub async fn current_tarball(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    installer(&caller)?;
    may_install(&caller, &id)?;
    let installation = load(&registry, &id).await?;
    package(&registry, &installation, &installation.current.installed.digest, &headers).await
}

/// The same as `/tarball`: a package is the only form that artefacts have here.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/download", tag = "registry",
    operation_id = "downloadArtefact", params(("id" = String, Path)),
    responses((status = 200, description = "The package", content_type = "application/octet-stream"),
        (status = 304, description = "The client has it"), (status = 404, description = "Not installed")))]
pub async fn download(
    registry: State<Registry>,
    caller: Caller,
    id: Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    current_tarball(registry, caller, id, headers).await
}

/// The package of a version, or 304.
async fn package(
    registry: &Registry,
    installation: &Installation,
    digest: &str,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let id = &installation.current.installed.id;
    let unknown = || refused(RegistryError::NoVersion { id: id.clone(), version: digest.to_owned() });
    let (_, version) = installation.version(digest).ok_or_else(unknown)?;
    // The digest names the content, which may have been compressed in another way. A date would not do: the version that one
    // goes back to is older than what a client has.
    let etag = format!("W/\"{digest}\"");
    let mut response = if is_not_modified(headers, Some(&etag), None) {
        not_modified()
    } else {
        let archive = registry.packages.archive(digest).await.map_err(refused)?.ok_or_else(unknown)?;
        let name =
            format!("{}-{}.halle-plugin", id.replace('/', "-"), version.installed.manifest.plugin.version);
        let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
        let media_type = HeaderValue::from_static("application/octet-stream");
        let told = [
            (header::CONTENT_TYPE, media_type),
            (header::CONTENT_DISPOSITION, disposition.map_err(ApiError::internal)?),
        ];
        (told, archive).into_response()
    };
    let kept = response.headers_mut();
    kept.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(ApiError::internal)?);
    kept.insert(header::CACHE_CONTROL, CacheFor::Nobody.header());
    Ok(response)
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
