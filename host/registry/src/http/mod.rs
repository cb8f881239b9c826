//! `/registry/api/v1`, a file per group of routes.

mod consent;
mod import;
mod list;
mod manage;
mod packages;
mod read;
mod usage;
mod versions;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};
use halle_base::limits::PACKAGE_BYTES_MAX;
use halle_extensions::metering::Ledger;
use halle_extensions::registry::{Installation, Registry};
use halle_http::openapi::OpenApiPart;
use halle_http::{ApiError, ApiResult};
use halle_model::permission::operation;
use halle_model::plugins::{PLUGIN_KEY_SCOPE, PLUGIN_OPERATIONS, can_install_plugin, can_of_plugins};
use halle_model::{Caller, User};
use utoipa::OpenApi;

use crate::error::{missing, refused};
use crate::http::usage::UsageState;

/// Bytes of an upload beside the package: boundaries and headers of the form.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Bytes of an upload of many packages, of which one at a time is held.
const IMPORT_BYTES_MAX: usize = 1 << 30;

/// All routes of the registry, with full paths; `ledger` tells what plugins used. They expect the layers of `halle_http` around them. The `/` in the
/// identifier of a plugin is written `%2F`.
pub fn router<S: Clone + Send + Sync + 'static>(registry: Registry, ledger: Arc<Ledger>) -> Router<S> {
    let state = UsageState { registry: registry.clone(), ledger };
    let artefacts = Router::new()
        .route("/", get(list::list).post(packages::upload))
        .route("/{id}", get(read::one).patch(manage::patch).delete(packages::remove))
        .route("/{id}/asked", get(consent::asked))
        .route("/{id}/grants", put(consent::grant))
        .route("/{id}/uses", get(manage::uses))
        .route("/{id}/tarball", get(versions::current_tarball))
        .route("/{id}/download", get(versions::download))
        .route("/{id}/versions", get(versions::list).post(packages::upload_version))
        .route("/{id}/versions/{digest}", delete(versions::forget))
        .route("/{id}/versions/{digest}/activate", post(versions::activate))
        .route("/{id}/versions/{digest}/tarball", get(versions::tarball))
        .route("/{id}/rollback", post(versions::rollback))
        .route("/{id}/static/{*name}", get(read::static_file))
        .layer(DefaultBodyLimit::max(PACKAGE_BYTES_MAX + FORM_BYTES_MAX))
        .merge(Router::new().route("/{id}/usage", get(usage::usage)).with_state(state.clone()));
    let imports = post(import::import).layer(DefaultBodyLimit::max(IMPORT_BYTES_MAX));
    Router::new()
        .nest("/registry/api/v1/artefacts", artefacts)
        .route("/registry/api/v1/imports", imports)
        .route("/registry/api/v1/thumbnails/{id}", get(read::thumbnail))
        .route("/registry/api/ping", get(ping))
        .with_state(registry)
        .merge(Router::new().route("/registry/api/v1/usage", get(usage::usage_of_all)).with_state(state))
}

/// What the registry adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "registry", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    read::one,
    read::static_file,
    read::thumbnail,
    ping,
    packages::upload,
    packages::upload_version,
    packages::remove,
    import::import,
    manage::uses,
    manage::patch,
    usage::usage,
    usage::usage_of_all,
    versions::list,
    versions::forget,
    versions::activate,
    versions::tarball,
    versions::current_tarball,
    versions::download,
    versions::rollback,
    consent::asked,
    consent::grant,
))]
struct Documentation;

/// Says whether the service answers.
#[utoipa::path(get, path = "/registry/api/ping", tag = "registry", operation_id = "pingRegistry",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain")))]
async fn ping() -> &'static str {
    "ok"
}

/// 401 for nobody, 403 unless superadmin powers are on in a session: keys install nothing.
fn superadmin(caller: &Caller) -> ApiResult<&User> {
    let user = caller.user.as_ref().ok_or_else(|| {
        ApiError::unauthorized("Connectez-vous pour gérer les extensions. Sign in to manage plugins.")
    })?;
    if caller.admin_mode && caller.scopes.is_none() {
        return Ok(user);
    }
    Err(ApiError::forbidden(
        "Réservé aux super-administrateurs en mode administration. For superadmins in admin mode only.",
    ))
}

/// Who sends a package: superadmins in a session, and keys that were made for some plugin; [`may_install`] says which.
fn installer(caller: &Caller) -> ApiResult<&User> {
    let key_of_plugin = |scopes: &Vec<String>| scopes.iter().any(|scope| scope.starts_with(PLUGIN_KEY_SCOPE));
    match &caller.user {
        Some(user) if caller.scopes.as_ref().is_some_and(key_of_plugin) => Ok(user),
        _ => superadmin(caller),
    }
}

/// 403 unless the caller may send versions of this plugin.
fn may_install(caller: &Caller, id: &str) -> ApiResult<()> {
    if can_install_plugin(caller, id) {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "Cette clé d'API n'est pas faite pour l'extension `{id}` : `halle key new --plugin {id}`. This API key is not for the \
         plugin `{id}`."
    )))
}

/// 401 for nobody: what is installed is not public; 403 for an API key that reaches nothing that plugins are part of.
fn require(caller: &Caller, id: &str) -> ApiResult<()> {
    if caller.is_anonymous() {
        return Err(ApiError::unauthorized(
            "Connectez-vous pour voir les extensions. Sign in to see plugins.",
        ));
    }
    if can_of_plugins(caller, operation(PLUGIN_OPERATIONS, id)) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "Cette clé d'API n'a pas la portée nécessaire : une de celles qui lisent des ressources, comme `processings-read`. \
         This API key lacks a scope that reads resources.",
    ))
}

async fn load(registry: &Registry, id: &str) -> ApiResult<Installation> {
    registry.installation(id).await.map_err(refused)?.ok_or_else(|| missing(id))
}
