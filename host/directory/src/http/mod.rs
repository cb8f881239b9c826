//! Routes of the directory, a file per group.

mod anonymous_action;
mod auth;
mod jwks;
mod login_page;
mod members;
mod organizations;
mod sessions;
mod settings;
mod users;

use axum::Router;
use axum::routing::{delete, get, patch, post};
use halle_http::openapi::OpenApiPart;
use utoipa::OpenApi;

use crate::Directory;

/// All routes of the directory, with full paths from the site's root. They expect the layers of `halle_http` around
/// them: base URL, client address, authentication.
pub fn router<S: Clone + Send + Sync + 'static>(directory: Directory) -> Router<S> {
    let auth = Router::new()
        .route("/password", post(auth::password))
        .route("/token_callback", get(auth::token_callback))
        .route("/anonymous-action", get(anonymous_action::show))
        .route("/keepalive", post(sessions::keepalive))
        .route("/", delete(sessions::sign_out))
        .route("/adminmode", delete(sessions::leave_admin_mode))
        .route("/me", get(sessions::me))
        .route("/my-session", get(sessions::my_session));
    let users = Router::new()
        .route("/", get(users::list).post(users::create))
        .route("/{id}", get(users::read).patch(users::change).delete(users::remove))
        .route("/{id}/password", post(users::change_password))
        .route("/{id}/sessions/{session}", delete(users::remove_session));
    let organizations = Router::new()
        .route("/", get(organizations::list).post(organizations::create))
        .route("/{id}", get(organizations::read).patch(organizations::change).delete(organizations::remove))
        .route("/{id}/roles", get(organizations::roles))
        .route("/{id}/members", get(members::list).post(members::add))
        .route("/{id}/members/{user}", patch(members::change).delete(members::remove));
    Router::new()
        // A nested `/` answers without the final slash only; clients write both.
        .route("/simple-directory/api/auth/", delete(sessions::sign_out))
        .nest("/simple-directory/api/auth", auth)
        .nest("/simple-directory/api/users", users)
        .nest("/simple-directory/api/organizations", organizations)
        .route("/simple-directory/login", get(login_page::show))
        .route("/simple-directory/.well-known/jwks.json", get(jwks::show))
        .route("/.well-known/jwks.json", get(jwks::show_at_root))
        .nest("/data-fair/api/v1/settings/{type}/{id}", settings())
        .with_state(directory)
}

/// Routes below the settings of an account.
fn settings() -> Router<Directory> {
    Router::new()
        .route("/", get(settings::read).put(settings::replace).patch(settings::change))
        .route("/topics", get(settings::topics))
        .route("/licenses", get(settings::licenses))
        .route("/datasets-metadata", get(settings::datasets_metadata))
        .route("/agent-chat", get(settings::agent_chat))
        .route("/publication-sites", get(settings::publication_sites).post(settings::put_publication_site))
        .route("/publication-sites/{siteType}/{siteId}", delete(settings::remove_publication_site))
}

/// What the directory adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "directory", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    anonymous_action::show,
    auth::password,
    auth::token_callback,
    sessions::keepalive,
    sessions::sign_out,
    sessions::leave_admin_mode,
    sessions::me,
    sessions::my_session,
    users::list,
    users::create,
    users::read,
    users::change,
    users::remove,
    users::change_password,
    users::remove_session,
    organizations::list,
    organizations::create,
    organizations::read,
    organizations::change,
    organizations::remove,
    organizations::roles,
    members::list,
    members::add,
    members::change,
    members::remove,
    settings::read,
    settings::change,
    settings::replace,
    settings::topics,
    settings::licenses,
    settings::datasets_metadata,
    settings::agent_chat,
    settings::publication_sites,
    settings::put_publication_site,
    settings::remove_publication_site,
    jwks::show,
    jwks::show_at_root,
))]
struct Documentation;
