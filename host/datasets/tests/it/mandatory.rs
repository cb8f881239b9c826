//! Extensions without which a line is not written.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin};

const REFUSED: &str = "L'extension \"up\" est obligatoire et a échoué : nom inconnu";

fn shouting(mandatory: bool) -> Value {
    json!({ "type": "enricher", "plugin": "up", "mandatory": mandatory })
}

async fn post(harness: &Harness, path: &str, body: Value) -> Answer {
    harness.json(&admin(), Method::POST, &format!("/datasets/d{path}"), body).await
}

/// An editable dataset with these extensions.
async fn editable(extensions: Value) -> Harness {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "nom", "type": "string" }, { "key": "n", "type": "integer" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "extensions": extensions });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    harness
}

async fn values(harness: &Harness, key: &str) -> Vec<Value> {
    let lines = harness.get(&admin(), &format!("/datasets/d/lines?select={key}&sort=_i")).await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line[key].clone()).collect()
}

#[tokio::test]
async fn a_line_is_answered_with_its_values_or_not_written() {
    let harness = editable(json!([shouting(true)])).await;
    let made =
        post(&harness, "/lines", json!({ "_id": "a", "nom": "x", "n": 1, "_up.nom": "non" })).await.ok();
    assert_eq!(made["_up.nom"], "X", "nothing is left for later: {made}");
    assert_eq!(values(&harness, "_up.nom").await, ["X"]);
    post(&harness, "/lines", json!({ "_id": "b", "nom": "bad" })).await.refused(400, REFUSED);
    let one = "/datasets/d/lines/a";
    let patch = async |body| harness.json(&admin(), Method::PATCH, one, body).await;
    patch(json!({ "nom": "bad" })).await.refused(400, REFUSED);
    assert_eq!(harness.get(&admin(), one).await.ok()["nom"], "x");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 1);
    assert_eq!(patch(json!({ "nom": "y" })).await.ok()["_up.nom"], "Y");
    assert_eq!(patch(json!({ "nom": "y" })).await.status, 304);
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["Y"]);
    assert_eq!(harness.json(&admin(), Method::DELETE, one, Value::Null).await.status, 204);
    post(&harness, "/_simulate-extension", json!({ "nom": "bad" })).await.refused(400, "nom inconnu");
}

#[tokio::test]
async fn a_bulk_writes_the_lines_that_are_accepted() {
    let harness = editable(json!([shouting(true)])).await;
    let lines = json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "bad" }, { "_id": "c", "nom": "x" }]);
    let report = post(&harness, "/_bulk_lines", lines).await.ok();
    assert_eq!((&report["nbCreated"], &report["nbErrors"]), (&json!(2), &json!(1)));
    assert_eq!(report["errors"], json!([{ "line": 2, "error": REFUSED, "status": 400 }]));
    assert_eq!(values(&harness, "_up.nom").await, ["X", "X"]);
    let only = post(&harness, "/_bulk_lines", json!([{ "nom": "bad" }])).await;
    assert_eq!(only.status.as_u16(), 400, "{}", only.text);

    let cancelled = post(&harness, "/_bulk_lines?drop=true", json!([{ "nom": "z" }, { "nom": "bad" }])).await;
    assert_eq!((cancelled.status.as_u16(), &cancelled.json()["cancelled"]), (400, &json!(true)));
    assert_eq!(values(&harness, "_up.nom").await, ["X", "X"]);
    post(&harness, "/_bulk_lines?drop=true", json!([{ "nom": "z" }, { "nom": "z" }])).await.ok();
    assert_eq!(values(&harness, "_up.nom").await, ["Z", "Z"]);

    let many: Vec<Value> = (0..2_001).map(|n| json!({ "n": n })).collect();
    for lines in [json!(many), json!([{ "nom": "x".repeat(200_000) }])] {
        let refused = post(&harness, "/_bulk_lines?async=true", lines).await;
        assert!(refused.status == 400 && refused.text.contains("2000 lignes"), "{}", refused.text);
    }
    assert_eq!(values(&harness, "_up.nom").await.len(), 2);
}

#[tokio::test]
async fn a_source_that_does_not_answer_prevents_the_write_only_if_it_must_answer() {
    let harness = editable(json!([shouting(true)])).await;
    *harness.enrichments.failure.lock().unwrap() = Some("en panne".to_owned());
    let refused = post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await;
    assert_eq!(refused.status.as_u16(), 502, "{}", refused.text);
    assert!(
        refused.text.contains("rien n'a été écrit") && refused.text.contains("en panne"),
        "{}",
        refused.text
    );
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 0);

    let schema = json!([{ "key": "nom", "type": "string", "x-refersTo": "http://schema.org/City" }]);
    let search = json!([{ "type": "equals", "property": { "key": "nom" } }]);
    let reference = json!({
        "isRest": true, "title": "Villes", "schema": schema,
        "masterData": { "bulkSearchs": [{ "id": "nom", "input": search }] },
    });
    harness.json(&admin(), Method::PUT, "/datasets/ref", reference).await.ok();
    harness.json(&admin(), Method::POST, "/datasets/ref/lines", json!({ "nom": "x" })).await.ok();
    let known = json!({
        "type": "remoteService", "remoteService": "dataset:ref", "action": "masterData_bulkSearch_nom",
        "mandatory": true, "propertyPrefix": "_ref",
    });
    let patch = json!({ "schema": schema, "extensions": [known, shouting(false)] });
    harness.json(&admin(), Method::PATCH, "/datasets/d", patch).await.ok();
    let made = post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    assert_eq!((&made["_ref.nom"], made.get("_up.nom")), (&json!("x"), None), "{made}");
    let unknown = post(&harness, "/lines", json!({ "_id": "b", "nom": "y" })).await;
    assert!(unknown.status == 400 && unknown.text.contains("ne contient pas de ligne"), "{}", unknown.text);
    *harness.enrichments.failure.lock().unwrap() = None;
    harness.run_later().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X"], "the rest came when it could");
    assert_eq!(values(&harness, "_ref.nom").await, ["x"]);
}

#[tokio::test]
async fn expressions_that_read_what_is_mandatory_are_computed_within_the_write() {
    let double = json!({
        "type": "exprEval", "active": true, "expr": "SUBSTRING(_up.nom, 0, n)",
        "property": { "key": "debut", "type": "string" },
    });
    let whole = json!({
        "type": "exprEval", "active": true, "expr": "_up.nom", "property": { "key": "entier", "type": "integer" },
    });
    let harness = editable(json!([shouting(true), double, whole])).await;
    let made = post(&harness, "/lines", json!({ "_id": "a", "nom": "12", "n": 1 })).await.ok();
    assert_eq!((&made["debut"], &made["entier"]), (&json!("1"), &json!(12)));
    let lines = json!([{ "_id": "b", "nom": "34" }, { "_id": "c", "nom": "abc" }]);
    let report = post(&harness, "/_bulk_lines", lines).await.ok();
    assert_eq!((&report["nbCreated"], &report["errors"][0]["line"]), (&json!(1), &json!(2)), "{report}");
    assert!(report["errors"][0]["error"].as_str().unwrap().contains("/entier"), "{report}");
    assert_eq!(values(&harness, "entier").await, [12, 34]);
}

#[tokio::test]
async fn lines_written_before_the_extension_became_mandatory_get_its_values() {
    let harness = editable(json!([])).await;
    post(&harness, "/_bulk_lines", json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "bad" }]))
        .await
        .ok();
    let patch = json!({ "extensions": [shouting(true)] });
    harness.json(&admin(), Method::PATCH, "/datasets/d", patch).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X", "BAD"]);
    assert!(harness.events("d").await.contains(&"warning".to_owned()), "who is there stays, and is told");
    let made = post(&harness, "/lines", json!({ "_id": "c", "nom": "y" })).await.ok();
    assert_eq!(made["_up.nom"], "Y");
}

#[tokio::test]
async fn many_patches_of_one_line_in_one_bulk_are_all_made() {
    let harness = editable(json!([shouting(true)])).await;
    let keys: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    let mut schema = json!([{ "key": "nom", "type": "string" }]);
    for key in &keys {
        schema.as_array_mut().unwrap().push(json!({ "key": key, "type": "integer" }));
    }
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "schema": schema })).await.ok();
    harness.run().await;
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    let patches: Vec<Value> =
        keys.iter().map(|key| json!({ "_id": "a", "_action": "patch", key.as_str(): 1 })).collect();
    let before = *harness.enrichments.opened.lock().unwrap();
    let report = post(&harness, "/_bulk_lines", json!(patches)).await.ok();
    assert_eq!((&report["nbModified"], &report["nbErrors"]), (&json!(12), &json!(0)), "{report}");
    assert_eq!(
        *harness.enrichments.opened.lock().unwrap() - before,
        1,
        "all of them are asked about together"
    );
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert!(keys.iter().all(|key| line[key] == 1) && line["_up.nom"] == "X", "{line}");
}

#[tokio::test]
async fn a_patch_after_one_that_is_refused_is_made_on_the_line_as_it_was() {
    let harness = editable(json!([shouting(true)])).await;
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    let patches = json!([
        { "_id": "a", "_action": "patch", "nom": "bad" },
        { "_id": "a", "_action": "patch", "n": 1 },
        { "_id": "a", "_action": "patch", "nom": "y" },
        { "_id": "b", "nom": "z" },
        { "_id": "b", "_action": "delete" },
    ]);
    let report = post(&harness, "/_bulk_lines", patches).await.ok();
    assert_eq!(report["errors"], json!([{ "line": 1, "error": REFUSED, "status": 400 }]));
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert_eq!((&line["nom"], &line["n"], &line["_up.nom"]), (&json!("y"), &json!(1), &json!("Y")));
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 1);
}

#[tokio::test]
async fn who_needs_no_answer_is_not_stopped_by_those_who_wait_for_one() {
    let harness = editable(json!([shouting(true)])).await;
    post(&harness, "/_bulk_lines", json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "x" }]))
        .await
        .ok();
    *harness.enrichments.failure.lock().unwrap() = Some("en panne".to_owned());
    let create = |id: &'static str| post(&harness, "/lines", json!({ "_id": id, "nom": "y" }));
    let caller = admin();
    let delete = |path: &'static str| harness.json(&caller, Method::DELETE, path, Value::Null);
    // The first is alone; the others wait for it, and are made together.
    let (c, d, a, e, b, f) = tokio::join!(
        create("c"),
        create("d"),
        delete("/datasets/d/lines/a"),
        create("e"),
        delete("/datasets/d/lines/b"),
        create("f")
    );
    assert_eq!([a.status.as_u16(), b.status.as_u16()], [204, 204], "{} {}", a.text, b.text);
    for made in [c, d, e, f] {
        assert!(made.status == 502 && made.text.contains("en panne"), "{} {}", made.status, made.text);
    }
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 0);
}
