//! Routes below `/catalogs`.

mod catalogs;
mod imports;
mod publications;

use axum::Router;
use axum::routing::get;
use halle_http::{ApiError, ApiResult};

use crate::Catalogs;

/// Results of a page when the client does not say.
const PAGE_DEFAULT: u32 = 10;

/// Results of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Routes of the feature, to be mounted at the root.
pub fn router(catalogs: Catalogs) -> Router {
    let api = Router::new()
        .route("/catalogs", get(catalogs::list).post(catalogs::create))
        .route("/catalogs/{id}", get(catalogs::read).patch(catalogs::patch).delete(catalogs::delete))
        .route("/catalogs/{id}/resources", get(catalogs::resources))
        .route("/imports", get(imports::list).post(imports::create))
        .route("/imports/{id}", get(imports::read).patch(imports::patch).delete(imports::delete))
        .route("/publications", get(publications::list).post(publications::create))
        .route(
            "/publications/{id}",
            get(publications::read).post(publications::republish).delete(publications::delete),
        )
        .route("/ping", get(|| async { "ok" }));
    Router::new().nest("/catalogs/api", api).with_state(catalogs)
}

/// `skip` and `size` of a page counted from 1.
fn window(page: Option<u32>, size: Option<u32>) -> ApiResult<(u32, u32)> {
    let size = size.unwrap_or(PAGE_DEFAULT);
    if size > PAGE_MAX {
        return Err(ApiError::bad_request(format!("\"size\" cannot be more than {PAGE_MAX}")));
    }
    Ok((page.unwrap_or(1).saturating_sub(1).saturating_mul(size), size))
}
