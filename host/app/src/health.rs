//! Whether the process lives, and whether it can serve.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use halle_search::SearchEngine;
use halle_store::Store;
use tokio_util::sync::CancellationToken;

/// What readiness depends on.
#[derive(Clone)]
pub struct Health {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The indexes.
    pub engine: Arc<dyn SearchEngine>,
    /// Cancelled when the process is stopping.
    pub stopping: CancellationToken,
}

/// `GET /livez`, `GET /readyz`, and Data Fair's `GET /data-fair/api/v1/ping` is the feature's own.
pub fn router(health: Health) -> Router {
    Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready)).with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping");
    }
    if let Err(error) = health.store.check().await {
        tracing::error!(%error, "the store is not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer");
    }
    if let Err(error) = health.engine.list().await {
        tracing::error!(%error, "the search engine is not ready");
        return (StatusCode::SERVICE_UNAVAILABLE, "the indexes cannot be read");
    }
    (StatusCode::OK, "ok")
}
