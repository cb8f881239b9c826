//! `initFrom`: a dataset that begins with what another has.

use axum::http::Method;
use halle_model::Caller;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

const CSV: &str = "code;ville\n1;Lille\n2;Arras\n";

async fn create(harness: &Harness, caller: &Caller, id: &str, body: Value) -> Answer {
    let answer = harness.json(caller, Method::POST, &format!("/datasets/{id}"), body).await;
    harness.run().await;
    answer
}

async fn towns(harness: &Harness, id: &str) -> Vec<Value> {
    let lines = harness.get(&admin(), &format!("/datasets/{id}/lines?sort=ville")).await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line["ville"].clone()).collect()
}

#[tokio::test]
async fn a_file_is_copied_with_what_is_known_of_it() {
    let harness = Harness::new().await;
    harness.dataset("source", CSV).await;
    let patch = json!({ "description": "Des villes", "schema": [{ "key": "code", "type": "string" }, { "key": "ville", "title": "Nom" }] });
    harness.json(&admin(), Method::PATCH, "/datasets/source", patch).await.ok();
    harness.run().await;
    let init = json!({ "title": "Copie", "initFrom": { "dataset": "source", "parts": ["data", "description", "schema"] } });
    create(&harness, &admin(), "copie", init).await.ok();
    let copy = harness.get(&admin(), "/datasets/copie").await.ok();
    assert_eq!((&copy["status"], &copy["count"]), (&json!("finalized"), &json!(2)), "{copy}");
    assert_eq!((&copy["title"], &copy["description"]), (&json!("Copie"), &json!("Des villes")));
    assert_eq!((&copy["schema"][0]["type"], &copy["schema"][1]["title"]), (&json!("string"), &json!("Nom")));
    assert_eq!(copy["originalFile"]["name"], "data.csv");
    assert_eq!(harness.get(&admin(), "/datasets/copie/raw").await.text, CSV, "the upload itself");
    assert!(copy.get("initFrom").is_none());
    assert_eq!(towns(&harness, "copie").await, ["Arras", "Lille"]);
}

#[tokio::test]
async fn lines_become_a_file_or_lines() {
    let harness = Harness::new().await;
    harness.dataset("source", CSV).await;
    let union = json!({
        "title": "Vue", "isVirtual": true, "schema": [{ "key": "ville" }],
        "virtual": { "children": ["source"], "filters": [{ "key": "code", "values": ["1"] }] },
    });
    create(&harness, &admin(), "vue", union).await.ok();
    let init = json!({ "title": "Mes villes", "initFrom": { "dataset": "vue", "parts": ["data"] } });
    create(&harness, &admin(), "copie", init).await.ok();
    let copy = harness.get(&admin(), "/datasets/copie").await.ok();
    assert_eq!(copy["originalFile"]["name"], "Mes villes.csv");
    assert_eq!(
        harness.get(&admin(), "/datasets/copie/raw").await.text,
        "ville\nLille\n",
        "only what the view shows"
    );

    let init = json!({ "title": "Liste", "isRest": true, "initFrom": { "dataset": "source", "parts": ["data", "schema"] } });
    create(&harness, &admin(), "liste", init).await.ok();
    assert_eq!(towns(&harness, "liste").await, ["Arras", "Lille"]);
    assert_eq!(harness.get(&admin(), "/datasets/liste").await.ok()["isRest"], true);
}

#[tokio::test]
async fn a_source_must_be_readable_and_a_body_sound() {
    let harness = Harness::new().await;
    harness.dataset("source", CSV).await;
    let init = |from: Value| json!({ "title": "x", "initFrom": from });
    let from = json!({ "dataset": "source", "parts": ["data"] });
    let answer = create(&harness, &stranger(), "x", init(from.clone())).await;
    assert_eq!(answer.status.as_u16(), 403, "{}", answer.text);
    let described =
        json!([{ "type": "user", "id": "zoe", "operations": ["readDescription"], "classes": [] }]);
    harness.json(&admin(), Method::PUT, "/datasets/source/permissions", described).await.ok();
    for parts in [json!(["data"]), json!(["schema"])] {
        let from = json!({ "dataset": "source", "parts": parts });
        let answer = create(&harness, &stranger(), "x", init(from)).await;
        assert_eq!(answer.status.as_u16(), 403, "{}", answer.text);
    }
    let answer = create(&harness, &admin(), "x", init(json!({ "dataset": "rien", "parts": [] }))).await;
    answer.refused(404, "Dataset not found");
    let answer =
        create(&harness, &admin(), "x", init(json!({ "dataset": "source", "parts": ["tout"] }))).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    let fields = [("initFrom", r#"{"dataset":"source","parts":["data"]}"#)];
    let answer = harness.upload(&admin(), "/datasets/x", ("a.csv", b"a\n1\n"), &fields).await;
    assert_eq!(answer.status.as_u16(), 400, "{}", answer.text);
    assert_eq!(harness.get(&admin(), "/datasets/x").await.status.as_u16(), 404, "nothing was created");
}
