//! `/identities/{type}/{account}` and `/admin/*` (reference §1.9).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::{List, Paging};
use halle_http::{ApiResult, Caller, JsonBody, Params};
use serde_json::{Value, json};

use crate::http::account::account;
use crate::service::identities::Identity;
use crate::service::limits::superadmin;
use crate::state::Datasets;
use crate::views::millis;

/// Datasets in error of one page, when the client does not say.
const SIZE_DEFAULT: usize = 12;

/// Datasets in error of one page at most.
const SIZE_MAX: u32 = 1_000;

/// Takes the new names of an account.
pub(super) async fn rename(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
    JsonBody(identity): JsonBody<Identity>,
) -> ApiResult<Json<Value>> {
    let account = account(&kind, &id)?;
    datasets.rename_identity(&caller, &account, params.get("key"), &identity).await?;
    Ok(Json(json!({ "type": account.kind, "id": account.id, "name": identity.name })))
}

/// Removes what an account owns.
pub(super) async fn remove(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> ApiResult<StatusCode> {
    datasets.remove_identity(&caller, &account(&kind, &id)?, params.get("key")).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much an account owns.
pub(super) async fn report(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> ApiResult<Json<Value>> {
    Ok(Json(datasets.identity_report(&caller, &account(&kind, &id)?, params.get("key")).await?))
}

/// What runs here.
pub(super) async fn info(caller: Caller) -> ApiResult<Json<Value>> {
    superadmin(&caller)?;
    Ok(Json(json!({ "name": "halle", "version": env!("CARGO_PKG_VERSION") })))
}

/// Whether the store answers, in detail.
pub(super) async fn status(State(datasets): State<Datasets>, caller: Caller) -> ApiResult<Json<Value>> {
    superadmin(&caller)?;
    let store = datasets.store.check().await;
    let status = if store.is_ok() { "ok" } else { "error" };
    let detail =
        json!({ "name": "store", "status": status, "message": store.err().map(|error| error.to_string()) });
    Ok(Json(json!({ "status": status, "details": [detail] })))
}

/// Datasets in error.
pub(super) async fn datasets_errors(
    State(datasets): State<Datasets>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<Value>>> {
    let Paging { skip, size } = Paging::parse(&params, SIZE_DEFAULT)?.within(SIZE_MAX)?;
    let (count, found) = datasets.datasets_in_error(&caller, skip, size).await?;
    let results = found.iter().map(|dataset| {
        json!({
            "id": dataset.id,
            "title": dataset.title,
            "owner": dataset.owner,
            "errorStatus": dataset.error_status,
            "updatedAt": millis(dataset.updated_at),
        })
    });
    Ok(Json(List { count: Some(count), results: results.collect() }))
}

/// Owners of datasets.
pub(super) async fn owners(State(datasets): State<Datasets>, caller: Caller) -> ApiResult<Json<List<Value>>> {
    let owners = datasets.owners_of_datasets(&caller).await?;
    let results: Vec<Value> = owners
        .iter()
        .map(|(key, count)| {
            let mut parts = key.splitn(3, ':');
            let mut owner = json!({ "type": parts.next(), "id": parts.next(), "nbDatasets": count });
            if let Some(department) = parts.next() {
                owner["department"] = json!(department);
            }
            owner
        })
        .collect();
    Ok(Json(List { count: Some(results.len() as u64), results }))
}
