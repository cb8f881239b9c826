//! Calling APIs: JSON, pages, faults, query parameters. Connectors and processings only.

mod fault;
mod pages;

use serde::de::DeserializeOwned;

pub use fault::Fault;
pub(crate) use fault::of_answer;
pub use pages::{Page, Pages, pages};

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

/// Makes a request and keeps the body of the answer on the host: for files. Statuses other than 2xx are problems.
pub fn download(request: &Request) -> Result<crate::host::blobs::Blob> {
    let answer = crate::host::http::download(request)?;
    if Fault::of(answer.status).is_none() {
        return Ok(answer.body);
    }
    let retry_after = answer.headers.iter().find(|(name, _)| name == "retry-after");
    Err(of_answer(&request.url, answer.status, retry_after.map(|(_, value)| value.as_str()), ""))
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

/// An absolute URL from one that may be relative to another.
pub(crate) fn resolve(base: &str, target: &str) -> String {
    let is_scheme = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    if target.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return target.to_owned();
    }
    let path = &base[..base.find(['?', '#']).unwrap_or(base.len())];
    let origin = origin(base).unwrap_or_default();
    if let Some(rest) = target.strip_prefix("//") {
        let scheme = base.split_once("://").map_or("https", |(scheme, _)| scheme);
        return format!("{scheme}://{rest}");
    }
    if target.starts_with('/') {
        return format!("{origin}{target}");
    }
    if target.starts_with('?') {
        return format!("{path}{target}");
    }
    let folder = path.rfind('/').filter(|at| *at >= origin.len()).map_or(origin, |at| &path[..at]);
    format!("{folder}/{target}")
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
    fn what_will_not_pass_is_asked_once_and_what_may_as_often_as_allowed() {
        use crate::testing::FakeHost;
        for (status, times) in [(404, 1), (401, 1), (400, 1), (500, 1), (200, 1), (429, 3), (503, 3)] {
            let answer = Response { status, headers: Vec::new(), body: Vec::new(), truncated: false };
            let host = FakeHost::default().on("GET", "https://a.b/", answer);
            let (answer, host) = host.run(|| send_patiently(&Request::new("GET", "https://a.b/"), 3));
            assert_eq!((answer.unwrap().status, host.requests.len()), (status, times));
        }
    }

    #[test]
    fn a_file_that_is_refused_says_when_to_come_back() {
        use crate::testing::FakeHost;
        let headers = vec![("retry-after".to_owned(), "7".to_owned())];
        let busy = Response { status: 503, headers, body: Vec::new(), truncated: false };
        let host = FakeHost::default().on("GET", "https://a.b/f", busy).on_json("GET", "https://a.b/g", "x");
        let (problem, host) = host.run(|| download(&Request::new("GET", "https://a.b/f")).unwrap_err());
        assert_eq!((problem.fault(), problem.retry_after_ms), (Some(Fault::Busy), Some(7000)));
        let (file, _) = host.run(|| download(&Request::new("GET", "https://a.b/g")));
        assert_eq!(file.unwrap().size(), 1);
    }

    #[test]
    fn addresses_are_found_from_where_they_stand() {
        for (target, url) in [
            ("https://c.d/e", "https://c.d/e"),
            ("//c.d/e", "https://c.d/e"),
            ("/e?f=g://h", "https://a.b/e?f=g://h"),
            ("?f=/g", "https://a.b/x/y?f=/g"),
            ("z", "https://a.b/x/z"),
        ] {
            assert_eq!(resolve("https://a.b/x/y?q=1/2#h", target), url);
        }
        assert_eq!(resolve("https://a.b", "z"), "https://a.b/z");
    }

    #[test]
    fn the_origin_stops_before_the_path() {
        assert_eq!(origin("https://a.b:8443/c?d"), Some("https://a.b:8443"));
        assert_eq!(origin("a.b/c"), None);
    }
}
