//! How large the groups of lines are that an extension makes: told by the API and the journal, and true of the lines as they
//! are.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, admin, stranger};

const SIZES: &str = "/datasets/d/group-sizes";

/// Groups of the same name, of at least `k` lines.
fn grouped(k: u64) -> Value {
    json!([{ "type": "enricher", "plugin": "up", "config": { "k": k } }])
}

/// The only report.
async fn report(harness: &Harness) -> Value {
    let answer = harness.get(&admin(), SIZES).await.ok();
    assert_eq!(answer["count"], 1, "{answer}");
    answer["results"][0].clone()
}

/// Reports in the journal, oldest first.
async fn told(harness: &Harness) -> Vec<String> {
    let mut events = harness.datasets.journal(&admin(), "d").await.unwrap();
    events.reverse();
    events.into_iter().filter(|event| event.kind == "group-sizes").filter_map(|event| event.data).collect()
}

async fn uploaded(harness: &Harness, csv: &str, k: u64) {
    let extensions = grouped(k).to_string();
    let fields = [("extensions", extensions.as_str())];
    harness.upload(&admin(), "/datasets/d", ("data.csv", csv.as_bytes()), &fields).await.ok();
    harness.run().await;
}

#[tokio::test]
async fn the_groups_of_a_file_are_counted_and_counted_again() {
    let harness = Harness::new().await;
    // Lea, lea and LEA are one group for the extension: 3; ali 2, jo 1, one line without a name.
    uploaded(&harness, "n,nom\n1,lea\n2,ali\n3,Lea\n4,jo\n5,LEA\n6,Ali\n7,\n", 3).await;
    assert_eq!(
        report(&harness).await,
        json!({
            "plugin": "up", "column": "_up.nom", "k": 3, "lines": 7, "linesWithoutGroup": 1, "groups": 3, "smallest": 1,
            "groupsBelow": 2, "linesBelow": 3, "isLowerBound": false, "isWaiting": false,
            "sizes": [{ "lines": 1, "groups": 1 }, { "lines": 2, "groups": 1 }, { "lines": 3, "groups": 1 }],
        })
    );
    let first = "Groupes de l'extension \"up\", k = 3 : lignes : 7 ; groupes : 3 ; lignes dans un groupe de moins de k lignes : \
                 3 (groupes : 2) ; plus petit groupe : 1 ; plus petits effectifs (groupes × lignes) : 1 × 1, 1 × 2, 1 × 3 ; \
                 lignes sans groupe : 1.";
    assert_eq!(told(&harness).await, [first]);

    uploaded(&harness, "n,nom\n1,lea\n2,ali\n3,Lea\n4,ali\n5,LEA\n6,Ali\n", 3).await;
    let again = report(&harness).await;
    assert_eq!(
        (&again["linesBelow"], &again["smallest"], &again["groups"]),
        (&json!(0), &json!(3), &json!(2))
    );
    let second = "Groupes de l'extension \"up\", k = 3 : lignes : 6 ; groupes : 2 ; lignes dans un groupe de moins de k lignes : \
                  0 (groupes : 0) ; plus petit groupe : 3 ; plus petits effectifs (groupes × lignes) : 2 × 3.";
    assert_eq!(told(&harness).await, [first, second]);
    let values = told(&harness).await.join(" ") + &again.to_string();
    assert!(!values.contains("LEA") && !values.contains("ALI"), "sizes, never values: {values}");
}

#[tokio::test]
async fn the_groups_of_edited_lines_follow_each_edit() {
    let harness = Harness::new().await;
    let schema = json!([{ "key": "nom", "type": "string" }]);
    let body = json!({ "isRest": true, "title": "D", "schema": schema, "extensions": grouped(2) });
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
    let lines = json!([{ "_id": "a", "nom": "x" }, { "_id": "b", "nom": "X" }, { "_id": "c", "nom": "y" }]);
    harness.json(&admin(), Method::POST, "/datasets/d/_bulk_lines", lines).await.ok();
    assert_eq!(report(&harness).await["isWaiting"], true, "nothing is enriched yet");
    harness.run_later().await;
    let found = report(&harness).await;
    assert_eq!(
        (&found["linesBelow"], &found["smallest"], &found["isWaiting"]),
        (&json!(1), &json!(1), &json!(false))
    );

    harness.json(&admin(), Method::DELETE, "/datasets/d/lines/c", Value::Null).await;
    harness.run_later().await;
    let found = report(&harness).await;
    assert_eq!(
        (&found["linesBelow"], &found["smallest"], &found["lines"]),
        (&json!(0), &json!(2), &json!(2))
    );
    let journal = told(&harness).await;
    let last = journal.last().unwrap();
    assert!(
        last.contains("lignes : 2 ; groupes : 1 ; lignes dans un groupe de moins de k lignes : 0 "),
        "{journal:?}"
    );
    harness.run_later().await;
    assert_eq!(told(&harness).await, journal, "what is no news is not told again");
}

#[tokio::test]
async fn more_small_groups_than_are_looked_at_are_told_as_such() {
    let harness = Harness::new().await;
    let mut csv = "n,nom\n".to_owned();
    (0..10_500).for_each(|n| csv.push_str(&format!("{n},p{n}\n")));
    uploaded(&harness, &csv, 5).await;
    let found = report(&harness).await;
    assert_eq!((&found["groups"], &found["smallest"]), (&json!(10_500), &json!(1)));
    assert_eq!((&found["linesBelow"], &found["isLowerBound"]), (&json!(10_000), &json!(true)));
    assert_eq!(found["sizes"], json!([]), "how many have that size is not known");
    let journal = told(&harness).await;
    assert!(journal[0].contains("k lignes : au moins 10000 (groupes : au moins 10000)"), "{journal:?}");
}

#[tokio::test]
async fn reports_are_for_those_who_may_read_the_journal_and_of_extensions_that_make_groups() {
    let harness = Harness::new().await;
    uploaded(&harness, "n,nom\n1,lea\n", 2).await;
    let everybody = json!([{ "classes": ["list", "read"] }]);
    harness.json(&admin(), Method::PUT, "/datasets/d/permissions", everybody).await.ok();
    assert_eq!(harness.get(&stranger(), "/datasets/d/lines").await.status, 200);
    assert_eq!(harness.get(&stranger(), SIZES).await.status, 403);
    let plain = json!({ "extensions": [{ "type": "enricher", "plugin": "up" }] });
    harness.json(&admin(), Method::PATCH, "/datasets/d", plain).await.ok();
    harness.run().await;
    assert_eq!(harness.get(&admin(), SIZES).await.ok(), json!({ "count": 0, "results": [] }));
    assert_eq!(told(&harness).await.len(), 1);
}
