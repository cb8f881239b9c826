//! Extensions: columns that an enrichment adds.

use std::sync::atomic::Ordering;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, admin};

const CSV: &str = "code,nom\n1,a\n2,bad\n3,c\n";

async fn extend(harness: &Harness, extension: Value) -> crate::harness::Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "extensions": [extension] })).await
}

async fn values(harness: &Harness) -> Vec<Value> {
    let lines = harness.get(&admin(), "/datasets/d/lines?select=_up.nom&sort=code").await.ok();
    lines["results"].as_array().unwrap().iter().map(|line| line["_up.nom"].clone()).collect()
}

#[tokio::test]
async fn an_extension_adds_columns_without_reading_the_file_again() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let patched = extend(&harness, json!({ "type": "enricher", "plugin": "up" })).await.ok();
    assert_eq!(patched["status"], "validated");
    harness.run().await;
    assert_eq!(values(&harness).await, ["A", "BAD", "C"]);
    let events = harness.events("d").await;
    let tail = &events[events.len() - 8..];
    let expected = [
        "extend-start",
        "warning",
        "extend-end",
        "index-start",
        "index-end",
        "finalize-start",
        "structure-updated",
        "finalize-end",
    ];
    assert_eq!(tail, expected);
    let full = harness.get(&admin(), "/datasets/d/full").await.text;
    assert_eq!(full, "code,nom,NOM\n1,a,A\n2,bad,BAD\n3,c,C\n");
    harness.run_later().await;
    assert_eq!(values(&harness).await.len(), 3);

    harness.dataset("d", "code,nom\n9,z\n").await;
    assert_eq!(values(&harness).await, ["Z"], "the next file is enriched too");
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "extensions": [] })).await.ok();
    harness.run().await;
    let schema = harness.get(&admin(), "/datasets/d/schema?calculated=false").await.ok();
    assert_eq!(schema.as_array().unwrap().len(), 2, "without the extension its columns go");
}

#[tokio::test]
async fn a_mandatory_extension_stops_at_the_first_row_it_cannot_treat() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    extend(&harness, json!({ "type": "enricher", "plugin": "up", "mandatory": true })).await.ok();
    harness.run().await;
    let error = harness.last_error("d").await;
    assert_eq!(error, "L'extension \"up\" est obligatoire et a échoué, ligne 2 : nom inconnu");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 3);
}

#[tokio::test]
async fn rows_of_many_batches_keep_their_place() {
    const ROWS: usize = 50_000;
    let harness = Harness::new().await;
    let csv = |bad: usize| -> String {
        let name = |row: usize| if row == bad { "bad".to_owned() } else { format!("n{row}") };
        (1..=ROWS).fold("code,nom\n".to_owned(), |csv, row| csv + &format!("{row},{}\n", name(row)))
    };
    harness.dataset("d", &csv(ROWS + 1)).await;
    extend(&harness, json!({ "type": "enricher", "plugin": "up", "mandatory": true })).await.ok();
    harness.run().await;
    let full = harness.get(&admin(), "/datasets/d/full").await.text;
    let wrong = full.lines().skip(1).zip(1..).find(|(line, row)| *line != format!("{row},n{row},N{row}"));
    assert_eq!((wrong, full.lines().count()), (None, ROWS + 1));

    harness.dataset("d", &csv(43_210)).await;
    let error = harness.last_error("d").await;
    assert_eq!(error, "L'extension \"up\" est obligatoire et a échoué, ligne 43210 : nom inconnu");
}

#[tokio::test]
async fn an_extension_that_cannot_work_is_refused_before_anything_changes() {
    let harness = Harness::new().await;
    harness.dataset("d", "code\n1\n").await;
    let answer = extend(&harness, json!({ "type": "enricher", "plugin": "up" })).await;
    answer.refused(400, "Il manque une colonne \"nom\".");
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(dataset["status"], "finalized");
    assert!(dataset.get("extensions").is_none());
    harness.dataset("d", CSV).await;
    let twice = json!([{ "type": "enricher", "plugin": "up" }, { "type": "enricher", "plugin": "up" }]);
    let answer = harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "extensions": twice })).await;
    answer.refused(
        400,
        "L'extension ajouterait une deuxième colonne \"_up.nom\" : changez son préfixe (propertyPrefix).",
    );
}

#[tokio::test]
async fn a_source_that_does_not_answer_is_tried_again() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    *harness.enrichments.failure.lock().unwrap() = Some("injoignable".to_owned());
    extend(&harness, json!({ "type": "enricher", "plugin": "up" })).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "validated");
    let progress = harness.get(&admin(), "/datasets/d/task-progress").await.ok();
    assert_eq!(progress, json!({ "task": "extend", "progress": -1, "error": "injoignable" }));
    *harness.enrichments.failure.lock().unwrap() = None;
    harness.run_later().await;
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");

    *harness.enrichments.failure.lock().unwrap() = Some("injoignable".to_owned());
    let renamed = json!({ "type": "enricher", "plugin": "up", "propertyPrefix": "x" });
    extend(&harness, renamed).await.ok();
    for _ in 0..10 {
        harness.run_later().await;
    }
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "error");
    assert!(harness.last_error("d").await.contains("malgré plusieurs essais"));
    assert_eq!(values(&harness).await.len(), 3, "the old version is served");
}

#[tokio::test]
async fn an_owner_who_used_up_the_day_is_served_on_the_next() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let midnight = "2026-01-02T00:00:00Z".parse().unwrap();
    *harness.enrichments.spent_until.lock().unwrap() = Some(midnight);
    extend(&harness, json!({ "type": "enricher", "plugin": "up" })).await.ok();
    harness.run().await;
    for _ in 0..10 {
        harness.run_later().await;
    }
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "validated", "it waits as it was");
    let journal = harness.datasets.journal(&admin(), "d").await.unwrap();
    let told = journal.iter().filter(|event| event.data.as_deref() == Some("plus de secondes"));
    assert_eq!(told.map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["warning"], "and says why, once");
    assert_eq!(*harness.enrichments.opened.lock().unwrap(), 1, "nothing is tried before");
    *harness.enrichments.spent_until.lock().unwrap() = None;
    for _ in 0..14 {
        harness.run_later().await;
    }
    assert_eq!(harness.get(&admin(), "/datasets/d").await.ok()["status"], "finalized");
    assert_eq!(values(&harness).await.len(), 3);
}

#[tokio::test]
async fn an_owner_who_is_given_more_need_not_wait_for_the_next_day() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    *harness.enrichments.spent_until.lock().unwrap() = Some("2026-01-02T00:00:00Z".parse().unwrap());
    harness.limit_plugins(5).await;
    harness.clock.advance(jiff::SignedDuration::from_mins(1));
    extend(&harness, json!({ "type": "enricher", "plugin": "up" })).await.ok();
    harness.run().await;
    *harness.enrichments.spent_until.lock().unwrap() = None;
    for (seconds, status) in [(4, "validated"), (60, "finalized")] {
        harness.limit_plugins(seconds).await;
        harness.clock.advance(jiff::SignedDuration::from_secs(halle_store::limits::RETRY_SECONDS));
        harness.run().await;
        assert_eq!(
            harness.get(&admin(), "/datasets/d").await.ok()["status"],
            status,
            "with {seconds} seconds"
        );
    }
}

#[tokio::test]
async fn no_extension_is_stored_with_a_plugin_that_is_removed_meanwhile() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    harness.enrichments.is_removing.store(true, Ordering::Relaxed);
    let gone = "Le plugin \"up\" n'est pas installé.";
    let extension = json!({ "type": "enricher", "plugin": "up" });
    extend(&harness, extension.clone()).await.refused(400, gone);
    assert!(harness.get(&admin(), "/datasets/d").await.ok().get("extensions").is_none());
    let new = json!({ "isRest": true, "title": "N", "schema": [{ "key": "nom", "type": "string" }], "extensions": [extension] });
    harness.json(&admin(), Method::POST, "/datasets", new).await.refused(400, gone);
    assert_eq!(harness.get(&admin(), "/datasets").await.ok()["count"], 1);
    harness.json(&admin(), Method::PATCH, "/datasets/d", json!({ "title": "Noms" })).await.ok();
}

#[tokio::test]
async fn a_plugin_that_the_owner_may_not_see_is_as_if_it_were_not_installed() {
    let harness = Harness::new().await;
    harness.dataset("d", "nom\nAda\n").await;
    extend(&harness, json!({ "type": "enricher", "plugin": "private" }))
        .await
        .refused(400, "Le plugin \"private\" n'est pas installé.");
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert!(dataset.get("extensions").is_none());
}
