//! Processings as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_extensions::manifest::PluginKind;
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use halle_model::permission::{PROCESSING_OPERATIONS, can};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Processings;
use crate::model::Processing;
use crate::service::{ListQuery, NewProcessing, Patch};

/// Processings of a page when the client does not say.
const PAGE_DEFAULT: u32 = 10;

/// Processings of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Parameters of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListParams {
    q: Option<String>,
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
    let query = ListQuery { q: params.q.unwrap_or_default(), skip, size };
    let page = processings.list(&caller, &query).await?;
    let mut results = Vec::with_capacity(page.results.len());
    for processing in &page.results {
        results.push(view(&processings, &caller, processing).await?);
    }
    Ok(Json(json!({ "count": page.count, "results": results })))
}

pub(super) async fn create(
    State(processings): State<Processings>,
    caller: Caller,
    JsonBody(body): JsonBody<NewProcessing>,
) -> ApiResult<Json<Value>> {
    let processing = processings.create(&caller, body).await?;
    Ok(Json(view(&processings, &caller, &processing).await?))
}

pub(super) async fn read(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let processing = processings.permitted(&caller, &id, "readProcessing").await?;
    Ok(Json(view(&processings, &caller, &processing).await?))
}

pub(super) async fn patch(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Patch>,
) -> ApiResult<Json<Value>> {
    let processing = processings.patch(&caller, &id, body).await?;
    Ok(Json(view(&processings, &caller, &processing).await?))
}

pub(super) async fn delete(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    processings.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// JSON Schema of the plugin's configuration, for forms.
pub(super) async fn config_schema(
    State(processings): State<Processings>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let processing = processings.permitted(&caller, &id, "readProcessing").await?;
    let installed =
        processings.installed.installed(&processing.plugin).await.map_err(crate::ProcessingError::from)?;
    Ok(Json(installed.and_then(|plugin| plugin.manifest.config.clone()).unwrap_or_default()))
}

/// The processing as a caller sees it: secrets masked, grants left out, with its last and its next run.
async fn view(
    processings: &Processings,
    caller: &halle_model::Caller,
    processing: &Processing,
) -> Result<Value, ApiError> {
    let (last, next) = processings.last_and_next(&processing.id).await?;
    let installed =
        processings.installed.installed(&processing.plugin).await.map_err(crate::ProcessingError::from)?;
    let config = installed
        .filter(|plugin| plugin.manifest.plugin.kind == PluginKind::Processing)
        .map_or(Value::Null, |plugin| processing.configured.shown(&plugin.manifest));
    let granted =
        PROCESSING_OPERATIONS.iter().filter(|operation| can(caller, **operation, processing.protected()));
    let mut view = serde_json::to_value(processing).map_err(ApiError::internal)?;
    if let Some(object) = view.as_object_mut() {
        object.remove("configured");
        object.remove("permissions");
        object.insert("config".to_owned(), config);
        object.insert("lastRun".to_owned(), json!(last));
        object.insert("nextRun".to_owned(), json!(next));
        object.insert("userPermissions".to_owned(), granted.map(|operation| operation.id).collect());
    }
    Ok(view)
}
