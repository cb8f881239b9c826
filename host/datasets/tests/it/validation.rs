//! Rules of columns: rows of files, the list of what is wrong, and what a change of rules does.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin, stranger};

const CSV: &str = "code,nom,n\n01004,Ambérieu,1\n1033,\"Val\nserhône\",2\n01004,,30\n";

const DIAGNOSTIC: &str = "/datasets/d/validation-diagnostic.csv";

async fn patch(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

async fn status(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/d").await.ok()["status"].clone()
}

fn rules() -> Value {
    json!({ "schema": [
        { "key": "code", "type": "string", "pattern": "^\\d{5}$", "patternErrorMessage": "doit avoir cinq chiffres" },
        { "key": "nom", "type": "string", "x-required": true },
        { "key": "n", "type": "integer", "maximum": 9 },
    ] })
}

#[tokio::test]
async fn rows_that_break_rules_are_listed_and_the_old_rows_stay() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    assert_eq!(harness.get(&admin(), DIAGNOSTIC).await.status, 404);
    assert_eq!(patch(&harness, rules()).await.ok()["status"], "validation-updated");
    harness.run().await;

    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(
        (&dataset["status"], &dataset["errorStatus"]),
        (&json!("error"), &json!("validation-updated"))
    );
    let journal = harness.get(&admin(), "/datasets/d/journal").await.ok();
    let event = &journal[0];
    assert_eq!(event["type"], "validation-error");
    assert!(event["data"].as_str().unwrap().starts_with("67% des lignes ont une erreur de validation : "));
    assert_eq!(event["hasDiagnosticFile"], true);
    assert_eq!(event["diagnosticErrorCount"], 3);
    assert_eq!(event["diagnosticCapped"], false);
    assert_eq!((&event["validationErrorCount"], &event["extensionErrorCount"]), (&json!(3), &json!(0)));
    let list = harness.get(&admin(), DIAGNOSTIC).await;
    assert_eq!(list.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        list.text,
        "\u{feff}line,error_type,field,message,raw_value\n\
         3,validation,code,doit avoir cinq chiffres,1033\n\
         4,validation,nom,requiert la propriété nom,\n\
         4,validation,n,doit être <= 9,30\n"
    );
    assert_eq!(harness.get(&stranger(), DIAGNOSTIC).await.status, 403);
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 3);

    patch(
        &harness,
        json!({ "schema": [{ "key": "nom" }, { "key": "code" }, { "key": "n", "type": "integer" }] }),
    )
    .await
    .ok();
    harness.run().await;
    assert_eq!(status(&harness).await, "finalized");
    assert_eq!(harness.events("d").await.last().unwrap(), "finalize-end");
    assert_eq!(harness.get(&admin(), DIAGNOSTIC).await.status, 404, "nothing is wrong any more");
    harness.run_later().await;
    assert_eq!(harness.files("blobs/datasets/d").len(), 2, "lists go with what they are about");
}

#[tokio::test]
async fn rules_that_every_row_obeys_change_neither_version_nor_index() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let before = (harness.files("blobs/datasets/d"), harness.files("search"));
    let finalized = harness.get(&admin(), "/datasets/d").await.ok()["finalizedAt"].clone();
    let mut schema = harness.get(&admin(), "/datasets/d/schema?calculated=false").await.ok();
    let number = schema.as_array_mut().unwrap().iter_mut().find(|column| column["key"] == "n").unwrap();
    number["minimum"] = json!(1);
    assert_eq!(patch(&harness, json!({ "schema": schema })).await.ok()["status"], "validation-updated");
    harness.run().await;
    harness.run_later().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!((&dataset["status"], &dataset["finalizedAt"]), (&json!("finalized"), &finalized));
    assert_eq!(dataset["schema"][2]["minimum"], 1);
    assert_eq!((harness.files("blobs/datasets/d"), harness.files("search")), before);
}

#[tokio::test]
async fn rules_hold_for_the_next_file_and_lines_are_those_of_the_file() {
    let harness = Harness::new().await;
    harness.dataset("d", "code,nom,n\n01004,a,1\n").await;
    patch(&harness, rules()).await.ok();
    harness.run().await;
    assert_eq!(status(&harness).await, "finalized");
    harness.dataset("d", CSV).await;
    let list = harness.get(&admin(), DIAGNOSTIC).await.text;
    let lines: Vec<&str> = list.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(lines, ["3", "5", "5"], "the value of line 3 goes on in line 4");
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 1);

    harness.dataset("d", "code,nom,n\n01004,a,1\n01005,b,2\n").await;
    assert_eq!(status(&harness).await, "finalized");
    assert_eq!(harness.get(&admin(), DIAGNOSTIC).await.status, 404);
}

#[tokio::test]
async fn wrong_rows_are_served_all_the_same_when_the_producer_says_so() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    patch(&harness, rules()).await.ok();
    harness.run().await;
    assert_eq!(status(&harness).await, "error");
    let patched = patch(&harness, json!({ "nonBlockingValidation": true })).await.ok();
    assert_eq!(patched["status"], "validation-updated");
    harness.run().await;
    assert_eq!(status(&harness).await, "finalized");
    assert_eq!(harness.get(&admin(), DIAGNOSTIC).await.text.lines().count(), 4);

    harness.dataset("d", &format!("{CSV}x,,\n")).await;
    assert_eq!(harness.get(&admin(), "/datasets/d/lines").await.ok()["total"], 4);
    assert_eq!(harness.get(&admin(), DIAGNOSTIC).await.text.lines().count(), 7 - 1);
    assert_eq!(harness.last_error("d").await.split('%').next().unwrap(), "75");
}

#[tokio::test]
async fn a_concept_and_a_rule_at_once_are_checked_and_then_indexed() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let city = "http://schema.org/City";
    let wrong =
        json!({ "schema": [{ "key": "code", "pattern": "^x" }, { "key": "nom", "x-refersTo": city }] });
    patch(&harness, wrong).await.ok();
    harness.run().await;
    assert_eq!(status(&harness).await, "error");
    // A change that would only need the index must not let wrong rows through.
    let again = json!({ "schema": [
        { "key": "code", "pattern": "^x", "x-capabilities": { "values": false } }, { "key": "nom", "x-refersTo": city },
    ] });
    assert_eq!(patch(&harness, again).await.ok()["status"], "validation-updated");
    harness.run().await;
    assert_eq!(status(&harness).await, "error");
    patch(&harness, json!({ "schema": [{ "key": "code", "pattern": "^\\d" }] })).await.ok();
    harness.run().await;
    assert_eq!(status(&harness).await, "finalized");
}

#[tokio::test]
async fn patterns_that_cannot_be_run_are_refused_with_their_column() {
    let harness = Harness::new().await;
    harness.dataset("d", CSV).await;
    let refused = patch(&harness, json!({ "schema": [{ "key": "nom", "pattern": "(a)\\1" }] })).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text.starts_with("\"schema\" : la colonne \"nom\" est incorrecte : \"pattern\" n'est pas"),
        "{}",
        refused.text
    );
    assert_eq!(status(&harness).await, "finalized");
}
