//! Values that must be unique, in files and in edited lines.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, admin};

fn unique(properties: &[&str]) -> Value {
    json!([{ "type": "unique", "title": "Code", "properties": properties }])
}

async fn patch(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::PATCH, "/datasets/d", body).await
}

async fn editable(harness: &Harness, constraints: Value) {
    let schema = json!([{ "key": "nom", "type": "string" }, { "key": "n", "type": "number" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "constraints": constraints });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
}

async fn line(harness: &Harness, body: Value) -> Answer {
    harness.json(&admin(), Method::POST, "/datasets/d/lines", body).await
}

async fn total(harness: &Harness) -> Value {
    harness.get(&admin(), "/datasets/d/lines").await.ok()["total"].clone()
}

#[tokio::test]
async fn a_file_with_duplicates_is_not_indexed_and_they_are_listed() {
    let harness = Harness::new().await;
    harness.dataset("d", "code,jour,n\na,2024-02-29,1\nb,2024-02-29,2\n").await;
    patch(&harness, json!({ "constraints": unique(&["code", "jour"]) })).await.ok();
    harness.run().await;
    let dataset = harness.get(&admin(), "/datasets/d").await.ok();
    assert_eq!(
        (&dataset["status"], &dataset["constraints"]),
        (&json!("finalized"), &unique(&["code", "jour"]))
    );
    let next = "code,jour,n\na,2024-02-29,1\na,2024-03-01,2\n,,3\n,,4\na,2024-02-29,5\n";
    let dataset = harness.dataset("d", next).await;
    assert_eq!(dataset["status"], "error");
    assert_eq!(total(&harness).await, 2, "readers keep what they had");
    let list = harness.get(&admin(), "/datasets/d/validation-diagnostic.csv").await.text;
    assert_eq!(
        list,
        "\u{feff}line,error_type,field,message,raw_value\n6,validation,\"code, jour\",\"la valeur est déjà à la \
         ligne 2 (contrainte d'unicité \"\"Code\"\")\",\"a, 2024-02-29\"\n"
    );
    patch(&harness, json!({ "constraints": null })).await.ok();
    harness.run().await;
    assert_eq!(total(&harness).await, 5, "without the constraint the file is served");
}

#[tokio::test]
async fn a_file_that_lost_a_constrained_column_says_so() {
    let harness = Harness::new().await;
    harness.dataset("d", "code,n\na,1\n").await;
    patch(&harness, json!({ "constraints": unique(&["n"]) })).await.ok();
    harness.run().await;
    harness.dataset("d", "code\na\n").await;
    let error = harness.last_error("d").await;
    assert!(
        error.starts_with("La contrainte d'unicité \"Code\" utilise la colonne \"n\" qui n'existe pas"),
        "{error}"
    );
}

#[tokio::test]
async fn constraints_that_cannot_hold_are_refused() {
    let harness = Harness::new().await;
    harness.dataset("d", "code,n\na,1\n").await;
    let refusal = "La contrainte d'unicité \"Code\" utilise la colonne \"x\" qui n'existe pas : modifiez la contrainte \
                   (constraints) ou la colonne.";
    patch(&harness, json!({ "constraints": unique(&["x"]) })).await.refused(400, refusal);
    assert_eq!(patch(&harness, json!({ "constraints": unique(&[]) })).await.status, 400);
    assert_eq!(
        patch(&harness, json!({ "constraints": [{ "type": "other", "properties": ["n"] }] })).await.status,
        400
    );
    let meta = json!({ "isMetaOnly": true, "title": "M", "constraints": unique(&["n"]) });
    let answer = harness.json(&admin(), Method::PUT, "/datasets/m", meta).await;
    answer.refused(
        400,
        "Les contraintes d'unicité ne s'appliquent qu'aux jeux de données fichiers et éditables.",
    );
}

#[tokio::test]
async fn edited_lines_keep_their_values_to_themselves() {
    let harness = Harness::new().await;
    editable(&harness, unique(&["nom", "n"])).await;
    line(&harness, json!({ "_id": "a", "nom": "x", "n": 1 })).await.ok();
    let refusal = "contrainte d'unicité \"Code\" : une autre ligne a déjà la valeur « x, 1.0 »";
    line(&harness, json!({ "_id": "b", "nom": "x", "n": 1.0 })).await.refused(409, refusal);
    line(&harness, json!({ "_id": "b", "nom": "x", "n": 2 })).await.ok();
    line(&harness, json!({ "_id": "a", "nom": "x", "n": 1 })).await;
    let conflict = harness.json(&admin(), Method::PATCH, "/datasets/d/lines/b", json!({ "n": 1 })).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    assert_eq!(total(&harness).await, 2);
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines/a", json!({})).await;
    let freed = harness.json(&admin(), Method::PATCH, "/datasets/d/lines/b", json!({ "n": 1 })).await;
    freed.ok();
    line(&harness, json!({ "_id": "c", "nom": "x", "n": 2 })).await.ok();
    line(&harness, json!({ "_id": "e" })).await.ok();
    line(&harness, json!({ "_id": "f" })).await.ok();
    let bulk = json!([{ "nom": "y", "n": 1 }, { "nom": "y", "n": 1 }, { "nom": "z", "n": 1 }]);
    let report = harness.json(&admin(), Method::POST, "/datasets/d/_bulk_lines", bulk).await.ok();
    assert_eq!(
        (&report["nbOk"], &report["nbErrors"], &report["errors"][0]["status"]),
        (&json!(2), &json!(1), &json!(409))
    );
}

#[tokio::test]
async fn lines_are_replaced_as_a_whole_or_not_at_all() {
    let harness = Harness::new().await;
    editable(&harness, unique(&["nom"])).await;
    line(&harness, json!({ "_id": "a", "nom": "x" })).await.ok();
    let path = "/datasets/d/_bulk_lines?drop=true";
    let twice = json!([{ "nom": "y" }, { "nom": "y" }]);
    let report = harness.json(&admin(), Method::POST, path, twice).await;
    assert_eq!((report.status.as_u16(), &report.json()["cancelled"]), (400, &json!(true)), "{}", report.text);
    assert_eq!(total(&harness).await, 1);
    harness.json(&admin(), Method::POST, path, json!([{ "nom": "y" }, { "nom": "z" }])).await.ok();
    assert_eq!(line(&harness, json!({ "nom": "y" })).await.status, 409);
    line(&harness, json!({ "nom": "x" })).await.ok();
}

#[tokio::test]
async fn lines_that_are_there_must_obey_a_new_constraint() {
    let harness = Harness::new().await;
    editable(&harness, json!(null)).await;
    line(&harness, json!({ "_id": "a", "nom": "x" })).await.ok();
    line(&harness, json!({ "_id": "b", "nom": "x" })).await.ok();
    let answer = patch(&harness, json!({ "constraints": unique(&["nom"]) })).await;
    answer.refused(409, "contrainte d'unicité \"Code\" : plusieurs lignes ont la valeur « x »");
    assert!(harness.get(&admin(), "/datasets/d").await.ok().get("constraints").is_none());
    line(&harness, json!({ "_id": "b", "nom": "y" })).await.ok();
    patch(&harness, json!({ "constraints": unique(&["nom"]) })).await.ok();
    assert_eq!(line(&harness, json!({ "nom": "y" })).await.status, 409);
    let answer = patch(&harness, json!({ "schema": [{ "key": "n", "type": "number" }] })).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    patch(&harness, json!({ "schema": [{ "key": "n", "type": "number" }], "constraints": null })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_writers_side_by_side_one_gets_the_value() {
    let harness = Harness::new().await;
    editable(&harness, unique(&["nom"])).await;
    let writers = (0..12).map(|n| line(&harness, json!({ "_id": format!("l{n}"), "nom": "x" })));
    let answers = futures::future::join_all(writers).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[1..], [409; 11]);
    assert_eq!((statuses[0] / 100, total(&harness).await), (2, json!(1)));
}

#[tokio::test]
async fn a_line_that_comes_twice_counts_as_it_is_last() {
    let harness = Harness::new().await;
    editable(&harness, unique(&["nom"])).await;
    let lines = json!([{ "_id": "a", "nom": "x" }, { "_id": "a", "nom": "y" }, { "_id": "b", "nom": "x" }]);
    for path in ["/datasets/d/_bulk_lines?drop=true", "/datasets/d/_bulk_lines"] {
        let report = harness.json(&admin(), Method::POST, path, lines.clone()).await;
        assert_eq!(report.json()["nbErrors"], u64::from(!path.ends_with("true")), "{path}: {}", report.text);
    }
    harness.json(&admin(), Method::DELETE, "/datasets/d/lines", json!({})).await;
    line(&harness, json!({ "nom": "x" })).await.ok();
}
