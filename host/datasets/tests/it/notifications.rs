//! Notifications that people send about a dataset (reference §1.2).

use axum::http::Method;
use halle_model::Caller;
use halle_model::caller::User;
use halle_store::notifications::{received_by, sent_by};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, member, stranger, user};

async fn notify(harness: &Harness, caller: &Caller, body: Value) -> Answer {
    harness.json(caller, Method::POST, "/datasets/d/user-notification", body).await
}

/// Everything in a stream.
async fn kept(harness: &Harness, stream: &str) -> Vec<Value> {
    let mut unit = harness.datasets.store.read().await.unwrap();
    let records = unit.logs().latest(stream, 100).await.unwrap();
    records.into_iter().map(|record| record.body).collect()
}

#[tokio::test]
async fn a_notification_is_kept_with_what_the_platform_knows() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let body = json!({ "topic": "gel", "title": "Gel", "body": "Ce soir", "urlParams": { "id": "faux", "jour": "1" } });
    let sent = notify(&harness, &admin(), body).await.ok();
    assert_eq!(sent["topic"]["key"], "data-fair:dataset-user-notification:data:gel");
    assert_eq!(sent["urlParams"], json!({ "id": "d", "slug": "data", "jour": "1" }));
    assert_eq!(
        (&sent["visibility"], &sent["sender"]["id"], &sent["originator"]),
        (&json!("private"), &json!("ville"), &json!({ "user": { "id": "alice", "name": "alice" } }))
    );
    assert_eq!(sent["resource"], json!({ "type": "dataset", "id": "d", "title": "data" }));
    assert_eq!(kept(&harness, &sent_by("organization:ville")).await, [sent]);
    let root = Caller { admin_mode: true, ..Caller::personal(User { is_admin: true, ..user("root") }) };
    let body = json!({ "topic": "gel", "title": "Gel", "recipient": { "id": "bob" } });
    let sent = notify(&harness, &root, body).await.ok();
    assert_eq!(sent["originator"], json!({ "user": { "admin": true } }), "superadmins are not named");
    assert_eq!(kept(&harness, &received_by("bob")).await, [sent]);
}

#[tokio::test]
async fn what_is_incomplete_is_refused_and_not_kept() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    notify(&harness, &admin(), json!({}))
        .await
        .refused(400, "Il manque à la notification : \"topic\", \"title\".");
    let refused =
        notify(&harness, &admin(), json!({ "topic": "a", "title": "b", "visibility": "secret" })).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(kept(&harness, &sent_by("organization:ville")).await, Vec::<Value>::new());
}

#[tokio::test]
async fn public_ones_take_a_permission_of_their_own() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let grants = json!([
        { "type": "user", "id": "zoe", "operations": ["sendUserNotification"], "classes": [] },
    ]);
    harness.json(&admin(), Method::PUT, "/datasets/d/permissions", grants).await.ok();
    let private = json!({ "topic": "a", "title": "b" });
    let public = json!({ "topic": "a", "title": "b", "visibility": "public" });
    assert_eq!(notify(&harness, &stranger(), private.clone()).await.status, 200);
    notify(&harness, &stranger(), public.clone()).await.refused(
        403,
        "Permission manquante pour l'opération \"sendUserNotificationPublic\" ou la catégorie \"write\".",
    );
    assert_eq!(notify(&harness, &admin(), public).await.status, 200);
    assert_eq!(notify(&harness, &member("bob", "port", "admin"), private).await.status, 403);
}
