//! The description of the API says what the server answers: neither less nor more.

use std::collections::BTreeSet;

use axum::Router;
use serde_json::Value;

use crate::walk;

/// Routes that are no API: pages for people, their files, and sockets.
const NOT_API: &[&str] = &[
    "/",
    "/datasets",
    "/datasets/{dataset}",
    "/datasets/{dataset}/embed",
    "/accessibility",
    "/robots.txt",
    "/sitemap.xml",
    "/simple-directory/login",
    "/admin",
    "/admin/{path}",
    "/data-fair",
    "/data-fair/api/{rest}",
    "/processings",
];

/// Methods that a description tells; axum answers `HEAD` wherever it answers `GET`.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn description() -> Value {
    serde_json::to_value(halle_app::api_description().unwrap()).unwrap()
}

/// `METHOD path` of every operation of the description.
fn described() -> BTreeSet<String> {
    let document = description();
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS.into_iter().filter(|method| item.get(method).is_some());
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

/// `METHOD path` of every route that is part of the API: what each path allows is asked with a method that none has.
async fn routed(router: &Router) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in walk::paths(router) {
        let plain = path.replace("{*", "{");
        let plain = if plain.len() > 1 { plain.trim_end_matches('/') } else { &plain };
        if NOT_API.contains(&plain) || plain.starts_with("/portal-assets/") {
            continue;
        }
        let methods = walk::methods(router, &path).await;
        found.extend(methods.into_iter().map(|method| format!("{method} {plain}")));
    }
    found
}

#[tokio::test]
async fn every_route_is_described_and_every_description_is_routed() {
    let folder = tempfile::tempdir().unwrap();
    let routed = routed(&walk::routes(folder.path()).await).await;
    assert!(
        routed.contains("POST /processings/api/v1/runs/{id}/_kill"),
        "axum tells its paths otherwise now"
    );
    let described = described();
    let silent: Vec<&String> = routed.difference(&described).collect();
    assert!(silent.is_empty(), "routes that the description does not tell: {silent:#?}");
    let invented: Vec<&String> = described.difference(&routed).collect();
    assert!(invented.is_empty(), "descriptions of what nothing answers: {invented:#?}");
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_success() {
    let document = description();
    let items = document["paths"].as_object().unwrap().values();
    let operations: Vec<&Value> =
        items.flat_map(|item| METHODS.iter().filter_map(|name| item.get(*name))).collect();
    let names: BTreeSet<&str> = operations.iter().map(|one| one["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), operations.len(), "two operations have one name");
    for operation in operations {
        let statuses: Vec<&String> = operation["responses"].as_object().unwrap().keys().collect();
        let succeeds = statuses.iter().any(|status| status.starts_with(['2', '3']));
        assert!(succeeds, "{} never succeeds: {statuses:?}", operation["operationId"]);
    }
}

#[test]
fn a_change_of_the_api_is_seen_in_review() {
    let mut document = description();
    document["info"]["version"] = "a release's own".into();
    insta::assert_json_snapshot!("api", document);
}
