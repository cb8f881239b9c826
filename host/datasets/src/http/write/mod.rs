//! Edits of lines.

use axum::Router;

use crate::state::Datasets;

/// Routes below `/datasets/{id}`.
pub fn routes() -> Router<Datasets> {
    Router::new()
}
