//! `GET /datasets/{id}/thumbnail` and `GET /datasets/{id}/thumbnail/{hex}`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_http::conditional::{CacheFor, is_not_modified, not_modified, weak_etag};
use halle_http::{ApiResult, Caller, Params};
use halle_model::Dataset;
use halle_model::permission::{dataset_operation, is_public};

use crate::error::DatasetsError;
use crate::http::headers::about;
use crate::service::thumbnail::{Source, Thumbnail, frame};
use crate::state::Datasets;

/// The picture of the description.
pub(super) async fn of_dataset(
    State(datasets): State<Datasets>,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let operation = "readDescription";
    let dataset = datasets.get(&caller, &id).await?;
    let frame = frame(&dataset, |name| params.get(name))?;
    let thumbnail = datasets.thumbnail(&dataset, &frame).await?;
    Ok(respond(thumbnail, &dataset, operation, &params, &headers))
}

/// A picture that lines name, by its address in hexadecimal.
pub(super) async fn of_line(
    State(datasets): State<Datasets>,
    Path((id, hex)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let operation = "readLines";
    let reading = datasets.open(&caller, &id, operation).await?;
    let source = Source::of_hex(&hex).ok_or_else(|| {
        DatasetsError::Missing("Cette vignette ne désigne pas l'adresse d'une image.".to_owned())
    })?;
    let frame = frame(reading.dataset(), |name| params.get(name))?;
    let thumbnail = datasets.line_thumbnail(&caller, &reading, &source, &frame).await?;
    Ok(respond(thumbnail, reading.dataset(), operation, &params, &headers))
}

fn respond(
    thumbnail: Thumbnail,
    dataset: &Dataset,
    operation: &'static str,
    params: &Params,
    request: &HeaderMap,
) -> Response {
    let public = is_public(dataset_operation(operation), &dataset.permissions);
    // An address that names a version of the dataset never changes what it shows.
    let is_dated = ["updatedAt", "finalizedAt"].iter().any(|name| params.get(name).is_some());
    let mut response = match thumbnail {
        Thumbnail::Png(png, status) => {
            let etag = weak_etag(&png);
            let is_known =
                request.contains_key(header::IF_NONE_MATCH) && is_not_modified(request, Some(&etag), None);
            let mut response = if is_known { not_modified() } else { png.into_response() };
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/png"));
            if let Ok(etag) = HeaderValue::from_str(&etag) {
                headers.insert(header::ETAG, etag);
            }
            let cache = match (is_dated, public) {
                (true, public) => CacheFor::Version(public),
                (false, true) => CacheFor::Everybody,
                (false, false) => CacheFor::Nobody,
            };
            headers.insert(header::CACHE_CONTROL, cache.header());
            let name = HeaderName::from_static("x-thumbnails-cache-status");
            headers.insert(name, HeaderValue::from_static(status.as_str()));
            response
        }
        Thumbnail::Elsewhere(url) => {
            let mut response = StatusCode::FOUND.into_response();
            if let Ok(url) = HeaderValue::from_str(&url) {
                response.headers_mut().insert(header::LOCATION, url);
            }
            response.headers_mut().insert(header::CACHE_CONTROL, CacheFor::Nobody.header());
            response
        }
    };
    response.headers_mut().extend(about(dataset, operation, None));
    response
}
