//! Cache validators: weak `ETag`, `Last-Modified`, and 304 (reference §1.2).

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use halle_base::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::cookies::http_date;
use crate::error::{ApiError, ApiResult};

/// How long and by whom an answer may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheFor {
    /// Nobody but the client, who asks again each time: descriptions, lists with user data.
    Nobody,
    /// Anybody, 5 minutes: data that everybody may read.
    Everybody,
    /// A week, because the URL names the version (`finalizedAt=`); `true` for data that everybody may read.
    Version(bool),
}

impl CacheFor {
    /// The value of `Cache-Control`.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Nobody => "must-revalidate, private, max-age=0",
            Self::Everybody => "must-revalidate, public, max-age=300",
            Self::Version(true) => "must-revalidate, public, max-age=604800",
            Self::Version(false) => "must-revalidate, private, max-age=604800",
        })
    }
}

/// A weak validator of these bytes, quotes included.
pub fn weak_etag(bytes: &[u8]) -> String {
    format!("W/\"{}\"", hex::encode(&Sha256::digest(bytes)[..16]))
}

/// Whether the client already has what `etag` and `last_modified` name. `If-None-Match` wins over the date, as RFC 9110
/// says; the `X-Private-` twins of both headers count too.
pub fn is_not_modified(headers: &HeaderMap, etag: Option<&str>, last_modified: Option<Timestamp>) -> bool {
    let text = |name: HeaderName, private: &str| {
        headers.get(name).or_else(|| headers.get(private)).and_then(|value| value.to_str().ok())
    };
    if let Some(known) = text(header::IF_NONE_MATCH, "x-private-if-none-match") {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        return etag.is_some_and(|etag| {
            known.trim() == "*" || known.split(',').any(|one| opaque(one) == opaque(etag))
        });
    }
    let known = text(header::IF_MODIFIED_SINCE, "x-private-if-modified-since");
    let known = known.and_then(|date| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    match (known, last_modified) {
        (Some(known), Some(date)) => date.as_second() <= known.as_second(),
        _ => false,
    }
}

/// An empty 304.
pub fn not_modified() -> Response {
    StatusCode::NOT_MODIFIED.into_response()
}

/// Answers with JSON under a weak `ETag`, or 304 if the client has it.
pub fn json<T: Serialize>(request: &HeaderMap, cache: CacheFor, value: &T) -> ApiResult<Response> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    let etag = weak_etag(&body);
    let mut response = if is_not_modified(request, Some(&etag), None) {
        not_modified()
    } else {
        let media_type = HeaderValue::from_static("application/json; charset=utf-8");
        ([(header::CONTENT_TYPE, media_type)], body).into_response()
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, cache.header());
    if cache == CacheFor::Nobody {
        // A proxy that caches what it buffers must not.
        let no = HeaderValue::from_static("no");
        response.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), no);
    }
    Ok(response)
}

/// Adds `Last-Modified` to an answer.
pub fn set_last_modified(headers: &mut HeaderMap, date: Timestamp) {
    if let Some(value) = http_date(date).and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::LAST_MODIFIED, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn a_known_tag_or_date_is_not_sent_again() {
        let etag = weak_etag(b"a");
        let known = headers("if-none-match", &format!("\"x\", {etag}"));
        assert!(is_not_modified(&known, Some(&etag), None));
        assert!(!is_not_modified(&known, Some(&weak_etag(b"b")), None));
        let date: Timestamp = "2024-05-01T10:00:00.700Z".parse().unwrap();
        let known = headers("if-modified-since", &http_date(date).unwrap());
        assert!(is_not_modified(&known, None, Some(date)));
        let later = "2024-05-01T10:00:01Z".parse().unwrap();
        assert!(!is_not_modified(&known, None, Some(later)));
        assert!(is_not_modified(&headers("x-private-if-none-match", &etag), Some(&etag), None));
    }

    #[test]
    fn an_answer_is_304_the_second_time() {
        let first = json(&HeaderMap::new(), CacheFor::Nobody, &[1, 2]).unwrap();
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let second = json(&headers("if-none-match", &etag), CacheFor::Nobody, &[1, 2]).unwrap();
        assert_eq!((first.status(), second.status()), (StatusCode::OK, StatusCode::NOT_MODIFIED));
    }
}
