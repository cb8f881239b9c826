//! Edits of lines.

mod body;
mod bulk;
mod lines;

use axum::Router;
use axum::routing::{delete, post, put};

use crate::state::Datasets;

/// Routes below `/datasets/{id}`.
pub fn routes() -> Router<Datasets> {
    Router::new()
        .route("/datasets/{id}/lines", post(lines::create).merge(delete(lines::delete_all)))
        .route("/datasets/{id}/lines/{line}", put(lines::replace).patch(lines::patch).delete(lines::delete))
        .route("/datasets/{id}/_bulk_lines", post(bulk::bulk))
}
