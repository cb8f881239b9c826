//! Edits of lines. The same routes under `/own/{owner}/` are for those who may edit the lines that they own.

pub(in crate::http) mod body;
mod bulk;
mod lines;
pub(in crate::http) mod multipart;
mod revisions;
mod sync_files;

use axum::Router;
use axum::routing::{delete, get, post, put};

use crate::state::Datasets;

/// Routes below `/datasets/{id}`.
pub fn routes() -> Router<Datasets> {
    Router::new()
        .route("/datasets/{id}/lines", post(lines::create).merge(delete(lines::delete_all)))
        .route("/datasets/{id}/_sync_attachments_lines", post(sync_files::sync))
        .merge(below("/datasets/{id}"))
        .route("/datasets/{id}/own/{owner}/lines", post(lines::create))
        .merge(below("/datasets/{id}/own/{owner}"))
}

/// What both families of routes have.
fn below(path: &str) -> Router<Datasets> {
    Router::new()
        .route(
            &format!("{path}/lines/{{line}}"),
            put(lines::replace).patch(lines::patch).delete(lines::delete),
        )
        .route(&format!("{path}/lines/{{line}}/revisions"), get(revisions::list))
        .route(&format!("{path}/revisions"), get(revisions::list))
        .route(&format!("{path}/_bulk_lines"), post(bulk::bulk))
}
