//! Routes, a file per group of operations.

mod crud;
mod picture;

use axum::Router;
use axum::routing::get;

use crate::Applications;

/// Routes below the root of the server: the API under `/data-fair/api/v1/applications`, pages under
/// `/data-fair/app/{id}`.
pub fn router(applications: Applications) -> Router {
    let api = Router::new()
        .route("/", get(crud::list).post(crud::create))
        .route("/{id}", get(crud::read).patch(crud::patch).delete(crud::delete))
        .route("/{id}/config", get(crud::configuration).put(crud::configure))
        .route("/{id}/configuration", get(crud::configuration).put(crud::configure))
        .route("/{id}/permissions", get(crud::permissions).put(crud::grant))
        .route("/{id}/capture", get(picture::capture))
        .route("/{id}/drawing.svg", get(picture::svg));
    Router::new()
        .nest("/data-fair/api/v1/applications", api)
        .route("/data-fair/app/{id}", get(picture::page))
        .with_state(applications)
}
