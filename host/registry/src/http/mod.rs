//! `/registry/api/v1/artefacts`, a file per group of routes.

mod consent;
mod packages;
mod read;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post, put};
use halle_base::limits::PACKAGE_BYTES_MAX;
use halle_extensions::registry::{Installation, Registry};
use halle_http::openapi::OpenApiPart;
use halle_http::{ApiError, ApiResult};
use halle_model::permission::operation;
use halle_model::plugins::{PLUGIN_OPERATIONS, can_of_plugins};
use halle_model::{Caller, User};
use halle_store::EntityExt;
use utoipa::OpenApi;

use crate::error::{missing, refused};

/// Bytes of an upload beside the package: boundaries and headers of the form.
const FORM_BYTES_MAX: usize = 64 << 10;

/// All routes of the registry, with full paths. They expect the layers of `halle_http` around them. The `/` in the
/// identifier of a plugin is written `%2F`.
pub fn router<S: Clone + Send + Sync + 'static>(registry: Registry) -> Router<S> {
    let artefacts = Router::new()
        .route("/", get(read::list).post(packages::upload))
        .route("/{id}", get(read::one).delete(packages::remove))
        .route("/{id}/asked", get(consent::asked))
        .route("/{id}/grants", put(consent::grant))
        .route("/{id}/rollback", post(packages::rollback))
        .route("/{id}/static/{*name}", get(read::static_file))
        .layer(DefaultBodyLimit::max(PACKAGE_BYTES_MAX + FORM_BYTES_MAX));
    Router::new().nest("/registry/api/v1/artefacts", artefacts).with_state(registry)
}

/// What the registry adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "registry", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    read::list,
    read::one,
    read::static_file,
    packages::upload,
    packages::remove,
    packages::rollback,
    consent::asked,
    consent::grant,
))]
struct Documentation;

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
    let mut work = registry.store.read().await.map_err(|error| refused(error.into()))?;
    let found = work.load::<Installation>(id).await.map_err(|error| refused(error.into()))?;
    found.map(|stored| stored.entity).ok_or_else(|| missing(id))
}
