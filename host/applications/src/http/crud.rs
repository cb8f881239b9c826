//! Applications as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, JsonBody};
use halle_model::permission::{APPLICATION_OPERATIONS, PermissionEntry, can, visibility};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::service::NewApplication;
use crate::service::edit::Patch;
use crate::service::find::ListQuery;
use crate::{Application, ApplicationError, Applications};

/// Applications of a page when the client does not say, as Data Fair.
const PAGE_DEFAULT: u32 = 12;

/// Applications of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Parameters of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListParams {
    q: Option<String>,
    dataset: Option<String>,
    size: Option<u32>,
    page: Option<u32>,
}

pub(super) async fn list(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let size = params.size.unwrap_or(PAGE_DEFAULT);
    if size > PAGE_MAX {
        return Err(ApiError::bad_request(format!("\"size\" cannot be more than {PAGE_MAX}")));
    }
    let skip = params.page.unwrap_or(1).saturating_sub(1).saturating_mul(size);
    let query = ListQuery { q: params.q.unwrap_or_default(), dataset: params.dataset, skip, size };
    let page = applications.list(&caller, &query).await?;
    let results: Vec<Value> =
        page.results.iter().map(|application| view(application, &caller, &base)).collect();
    Ok(Json(json!({ "count": page.count, "results": results })))
}

pub(super) async fn create(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    JsonBody(body): JsonBody<NewApplication>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let application = applications.create(&caller, body).await?;
    Ok((StatusCode::CREATED, Json(view(&application, &caller, &base))))
}

pub(super) async fn read(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let application = applications.permitted(&caller, &id, "readDescription").await?;
    Ok(Json(view(&application, &caller, &base)))
}

pub(super) async fn patch(
    State(applications): State<Applications>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<Patch>,
) -> ApiResult<Json<Value>> {
    let application = applications.patch(&caller, &id, body).await?;
    Ok(Json(view(&application, &caller, &base)))
}

pub(super) async fn delete(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    applications.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn configuration(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    let application = applications.permitted(&caller, &id, "readConfig").await?;
    Ok(Json(application.entity.configuration))
}

pub(super) async fn configure(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(configuration): JsonBody<Value>,
) -> ApiResult<Json<Value>> {
    Ok(Json(applications.configure(&caller, &id, configuration).await?))
}

pub(super) async fn permissions(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Vec<PermissionEntry>>> {
    let application = applications.permitted(&caller, &id, "getPermissions").await?;
    Ok(Json(application.entity.permissions))
}

pub(super) async fn grant(
    State(applications): State<Applications>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(entries): JsonBody<Value>,
) -> ApiResult<Json<Vec<PermissionEntry>>> {
    let entries = serde_json::from_value(entries)
        .map_err(|error| ApplicationError::Invalid(format!("Error in permissions format: {error}")))?;
    Ok(Json(applications.grant(&caller, &id, entries).await?))
}

/// The application as a caller sees it: without grants, with what they may do.
fn view(application: &Application, caller: &halle_model::Caller, base: &BaseUrl) -> Value {
    let mut view = serde_json::to_value(application).unwrap_or_default();
    let Some(object) = view.as_object_mut() else { return view };
    object.remove("permissions");
    let granted =
        APPLICATION_OPERATIONS.iter().filter(|operation| can(caller, **operation, application.protected()));
    object.insert("userPermissions".to_owned(), granted.map(|operation| operation.id).collect());
    object.insert("visibility".to_owned(), visibility(&application.permissions).into());
    let root = format!("{}/data-fair", base.0);
    object.insert("href".to_owned(), format!("{root}/api/v1/applications/{}", application.id).into());
    object.insert("exposedUrl".to_owned(), format!("{root}/app/{}", application.id).into());
    view
}
