//! Routes, a file per operation. They translate: what may be done, and how, is in `service`.

pub mod errors;
pub mod read;
pub mod write;

use axum::Router;

use crate::state::Datasets;

/// Every route of the feature, relative to `/data-fair/api/v1`.
pub fn router(datasets: Datasets) -> Router {
    Router::new().merge(read::routes()).merge(write::routes()).with_state(datasets)
}
