//! `GET /datasets/{id}/values_agg`, `metric_agg`, `simple_metrics_agg`, `words_agg`, `values/{column}`,
//! `values-labels/{column}`, `min/{column}`, `max/{column}`.

use axum::extract::{OriginalUri, Path};
use axum::http::HeaderMap;
use axum::response::Response;
use halle_http::conditional::CacheFor;
use halle_http::{ApiResult, BaseUrl, Caller, Params};
use halle_search::ast::Metric;
use serde_json::Value;

use super::headers::{Answer, Payload, cache_for, unchanged};
use super::{next, search_params, tile};
use crate::http::seen::Seen;
use crate::service::read::Reading;

const JSON: &str = "application/json; charset=utf-8";

/// Groups; `next` and a `Link` header when they come in the order of their values and there are more.
pub(super) async fn values_agg(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    base: BaseUrl,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getValuesAgg").await?.at(&base.0);
    // For those who run the server; anybody else's is ignored, as any parameter that means nothing.
    let is_explained = caller.admin_mode && params.flag("explain");
    let cache = if is_explained { CacheFor::Nobody } else { cache_for(&params, &reading)? };
    if let Some(response) = unchanged(&headers, &reading, cache).filter(|_| !is_explained) {
        return Ok(response);
    }
    let asked = search_params(&params)?;
    match asked.get("format") {
        Some("geojson") => {
            let features = reading.values_agg_features(&asked).await?;
            let (media_type, payload) =
                ("application/geo+json", Payload::Bytes(features.to_string().into_bytes()));
            return Ok(Answer { reading: &reading, cache, media_type, payload, next: None }.respond(&headers));
        }
        Some(format) if tile::FORMATS.contains(&format) => {
            let bytes = reading.values_agg_tile(&asked).await?;
            return Ok(tile::plain(bytes, &reading, cache, &headers));
        }
        _ => {}
    }
    let answer = reading.values_agg(&asked).await?;
    let next = answer.next.map(|(name, value)| next::address(&base, &uri, &params, &[(&name, &value)]));
    let mut body = answer.body;
    if let Some(next) = &next {
        body.insert("next".to_owned(), next.as_str().into());
    }
    if is_explained {
        body.insert("explain".to_owned(), reading.explain_values_agg(&asked).await?);
    }
    let payload = Payload::Bytes(Value::Object(body).to_string().into_bytes());
    Ok(Answer { reading: &reading, cache, media_type: JSON, payload, next }.respond(&headers))
}

/// Groups by cell of the geohash grid, as JSON or GeoJSON.
pub(super) async fn geo_agg(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    base: BaseUrl,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getGeoAgg").await?.at(&base.0);
    let asked = search_params(&params)?;
    if asked.get("format") == Some("geojson") {
        let cache = cache_for(&params, &reading)?;
        if let Some(response) = unchanged(&headers, &reading, cache) {
            return Ok(response);
        }
        let payload = Payload::Bytes(reading.geo_agg_features(&asked).await?.to_string().into_bytes());
        let media_type = "application/geo+json";
        return Ok(Answer { reading: &reading, cache, media_type, payload, next: None }.respond(&headers));
    }
    json_answer(&reading, &params, &headers, async || Ok(reading.geo_agg(&asked).await?)).await
}

/// One metric.
pub(super) async fn metric_agg(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getMetricAgg").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || Ok(reading.metric_agg(&asked).await?)).await
}

/// Several metrics of several columns.
pub(super) async fn simple_metrics_agg(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getSimpleMetricsAgg").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || Ok(reading.simple_metrics_agg(&asked).await?)).await
}

/// Distinct values of a column.
pub(super) async fn values(
    Seen(datasets): Seen,
    Path((id, column)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getValues").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || Ok(reading.values(&column, &asked).await?.into())).await
}

/// Distinct values of a column with their labels.
pub(super) async fn values_labels(
    Seen(datasets): Seen,
    Path((id, column)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getValues").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || {
        Ok(reading.values_labels(&column, &asked).await?.into())
    })
    .await
}

/// The words of a column.
pub(super) async fn words_agg(
    Seen(datasets): Seen,
    Path(id): Path<String>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getWordsAgg").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || Ok(reading.words_agg(&asked).await?)).await
}

/// The largest value of a column, as a bare number.
pub(super) async fn max(
    Seen(datasets): Seen,
    Path((id, column)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getMaxAgg").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || {
        Ok(reading.extreme(&column, Metric::Max, &asked).await?)
    })
    .await
}

/// The smallest value of a column, as a bare number.
pub(super) async fn min(
    Seen(datasets): Seen,
    Path((id, column)): Path<(String, String)>,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = datasets.open(&caller, &id, "getMinAgg").await?;
    let asked = search_params(&params)?;
    json_answer(&reading, &params, &headers, async || {
        Ok(reading.extreme(&column, Metric::Min, &asked).await?)
    })
    .await
}

async fn json_answer(
    reading: &Reading,
    params: &Params,
    headers: &HeaderMap,
    body: impl AsyncFnOnce() -> ApiResult<Value>,
) -> ApiResult<Response> {
    let cache = cache_for(params, reading)?;
    if let Some(response) = unchanged(headers, reading, cache) {
        return Ok(response);
    }
    let payload = Payload::Bytes(body().await?.to_string().into_bytes());
    Ok(Answer { reading, cache, media_type: JSON, payload, next: None }.respond(headers))
}
