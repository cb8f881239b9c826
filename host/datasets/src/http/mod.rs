//! Routes, a file per operation. They translate: what may be done, and how, is in `service`.

pub mod create;
pub mod describe;
pub mod diagnostics;
pub mod errors;
pub mod files;
pub mod headers;
pub mod journal;
pub mod list;
pub mod patch;
pub mod permissions;
pub mod read;
pub mod realtime;
pub mod remove;
pub mod root;
pub mod schema;
pub mod upload;
pub mod write;

use axum::Router;
use axum::routing::get;

use crate::state::Datasets;

/// Every route of the feature, relative to `/data-fair/api/v1`.
pub fn router(datasets: Datasets) -> Router {
    let own = Router::new()
        .route("/ping", get(root::ping))
        .route("/vocabulary", get(root::vocabulary))
        .route("/datasets", get(list::list).post(create::create))
        .route(
            "/datasets/{id}",
            get(describe::describe)
                .post(create::create_or_replace)
                .put(create::create_or_replace)
                .patch(patch::patch)
                .delete(remove::delete),
        )
        .route("/datasets/{id}/permissions", get(permissions::get).put(permissions::put))
        .route("/datasets/{id}/schema", get(schema::schema))
        .route("/datasets/{id}/safe-schema", get(schema::safe_schema))
        .route("/datasets/{id}/journal", get(journal::journal))
        .route("/datasets/{id}/task-progress", get(journal::task_progress))
        .route("/datasets/{id}/validation-diagnostic.csv", get(diagnostics::validation))
        .route("/datasets/{id}/raw", get(files::raw))
        .route("/datasets/{id}/convert", get(files::convert))
        .route("/datasets/{id}/full", get(files::full))
        .route("/datasets/{id}/attachments/{*path}", get(files::attachment))
        .route("/datasets/{id}/data-files", get(files::list))
        .route("/datasets/{id}/data-files/{name}", get(files::one));
    own.merge(read::routes()).merge(write::routes()).with_state(datasets)
}
