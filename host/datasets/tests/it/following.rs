//! Extensions that follow their reference, when something comes between.

use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin};

const CITY: &str = "http://schema.org/City";

fn searches() -> Value {
    let input = json!([{ "type": "equals", "property": { "key": "ville" } }]);
    json!({ "bulkSearchs": [{ "id": "ville", "title": "Par ville", "input": input }] })
}

fn following(reference: &str) -> Value {
    json!({
        "type": "remoteService", "active": true, "remoteService": format!("dataset:{reference}"),
        "action": "masterData_bulkSearch_ville", "select": ["pays"], "propertyPrefix": "_r", "autoUpdate": true,
    })
}

async fn send(harness: &Harness, method: Method, path: &str, body: Value) -> Answer {
    harness.json(&admin(), method, path, body).await
}

/// A reference with one line.
async fn reference() -> Harness {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "ville", "type": "string", "x-refersTo": CITY }, { "key": "pays", "type": "string" }]);
    let body = json!({ "isRest": true, "title": "Villes", "schema": schema, "masterData": searches() });
    send(&harness, Method::PUT, "/datasets/ref", body).await.ok();
    renamed(&harness, "FR").await;
    harness
}

/// Changes the line of the reference, and has those who follow it told.
async fn renamed(harness: &Harness, pays: &str) {
    let line = json!({ "_id": "1", "ville": "Nice", "pays": pays });
    send(harness, Method::PUT, "/datasets/ref/lines/1", line).await.ok();
    harness.run().await;
}

/// An editable dataset `d` of one line, with these extensions.
async fn follower(harness: &Harness, extensions: Value) {
    let schema =
        json!([{ "key": "nom", "type": "string", "x-refersTo": CITY }, { "key": "n", "type": "integer" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "extensions": extensions });
    send(harness, Method::PUT, "/datasets/d", body).await.ok();
    send(harness, Method::POST, "/datasets/d/lines", json!({ "nom": "Nice", "n": 1 })).await.ok();
    harness.run().await;
}

async fn country(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/d/lines").await.ok()["results"][0]["_r.pays"].clone()
}

async fn next_update(harness: &Harness) -> Option<Value> {
    harness.get(&admin(), "/datasets/d").await.ok()["extensions"][0].get("nextUpdate").cloned()
}

#[tokio::test]
async fn an_update_that_was_given_up_prevents_no_other() {
    let harness = reference().await;
    follower(&harness, json!([following("ref"), { "type": "enricher", "plugin": "up" }])).await;
    *harness.enrichments.plan_failure.lock().unwrap() = Some("en panne".to_owned());
    renamed(&harness, "IT").await;
    assert!(next_update(&harness).await.is_some());
    for _attempt in 0..8 {
        harness.run_later().await;
    }
    assert_eq!(next_update(&harness).await, None, "nobody asks again any more");
    assert_eq!(country(&harness).await, "FR");
    *harness.enrichments.plan_failure.lock().unwrap() = None;
    renamed(&harness, "ES").await;
    harness.run_later().await;
    assert_eq!(country(&harness).await, "ES");
}

#[tokio::test]
async fn an_update_is_done_again_when_the_follower_changed_meanwhile() {
    let harness = reference().await;
    follower(&harness, json!([following("ref"), { "type": "enricher", "plugin": "up" }])).await;
    renamed(&harness, "IT").await;
    let title = json!({ "title": "Autre" });
    let change = harness.later(&admin(), Method::PATCH, "/datasets/d", &title);
    *harness.enrichments.meanwhile.lock().unwrap() = Some(change);
    harness.clock.advance(SignedDuration::from_secs(601));
    harness.run().await;
    assert!(harness.enrichments.meanwhile.lock().unwrap().is_none());
    assert_eq!(country(&harness).await, "IT");
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["title"], "Autre");
}

#[tokio::test]
async fn a_dataset_that_waits_for_its_file_waits_for_no_update() {
    let harness = reference().await;
    let body = json!({ "title": "D", "extensions": [following("ref")] });
    assert_eq!(send(&harness, Method::PUT, "/datasets/d", body).await.ok()["status"], "created");
    renamed(&harness, "IT").await;
    assert!(next_update(&harness).await.is_some());
    harness.run_later().await;
    assert_eq!(next_update(&harness).await, None);
}

#[tokio::test]
async fn nothing_follows_itself_through_the_children_of_a_virtual_dataset() {
    let harness = reference().await;
    let union = json!({
        "isVirtual": true, "title": "U", "virtual": { "children": ["ref"] },
        "schema": [{ "key": "ville" }, { "key": "pays" }],
    });
    send(&harness, Method::PUT, "/datasets/u", union).await.ok();
    send(&harness, Method::PATCH, "/datasets/u", json!({ "masterData": searches() })).await.ok();
    harness.run().await;
    follower(&harness, json!([following("u")])).await;
    assert_eq!(country(&harness).await, "FR");
    let circle = json!({ "virtual": { "children": ["ref", "d"] } });
    let refused = send(&harness, Method::PATCH, "/datasets/u", circle).await;
    assert!(refused.status == 400 && refused.text.contains("en rond"), "{} {}", refused.status, refused.text);
    let children = harness.get(&admin(), "/datasets/u").await.ok()["virtual"]["children"].clone();
    assert_eq!(children, json!(["ref"]));

    // Many children are no circle.
    let mut children = vec!["ref".to_owned()];
    for n in 0..101 {
        let id = format!("v{n}");
        let body = json!({ "isVirtual": true, "title": id, "virtual": { "children": [] } });
        send(&harness, Method::PUT, &format!("/datasets/{id}"), body).await.ok();
        children.push(id);
    }
    let many = json!({ "virtual": { "children": children } });
    send(&harness, Method::PATCH, "/datasets/u", many).await.ok();
    let again = json!({ "extensions": [following("u")], "title": "Encore" });
    send(&harness, Method::PATCH, "/datasets/d", json!({ "extensions": [] })).await.ok();
    send(&harness, Method::PATCH, "/datasets/d", again).await.ok();
}
