//! Runs as a resource.

use axum::Json;
use axum::extract::{Path, State};
use halle_http::paging::Paging;
use halle_http::shapes::{Conflict, OfOne, OverShare, PageQuery, WrongParameter};
use halle_http::{ApiError, ApiResult, Caller, Params};

use crate::Processings;
use crate::model::Run;
use crate::views::{RunPage, RunWithLog};

/// Runs of a page when the client does not say.
const PAGE_DEFAULT: usize = 10;

/// Runs of a page at most.
const PAGE_MAX: u32 = 500;

/// Lists the runs of a processing, newest first.
#[utoipa::path(get, path = "/processings/api/v1/runs", tag = "processings", operation_id = "listRuns",
    params(
        ("processing" = String, Query, description = "Identifier of the processing"),
        PageQuery),
    responses((status = 200, description = "A page", body = RunPage), WrongParameter, OfOne))]
pub(super) async fn list(
    State(processings): State<Processings>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<RunPage>> {
    let paging = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?;
    let processing = params.get("processing").ok_or_else(|| {
        ApiError::bad_request(
            "Le paramètre \"processing\" manque : dites de quel traitement lister les exécutions.",
        )
    })?;
    let page = processings.runs(&caller, processing, paging).await?;
    Ok(Json(RunPage { count: page.count, results: page.results }))
}

/// Shows a run with its log.
#[utoipa::path(get, path = "/processings/api/v1/runs/{id}", tag = "processings", operation_id = "readRun",
    params(("id" = String, Path)),
    responses((status = 200, description = "The run", body = RunWithLog), OfOne))]
pub(super) async fn read(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<RunWithLog>> {
    let run = processings.permitted_run(&caller, &id, "readRuns").await?.entity;
    let log = processings.run_log(&run).await?.into_iter().map(|record| record.body).collect();
    Ok(Json(RunWithLog { run, log }))
}

/// Starts a run now, in place of the one that waits. 400 while one is in progress, 409 for an inactive processing,
/// 429 when the account has used up its plugin seconds.
#[utoipa::path(post, path = "/processings/api/v1/processings/{id}/_trigger", tag = "processings",
    operation_id = "triggerProcessing", params(("id" = String, Path)),
    responses((status = 200, description = "The run", body = Run), WrongParameter, OfOne, Conflict, OverShare))]
pub(super) async fn trigger(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Run>> {
    processings.trigger(&caller, &id).await.map(Json)
}

/// Asks a run to stop; it has the grace time of its plugin's limits, then it is stopped.
#[utoipa::path(post, path = "/processings/api/v1/runs/{id}/_kill", tag = "processings", operation_id = "killRun",
    params(("id" = String, Path)),
    responses((status = 200, description = "The run", body = Run), OfOne, Conflict))]
pub(super) async fn kill(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Run>> {
    processings.kill(&caller, &id).await.map(Json)
}
