//! One installed plugin, its picture and the static files of its package.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use halle_extensions::registry::{Installation, Installed, Registry};
use halle_http::conditional::{CacheFor, is_not_modified, not_modified};
use halle_http::{ApiError, ApiResult, Caller, Params};
use halle_model::permission::operation;
use halle_model::plugins::PLUGIN_OPERATIONS;

use crate::error::{missing, refused};
use crate::http::{load, require};
use crate::views::ArtefactView;

/// A file of a package is no page of this site: it runs no script and sits in no frame of another.
const STATIC_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox";

/// Shows one plugin.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}", tag = "registry", operation_id = "getArtefact",
    params(("id" = String, Path)),
    responses((status = 200, description = "The plugin"), (status = 404, description = "Not installed")))]
pub async fn one(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ArtefactView>> {
    require(&caller, "readArtefact")?;
    let installation = load(&registry, &id).await?;
    if !installation.allows(&caller, operation(PLUGIN_OPERATIONS, "readArtefact")) {
        // Whoever may not see it is not told that it is there.
        return Err(missing(&id));
    }
    Ok(Json(ArtefactView::for_caller(&installation, &caller)))
}

/// A static file of a package, for whoever may see the plugin. Those of plugins that every account sees are for everybody:
/// public pages show pictures of them.
#[utoipa::path(get, path = "/registry/api/v1/artefacts/{id}/static/{name}", tag = "registry",
    operation_id = "getArtefactFile", params(("id" = String, Path), ("name" = String, Path),
        ("digest" = Option<String>, Query, description = "Version; the current one when absent")),
    responses((status = 200, description = "The file"), (status = 404, description = "No such file")))]
pub async fn static_file(
    State(registry): State<Registry>,
    caller: Caller,
    Path((id, name)): Path<(String, String)>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let installation = shown(&registry, &caller, &id).await?;
    let current = &installation.current.installed.digest;
    let found = installation.version(params.get("digest").unwrap_or(current));
    let installed = &found.ok_or_else(|| missing(&id))?.1.installed;
    serve(&registry, &installation, installed, &name, &headers).await
}

/// The picture of a plugin, which its package brings: `icon.svg` or `icon.png`. Who sees it is as for every static file.
#[utoipa::path(get, path = "/registry/api/v1/thumbnails/{id}", tag = "registry", operation_id = "getThumbnail",
    params(("id" = String, Path, description = "Identifier of the plugin, `/` written `%2F`")),
    responses((status = 200, description = "The picture"), (status = 304, description = "The client has it"),
        (status = 404, description = "Not installed, or its package brings no picture")))]
pub async fn thumbnail(
    State(registry): State<Registry>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let installation = shown(&registry, &caller, &id).await?;
    let name = installation.current.pages.icon.as_deref().ok_or_else(|| {
        ApiError::not_found(format!(
            "L'extension `{id}` n'a pas d'image. The plugin `{id}` brings no picture."
        ))
    })?;
    serve(&registry, &installation, &installation.current.installed, name, &headers).await
}

/// The plugin, if its files are for this caller: those of plugins that every account sees are for everybody. Whoever may not
/// see it is not told that it is there.
async fn shown(registry: &Registry, caller: &Caller, id: &str) -> ApiResult<Installation> {
    let installation = load(registry, id).await?;
    if installation.public || installation.allows(caller, operation(PLUGIN_OPERATIONS, "readArtefact")) {
        return Ok(installation);
    }
    Err(missing(id))
}

/// A static file of a version, or 304.
async fn serve(
    registry: &Registry,
    installation: &Installation,
    installed: &Installed,
    name: &str,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    // The digest names the content of the whole package, and so of this file.
    let etag = format!("W/\"{}\"", installed.digest);
    let mut response = if is_not_modified(headers, Some(&etag), None) {
        not_modified()
    } else {
        let file = registry.static_file(installed, name).await.map_err(refused)?;
        let file = file.ok_or_else(|| {
            ApiError::not_found(format!(
                "L'extension `{}` n'a pas de fichier `{name}`. No such file.",
                installed.id
            ))
        })?;
        let media_type = HeaderValue::from_str(&file.media_type).map_err(ApiError::internal)?;
        ([(header::CONTENT_TYPE, media_type)], file.body).into_response()
    };
    let cache = if installation.public { CacheFor::Everybody } else { CacheFor::Nobody };
    let kept = response.headers_mut();
    kept.insert(header::ETAG, HeaderValue::from_str(&etag).map_err(ApiError::internal)?);
    kept.insert(header::CACHE_CONTROL, cache.header());
    kept.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(STATIC_POLICY));
    kept.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
