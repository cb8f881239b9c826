//! Routes below `/catalogs`.

mod catalogs;
mod imports;
mod publications;

use axum::Router;
use axum::routing::get;
use halle_http::openapi::OpenApiPart;
use halle_http::paging::Paging;
use halle_http::{ApiError, ApiResult, Params};
use utoipa::OpenApi;

use crate::Catalogs;

/// Results of a page when the client does not say.
const PAGE_DEFAULT: usize = 10;

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
        .route("/ping", get(ping));
    Router::new().nest("/catalogs/api", api).with_state(catalogs)
}

/// What the feature adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "catalogs", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    catalogs::list,
    catalogs::create,
    catalogs::read,
    catalogs::patch,
    catalogs::delete,
    catalogs::resources,
    imports::list,
    imports::create,
    imports::read,
    imports::patch,
    imports::delete,
    publications::list,
    publications::create,
    publications::read,
    publications::republish,
    publications::delete,
    ping,
))]
struct Documentation;

/// Says whether the service answers.
#[utoipa::path(get, path = "/catalogs/api/ping", tag = "catalogs", operation_id = "pingCatalogs",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain")))]
async fn ping() -> &'static str {
    "ok"
}

/// What a list of exchanges asks for: their catalogue, and which page.
fn of_catalog(params: &Params) -> ApiResult<(&str, Paging)> {
    let catalog = params.get("catalogId").ok_or_else(|| {
        ApiError::bad_request("Le paramètre \"catalogId\" manque : dites de quel catalogue.")
    })?;
    Ok((catalog, Paging::parse(params, PAGE_DEFAULT)?.within(PAGE_MAX)?))
}
