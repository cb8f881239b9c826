//! What is sent, hop by hop: headers that may go, and what a redirect makes of a request.

use std::str::FromStr;

use bytes::Bytes;
use halle_extensions::types::Problem;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

use crate::problem;

/// Bytes of all headers of a request or an answer.
pub(crate) const HEADER_BYTES_MAX: usize = 64 << 10;

/// Headers that belong to the connection, not to the caller.
const RESERVED: &[&str] = &[
    "host",
    "connection",
    "proxy-connection",
    "keep-alive",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "proxy-authorization",
    "proxy-authenticate",
    "expect",
];

/// Headers that may follow a redirect to another origin. All others could carry a secret.
const PORTABLE: &[&str] =
    &["accept", "accept-language", "content-type", "if-modified-since", "if-none-match", "range"];

/// A request on its way from hop to hop.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Hop {
    /// Reads what the caller gave. The length is computed, so a given one is ignored.
    pub(crate) fn new(
        method: &str,
        headers: &[(String, String)],
        body: Option<Bytes>,
    ) -> Result<Self, Problem> {
        let method = Method::from_str(method).map_err(|_| problem::bad_header("method"))?;
        let mut map = HeaderMap::new();
        let mut bytes = 0;
        for (name, value) in headers {
            let refused = || problem::bad_header(name);
            let lower = name.to_ascii_lowercase();
            bytes += name.len() + value.len();
            if RESERVED.contains(&lower.as_str()) || bytes > HEADER_BYTES_MAX {
                return Err(refused());
            }
            if lower == "content-length" {
                continue;
            }
            let name = HeaderName::from_str(&lower).map_err(|_| refused())?;
            map.append(name, HeaderValue::from_str(value).map_err(|_| refused())?);
        }
        Ok(Self { method, headers: map, body })
    }

    /// What follows a redirect: 303 asks for the answer elsewhere, 301 and 302 do so after a POST, 307 and 308 repeat.
    pub(crate) fn redirected(mut self, status: StatusCode, is_same_origin: bool) -> Self {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            self.headers.remove("content-type");
        }
        if !is_same_origin {
            self.headers = std::mem::take(&mut self.headers)
                .iter()
                .filter(|(name, _)| PORTABLE.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
        }
        self
    }
}

/// Headers of an answer, names in lower case. Values that are no text are left out.
pub(crate) fn answer_headers(headers: &HeaderMap) -> Option<Vec<(String, String)>> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let texts =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    (bytes <= HEADER_BYTES_MAX).then(|| texts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(method: &str) -> Hop {
        let headers = [
            ("Authorization", "Bearer s"),
            ("X-Secret", "s"),
            ("Accept", "text/csv"),
            ("Content-Type", "a/b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Hop::new(method, &headers, Some(Bytes::from_static(b"x"))).unwrap()
    }

    #[test]
    fn secrets_stay_with_their_origin() {
        let there = hop("GET").redirected(StatusCode::FOUND, false);
        let names: Vec<&str> = there.headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["accept", "content-type"]);
        assert_eq!(hop("GET").redirected(StatusCode::FOUND, true).headers.len(), 4);
    }

    #[test]
    fn a_redirect_changes_the_method_as_browsers_do() {
        for (method, status, expected, has_body) in [
            ("POST", 301, "GET", false),
            ("POST", 303, "GET", false),
            ("PUT", 303, "GET", false),
            ("HEAD", 303, "HEAD", true),
            ("PUT", 302, "PUT", true),
            ("POST", 307, "POST", true),
            ("POST", 308, "POST", true),
        ] {
            let next = hop(method).redirected(StatusCode::from_u16(status).unwrap(), true);
            assert_eq!(
                (next.method.as_str(), next.body.is_some()),
                (expected, has_body),
                "{method} {status}"
            );
        }
    }

    #[test]
    fn headers_of_the_connection_are_refused() {
        for (name, value) in
            [("Host", "evil"), ("Transfer-Encoding", "chunked"), ("a b", "c"), ("A", "b\r\nC: d")]
        {
            let problem = Hop::new("GET", &[(name.to_owned(), value.to_owned())], None).unwrap_err();
            assert_eq!(problem.code, "denied/http", "{name}");
        }
    }
}
