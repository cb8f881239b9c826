//! The connector against a remote catalogue in memory.

use data_fair::DataFair;
use halle_plugin::catalog::{Browse, CatalogConnector, Publication};
use halle_plugin::messages::Response;
use halle_plugin::serde_json::{from_value, json};
use halle_plugin::testing::FakeHost;

const API: &str = "https://a.test/data-fair/api/v1";

fn config(key: &str) -> <DataFair as CatalogConnector>::Config {
    from_value(json!({ "url": "https://a.test", "apiKey": key })).unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec(), truncated: false }
}

#[test]
fn a_search_gives_a_page_of_resources() {
    let url = format!(
        "{API}/datasets?size=2&page=1&select=id%2Cslug%2Ctitle%2Cfile%2CoriginalFile%2Ccount%2CupdatedAt%2CdataUpdatedAt%2CfinalizedAt%2CisMetaOnly&q=eau%20potable"
    );
    let body = r#"{"count": 7, "results": [
        {"id": "x1", "title": "Eau", "file": {"name": "eau.csv", "size": 12}, "dataUpdatedAt": "2024-01-01T00:00:00Z"},
        {"id": "x2", "title": "Lignes", "isRest": true, "finalizedAt": "2024-02-01T00:00:00Z"}]}"#;
    let page = Browse { q: Some("eau potable".to_owned()), page: 1, size: 2, ..Browse::default() };
    let (listing, _) =
        FakeHost::default().on_json("GET", &url, body).run(|| DataFair::browse(config(""), page));
    let listing = listing.unwrap();
    assert_eq!(listing.total, Some(7));
    let entries: Vec<_> = listing
        .entries
        .iter()
        .map(|entry| (entry.id.as_str(), entry.format.as_deref(), entry.size))
        .collect();
    assert_eq!(entries, [("x1", Some("csv"), Some(12)), ("x2", Some("csv"), None)]);
    assert_eq!(listing.entries[1].updated.as_deref(), Some("2024-02-01T00:00:00Z"));
}

#[test]
fn a_file_comes_as_it_was_uploaded_with_its_metadata() {
    let dataset = r#"{"id": "x1", "title": "Eau", "license": {"title": "LO", "href": "https://lo.test"}, "page": "https://a.test/eau",
        "originalFile": {"name": "eau.xlsx"}, "file": {"name": "eau.csv"}, "dataUpdatedAt": "v1", "topics": [{"id": "t", "title": "Eau"}],
        "schema": [{"key": "code", "type": "string", "x-refersTo": "c", "x-cardinality": 3}, {"key": "_i", "x-calculated": true}]}"#;
    let host = || {
        FakeHost::default().on_json("GET", &format!("{API}/datasets/x1"), dataset).on(
            "GET",
            &format!("{API}/datasets/x1/raw"),
            answer(200, &[], "a;b\n1;2"),
        )
    };
    let (fetched, host_after) = host().run(|| DataFair::fetch(config("apiKey"), "x1".to_owned(), json!({})));
    let fetched = fetched.unwrap();
    assert_eq!(
        (fetched.name.as_str(), fetched.etag.as_deref(), fetched.body.bytes()),
        ("eau.xlsx", Some("v1"), &b"a;b\n1;2"[..])
    );
    let expected = json!({ "title": "Eau", "license": { "title": "LO", "href": "https://lo.test" }, "origin": "https://a.test/eau", "topics": [{ "title": "Eau" }], "schema": [{ "key": "code", "type": "string", "x-refersTo": "c" }] });
    assert_eq!(fetched.metadata, expected);
    assert!(host_after.requests.iter().all(|request| request.auth.as_deref() == Some("apiKey")));

    let (unchanged, host_after) =
        host().run(|| DataFair::fetch(config(""), "x1".to_owned(), json!({ "etag": "v1" })));
    assert_eq!((unchanged.unwrap_err().code.as_str(), host_after.requests.len()), ("not-modified", 1));
}

#[test]
fn lines_are_followed_page_by_page_into_one_file() {
    let first = format!("{API}/datasets/r/lines?format=csv&size=10000");
    let second = format!("{API}/datasets/r/lines?format=csv&size=10000&after=2");
    let third = format!("{second}&header=false");
    let host = FakeHost::default()
        .on_json(
            "GET",
            &format!("{API}/datasets/r"),
            r#"{"id": "r", "slug": "lignes", "isRest": true, "schema": []}"#,
        )
        .on(
            "GET",
            &first,
            answer(200, &[("link", &format!("<{second}>; rel=next"))], "\u{feff}\"a\"\n1\n2\n"),
        )
        .on("GET", &third, answer(200, &[], "\u{feff}3\n"));
    let (fetched, _) = host.run(|| DataFair::fetch(config(""), "r".to_owned(), json!({})));
    let fetched = fetched.unwrap();
    assert_eq!(fetched.name, "lignes.csv");
    assert_eq!(String::from_utf8_lossy(fetched.body.bytes()), "\u{feff}\"a\"\n1\n2\n3\n");
}

fn local() -> halle_plugin::serde_json::Value {
    json!({ "id": "arbres", "title": "Arbres", "keywords": ["parc"], "page": "https://here.test/datasets/arbres", "dataUpdatedAt": "v3" })
}

#[test]
fn publishing_creates_a_twin_then_updates_the_same() {
    let twin = format!("{API}/datasets/pub-arbres");
    let host = FakeHost { source: Some(b"nom\nOrme\n".to_vec()), ..FakeHost::default() }
        .on("GET", &twin, answer(404, &[], "Dataset not found"))
        .on("POST", &twin, answer(201, &[], r#"{"id": "pub-arbres", "page": "https://a.test/arbres"}"#));
    let (publication, host) = host.run(|| {
        DataFair::publish(
            config("apiKey"),
            local(),
            Publication { target: "create".into(), ..Publication::default() },
        )
    });
    let publication = publication.unwrap();
    assert_eq!(
        (publication.remote_id.as_deref(), publication.url.as_deref()),
        (Some("pub-arbres"), Some("https://a.test/arbres"))
    );
    assert_eq!(publication.target, "update");
    let body = String::from_utf8(host.requests[1].body.clone().unwrap()).unwrap();
    assert!(
        body.contains("\"title\":\"Arbres\"")
            && body.contains("\"publishedFrom\":\"https://here.test/datasets/arbres\"")
    );
    assert!(body.contains("filename=\"data.csv\"") && body.contains("nom\nOrme\n"));
    let boundary = host.requests[1]
        .headers
        .iter()
        .find_map(|(_, value)| value.strip_prefix("multipart/form-data; boundary="))
        .unwrap();
    assert!(body.ends_with(&format!("\r\n--{boundary}--\r\n")));
}

#[test]
fn a_dataset_of_somebody_else_is_never_overwritten() {
    let twin = format!("{API}/datasets/pub-arbres");
    let host = FakeHost { source: Some(Vec::new()), ..FakeHost::default() }.on_json(
        "GET",
        &twin,
        r#"{"id": "pub-arbres"}"#,
    );
    let (problem, host) = host.run(|| DataFair::publish(config("apiKey"), local(), Publication::default()));
    assert_eq!((problem.unwrap_err().code.as_str(), host.requests.len()), ("remote/conflict", 1));
}

#[test]
fn publishing_needs_a_key_that_may_write() {
    let (problem, _) =
        FakeHost::default().run(|| DataFair::publish(config(""), local(), Publication::default()));
    assert_eq!(problem.unwrap_err().field.as_deref(), Some("/apiKey"));
    let host = FakeHost::default().on("GET", &format!("{API}/datasets/pub-arbres"), answer(403, &[], "no"));
    let (problem, _) = host.run(|| DataFair::publish(config("apiKey"), local(), Publication::default()));
    assert_eq!(problem.unwrap_err().field.as_deref(), Some("/apiKey"));
}

#[test]
fn withdrawing_what_is_gone_is_fine() {
    let host = FakeHost::default().on("DELETE", &format!("{API}/datasets/pub-arbres"), answer(404, &[], ""));
    let current = Publication { remote_id: Some("pub-arbres".to_owned()), ..Publication::default() };
    assert_eq!(host.run(|| DataFair::unpublish(config("apiKey"), current)).0, Ok(()));
}

#[test]
fn an_address_that_is_no_data_fair_is_told_at_its_field() {
    let host = FakeHost::default().on("GET", &format!("{API}/datasets?size=0"), answer(200, &[], "<html>"));
    let (problem, _) = host.run(|| DataFair::prepare(json!({ "url": "https://a.test" })));
    assert_eq!(problem.unwrap_err().field.as_deref(), Some("/url"));
    let host = FakeHost::default().on_json(
        "GET",
        &format!("{API}/datasets?size=0"),
        r#"{"count": 3, "results": []}"#,
    );
    let (prepared, _) = host.run(|| DataFair::prepare(json!({ "url": "https://a.test" })));
    assert_eq!(prepared.unwrap().notes[0].field.as_deref(), Some("/apiKey"));
}
