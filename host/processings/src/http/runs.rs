//! Runs as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use halle_http::{ApiError, ApiResult, Caller};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Processings;
use crate::model::Run;

/// Runs of a page when the client does not say.
const PAGE_DEFAULT: u32 = 10;

/// Runs of a page at most.
const PAGE_MAX: u32 = 500;

/// Parameters of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListParams {
    processing: String,
    size: Option<u32>,
    page: Option<u32>,
}

pub(super) async fn list(
    State(processings): State<Processings>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let size = params.size.unwrap_or(PAGE_DEFAULT);
    if size > PAGE_MAX {
        return Err(ApiError::bad_request(format!("\"size\" cannot be more than {PAGE_MAX}")));
    }
    let skip = params.page.unwrap_or(1).saturating_sub(1).saturating_mul(size);
    let page = processings.runs(&caller, &params.processing, skip, size).await?;
    Ok(Json(json!({ "count": page.count, "results": page.results })))
}

/// The run with its log.
pub(super) async fn read(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let run = processings.permitted_run(&caller, &id, "readRuns").await?;
    let log: Vec<Value> = processings.run_log(&run).await?.into_iter().map(|record| record.body).collect();
    let mut view = serde_json::to_value(&run.entity).map_err(ApiError::internal)?;
    view["log"] = Value::Array(log);
    Ok(Json(view))
}

pub(super) async fn trigger(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Run>> {
    Ok(Json(processings.trigger(&caller, &id).await?))
}

pub(super) async fn kill(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Run>> {
    Ok(Json(processings.kill(&caller, &id).await?))
}
