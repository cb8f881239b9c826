//! Routes, a file per operation. They translate: what may be done, and how, is in `service`.

pub mod account;
pub mod catalog;
pub mod create;
pub mod describe;
pub mod diagnostics;
pub mod draft;
pub mod errors;
pub mod files;
mod groups;
pub mod headers;
pub mod identities;
pub mod journal;
pub mod list;
mod metadata_files;
mod notify;
pub mod owner;
pub mod patch;
pub mod permissions;
mod range;
pub mod read;
mod read_key;
pub mod realtime;
pub mod remove;
pub mod root;
pub mod schema;
pub(crate) mod seen;
pub mod simulate;
pub mod site;
mod target;
pub mod thumbnail;
pub mod upload;
pub mod write;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post, put};

use crate::state::Datasets;

/// Every route of the feature, relative to `/data-fair/api/v1`.
pub fn router(datasets: Datasets) -> Router {
    let everywhere = Router::new()
        .route("/ping", get(root::ping))
        .route("/vocabulary", get(root::vocabulary))
        .merge(accounts());
    let own = Router::new()
        .route("/datasets/{id}/owner", put(owner::change_owner))
        .route("/datasets/{id}/metadata-settings", get(owner::metadata_settings))
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
        .route("/datasets/{id}/user-notification", post(notify::notify))
        .route("/datasets/{id}/read-api-key", get(read_key::get))
        .route("/datasets/{id}/schema", get(schema::schema))
        .route("/datasets/{id}/safe-schema", get(schema::safe_schema))
        .route("/datasets/{id}/_simulate-extension", post(simulate::simulate))
        .route("/datasets/{id}/thumbnail", get(thumbnail::of_dataset))
        .route("/datasets/{id}/thumbnail/{hex}", get(thumbnail::of_line))
        .route("/datasets/{id}/journal", get(journal::journal))
        .route("/datasets/{id}/task-progress", get(journal::task_progress))
        .route("/datasets/{id}/validation-diagnostic.csv", get(diagnostics::validation))
        .route("/datasets/{id}/cancelled-draft-diagnostic.csv", get(diagnostics::cancelled))
        .route("/datasets/{id}/group-sizes", get(groups::sizes))
        .route("/datasets/{id}/draft", post(draft::publish).delete(draft::cancel))
        .route("/datasets/{id}/raw", get(files::raw))
        .route("/datasets/{id}/convert", get(files::convert))
        .route("/datasets/{id}/full", get(files::full))
        .route("/datasets/{id}/attachments/{*path}", get(files::attachment))
        .route("/datasets/{id}/metadata-attachments", post(metadata_files::post))
        .route(
            "/datasets/{id}/metadata-attachments/{*path}",
            get(metadata_files::get).delete(metadata_files::delete),
        )
        .route("/datasets/{id}/data-files", get(files::list))
        .route("/datasets/{id}/data-files/{name}", get(files::one));
    let on_site = from_fn_with_state(datasets.clone(), site::resolve);
    let own = own.merge(read::routes()).merge(write::routes()).layer(on_site);
    let everywhere = everywhere.layer(from_fn_with_state(datasets.clone(), site::locate));
    own.merge(everywhere).with_state(datasets)
}

/// Routes about accounts, publication sites and small lists.
fn accounts() -> Router<Datasets> {
    Router::new()
        .route("/limits", get(account::list_limits))
        .route("/limits/{type}/{account}", get(account::limits).post(account::set_limits))
        .route("/stats", get(account::stats))
        .route("/activity", get(account::activity))
        .route("/projections", get(account::projections))
        .route("/configurable-remote-services", get(account::suggestions))
        .route("/configurable-catalogs", get(account::suggestions))
        .route("/_check-api", post(account::check_api))
        .route(
            "/identities/{type}/{account}",
            get(identities::report).post(identities::rename).delete(identities::remove),
        )
        .route("/admin/info", get(identities::info))
        .route("/admin/status", get(identities::status))
        .route("/admin/datasets-errors", get(identities::datasets_errors))
        .route("/admin/owners", get(identities::owners))
        .route("/catalog/datasets", get(catalog::datasets))
        .route("/catalog/dcat", get(catalog::as_dcat))
        .route("/catalog/api-docs.json", get(catalog::api_docs))
}
