//! Remote services as a resource.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use halle_http::{ApiError, ApiResult, Caller, JsonBody};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::RemoteServices;
use crate::model::RemoteService;
use crate::service::{ListQuery, NewService, ServicePatch};

/// Services of a page when the client does not say.
const PAGE_DEFAULT: u32 = 10;

/// Services of a page at most.
const PAGE_MAX: u32 = 1_000;

/// Parameters of the lists.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ListParams {
    q: Option<String>,
    input_concepts: Option<String>,
    output_concepts: Option<String>,
    size: Option<u32>,
    page: Option<u32>,
}

impl ListParams {
    fn query(self) -> ApiResult<ListQuery> {
        let size = self.size.unwrap_or(PAGE_DEFAULT);
        if size > PAGE_MAX {
            return Err(ApiError::bad_request(format!("\"size\" cannot be more than {PAGE_MAX}")));
        }
        let uris = |list: Option<String>| -> Vec<String> {
            list.unwrap_or_default().split(',').filter(|uri| !uri.is_empty()).map(str::to_owned).collect()
        };
        Ok(ListQuery {
            q: self.q.unwrap_or_default(),
            input_concepts: uris(self.input_concepts),
            output_concepts: uris(self.output_concepts),
            skip: self.page.unwrap_or(1).saturating_sub(1).saturating_mul(size),
            size,
        })
    }
}

pub(super) async fn list(
    State(services): State<RemoteServices>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let page = services.list(&caller, &params.query()?).await?;
    let results: Vec<Value> = page.results.iter().map(view).collect();
    Ok(Json(json!({ "count": page.count, "results": results })))
}

/// Every action of every service that the caller may list.
pub(super) async fn actions(
    State(services): State<RemoteServices>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> ApiResult<Json<Value>> {
    let page = services.list(&caller, &params.query()?).await?;
    let results: Vec<Value> = page
        .results
        .iter()
        .flat_map(|service| {
            let service_ref = json!({ "id": service.id, "title": service.title });
            service.actions().into_iter().map(move |mut action| {
                action["remoteService"] = service_ref.clone();
                action
            })
        })
        .collect();
    Ok(Json(json!({ "count": results.len(), "results": results })))
}

pub(super) async fn create(
    State(services): State<RemoteServices>,
    caller: Caller,
    JsonBody(body): JsonBody<NewService>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    Ok((StatusCode::CREATED, Json(view(&services.create(&caller, body).await?))))
}

pub(super) async fn read(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    Ok(Json(view(&services.permitted(&caller, &id, "readService").await?.entity)))
}

pub(super) async fn patch(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ServicePatch>,
) -> ApiResult<Json<Value>> {
    Ok(Json(view(&services.patch(&caller, &id, body).await?)))
}

pub(super) async fn delete(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<StatusCode> {
    services.delete(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn api_doc(
    State(services): State<RemoteServices>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<Value>> {
    Ok(Json(services.permitted(&caller, &id, "readService").await?.entity.api_doc))
}

/// The service as callers see it: with its actions, without its key.
fn view(service: &RemoteService) -> Value {
    let mut view = serde_json::to_value(service).unwrap_or_default();
    if let Some(object) = view.as_object_mut() {
        object.remove("sealedKey");
        object.remove("operations");
        object.remove("keyHeader");
        object.insert("actions".to_owned(), Value::Array(service.actions()));
        if let Some(header) = &service.key_header {
            object
                .insert("apiKey".to_owned(), json!({ "in": "header", "name": header, "value": "********" }));
        }
    }
    view
}
