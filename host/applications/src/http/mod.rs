//! Routes, a file per group of operations.

mod configuration;
mod crud;
mod keys;
mod picture;
mod style;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use halle_datasets::http::site;
use halle_http::openapi::OpenApiPart;
use utoipa::OpenApi;

use crate::Applications;

/// Routes below the root of the server: the API under `/data-fair/api/v1/applications`, pages under
/// `/data-fair/app/{id}`.
pub fn router(applications: Applications) -> Router {
    let api = Router::new()
        .route("/", get(crud::list).post(crud::create))
        .route("/{id}", get(crud::read).patch(crud::patch).delete(crud::delete))
        .route("/{id}/config", get(configuration::read_config).put(configuration::write_config))
        .route("/{id}/configuration", get(configuration::read).put(configuration::write))
        .route("/{id}/permissions", get(crud::permissions).put(crud::grant))
        .route("/{id}/keys", get(keys::read).post(keys::replace))
        .route("/{id}/capture", get(picture::capture))
        .route("/{id}/drawing.svg", get(picture::svg))
        .route("/{id}/drawing.html", get(picture::html))
        .route("/{id}/drawing.json", get(picture::told))
        .route("/{id}/drawing.style.json", get(style::style));
    let on_site = from_fn_with_state(applications.datasets.clone(), site::resolve);
    Router::new()
        .nest("/data-fair/api/v1/applications", api)
        .route("/data-fair/app/{id}", get(picture::page))
        .layer(on_site)
        .with_state(applications)
}

/// What the feature adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "applications", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    crud::list,
    crud::create,
    crud::read,
    crud::patch,
    crud::delete,
    configuration::read,
    configuration::write,
    configuration::read_config,
    configuration::write_config,
    keys::read,
    keys::replace,
    crud::permissions,
    crud::grant,
    picture::svg,
    picture::html,
    picture::told,
    style::style,
    picture::capture,
    picture::page,
))]
struct Documentation;
