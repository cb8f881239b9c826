//! Routes below `/processings`.

mod processings;
mod runs;
mod socket;

use axum::Router;
use axum::routing::{get, post};
use halle_http::openapi::OpenApiPart;
use halle_http::realtime::Realtime;
use utoipa::OpenApi;

use crate::Processings;

/// Routes of the feature, to be mounted at the root. `realtime` carries the hub and the API keys; this feature decides
/// who may follow which run.
pub fn router(processings: Processings, realtime: Realtime) -> Router {
    let api = Router::new()
        .route("/processings", get(processings::list).post(processings::create))
        .route(
            "/processings/{id}",
            get(processings::read).patch(processings::patch).delete(processings::delete),
        )
        .route("/processings/{id}/_trigger", post(runs::trigger))
        .route("/processings/{id}/plugin-config-schema", get(processings::config_schema))
        .route("/runs", get(runs::list))
        .route("/runs/{id}", get(runs::read))
        .route("/runs/{id}/_kill", post(runs::kill));
    let socket = socket::realtime(&processings, realtime);
    Router::new()
        .nest("/processings/api/v1", api)
        .with_state(processings)
        .merge(Router::new().route("/processings/", get(socket::open)).with_state(socket))
}

/// What the feature adds to the description of the API.
pub fn openapi() -> OpenApiPart {
    OpenApiPart { feature: "processings", document: Documentation::openapi() }
}

#[derive(OpenApi)]
#[openapi(paths(
    processings::list,
    processings::create,
    processings::read,
    processings::patch,
    processings::delete,
    processings::config_schema,
    runs::list,
    runs::read,
    runs::trigger,
    runs::kill,
))]
struct Documentation;
