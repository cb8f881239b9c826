//! Extensions of edited lines: what enrichers give, after the write.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

async fn patch(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

async fn post(harness: &Harness, path: &str, body: Value) -> Answer {
    harness.json(&admin(), Method::POST, &format!("/datasets/d{path}"), body).await
}

fn shouting() -> Value {
    json!({ "type": "enricher", "plugin": "up" })
}

fn computed(expr: &str, key: &str) -> Value {
    json!({ "type": "exprEval", "active": true, "expr": expr, "property": { "key": key, "type": "string" } })
}

/// An editable dataset with these extensions.
async fn editable(extensions: Value) -> Harness {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "nom", "type": "string" }, { "key": "n", "type": "integer" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "extensions": extensions });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    harness
}

/// Values of a column, in the order in which lines were written.
async fn values(harness: &Harness, key: &str) -> Vec<Value> {
    let lines =
        harness.get(&admin(), &format!("/datasets/d/lines?select={key}&sort=_i&size=10000")).await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line[key].clone()).collect()
}

async fn numbers(harness: &Harness) -> Vec<(Value, Value)> {
    let lines = harness.get(&admin(), "/datasets/d/lines?select=_id,_i&sort=_i&size=10000").await.ok();
    let lines = lines["results"].as_array().unwrap().clone();
    lines.iter().map(|line| (line["_id"].clone(), line["_i"].clone())).collect()
}

#[tokio::test]
async fn lines_get_what_extensions_give_after_they_are_written() {
    let harness = editable(json!([shouting()])).await;
    let made =
        post(&harness, "/lines", json!({ "_id": "a", "nom": "x", "n": 1, "_up.nom": "non" })).await.ok();
    assert!(made.get("_up.nom").is_none(), "the writer has no say, and does not wait: {made}");
    post(&harness, "/_bulk_lines", json!([{ "_id": "b", "nom": "y" }, { "_id": "c" }])).await.ok();
    assert_eq!(values(&harness, "_up.nom").await, [Value::Null, Value::Null, Value::Null]);
    let before = numbers(&harness).await;
    let finalized = harness.get(&admin(), "/datasets/d").await.ok()["finalizedAt"].clone();
    harness.run_later().await;
    assert_eq!(values(&harness, "_up.nom").await, [json!("X"), json!("Y"), Value::Null]);
    assert_eq!(
        numbers(&harness).await,
        before,
        "lines keep their numbers, so that pages stay where they are"
    );
    let found = harness.get(&admin(), "/datasets/d/lines?_up.nom_eq=Y&select=_id").await.ok();
    assert_eq!((&found["total"], &found["results"][0]["_id"]), (&json!(1), &json!("b")));
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["status"], "finalized");
    assert_ne!(dataset["finalizedAt"], finalized, "caches are told");
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert_eq!((&line["nom"], &line["_up.nom"]), (&json!("x"), &json!("X")));
}

#[tokio::test]
async fn a_line_that_changes_waits_again_and_one_that_does_not_keeps_its_values() {
    let harness = editable(json!([shouting()])).await;
    let line = json!({ "_id": "a", "nom": "x", "n": 1 });
    post(&harness, "/lines", line.clone()).await.ok();
    harness.run().await;
    assert_eq!(post(&harness, "/lines", line).await.status, 304, "what extensions gave is no difference");
    let whole = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    let back = json!({ "_id": "a", "nom": whole["nom"], "n": 1, "_up.nom": whole["_up.nom"] });
    assert_eq!(post(&harness, "/lines", back).await.status, 304);
    assert_eq!(values(&harness, "_up.nom").await, ["X"]);
    let path = "/datasets/d/lines/a";
    let changed = harness.json(&admin(), Method::PATCH, path, json!({ "nom": "z" })).await.ok();
    assert!(changed.get("_up.nom").is_none(), "an answer for another name would mislead: {changed}");
    assert_eq!(values(&harness, "_up.nom").await, [Value::Null]);
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["Z"]);
    assert_eq!(values(&harness, "n").await, [1]);
    harness.json(&admin(), Method::DELETE, path, Value::Null).await;
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 0);
    post(&harness, "/lines", json!({ "_id": "a", "nom": "again" })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["AGAIN"]);
}

#[tokio::test]
async fn many_lines_are_treated_in_batches_and_all_may_be_replaced() {
    let harness = editable(json!([shouting()])).await;
    let many: Vec<Value> =
        (0..2_500).map(|n| json!({ "_id": format!("l{n}"), "nom": format!("n{n}") })).collect();
    let report = post(&harness, "/_bulk_lines?async=true", json!(many)).await.ok();
    assert_eq!(report["nbCreated"], 2_500);
    harness.run().await;
    let expected: Vec<String> = (0..2_500).map(|n| format!("N{n}")).collect();
    assert_eq!(values(&harness, "_up.nom").await, expected);
    post(&harness, "/_bulk_lines?drop=true", json!([{ "nom": "only" }, { "nom": "bad" }])).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["ONLY", "BAD"]);
    let journal = harness.datasets.journal(&admin(), "d").await.unwrap();
    let warnings: Vec<_> = journal.into_iter().filter(|event| event.kind == "warning").collect();
    assert_eq!(warnings.len(), 1);
    let text = warnings[0].data.clone().unwrap();
    assert!(text.starts_with("L'extension \"up\" n'a pas pu traiter 1 lignes. Première : ligne "), "{text}");
}

#[tokio::test]
async fn no_line_is_forgotten_when_a_source_does_not_answer() {
    let harness = editable(json!([shouting()])).await;
    *harness.enrichments.failure.lock().unwrap() = Some("injoignable".to_owned());
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    harness.run().await;
    post(&harness, "/lines", json!({ "_id": "b", "nom": "y" })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "nom").await, ["x", "y"], "lines can be written and read meanwhile");
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
    for _ in 0..10 {
        harness.run_later().await;
    }
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "error");
    let error = harness.last_error("d").await;
    assert!(error.contains("malgré plusieurs essais") && error.contains("injoignable"), "{error}");
    *harness.enrichments.failure.lock().unwrap() = None;
    post(&harness, "/lines", json!({ "_id": "c", "nom": "z" })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X", "Y", "Z"], "the next write asks for all that wait");
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
}

#[tokio::test]
async fn lines_of_an_owner_who_used_up_the_day_wait_for_the_next() {
    let harness = editable(json!([shouting()])).await;
    *harness.enrichments.spent_until.lock().unwrap() = Some("2026-01-02T00:00:00Z".parse().unwrap());
    for (id, name) in [("a", "x"), ("b", "y")] {
        post(&harness, "/lines", json!({ "_id": id, "nom": name })).await.ok();
        harness.run().await;
    }
    harness.run_later().await;
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
    assert_eq!(values(&harness, "nom").await, ["x", "y"]);
    let journal = harness.datasets.journal(&admin(), "d").await.unwrap();
    let told = journal.iter().filter(|event| event.data.as_deref() == Some("plus de secondes"));
    assert_eq!(told.map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["warning"]);
    *harness.enrichments.spent_until.lock().unwrap() = None;
    for _ in 0..24 {
        harness.run_later().await;
    }
    assert_eq!(values(&harness, "_up.nom").await, ["X", "Y"]);
}

#[tokio::test]
async fn lines_that_wait_are_treated_when_their_owner_is_given_more() {
    let harness = editable(json!([shouting()])).await;
    *harness.enrichments.spent_until.lock().unwrap() = Some("2026-01-02T00:00:00Z".parse().unwrap());
    harness.limit_plugins(5).await;
    harness.clock.advance(jiff::SignedDuration::from_mins(1));
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    harness.run().await;
    *harness.enrichments.spent_until.lock().unwrap() = None;
    harness.limit_plugins(-1).await;
    harness.clock.advance(jiff::SignedDuration::from_secs(halle_store::limits::RETRY_SECONDS));
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X"]);
}

#[tokio::test]
async fn a_crash_at_any_point_forgets_no_line() {
    for step in [0_u64, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64] {
        let harness = editable(json!([shouting()])).await;
        let body = json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "y" }]);
        post(&harness, "/_bulk_lines?async=true", body).await.ok();
        harness.crash_after(Duration::from_millis(step)).await;
        harness.run_later().await;
        assert_eq!(values(&harness, "_up.nom").await, ["X", "Y"], "after a crash at {step} ms");
    }
}

#[tokio::test]
async fn lines_that_are_there_are_treated_when_extensions_change() {
    let harness = editable(json!([])).await;
    let lines = json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "y" }]);
    post(&harness, "/_bulk_lines", lines).await.ok();
    harness.run().await;
    let before = numbers(&harness).await;
    let patched = patch(&harness, json!({ "extensions": [shouting()] })).await.ok();
    assert_eq!(
        (&patched["status"], &patched["extensions"][0]["needsUpdate"]),
        (&json!("finalized"), &json!(true))
    );
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X", "Y"]);
    assert_eq!(numbers(&harness).await, before);
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert!(dataset["extensions"][0].get("needsUpdate").is_none());
    let events = harness.events("d").await;
    assert_eq!(&events[events.len() - 2..], ["structure-updated", "finalize-end"]);

    let renamed = json!({ "type": "enricher", "plugin": "up", "propertyPrefix": "cri" });
    patch(&harness, json!({ "extensions": [renamed] })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "cri.nom").await, ["X", "Y"]);
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert!(line.get("_up.nom").is_none(), "values of a column that is gone go too: {line}");
    patch(&harness, json!({ "extensions": [] })).await.ok();
    harness.run().await;
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert!(line.get("cri.nom").is_none());
    let missing = json!({ "schema": [{ "key": "n", "type": "integer" }], "extensions": [shouting()] });
    patch(&harness, missing).await.refused(400, "Il manque une colonne \"nom\".");
}

#[tokio::test]
async fn a_line_written_while_all_are_treated_again_is_treated_too() {
    let harness = editable(json!([])).await;
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    harness.run().await;
    *harness.enrichments.failure.lock().unwrap() = Some("injoignable".to_owned());
    patch(&harness, json!({ "extensions": [shouting()] })).await.ok();
    harness.run().await;
    post(&harness, "/lines", json!({ "_id": "b", "nom": "y" })).await.ok();
    *harness.enrichments.failure.lock().unwrap() = None;
    harness.run_later().await;
    assert_eq!(values(&harness, "_up.nom").await, ["X", "Y"]);
}

#[tokio::test]
async fn expressions_that_read_what_an_extension_gives_follow_it() {
    let extensions = json!([computed("LOWER(nom)", "bas"), shouting(), computed("_up.nom || '!'", "cri")]);
    let harness = editable(extensions).await;
    let made = post(&harness, "/lines", json!({ "_id": "a", "nom": "Ab" })).await.ok();
    assert_eq!((&made["bas"], made.get("cri")), (&json!("ab"), None));
    harness.run().await;
    let line = harness.get(&admin(), "/datasets/d/lines/a").await.ok();
    assert_eq!((&line["bas"], &line["_up.nom"], &line["cri"]), (&json!("ab"), &json!("AB"), &json!("AB!")));

    let wrong = json!({ "type": "exprEval", "active": true, "expr": "_up.nom",
        "property": { "key": "cri", "type": "number" } });
    patch(&harness, json!({ "extensions": [shouting(), wrong] })).await.ok();
    harness.run().await;
    let error = harness.last_error("d").await;
    assert!(error.contains("/cri doit être de type number (résultat : \"AB\") (ligne a)"), "{error}");
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "error");
    patch(&harness, json!({ "extensions": [shouting(), computed("_up.nom", "cri")] })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "cri").await, ["AB"]);
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
}

#[tokio::test]
async fn a_simulation_of_what_is_no_line_is_refused() {
    let harness = Harness::new().await;
    let body = json!({ "title": "E", "isRest": true, "schema": [{ "key": "nom", "type": "string" }] });
    harness.json(&admin(), Method::PUT, "/datasets/e", body).await.ok();
    let refused =
        harness.json(&admin(), Method::POST, "/datasets/e/_simulate-extension", json!([null])).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test]
async fn a_simulation_says_what_a_line_would_get() {
    let harness = editable(json!([shouting(), computed("_up.nom || '!'", "cri")])).await;
    let completed = post(&harness, "/_simulate-extension", json!({ "nom": "ab", "n": 2 })).await.ok();
    assert_eq!(completed, json!({ "nom": "ab", "n": 2, "_up.nom": "AB", "cri": "AB!" }));
    let told = post(&harness, "/_simulate-extension", json!({ "nom": "bad" })).await.ok();
    assert_eq!(told["nom"], "bad", "what is not mandatory stops nothing");
}

#[tokio::test]
async fn the_index_is_not_built_again_for_a_line() {
    let harness = editable(json!([])).await;
    let many: Vec<Value> =
        (0..1_200).map(|n| json!({ "_id": format!("l{n}"), "nom": "n", "n": n % 3 })).collect();
    post(&harness, "/_bulk_lines", json!(many)).await.ok();
    harness.run_later().await;
    let before = harness.files("search");
    post(&harness, "/lines", json!({ "_id": "one", "nom": "more", "n": 7 })).await.ok();
    let after = harness.files("search");
    let kept = before.iter().filter(|file| file.contains("part") && after.contains(file)).count();
    assert!(kept > 0, "parts of the index stay: {before:?} {after:?}");
}

#[tokio::test]
async fn an_enricher_reads_the_tables_that_the_extension_names() {
    let harness = editable(json!([])).await;
    harness.dataset("cris", "nom,cri\nx,Hourra\ny,Hélas\nw,Ouf\n").await;
    let reading = |id: &str| json!({ "type": "enricher", "plugin": "up", "slots": { "names": id } });
    post(&harness, "/_bulk_lines", json!([{ "nom": "x" }, { "nom": "z" }])).await.ok();
    patch(&harness, json!({ "extensions": [reading("cris")] })).await.ok();
    post(&harness, "/lines", json!({ "nom": "y" })).await.ok();
    harness.run().await;
    assert_eq!(values(&harness, "_up.nom").await, ["Hourra", "Z", "Hélas"]);
    let completed = post(&harness, "/_simulate-extension", json!({ "nom": "w" })).await.ok();
    assert_eq!(completed["_up.nom"], "Ouf");

    let refused = patch(&harness, json!({ "extensions": [reading("absent")] })).await;
    assert!(refused.status == 400 && refused.text.contains("\"absent\""), "{}", refused.text);
    let body = json!({ "title": "Secret", "isRest": true, "schema": [] });
    harness.json(&stranger(), Method::PUT, "/datasets/secret", body).await.ok();
    let refused = patch(&harness, json!({ "extensions": [reading("secret")] })).await;
    assert!(refused.status == 400, "what others keep to themselves: {}", refused.text);
}

#[tokio::test]
async fn a_line_that_got_values_since_is_not_taken_for_the_one_a_client_has() {
    let harness = editable(json!([shouting()])).await;
    post(&harness, "/lines", json!({ "_id": "a", "nom": "x" })).await.ok();
    let path = "/datasets/d/lines/a";
    let first = harness.get(&admin(), path).await;
    let known = |name: header::HeaderName, answer: &Answer| (name, answer.headers.clone());
    let again = async |(name, headers): (header::HeaderName, header::HeaderMap)| {
        let from = if name == header::IF_NONE_MATCH { header::ETAG } else { header::LAST_MODIFIED };
        let request = Request::get(path).header(name, headers[from].clone()).body(Body::empty()).unwrap();
        harness.send(&admin(), request).await
    };
    assert_eq!(again(known(header::IF_NONE_MATCH, &first)).await.status, 304);
    harness.run().await;
    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
        let now = again(known(name.clone(), &first)).await;
        assert_eq!((now.status.as_u16(), now.ok()["_up.nom"].clone()), (200, json!("X")), "{name}");
    }
    let second = harness.get(&admin(), path).await;
    assert_eq!(again(known(header::IF_NONE_MATCH, &second)).await.status, 304);
}
