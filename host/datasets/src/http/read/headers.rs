//! Answers about data: what they are about, how long they may be kept, what the client has already (reference §1.2).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use halle_base::Timestamp;
use halle_http::conditional::{CacheFor, is_not_modified, not_modified, set_last_modified, weak_etag};
use halle_http::{ApiError, ApiResult, Params};

use crate::http::headers::about;
use crate::service::read::Reading;

/// What reads of data count as in usage statistics.
pub(super) const TRACK: &str = "readDataAPI";

/// How long the answer may be kept: a week when the address names a version (`finalizedAt=` or `updatedAt=`); 400 when that
/// version does not exist yet.
pub(super) fn cache_for(params: &Params, reading: &Reading) -> ApiResult<CacheFor> {
    if reading.is_personal() {
        return Ok(CacheFor::Nobody);
    }
    // A draft may come at any time.
    let public = reading.is_public() && params.get("draft") != Some("true");
    for name in ["finalizedAt", "updatedAt"] {
        let Some(text) = params.get(name) else { continue };
        let asked: Timestamp = text.parse().map_err(|_| {
            ApiError::bad_request(format!("\"{name}\" doit être une date et heure RFC 3339, pas \"{text}\"."))
        })?;
        if asked > reading.changed_at() {
            let message = format!("\"{name}\" désigne une version plus récente que celle du jeu de données.");
            return Err(ApiError::bad_request(message));
        }
        return Ok(CacheFor::Version(public));
    }
    Ok(if public { CacheFor::Everybody } else { CacheFor::Nobody })
}

/// An answer about data: its bytes, or a stream that has no validator.
pub(super) enum Payload {
    Bytes(Vec<u8>),
    /// Bytes whose validator is known already.
    Tagged(Bytes, String),
    Stream(halle_store::ByteStream),
}

/// What a read answers with: a validator of the bytes, dates, caches.
pub(super) struct Answer<'a> {
    pub reading: &'a Reading,
    pub cache: CacheFor,
    pub media_type: &'static str,
    pub payload: Payload,
    /// Address of the next page.
    pub next: Option<String>,
}

impl Answer<'_> {
    /// The answer, or 304 if the client has it.
    pub(super) fn respond(self, request: &HeaderMap) -> Response {
        let (mut response, etag) = match self.payload {
            Payload::Bytes(bytes) => {
                let etag = weak_etag(&bytes);
                (unless_known(request, bytes.into(), &etag), Some(etag))
            }
            Payload::Tagged(bytes, etag) => (unless_known(request, bytes, &etag), Some(etag)),
            Payload::Stream(stream) => (crate::http::headers::streamed(stream).into_response(), None),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        let etag = etag.and_then(|etag| HeaderValue::from_str(&etag).ok());
        etag.map(|etag| headers.insert(header::ETAG, etag));
        let link = self.next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=next")).ok());
        link.map(|link| headers.insert(header::LINK, link));
        dress(headers, self.reading, self.cache);
        response
    }
}

fn unless_known(request: &HeaderMap, bytes: Bytes, etag: &str) -> Response {
    if is_not_modified(request, Some(etag), None) { not_modified() } else { bytes.into_response() }
}

/// 304 before any question is asked of the index, if the client has this version. Edited lines, which a virtual dataset
/// may show, change several times a second, which dates in whole seconds cannot tell apart: there, only the tag of the
/// answer decides.
pub(super) fn unchanged(request: &HeaderMap, reading: &Reading, cache: CacheFor) -> Option<Response> {
    let is_alive = reading.dataset().is_rest || reading.dataset().is_virtual;
    if is_alive || !is_not_modified(request, None, Some(reading.changed_at())) {
        return None;
    }
    let mut response = not_modified();
    dress(response.headers_mut(), reading, cache);
    Some(response)
}

fn dress(headers: &mut HeaderMap, reading: &Reading, cache: CacheFor) {
    headers.insert(header::CACHE_CONTROL, cache.header());
    let buffered = matches!(cache, CacheFor::Everybody | CacheFor::Version(true));
    let buffering = HeaderValue::from_static(if buffered { "yes" } else { "no" });
    headers.insert(HeaderName::from_static("x-accel-buffering"), buffering);
    set_last_modified(headers, reading.changed_at());
    headers.extend(about(reading.dataset(), reading.operation(), Some(TRACK)));
}
