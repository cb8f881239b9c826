//! Processings as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::Paging;
use halle_http::shapes::{
    Conflict, Forbidden, NotSignedIn, OfOne, PageQuery, PluginFailed, WrongBody, WrongParameter,
};
use halle_http::{ApiResult, Caller, JsonBody, Params};
use serde_json::Value;

use crate::Processings;
use crate::service::{NewProcessing, Patch};
use crate::views::{ProcessingPage, ProcessingView};

/// Processings of a page when the client does not say.
const PAGE_DEFAULT: usize = 10;

/// Processings of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Lists the processings that the caller may list, newest first.
#[utoipa::path(get, path = "/processings/api/v1/processings", tag = "processings", operation_id = "listProcessings",
    params(
        ("q" = Option<String>, Query, description = "Words of the title"),
        PageQuery),
    responses((status = 200, description = "A page", body = ProcessingPage), WrongParameter))]
pub(super) async fn list(
    State(processings): State<Processings>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<ProcessingPage>> {
    let paging = Paging::parse(&params, PAGE_DEFAULT)?.within(PAGE_MAX)?;
    let page = processings.list(&caller, params.get("q").unwrap_or_default(), paging).await?;
    let mut results = Vec::with_capacity(page.results.len());
    for processing in page.results {
        results.push(processings.view(&caller, processing).await?);
    }
    Ok(Json(ProcessingPage { count: page.count, results }))
}

/// Creates a processing. Its plugin checks the configuration.
#[utoipa::path(post, path = "/processings/api/v1/processings", tag = "processings",
    operation_id = "postProcessing", request_body = NewProcessing,
    security(("session" = []), ("apiKey" = [])),
    responses((status = 200, description = "The processing", body = ProcessingView),
        WrongBody, NotSignedIn, Forbidden, Conflict, PluginFailed))]
pub(super) async fn create(
    State(processings): State<Processings>,
    caller: Caller,
    JsonBody(body): JsonBody<NewProcessing>,
) -> ApiResult<Json<ProcessingView>> {
    let (processing, notes) = processings.create(&caller, body).await?;
    Ok(Json(processings.view(&caller, processing).await?.with_notes(notes)))
}

/// Shows a processing with its last and its next run.
#[utoipa::path(get, path = "/processings/api/v1/processings/{id}", tag = "processings",
    operation_id = "readProcessing", params(("id" = String, Path)),
    responses((status = 200, description = "The processing", body = ProcessingView), OfOne))]
pub(super) async fn read(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ProcessingView>> {
    let processing = processings.permitted(&caller, &id, "readProcessing").await?;
    processings.view(&caller, processing.entity).await.map(Json)
}

/// Changes the attributes given. A run in progress goes on with what it began with.
#[utoipa::path(patch, path = "/processings/api/v1/processings/{id}", tag = "processings",
    operation_id = "writeProcessing", params(("id" = String, Path)), request_body = Patch,
    responses((status = 200, description = "The processing", body = ProcessingView),
        WrongBody, OfOne, Conflict, PluginFailed))]
pub(super) async fn patch(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Patch>,
) -> ApiResult<Json<ProcessingView>> {
    let (processing, notes) = processings.patch(&caller, &id, body).await?;
    Ok(Json(processings.view(&caller, processing).await?.with_notes(notes)))
}

/// Deletes a processing with its runs and their logs. The datasets it made stay.
#[utoipa::path(delete, path = "/processings/api/v1/processings/{id}", tag = "processings",
    operation_id = "deleteProcessing", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), OfOne))]
pub(super) async fn delete(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    processings.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the JSON Schema of the plugin's configuration, for forms; `null` when it has none.
#[utoipa::path(get, path = "/processings/api/v1/processings/{id}/plugin-config-schema", tag = "processings",
    operation_id = "readPluginConfigSchema", params(("id" = String, Path)),
    responses((status = 200, description = "A JSON Schema", body = Value), OfOne))]
pub(super) async fn config_schema(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let processing = processings.permitted(&caller, &id, "readProcessing").await?;
    let installed = processings.installed.installed(&processing.plugin).await?;
    Ok(Json(installed.and_then(|plugin| plugin.manifest.config.clone()).unwrap_or_default()))
}
