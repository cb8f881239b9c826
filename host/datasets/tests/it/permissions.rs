//! Who may do what over HTTP.

use axum::http::Method;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

const CSV: &str = "code\n1\n";

/// Status of a request without a meaningful body.
async fn status(harness: &Harness, caller: &Caller, method: &Method, path: &str) -> u16 {
    let body = if path.ends_with("permissions") { json!([]) } else { json!({}) };
    harness.json(caller, method.clone(), &format!("/datasets/d{path}"), body).await.status.as_u16()
}

#[tokio::test]
async fn every_route_asks_for_its_operation() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let contributor = member("c", "ville", "contrib");
    let reader = member("u", "ville", "user");
    let everybody = [&Caller::anonymous(), &stranger(), &reader, &contributor, &admin()];
    // Anonymous, stranger, member without role, contributor, admin.
    let table: [(Method, &str, [u16; 5]); 11] = [
        (Method::GET, "", [403, 403, 403, 200, 200]),
        (Method::GET, "/schema", [403, 403, 403, 200, 200]),
        (Method::GET, "/safe-schema", [403, 403, 403, 200, 200]),
        (Method::GET, "/journal", [403, 403, 403, 200, 200]),
        (Method::GET, "/task-progress", [403, 403, 403, 200, 200]),
        (Method::GET, "/raw", [403, 403, 403, 200, 200]),
        (Method::GET, "/full", [403, 403, 403, 200, 200]),
        (Method::GET, "/data-files", [403, 403, 403, 200, 200]),
        (Method::GET, "/permissions", [403, 403, 403, 403, 200]),
        (Method::PATCH, "", [403, 403, 403, 200, 200]),
        (Method::POST, "", [401, 403, 403, 200, 200]),
    ];
    for (method, path, expected) in &table {
        for (caller, expected) in everybody.iter().zip(expected) {
            let found = status(&harness, caller, method, path).await;
            let who = caller.user.as_ref().map_or("nobody", |user| &user.id);
            assert_eq!(found, *expected, "{method} {path} as {who}");
        }
    }
    let refused = harness.json(&contributor, Method::PUT, "/datasets/d/permissions", json!([])).await;
    refused
        .refused(403, "Permission manquante pour l'opération \"setPermissions\" ou la catégorie \"admin\".");
    assert_eq!(status(&harness, &stranger(), &Method::DELETE, "").await, 403);
    assert_eq!(status(&harness, &contributor, &Method::DELETE, "").await, 204, "granted by default");
}

#[tokio::test]
async fn grants_open_and_close_what_they_name() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let anonymous = Caller::anonymous();
    harness
        .get(&anonymous, "/datasets/d")
        .await
        .refused(403, "Le jeu de données n'est pas accessible publiquement. Veuillez vous connecter.");
    let set = |entries: Value| {
        let harness = &harness;
        async move { harness.json(&admin(), Method::PUT, "/datasets/d/permissions", entries).await }
    };
    set(json!([{ "classes": ["read"] }])).await.ok();
    let seen = harness.get(&anonymous, "/datasets/d").await;
    assert_eq!(seen.ok()["public"], true);
    assert_eq!(seen.json()["visibility"], "protected");
    assert!(seen.json()["userPermissions"].as_array().unwrap().contains(&json!("readLines")));
    assert_eq!(harness.get(&anonymous, "/datasets").await.ok()["count"], 0, "read is not list");
    assert_eq!(harness.get(&anonymous, "/datasets/d/journal").await.status, 403);
    set(json!([{ "classes": ["list", "read"] }])).await.ok();
    assert_eq!(harness.get(&anonymous, "/datasets").await.ok()["count"], 1);
    let broken = set(json!([{ "classes": ["reed"] }])).await;
    assert_eq!(broken.status, 400);
    assert!(broken.text.starts_with("Error in permissions format"), "{}", broken.text);
    assert_eq!(
        harness.get(&admin(), "/datasets/d/permissions").await.ok(),
        json!([{ "operations": [], "classes": ["list", "read"] }])
    );
}

#[tokio::test]
async fn a_grant_taken_back_holds_for_the_next_read() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let (anonymous, path) = (Caller::anonymous(), "/datasets/d/lines");
    for _ in 0..3 {
        for (entries, expected) in [(json!([{ "classes": ["read"] }]), 200), (json!([]), 403)] {
            harness.json(&admin(), Method::PUT, "/datasets/d/permissions", entries).await.ok();
            assert_eq!(harness.get(&anonymous, path).await.status, expected);
            assert_eq!(harness.get(&anonymous, path).await.status, expected, "and for the one after");
        }
    }
}

#[tokio::test]
async fn an_answer_tells_its_resource_owner_and_operation() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let answer = harness.get(&admin(), "/datasets/d").await;
    assert_eq!(answer.headers["x-resource"], r#"{"type":"datasets","id":"d","title":"data"}"#);
    assert_eq!(answer.headers["x-owner"], r#"{"type":"organization","id":"ville","name":"VILLE"}"#);
    assert_eq!(answer.headers["x-operation"], r#"{"class":"read","id":"readDescription"}"#);
    assert_eq!(answer.headers["cache-control"], "must-revalidate, private, max-age=0");
}
