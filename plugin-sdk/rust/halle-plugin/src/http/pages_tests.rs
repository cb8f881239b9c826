use super::*;
use crate::testing::FakeHost;

fn linked(to: &str) -> Response {
    let headers = vec![("link".to_owned(), format!("<{to}>; rel=next"))];
    Response { status: 200, headers, body: b"[1]".to_vec(), truncated: false }
}

/// URLs that were asked, and how it ended.
fn asked(host: FakeHost, pages: impl FnOnce() -> Pages) -> (Vec<String>, usize, Option<String>) {
    let (read, host) = host.run(|| pages().collect::<Vec<_>>());
    let ended = read.iter().find_map(|page| page.as_ref().err().map(|problem| problem.code.clone()));
    let urls = host.requests.into_iter().map(|request| request.url).collect();
    (urls, read.iter().filter(|page| page.is_ok()).count(), ended)
}

fn first(url: &str) -> Pages {
    pages(Request::get_json(url).auth(Some("token")))
}

#[test]
fn links_are_followed_to_the_end_with_the_secret_of_the_first_request() {
    let host = FakeHost::default()
        .on("GET", "https://a.b/c/1", linked("/c/2"))
        .on("GET", "https://a.b/c/2", linked("3"))
        .on_json("GET", "https://a.b/c/3", "[]");
    let (read, host) = host.run(|| first("https://a.b/c/1").collect::<Result<Vec<_>>>());
    assert_eq!(read.unwrap().len(), 3);
    assert!(host.requests.iter().all(|request| request.auth.as_deref() == Some("token")));
}

#[test]
fn links_in_bodies_end_with_null_an_empty_text_or_nothing() {
    for end in ["null", "\"\"", "{}"] {
        let host = FakeHost::default()
            .on_json("GET", "https://a.b/", r#"{"next": {"href": "?from=2"}}"#)
            .on_json("GET", "https://a.b/?from=2", &format!(r#"{{"next": {{"href": {end}}}}}"#));
        let (urls, pages, ended) = asked(host, || first("https://a.b/").next_in("/next/href"));
        assert_eq!((urls.len(), pages), (2, if end == "{}" { 1 } else { 2 }));
        assert_eq!(ended.as_deref(), (end == "{}").then_some("remote/json"));
    }
    let host = FakeHost::default().on_json("GET", "https://a.b/", "{}");
    assert_eq!(asked(host, || first("https://a.b/").next_in("/next")).1, 1);
}

#[test]
fn numbers_of_pages_grow_until_a_page_is_empty() {
    let host = FakeHost::default()
        .on_json("GET", "https://a.b/?page=0&q=%C3%A9#x", r#"{"r": [1]}"#)
        .on_json("GET", "https://a.b/?q=%C3%A9&page=1#x", r#"{"r": [1]}"#)
        .on_json("GET", "https://a.b/?q=%C3%A9&page=2#x", r#"{"r": []}"#);
    let read = asked(host, || first("https://a.b/?page=0&q=%C3%A9#x").page_number("page").items("/r"));
    assert_eq!((read.0.len(), read.1, read.2), (3, 2, None));
}

#[test]
fn offsets_grow_by_the_rows_that_came() {
    let host = FakeHost::default()
        .on_json("GET", "https://a.b/", "[1, 2]")
        .on_json("GET", "https://a.b/?skip=2", "[3]")
        .on_json("GET", "https://a.b/?skip=3", "[]");
    let read = asked(host, || first("https://a.b/").page_offset("skip"));
    assert_eq!((read.0.len(), read.1, read.2), (3, 2, None));
}

#[test]
fn an_empty_page_ends_links_that_do_not_end() {
    let empty = Response { body: b"[]".to_vec(), ..linked("/2") };
    let host = FakeHost::default().on("GET", "https://a.b/1", linked("/2")).on("GET", "https://a.b/2", empty);
    assert_eq!(asked(host, || first("https://a.b/1").items("")).1, 1);
}

#[test]
fn there_are_no_more_pages_than_allowed() {
    let host = || FakeHost::default().on("GET", "https://a.b/", linked("https://a.b/"));
    let (urls, pages, ended) = asked(host(), || first("https://a.b/").max(3));
    assert_eq!((urls.len(), pages, ended.as_deref()), (3, 3, Some("remote/pages")));
    let stopped = FakeHost { cancel_after: Some(1), ..host() };
    let (urls, _, ended) = asked(stopped, || first("https://a.b/"));
    assert_eq!((urls.len(), ended.as_deref()), (2, Some("cancelled")));
}

#[test]
fn a_page_that_is_refused_ends_with_its_problem() {
    let gone = Response { status: 404, headers: Vec::new(), body: Vec::new(), truncated: false };
    let busy = Response { status: 503, ..gone.clone() };
    let host = FakeHost::default().on("GET", "https://a.b/", gone);
    assert_eq!(
        asked(host, || first("https://a.b/")),
        (vec!["https://a.b/".into()], 0, Some("remote/status".into()))
    );
    let host = FakeHost::default().on("GET", "https://a.b/", busy).on_json("GET", "https://a.b/", "[]");
    assert_eq!(asked(host, || first("https://a.b/")).1, 1);
    let host = FakeHost::default().on_json("GET", "https://a.b/", r#"{"r": 1}"#);
    let ended = asked(host, || first("https://a.b/").page_number("page").items("/r")).2;
    assert_eq!(ended.as_deref(), Some("remote/json"));
}
