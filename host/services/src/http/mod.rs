//! Routes, in Data Fair's places.

mod services;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;
use halle_datasets::Datasets;
use halle_http::openapi::OpenApiPart;
use utoipa::OpenApi;

use crate::RemoteServices;

/// What the routes work with: services that were declared, and datasets of reference, which are services too.
#[derive(Clone)]
pub(crate) struct Api {
    services: RemoteServices,
    datasets: Datasets,
}

impl FromRef<Api> for RemoteServices {
    fn from_ref(api: &Api) -> Self {
        api.services.clone()
    }
}

/// Routes of the feature, to be mounted at the root.
pub fn router(services: RemoteServices, datasets: Datasets) -> Router {
    let api = Router::new()
        .route("/remote-services", get(services::list).post(services::create))
        .route("/remote-services/{id}", get(services::read).patch(services::patch).delete(services::delete))
        .route("/remote-services/{id}/api-docs.json", get(services::api_doc))
        .route("/remote-services-actions", get(services::actions));
    Router::new().nest("/data-fair/api/v1", api).with_state(Api { services, datasets })
}

/// What the feature adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "services", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    services::list,
    services::actions,
    services::create,
    services::read,
    services::patch,
    services::delete,
    services::api_doc,
))]
struct Documentation;
