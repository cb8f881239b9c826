//! Remote services as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_http::paging::Paging;
use halle_http::shapes::{
    Conflict, Forbidden, NotSignedIn, OfOne, PageQuery, PluginFailed, WrongBody, WrongParameter,
};
use halle_http::{ApiResult, Caller, JsonBody, Params};
use serde_json::{Value, json};

use crate::RemoteServices;
use crate::service::{ListQuery, NewService, ServicePatch};
use crate::views::{ActionPage, ServicePage, ServiceView};

/// Services of a page when the client does not say.
const PAGE_DEFAULT: usize = 10;

/// Services of a page at most.
const PAGE_MAX: u32 = 1_000;

/// What a list asks for.
fn query(params: &Params) -> ApiResult<ListQuery> {
    let uris = |name: &str| params.list(name).into_iter().map(str::to_owned).collect();
    Ok(ListQuery {
        q: params.get("q").unwrap_or_default().to_owned(),
        input_concepts: uris("input-concepts"),
        output_concepts: uris("output-concepts"),
        paging: Paging::parse(params, PAGE_DEFAULT)?.within(PAGE_MAX)?,
    })
}

/// Lists the services that the caller may list, newest first.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services", tag = "services",
    operation_id = "listRemoteServices",
    params(
        ("q" = Option<String>, Query, description = "Words of the title or the description"),
        ("input-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an input has"),
        ("output-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an output has"),
        PageQuery),
    responses((status = 200, description = "A page", body = ServicePage), WrongParameter))]
pub(super) async fn list(
    State(services): State<RemoteServices>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<ServicePage>> {
    let page = services.list(&caller, &query(&params)?).await?;
    let results = page.results.into_iter().map(ServiceView::from).collect();
    Ok(Json(ServicePage { count: page.count, results }))
}

/// Lists the actions of the services that the caller may list; parameters choose the services.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services-actions", tag = "services",
    operation_id = "listRemoteServiceActions",
    params(
        ("q" = Option<String>, Query, description = "Words of the title or the description of the service"),
        ("input-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an input has"),
        ("output-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an output has"),
        PageQuery),
    responses((status = 200, description = "Actions", body = ActionPage), WrongParameter))]
pub(super) async fn actions(
    State(services): State<RemoteServices>,
    caller: Caller,
    params: Params,
) -> ApiResult<Json<ActionPage>> {
    let page = services.list(&caller, &query(&params)?).await?;
    let mut results = Vec::new();
    for service in page.results {
        let of = json!({ "id": service.id, "title": service.title });
        results.extend(service.actions().into_iter().map(|mut action| {
            action["remoteService"] = of.clone();
            action
        }));
    }
    Ok(Json(ActionPage { count: results.len(), results }))
}

/// Declares a service. Its adapter must find an operation that can enrich.
#[utoipa::path(post, path = "/data-fair/api/v1/remote-services", tag = "services",
    operation_id = "postRemoteService", request_body = NewService,
    security(("session" = []), ("apiKey" = [])),
    responses((status = 201, description = "The service", body = ServiceView),
        WrongBody, NotSignedIn, Forbidden, Conflict, PluginFailed))]
pub(super) async fn create(
    State(services): State<RemoteServices>,
    caller: Caller,
    JsonBody(body): JsonBody<NewService>,
) -> ApiResult<(StatusCode, Json<ServiceView>)> {
    Ok((StatusCode::CREATED, Json(services.create(&caller, body).await?.into())))
}

/// Shows a service with its actions.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services/{id}", tag = "services",
    operation_id = "readRemoteService", params(("id" = String, Path)),
    responses((status = 200, description = "The service", body = ServiceView), OfOne))]
pub(super) async fn read(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<ServiceView>> {
    Ok(Json(services.permitted(&caller, &id, "readService").await?.entity.into()))
}

/// Changes the attributes given.
#[utoipa::path(patch, path = "/data-fair/api/v1/remote-services/{id}", tag = "services",
    operation_id = "writeRemoteService", params(("id" = String, Path)), request_body = ServicePatch,
    responses((status = 200, description = "The service", body = ServiceView),
        WrongBody, OfOne, Conflict, PluginFailed))]
pub(super) async fn patch(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ServicePatch>,
) -> ApiResult<Json<ServiceView>> {
    Ok(Json(services.patch(&caller, &id, body).await?.into()))
}

/// Forgets a service. Datasets keep the columns it filled until they are enriched again.
#[utoipa::path(delete, path = "/data-fair/api/v1/remote-services/{id}", tag = "services",
    operation_id = "deleteRemoteService", params(("id" = String, Path)),
    responses((status = 204, description = "It is gone"), OfOne))]
pub(super) async fn delete(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    services.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives the OpenAPI document of a service.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services/{id}/api-docs.json", tag = "services",
    operation_id = "readRemoteServiceApiDoc", params(("id" = String, Path)),
    responses((status = 200, description = "An OpenAPI 3 document", body = Value), OfOne))]
pub(super) async fn api_doc(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    Ok(Json(services.permitted(&caller, &id, "readService").await?.entity.api_doc))
}
