//! Limits, statistics and activity of accounts; small lists for interfaces (reference §1.3, §1.9).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use halle_base::{AccountKind, AccountRef};
use halle_http::paging::{List, Paging};
use halle_http::{ApiError, ApiResult, Caller, JsonBody, Params};
use serde_json::{Value, json};

use crate::openapi::check_document;
use crate::service::limits::{LimitsChange, LimitsView};
use crate::state::Datasets;

/// Entries of `GET /activity` and `GET /limits` when the client does not say.
const SIZE_DEFAULT: usize = 12;

/// Entries of `GET /activity` and `GET /limits` at most.
const SIZE_MAX: u32 = 1_000;

/// Coordinate systems that interfaces offer; any other EPSG code is accepted too.
const PROJECTIONS: [(&str, &str); 6] = [
    ("NTF (Paris) / Lambert zone II étendu", "EPSG:27572"),
    ("RGF93 / Lambert-93", "EPSG:2154"),
    ("RGAF09 / UTM zone 20N", "EPSG:5490"),
    ("WGS 84 / Pseudo-Mercator", "EPSG:3857"),
    ("WGS 84 (longitude, latitude)", "EPSG:4326"),
    ("WGS 84 / UTM zone 20N", "EPSG:32620"),
];

/// Limits and consumption of an account.
pub(super) async fn limits(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
) -> ApiResult<Json<LimitsView>> {
    Ok(Json(datasets.limits(&caller, &account(&kind, &id)?, params.get("key")).await?))
}

/// Sets the limits of an account.
pub(super) async fn set_limits(
    State(datasets): State<Datasets>,
    caller: Caller,
    Path((kind, id)): Path<(String, String)>,
    params: Params,
    JsonBody(change): JsonBody<LimitsChange>,
) -> ApiResult<Json<LimitsView>> {
    Ok(Json(datasets.set_limits(&caller, &account(&kind, &id)?, params.get("key"), &change).await?))
}

/// Limits that were set.
pub(super) async fn list_limits(
    State(datasets): State<Datasets>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<List<LimitsView>>> {
    let Paging { skip, size } = Paging::parse(&params, SIZE_DEFAULT)?.within(SIZE_MAX)?;
    let (count, results) = datasets.list_limits(&caller, skip, size).await?;
    Ok(Json(List { count: Some(count), results }))
}

/// Limits and number of applications of the active account.
pub(super) async fn stats(State(datasets): State<Datasets>, caller: Caller) -> ApiResult<Json<Value>> {
    Ok(Json(datasets.stats(&caller).await?))
}

/// What changed last.
pub(super) async fn activity(
    State(datasets): State<Datasets>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<Value>> {
    let Paging { size, .. } = Paging::parse(&params, SIZE_DEFAULT)?.within(SIZE_MAX)?;
    Ok(Json(json!({ "results": datasets.activity(&caller, size).await? })))
}

/// Coordinate systems that interfaces offer.
pub(super) async fn projections(caller: Caller) -> ApiResult<Json<Value>> {
    signed_in(&caller)?;
    let projections = PROJECTIONS.iter().map(|(title, code)| json!({ "title": title, "code": code }));
    Ok(Json(projections.collect()))
}

/// Services or catalogues that the operator suggests: none, they are made by hand here.
pub(super) async fn suggestions(caller: Caller) -> ApiResult<Json<Value>> {
    signed_in(&caller)?;
    Ok(Json(json!([])))
}

/// Whether the body is an OpenAPI 3.1 document: 200, or 400 with what is wrong.
pub(super) async fn check_api(caller: Caller, JsonBody(document): JsonBody<Value>) -> ApiResult<Response> {
    signed_in(&caller)?;
    let errors = check_document(&document);
    if errors.is_empty() {
        return Ok(Json(json!({ "valid": true })).into_response());
    }
    let errors: Vec<Value> = errors.into_iter().map(|message| json!({ "message": message })).collect();
    Ok((StatusCode::BAD_REQUEST, Json(errors)).into_response())
}

fn signed_in(caller: &Caller) -> ApiResult<()> {
    if caller.is_anonymous() { Err(ApiError::unauthorized("Veuillez vous connecter.")) } else { Ok(()) }
}

/// The account of a path; 400 for a kind that does not exist.
pub(super) fn account(kind: &str, id: &str) -> ApiResult<AccountRef> {
    match kind {
        "user" => Ok(AccountRef::user(id, "")),
        "organization" => {
            let (id, department) =
                id.split_once(':').map_or((id, None), |(id, department)| (id, Some(department.to_owned())));
            Ok(AccountRef { kind: AccountKind::Organization, department, ..AccountRef::user(id, "") })
        }
        _ => Err(ApiError::bad_request("Type de compte inconnu : attendu `user` ou `organization`.")),
    }
}
