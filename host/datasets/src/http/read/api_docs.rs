//! `GET /datasets/{id}/api-docs.json` and `private-api-docs.json`.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::{CacheFor, json};
use halle_http::{ApiResult, BaseUrl, Caller};
use halle_model::permission::{dataset_operation, is_public};

use crate::http::headers::about;
use crate::http::seen::Seen;
use crate::openapi::dataset;

/// The document for everybody who may read the dataset.
pub(super) async fn public(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    base: BaseUrl,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let found = datasets.load(&caller, &id, "readApiDoc").await?;
    let public =
        found.draft_reason.is_none() && is_public(dataset_operation("readApiDoc"), &found.permissions);
    let cache = if public { CacheFor::Everybody } else { CacheFor::Nobody };
    let mut response = json(&headers, cache, &dataset::public(&found, &api(&base)))?;
    response.headers_mut().extend(about(&found, "readApiDoc", None));
    Ok(response)
}

/// The document for this caller, writes included.
pub(super) async fn private(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    base: BaseUrl,
    caller: Caller,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let found = datasets.load(&caller, &id, "readPrivateApiDoc").await?;
    let document = dataset::private(&found, &api(&base), &caller);
    let mut response = json(&headers, CacheFor::Nobody, &document)?;
    response.headers_mut().extend(about(&found, "readPrivateApiDoc", None));
    Ok(response)
}

/// Address of the API.
fn api(base: &BaseUrl) -> String {
    format!("{}/data-fair/api/v1", base.0)
}
