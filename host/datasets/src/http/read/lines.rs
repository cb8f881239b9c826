//! `GET /datasets/{id}/lines` and `GET /datasets/{id}/lines/{line}`.

use axum::extract::OriginalUri;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use halle_base::Timestamp;
use halle_http::conditional::{CacheFor, is_not_modified, not_modified, set_last_modified, weak_etag};
use halle_http::{ApiError, ApiResult, BaseUrl, Caller, Params};
use halle_search::params::Params as SearchParams;
use serde_json::Value;

use super::headers::{Answer, Payload, TRACK, cache_for, unchanged};
use super::{next, search_params, tile};
use crate::error::DatasetsError;
use crate::http::headers::about;
use crate::http::seen::Seen;
use crate::http::target::{Operations, Target};
use crate::service::read::{ExportBody, ExportFormat, LinesAnswer, Reading, WholeFormat};
use crate::service::write::{owner_value, require_ownership};
use crate::state::Datasets;

/// A page of lines as JSON, CSV, ndjson, GeoJSON, a map tile, a workbook or Parquet; an unknown `format` is JSON.
pub(super) async fn list(
    Seen(datasets): Seen,
    target: Target,
    OriginalUri(uri): OriginalUri,
    base: BaseUrl,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = open(&datasets, &caller, &target, ["readLines", "readOwnLines"]).await?.at(&base.0);
    let cache = if target.owner.is_some() { CacheFor::Nobody } else { cache_for(&params, &reading)? };
    if let Some(response) = unchanged(&headers, &reading, cache) {
        return Ok(response);
    }
    let asked = match &target.owner {
        None => search_params(&params)?,
        Some(owner) => own_params(&params, &owner_value(owner))?,
    };
    let address = |after: String| next::address(&base, &uri, &params, &[("after", &after)]);
    let format = params.get("format").unwrap_or("json");
    if tile::FORMATS.contains(&format) {
        let drawn = reading.tile(&asked, datasets.tiles()).await?;
        return Ok(tile::answer(drawn, &reading, cache, &headers));
    }
    if let Some(format) = ExportFormat::of(format) {
        let export = reading.export(&asked, format).await?;
        let payload = match export.body {
            ExportBody::Page(bytes) => Payload::Bytes(bytes),
            ExportBody::Stream(stream) => Payload::Stream(stream),
        };
        let next = export.next.map(address);
        let answer = Answer { reading: &reading, cache, media_type: format.media_type(), payload, next };
        return Ok(attached(answer.respond(&headers), &reading, format.extension()));
    }
    if let Some(format) = WholeFormat::of(format) {
        let stream = reading.whole_file(&asked, format, &datasets.config.temp_dir).await?;
        let (media_type, payload) = (format.media_type(), Payload::Stream(stream));
        let answer = Answer { reading: &reading, cache, media_type, payload, next: None };
        return Ok(attached(answer.respond(&headers), &reading, format.extension()));
    }
    if format == "geojson" && asked.get("size") == Some("all") {
        let payload = Payload::Stream(reading.geojson_stream(&asked).await?);
        let media_type = "application/geo+json";
        let answer = Answer { reading: &reading, cache, media_type, payload, next: None };
        return Ok(answer.respond(&headers));
    }
    let next = |changed: &[(&str, &str)]| next::address(&base, &uri, &params, changed);
    let (media_type, bytes, next) = page(&reading, asked, format, &next).await?;
    Ok(Answer { reading: &reading, cache, media_type, payload: Payload::Bytes(bytes), next }
        .respond(&headers))
}

/// Gives the address of the page that follows, from the parameters in which it differs.
type NextPage<'a> = dyn Fn(&[(&str, &str)]) -> String + Sync + 'a;

/// A page in a format that has only pages: its media type, its bytes, and the address of the next one.
async fn page(
    reading: &Reading,
    asked: SearchParams,
    format: &str,
    next: &NextPage<'_>,
) -> ApiResult<(&'static str, Vec<u8>, Option<String>)> {
    let ignored = reading.ignored_words(&asked).await?;
    let pinned = ignored.join(",");
    let asked = if ignored.is_empty() { asked } else { asked.with("q_ignored", &pinned) };
    // Pages that follow ignore the same words, however often they occur by then.
    let address = |after: String| match pinned.as_str() {
        "" => next(&[("after", &after)]),
        words => next(&[("q_ignored", words), ("after", &after)]),
    };
    Ok(if format == "geojson" {
        let (collection, after) = reading.geojson(&asked, ignored).await?;
        ("application/geo+json", collection.to_string().into_bytes(), after.map(address))
    } else if format == "wkt" {
        let (text, after) = reading.wkt(&asked).await?;
        ("text/plain; charset=utf-8", text.into_bytes(), after.map(address))
    } else {
        let lines = LinesAnswer { ignored_words: ignored, ..reading.lines(&asked).await? };
        let next = lines.next.clone().map(address);
        ("application/json; charset=utf-8", envelope(&lines, next.as_deref()), next)
    })
}

/// Opens a dataset for reading; 501 under `/own/` when its lines have no owners.
async fn open(
    datasets: &Datasets,
    caller: &Caller,
    target: &Target,
    operations: Operations,
) -> ApiResult<Reading> {
    let reading = datasets.open(caller, &target.id, target.operation(operations)).await?;
    if target.owner.is_some() {
        require_ownership(reading.dataset())?;
    }
    Ok(reading)
}

/// The parameters of a request, for the lines of one owner only.
fn own_params(params: &Params, owner: &str) -> ApiResult<SearchParams> {
    const OWNER: &str = "_owner_eq";
    let others = params.iter().filter(|(name, _)| *name != OWNER);
    let own = SearchParams::new(others.chain([(OWNER, owner)]));
    Ok(own.map_err(DatasetsError::from)?)
}

/// `{total, next?, totalCollapse?, meta?, results}`, in this order. Lines are copied as the index keeps them.
fn envelope(answer: &LinesAnswer, next: Option<&str>) -> Vec<u8> {
    let mut members = Vec::new();
    if let Some(total) = answer.total {
        members.push(format!("\"total\":{total}"));
    }
    if let Some(next) = next {
        members.push(format!("\"next\":{}", Value::from(next)));
    }
    if let Some(total) = answer.total_collapse {
        members.push(format!("\"totalCollapse\":{total}"));
    }
    if let Some(meta) = answer.meta() {
        members.push(format!("\"meta\":{meta}"));
    }
    let bytes: usize = answer.lines.iter().map(|line| line.len() + 1).sum();
    let mut body = Vec::with_capacity(bytes + 512);
    body.push(b'{');
    for member in members {
        body.extend_from_slice(member.as_bytes());
        body.push(b',');
    }
    body.extend_from_slice(b"\"results\":[");
    for (i, line) in answer.lines.iter().enumerate() {
        if i > 0 {
            body.push(b',');
        }
        body.extend_from_slice(line);
    }
    body.extend_from_slice(b"]}");
    body
}

/// Tells browsers to save the answer under the dataset's name.
fn attached(mut response: Response, reading: &Reading, extension: &str) -> Response {
    let name = format!("attachment; filename=\"{}.{extension}\"", reading.dataset().slug);
    if let Ok(value) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// One line, 404 `Identifiant de ligne inconnu` when there is none.
pub(super) async fn one(
    Seen(datasets): Seen,
    target: Target,
    base: BaseUrl,
    caller: Caller,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let reading = open(&datasets, &caller, &target, ["readLine", "readOwnLine"]).await?.at(&base.0);
    let line = reading.line(&target.line, &search_params(&params)?).await?;
    let owner = target.owner.as_ref().map(owner_value);
    if owner.is_some_and(|owner| line.get("_owner") != Some(&Value::from(owner))) {
        return Err(ApiError::not_found("Identifiant de ligne inconnu"));
    }
    let changed_at: Option<Timestamp> =
        line.get("_updatedAt").and_then(Value::as_str).and_then(|text| text.parse().ok());
    let body = serde_json::to_vec(&line).map_err(|error| ApiError::from(DatasetsError::internal(error)))?;
    let etag = weak_etag(&body);
    // What extensions give comes after the line was written: then its date does not tell whether it changed.
    let is_extended = reading.columns().iter().any(|column| column.extension.is_some());
    let mut response = if is_not_modified(&headers, Some(&etag), changed_at.filter(|_| !is_extended)) {
        not_modified()
    } else {
        let media_type = HeaderValue::from_static("application/json; charset=utf-8");
        axum::response::IntoResponse::into_response(([(header::CONTENT_TYPE, media_type)], body))
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, CacheFor::Nobody.header());
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Some(changed_at) = changed_at {
        set_last_modified(headers, changed_at);
    }
    headers.extend(about(reading.dataset(), reading.operation(), Some(TRACK)));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn members_of_the_envelope_have_their_order() {
        let answer = LinesAnswer {
            total: Some(3),
            total_collapse: Some(2),
            lines: vec![Bytes::from_static(b"{\"a\":1}"), Bytes::from_static(b"{}")],
            next: None,
            ignored_words: vec!["rue".to_owned()],
            hints: vec!["x".to_owned()],
        };
        let text = String::from_utf8(envelope(&answer, Some("http://n"))).unwrap();
        let expect = r#"{"total":3,"next":"http://n","totalCollapse":2,"meta":{"ignoredWords":["rue"],"hints":["x"]},"results":[{"a":1},{}]}"#;
        assert_eq!(text, expect);
        assert_eq!(envelope(&LinesAnswer::default(), None), br#"{"results":[]}"#);
    }
}
