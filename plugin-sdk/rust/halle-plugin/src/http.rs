//! Calling APIs: JSON, links, query parameters. Connectors and processings only.

use serde::de::DeserializeOwned;

use crate::messages::{Request, Response};
use crate::problem::Result;

/// Makes a request and reads the answer, of any status.
pub fn send(request: &Request) -> Result<Response> {
    crate::host::http::send(request)
}

/// The JSON at a URL; statuses other than 2xx are problems.
pub fn get_json<T: DeserializeOwned>(url: &str) -> Result<T> {
    json(&Request::get_json(url))
}

/// The JSON that a request answers; statuses other than 2xx are problems.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T> {
    send(request)?.ok(&request.url)?.json(&request.url)
}

/// Makes the request again when the answer says to come back later (429, 502, 503, 504), at most `tries` times in all.
/// Guests have no clock to wait by: the host paces requests.
pub fn send_patiently(request: &Request, tries: u32) -> Result<Response> {
    let mut left = tries.max(1);
    loop {
        let response = send(request)?;
        left -= 1;
        if left == 0 || !matches!(response.status, 429 | 502 | 503 | 504) {
            return Ok(response);
        }
        crate::check_cancelled()?;
    }
}

/// A URL with query parameters added, encoded.
pub fn with_query<'a>(url: &str, params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let (base, fragment) = url.split_once('#').map_or((url, None), |(base, fragment)| (base, Some(fragment)));
    let mut out = base.to_owned();
    for (name, value) in params {
        out.push(if out.contains('?') { '&' } else { '?' });
        out.push_str(&encode(name));
        out.push('=');
        out.push_str(&encode(value));
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

/// Percent-encodes everything but unreserved characters, for one path segment or query value.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// The target of `rel=next` in a `Link` header.
pub fn next_link(response: &Response) -> Option<String> {
    let header = response.header("link")?;
    header.split(',').find_map(|link| {
        let (target, params) = link.trim().split_once('>')?;
        let is_next = params.split(';').any(|param| matches!(param.trim(), "rel=next" | "rel=\"next\""));
        is_next.then(|| target.trim_start_matches('<').to_owned())
    })
}

/// The origin of a URL (`https://example.org:8443`), without path.
pub fn origin(url: &str) -> Option<&str> {
    let after_scheme = url.find("://")? + 3;
    let end = url[after_scheme..].find(['/', '?', '#']).map_or(url.len(), |at| after_scheme + at);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_before_the_fragment() {
        assert_eq!(
            with_query("https://a.b/c?x=1#top", [("q", "été & co")]),
            "https://a.b/c?x=1&q=%C3%A9t%C3%A9%20%26%20co#top"
        );
        assert_eq!(with_query("https://a.b", [("p", "1"), ("q", "2")]), "https://a.b?p=1&q=2");
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let link = "<https://a.b/?p=1>; rel=prev, <https://a.b/?p=3>; rel=\"next\"";
        let response = Response {
            status: 200,
            headers: vec![("link".into(), link.into())],
            body: Vec::new(),
            truncated: false,
        };
        assert_eq!(next_link(&response).as_deref(), Some("https://a.b/?p=3"));
    }

    #[test]
    fn the_origin_stops_before_the_path() {
        assert_eq!(origin("https://a.b:8443/c?d"), Some("https://a.b:8443"));
        assert_eq!(origin("a.b/c"), None);
    }
}
