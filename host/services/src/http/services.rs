//! Remote services as a resource.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use halle_datasets::service::master_data::ReferenceQuery;
use halle_http::paging::Paging;
use halle_http::shapes::{
    Conflict, Forbidden, NotSignedIn, OfOne, PageQuery, PluginFailed, WrongBody, WrongParameter,
};
use halle_http::{ApiResult, BaseUrl, Caller, JsonBody, Params};
use halle_model::extension::REFERENCE_SERVICE;
use halle_store::Page;
use serde_json::Value;

use super::Api;
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
    let is_true = |name: &str| params.get(name) == Some("true");
    Ok(ListQuery {
        wanted: ReferenceQuery {
            q: params.get("q").unwrap_or_default().to_owned(),
            input_concepts: uris("input-concepts"),
            output_concepts: uris("output-concepts"),
            virtual_datasets: is_true("virtual-datasets"),
            standard_schema: is_true("standard-schema"),
        },
        paging: Paging::parse(params, PAGE_DEFAULT)?.within(PAGE_MAX)?,
    })
}

/// Lists the services that the caller may list, newest first; then the datasets of reference that are offered to them.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services", tag = "services",
    operation_id = "listRemoteServices",
    params(
        ("q" = Option<String>, Query, description = "Words of the title or the description"),
        ("input-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an input has"),
        ("output-concepts" = Option<String>, Query, description = "URIs of concepts, one of which an output has"),
        ("virtual-datasets" = Option<bool>, Query,
            description = "Only datasets of reference that virtual datasets may be made of"),
        ("standard-schema" = Option<bool>, Query,
            description = "Only datasets of reference whose columns are a standard"),
        PageQuery),
    responses((status = 200, description = "A page", body = ServicePage), WrongParameter))]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
) -> ApiResult<Json<ServicePage>> {
    let (count, results) = page(&api, &caller, &base, &params).await?;
    Ok(Json(ServicePage { count, results }))
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
    State(api): State<Api>,
    caller: Caller,
    base: BaseUrl,
    params: Params,
) -> ApiResult<Json<ActionPage>> {
    let (_, services) = page(&api, &caller, &base, &params).await?;
    let results: Vec<Value> = services.into_iter().flat_map(ServiceView::into_actions).collect();
    Ok(Json(ActionPage { count: results.len(), results }))
}

/// How many services there are, and those of the page: declared ones first, then datasets of reference.
async fn page(
    api: &Api,
    caller: &Caller,
    base: &BaseUrl,
    params: &Params,
) -> ApiResult<(u64, Vec<ServiceView>)> {
    let query = query(params)?;
    let Paging { skip, size } = query.paging;
    let declared = match query.wanted.virtual_datasets || query.wanted.standard_schema {
        true => Page { count: 0, results: Vec::new() },
        false => api.services.list(caller, &query).await?,
    };
    let before = skip.saturating_sub(u32::try_from(declared.count).unwrap_or(u32::MAX));
    let mut results: Vec<ServiceView> = declared.results.into_iter().map(ServiceView::from).collect();
    let room = size.saturating_sub(u32::try_from(results.len()).unwrap_or(u32::MAX));
    let (count, references) = api.datasets.reference_services(caller, &query.wanted, before, room).await?;
    let address = address(base);
    results.extend(references.into_iter().map(|reference| ServiceView::of_reference(reference, &address)));
    Ok((declared.count + count, results))
}

/// The address of the API.
fn address(base: &BaseUrl) -> String {
    format!("{}/data-fair/api/v1", base.0)
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

/// Shows a service with its actions. `dataset:{id}` is a dataset of reference.
#[utoipa::path(get, path = "/data-fair/api/v1/remote-services/{id}", tag = "services",
    operation_id = "readRemoteService", params(("id" = String, Path)),
    responses((status = 200, description = "The service", body = ServiceView), OfOne))]
pub(super) async fn read(
    State(api): State<Api>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Json<ServiceView>> {
    if let Some(dataset) = id.strip_prefix(REFERENCE_SERVICE) {
        let reference = api.datasets.reference_service(&caller, dataset).await?;
        return Ok(Json(ServiceView::of_reference(reference, &address(&base))));
    }
    Ok(Json(api.services.permitted(&caller, &id, "readService").await?.entity.into()))
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
    State(api): State<Api>,
    caller: Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    if let Some(dataset) = id.strip_prefix(REFERENCE_SERVICE) {
        let reference = api.datasets.reference_service(&caller, dataset).await?;
        return Ok(Json(reference.document(&address(&base))));
    }
    Ok(Json(api.services.permitted(&caller, &id, "readService").await?.entity.api_doc))
}
