//! Whole imports, against a host in memory.

use halle_plugin::processing::{Processing, Trigger};
use halle_plugin::serde_json::{Value, from_value, json};
use halle_plugin::testing::FakeHost;

use crate::ImportApi;

fn run(config: Value, host: FakeHost) -> (halle_plugin::Result<String>, FakeHost) {
    let config = from_value(config).unwrap();
    host.run(|| ImportApi::run(config, Trigger::default()).map(|outcome| outcome.summary))
}

fn csv(host: &FakeHost) -> String {
    let (_, bytes) = host.written[0].file.clone().unwrap();
    String::from_utf8(bytes).unwrap()
}

fn mapping() -> Value {
    json!({ "mapping": [{ "key": "id", "path": "id" }, { "key": "nom", "path": "properties.name" }] })
}

#[test]
fn pages_by_offset_are_read_until_a_short_one() {
    let config = json!({
        "apiURL": "https://a.test/items", "resultsPath": "data", "block": mapping(),
        "pagination": { "method": "queryParams", "offsetKey": "start", "limitKey": "rows", "limitValue": 2 },
    });
    let host = FakeHost::default()
        .on_json(
            "GET",
            "https://a.test/items?rows=2&start=0",
            r#"{"data": [{"id": 1, "properties": {"name": "Un"}}, {"id": 2}]}"#,
        )
        .on_json(
            "GET",
            "https://a.test/items?rows=2&start=2",
            r#"{"data": [{"id": 3, "properties": {"name": "a,b"}}]}"#,
        );
    let (summary, host) = run(config, host);
    assert_eq!(summary.unwrap(), "3 lignes importées en 2 pages");
    assert_eq!(csv(&host), "id,nom\n1,Un\n2,\n3,\"a,b\"\n");
    assert_eq!((host.written[0].slot.as_str(), host.written[0].mode.as_str()), ("output", "replace"));
}

#[test]
fn pages_by_link_are_read_until_there_is_none() {
    let config = json!({
        "apiURL": "https://a.test/items", "resultsPath": "results", "block": mapping(),
        "auth": { "authMethod": "bearerAuth", "token": "auth/token" },
        "pagination": { "method": "nextPageData", "nextPagePath": "next" },
    });
    let host = FakeHost::default()
        .on_json("GET", "https://a.test/items", r#"{"results": [{"id": 1}], "next": "/items?p=2"}"#)
        .on_json("GET", "https://a.test/items?p=2", r#"{"results": [{"id": 2}], "next": null}"#);
    let (summary, host) = run(config, host);
    assert_eq!(summary.unwrap(), "2 lignes importées en 2 pages");
    assert!(host.requests.iter().all(|request| request.auth.as_deref() == Some("auth/token")));
}

#[test]
fn pages_are_counted_from_one_when_asked() {
    let config = json!({
        "apiURL": "https://a.test/", "block": mapping(),
        "pagination": { "method": "queryParams", "offsetKey": "page", "offsetPages": true },
    });
    let host = FakeHost::default().on_json("GET", "https://a.test/?page=1", r#"[{"id": 1}]"#).on_json(
        "GET",
        "https://a.test/?page=2",
        "[]",
    );
    assert_eq!(run(config, host).0.unwrap(), "1 lignes importées en 2 pages");
}

#[test]
fn an_error_of_the_api_changes_nothing_and_says_what_it_answered() {
    let config = json!({ "apiURL": "https://a.test/", "block": mapping() });
    let mut host = FakeHost::default().on_json("GET", "https://a.test/", "no such key");
    host.answers.values_mut().for_each(|answers| answers[0].status = 403);
    let (problem, host) = run(config, host);
    let problem = problem.unwrap_err();
    assert_eq!(problem.code, "remote/status");
    assert!(problem.message.contains("403") && problem.message.contains("no such key"));
    assert!(host.written.is_empty());
}

#[test]
fn a_wrong_path_to_the_results_is_told_at_its_field() {
    let config = json!({ "apiURL": "https://a.test/", "resultsPath": "items", "block": mapping() });
    let host = FakeHost::default().on_json("GET", "https://a.test/", r#"{"data": []}"#);
    assert_eq!(run(config, host).0.unwrap_err().field.as_deref(), Some("/resultsPath"));
}

#[test]
fn a_stop_between_two_pages_changes_nothing() {
    let config = json!({
        "apiURL": "https://a.test/", "block": mapping(),
        "pagination": { "method": "queryParams", "offsetKey": "page", "offsetPages": true },
    });
    let host = FakeHost { cancel_after: Some(1), ..FakeHost::default() };
    let host = host.on_json("GET", "https://a.test/?page=1", r#"[{"id": 1}]"#);
    let (problem, host) = run(config, host);
    assert_eq!(
        (problem.unwrap_err().code.as_str(), host.written.len(), host.requests.len()),
        ("cancelled", 0, 1)
    );
}

#[test]
fn a_column_named_twice_and_an_unknown_method_are_refused_before_saving() {
    let twice = json!({ "apiURL": "https://a.test/", "block": { "mapping": [{ "key": "a", "path": "x" }, { "key": "a", "path": "y" }] } });
    assert_eq!(ImportApi::prepare(twice).unwrap_err().field.as_deref(), Some("/block/mapping"));
    let oauth =
        json!({ "apiURL": "https://a.test/", "block": mapping(), "auth": { "authMethod": "oauth2" } });
    assert_eq!(ImportApi::prepare(oauth).unwrap_err().field.as_deref(), Some("/auth/authMethod"));
}
