//! What is installed, and the static files of packages.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use halle_extensions::registry::Registry;
use halle_http::conditional::{CacheFor, is_not_modified, not_modified};
use halle_http::paging::{List, Paging};
use halle_http::{ApiError, ApiResult, Caller, Params};
use halle_model::permission::operation;
use halle_model::plugins::PLUGIN_OPERATIONS;
use halle_model::slug::fold;
use serde_json::json;

use crate::error::{missing, refused};
use crate::http::{load, require};
use crate::views::ArtefactView;

/// Results of a page when the client does not say.
const PAGE_SIZE_DEFAULT: usize = 10;

/// A file of a package is no page of this site: it runs no script and sits in no frame of another.
const STATIC_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox";

/// Lists installed plugins by title.
#[utoipa::path(get, path = "/registry/api/v1/artefacts", tag = "registry", operation_id = "listArtefacts",
    params(
        ("category" = Option<String>, Query, description = "Kinds, separated by commas: `processing`, `enricher`..."),
        ("q" = Option<String>, Query, description = "Words in identifier or titles"),
        ("size" = Option<usize>, Query), ("page" = Option<usize>, Query),
    ),
    responses((status = 200, description = "`{count, results}`"), (status = 401, description = "Nobody is signed in"),
        (status = 403, description = "The API key has no scope of a feature with plugins")))]
pub async fn list(
    State(registry): State<Registry>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<ArtefactView>>> {
    require(&caller, "list")?;
    let paging = Paging::parse(&params, PAGE_SIZE_DEFAULT)?;
    let categories = params.list("category");
    let words = fold(params.get("q").unwrap_or(""));
    let installed = registry.list().await.map_err(refused)?;
    let visible = installed
        .iter()
        .filter(|installation| installation.allows(&caller, operation(PLUGIN_OPERATIONS, "list")));
    let wanted = visible.filter(|installation| {
        let plugin = &installation.current.installed.manifest.plugin;
        let category = json!(plugin.kind);
        let titles: Vec<&str> = plugin.title.values().map(String::as_str).collect();
        let text = fold(&format!("{} {}", plugin.id, titles.join(" ")));
        (categories.is_empty() || categories.iter().any(|name| category == *name))
            && words.split_whitespace().all(|word| text.contains(word))
    });
    let views: Vec<ArtefactView> =
        wanted.map(|installation| ArtefactView::for_caller(installation, &caller)).collect();
    let count = views.len() as u64;
    let results = views.into_iter().skip(paging.skip as usize).take(paging.size as usize).collect();
    Ok(Json(List { count: Some(count), results }))
}

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
    let installation = load(&registry, &id).await?;
    if !installation.public && !installation.allows(&caller, operation(PLUGIN_OPERATIONS, "readArtefact")) {
        // As for the plugin itself.
        return Err(missing(&id));
    }
    let current = &installation.current.installed.digest;
    let found = installation.version(params.get("digest").unwrap_or(current));
    let installed = &found.ok_or_else(|| missing(&id))?.1.installed;
    // The digest names the content of the whole package, and so of this file.
    let etag = format!("W/\"{}\"", installed.digest);
    let mut response = if is_not_modified(&headers, Some(&etag), None) {
        not_modified()
    } else {
        let file = registry.static_file(installed, &name).await.map_err(refused)?;
        let file = file.ok_or_else(|| {
            ApiError::not_found(format!("L'extension `{id}` n'a pas de fichier `{name}`. No such file."))
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
