//! OpenAPI documents.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member};
use crate::lines::{ask, places};

#[tokio::test]
async fn the_document_of_a_dataset_says_what_can_be_read() {
    let harness = places().await;
    let document = ask(&harness, "api-docs.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap().values();
    let mut names: Vec<&str> = paths.map(|path| path["get"]["operationId"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "names are unique: {names:?}");
    insta::assert_json_snapshot!("places", document);
}

#[tokio::test]
async fn the_private_document_has_what_the_caller_may_do() {
    let harness = Harness::new().await;
    let body = json!({ "title": "E", "isRest": true, "schema": [{ "key": "nom", "type": "string" }] });
    harness.json(&admin(), Method::PUT, "/datasets/e", body).await.ok();
    let operations = |document: Value| {
        let paths = document["paths"].as_object().unwrap().clone();
        let operations =
            paths.values().flat_map(|path| path.as_object().unwrap().values().cloned().collect::<Vec<_>>());
        operations.map(|operation| operation["operationId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = operations(harness.get(&admin(), "/datasets/e/private-api-docs.json").await.ok());
    for id in ["createLine", "bulkLines", "deleteAllLines", "setPermissions", "readLines"] {
        assert!(all.iter().any(|known| known == id), "{id} in {all:?}");
    }
    assert!(!all.contains(&"downloadOriginalData".to_owned()), "an editable dataset has no file");
    let contributor = member("bob", "ville", "contrib");
    let some = operations(harness.get(&contributor, "/datasets/e/private-api-docs.json").await.ok());
    assert!(
        some.contains(&"createLine".to_owned()) && !some.contains(&"setPermissions".to_owned()),
        "{some:?}"
    );
}
