//! Keys that open one dataset (reference §5.5).

use axum::http::Method;
use halle_model::Caller;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, member, stranger};

const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

async fn switch(harness: &Harness, wanted: Value) -> Value {
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "readApiKey": wanted })).await.ok()
}

async fn keys(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/d/read-api-key").await.ok()
}

/// Who holds `key`, on the dataset `d`.
async fn holder(harness: &Harness, key: &Value) -> Option<Caller> {
    harness.datasets.holder_of_key(key.as_str().unwrap(), "datasets/d/lines").await.unwrap()
}

#[tokio::test]
async fn a_key_reads_its_dataset_and_does_nothing_else() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    harness.dataset("e", "code\n1\n").await;
    harness
        .get(&admin(), "/datasets/d/read-api-key")
        .await
        .refused(404, "Ce jeu de données n'a pas de clé de lecture : activez \"readApiKey\".");
    let told = switch(&harness, json!({ "active": true, "interval": "P1W" })).await["readApiKey"].clone();
    assert_eq!(
        told,
        json!({
            "active": true,
            "interval": "P1W",
            "renewAt": "2026-01-08T00:00:00.000Z",
            "expiresAt": "2026-01-15T00:00:00.000Z",
        })
    );
    let current = keys(&harness).await["current"].clone();
    let holder = holder(&harness, &current).await.unwrap();
    for path in ["", "/lines", "/schema", "/values/code", "/raw"] {
        assert_eq!(harness.get(&holder, &format!("/datasets/d{path}")).await.status, 200, "{path}");
    }
    let seen = harness.get(&holder, "/datasets/d").await.ok();
    let may = seen["userPermissions"].as_array().unwrap();
    assert!(may.contains(&json!("readLines")) && !may.contains(&json!("writeData")), "{may:?}");
    assert!(!seen.to_string().contains(current.as_str().unwrap()), "a description tells no key");
    let refused = harness.get(&holder, "/datasets/d/read-api-key").await;
    refused.refused(403, "Permission manquante pour l'opération \"getReadApiKey\" ou la catégorie \"read\".");
    for (method, path) in [
        (Method::PATCH, "/datasets/d"),
        (Method::PUT, "/datasets/d"),
        (Method::DELETE, "/datasets/d"),
        (Method::PUT, "/datasets/d/permissions"),
    ] {
        assert_eq!(
            harness.json(&holder, method.clone(), path, json!([])).await.status,
            403,
            "{method} {path}"
        );
    }
    for path in ["/datasets/d/journal", "/datasets/d/permissions", "/datasets/e", "/datasets/e/lines"] {
        assert_eq!(harness.get(&holder, path).await.status, 403, "{path}");
    }
    assert_eq!(harness.get(&holder, "/datasets").await.ok()["count"], 0);
    let wrong = harness.datasets.holder_of_key("wrong", "datasets/d/lines").await.unwrap();
    assert_eq!(wrong, None);
    for resource in ["datasets/e/lines", "datasets", "", "applications/d", "datasets/none/lines"] {
        let clear = current.as_str().unwrap();
        assert_eq!(harness.datasets.holder_of_key(clear, resource).await.unwrap(), None, "{resource}");
    }
}

#[tokio::test]
async fn keys_renew_themselves_and_the_previous_one_works_for_an_interval() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    switch(&harness, json!({ "active": true })).await;
    let first = keys(&harness).await["current"].clone();
    harness.run().await;
    assert_eq!(keys(&harness).await, json!({ "current": first }), "not before its time");
    harness.clock.advance(WEEK);
    harness.run().await;
    let second = keys(&harness).await;
    assert_eq!(second["previous"], first);
    assert!(holder(&harness, &first).await.is_some() && holder(&harness, &second["current"]).await.is_some());
    harness.clock.advance(WEEK);
    assert!(holder(&harness, &first).await.is_none(), "even though no job has run yet");
    harness.run().await;
    let third = keys(&harness).await;
    assert_eq!(third["previous"], second["current"]);
    assert_ne!(third["current"], second["current"]);
}

#[tokio::test]
async fn only_admins_set_keys_and_dropped_ones_are_dead() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let wanted = json!({ "readApiKey": { "active": true, "interval": "P1M" } });
    let contributor = member("c", "ville", "contrib");
    let refused = harness.json(&contributor, Method::PATCH, "/datasets/d", wanted.clone()).await;
    refused
        .refused(403, "Permission manquante pour l'opération \"setReadApiKey\" ou la catégorie \"admin\".");
    assert_eq!(harness.get(&admin(), "/datasets/d/read-api-key").await.status, 404, "nothing was set");
    let broken = json!({ "readApiKey": { "active": true, "interval": "P1D" } });
    assert_eq!(harness.json(&admin(), Method::PATCH, "/datasets/d", broken).await.status, 400);
    harness.json(&admin(), Method::PATCH, "/datasets/d", wanted.clone()).await.ok();
    let current = keys(&harness).await["current"].clone();
    let again =
        json!({ "title": "Autre", "readApiKey": { "active": true, "interval": "P1M", "renewAt": "x" } });
    harness.json(&contributor, Method::PATCH, "/datasets/d", again).await.ok();
    assert_eq!(keys(&harness).await["current"], current, "what did not change needs no right");
    assert_eq!(harness.get(&stranger(), "/datasets/d/read-api-key").await.status, 403);
    switch(&harness, json!({ "active": true, "interval": "P1Y" })).await;
    assert_eq!(keys(&harness).await["current"], current);
    switch(&harness, Value::Null).await;
    assert_eq!(holder(&harness, &current).await, None);
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok().get("readApiKey"), None);
    harness.run_later().await;
    assert_eq!(harness.get(&admin(), "/datasets/d/read-api-key").await.status, 404);
}

#[tokio::test]
async fn a_dataset_is_made_with_keys_and_the_next_owner_gets_others() {
    let harness = Harness::new().await;
    let body = json!({ "title": "d", "isRest": true, "readApiKey": { "active": true } });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let current = keys(&harness).await["current"].clone();
    let both = Caller { admin_mode: true, ..admin() };
    let target = json!({ "type": "user", "id": "alice", "name": "alice" });
    harness.json(&both, Method::PUT, "/datasets/d/owner", target).await.ok();
    assert_eq!(holder(&harness, &current).await, None);
    assert_ne!(keys(&harness).await["current"], current);
}
