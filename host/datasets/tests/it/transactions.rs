//! Lines that plugins write: what holds for lines by the API holds for them, and a transaction that ends early wrote nothing.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use axum::http::Method;
use halle_datasets::service::write::{LinesWriter, WriteMode};
use halle_extensions::{Field, Problem};
use halle_model::{Caller, ColumnKind};
use serde_json::{Value, json};

use crate::harness::{Harness, admin, stranger};
use crate::postgres_server::Server;

/// Makes an editable dataset with the column `nom`, which is its primary key, and the column `n`.
async fn make(harness: &Harness, more: Value) {
    let schema = json!([{ "key": "nom", "type": "string" }, { "key": "n", "type": "integer" }]);
    let mut body = json!({ "isRest": true, "title": "D", "schema": schema, "primaryKey": ["nom"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    harness.json(&admin(), Method::PUT, "/datasets/d", body).await.ok();
}

async fn writer(harness: &Harness, mode: WriteMode) -> LinesWriter {
    let field =
        |key: &str, kind| Field { key: key.to_owned(), kind, nullable: true, title: None, concept: None };
    let fields = [field("nom", ColumnKind::Text), field("n", ColumnKind::Integer)];
    harness.datasets.lines_writer(&admin(), "d", mode, &fields).await.unwrap()
}

fn rows(lines: &[(&str, i64)]) -> RecordBatch {
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(lines.iter().map(|(name, _)| name)));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(lines.iter().map(|(_, n)| *n)));
    RecordBatch::try_from_iter([("nom", names), ("n", numbers)]).unwrap()
}

/// A line of each name.
fn ones(names: &[String]) -> Vec<(&str, i64)> {
    names.iter().map(|name| (name.as_str(), 1)).collect()
}

/// Writes rows in one transaction.
async fn write(harness: &Harness, mode: WriteMode, lines: &[(&str, i64)]) -> Result<u64, Problem> {
    let mut writer = writer(harness, mode).await;
    let added = writer.add(&rows(lines)).await?;
    assert!(added.problems.is_empty(), "{:?}", added.problems);
    writer.commit().await
}

/// What readers see of a column, by name.
async fn seen(harness: &Harness, column: &str) -> Vec<String> {
    let path = format!("/datasets/d/lines?select=nom,{column}&sort=nom&size=10000");
    let page = harness.get(&admin(), &path).await.ok();
    let line = |line: &Value| format!("{}:{}", line["nom"].as_str().unwrap(), line[column]);
    page["results"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn extensions_give_their_columns_to_lines_of_a_transaction() {
    extensions(&Harness::new().await).await;
}

async fn extensions(harness: &Harness) {
    let extensions = json!([
        { "type": "enricher", "plugin": "up" },
        { "type": "exprEval", "active": true, "expr": "n * 2", "property": { "key": "double", "type": "integer" } },
    ]);
    make(harness, json!({ "extensions": extensions })).await;
    assert_eq!(write(harness, WriteMode::Append, &[("a", 1), ("b", 2)]).await.unwrap(), 2);
    assert_eq!(seen(harness, "double").await, ["a:2", "b:4"], "calculated at once");
    harness.run_later().await;
    assert_eq!(seen(harness, "_up.nom").await, [r#"a:"A""#, r#"b:"B""#]);
    assert_eq!(write(harness, WriteMode::Upsert, &[("b", 5), ("c", 3)]).await.unwrap(), 2);
    harness.run_later().await;
    assert_eq!(seen(harness, "double").await, ["a:2", "b:10", "c:6"]);
    assert_eq!(seen(harness, "_up.nom").await, [r#"a:"A""#, r#"b:"B""#, r#"c:"C""#]);
}

#[tokio::test]
async fn values_that_must_be_unique_are_so_over_all_batches_of_a_transaction() {
    uniqueness(&Harness::new().await).await;
}

async fn uniqueness(harness: &Harness) {
    let unique = json!([{ "type": "unique", "title": "Numéro", "properties": ["n"] }]);
    make(harness, json!({ "constraints": unique })).await;
    write(harness, WriteMode::Append, &[("a", 1), ("b", 2)]).await.unwrap();

    // One that is there already is told where it comes; the others of its batch are kept.
    let mut append = writer(harness, WriteMode::Append).await;
    let added = append.add(&rows(&[("c", 2), ("d", 4)])).await.unwrap();
    assert_eq!((added.accepted, added.problems.len(), added.problems[0].0), (1, 1, 0));
    assert!(added.problems[0].1.message.contains("Numéro"), "{}", added.problems[0].1.message);
    assert_eq!(append.commit().await.unwrap(), 1);

    // Two batches that are right by themselves, and not together.
    for mode in [WriteMode::Append, WriteMode::Upsert, WriteMode::Replace] {
        let mut writer = writer(harness, mode).await;
        assert_eq!(writer.add(&rows(&[("e", 5)])).await.unwrap().accepted, 1);
        assert_eq!(writer.add(&rows(&[("f", 6), ("g", 5)])).await.unwrap().accepted, 2);
        let refused = writer.commit().await.unwrap_err();
        assert_eq!((refused.code.as_str(), &refused.details.unwrap()["line"]), ("dataset/lines", &json!(3)));
        assert_eq!(seen(harness, "n").await, ["a:1", "b:2", "d:4"], "{mode:?}");
    }
    // A value that a line of the same transaction gives up is free.
    assert_eq!(write(harness, WriteMode::Upsert, &[("b", 7), ("h", 2)]).await.unwrap(), 2);
    assert_eq!(seen(harness, "n").await, ["a:1", "b:7", "d:4", "h:2"]);
}

#[tokio::test]
async fn a_transaction_that_an_account_has_no_room_for_writes_nothing() {
    room(&Harness::new().await).await;
}

async fn room(harness: &Harness) {
    make(harness, json!({})).await;
    let named = |prefix: &str| -> Vec<String> {
        (0..100).map(|n| format!("{prefix}, a long name, number {n:03}")).collect()
    };
    let (there, more) = (named("there"), named("more"));
    write(harness, WriteMode::Append, &ones(&there)).await.unwrap();
    let before = seen(harness, "n").await;
    let root = Caller { admin_mode: true, ..stranger() };
    let limit = async |bytes: i64| {
        let limits = json!({ "store_bytes": bytes });
        harness.json(&root, Method::POST, "/limits/organization/ville", limits).await.ok()
    };
    let used = limit(-1).await["store_bytes"]["consumption"].as_i64().unwrap();
    limit(used + used / 2).await;
    for mode in [WriteMode::Append, WriteMode::Upsert] {
        let refused = write(harness, mode, &ones(&more)).await.unwrap_err();
        assert_eq!(refused.code, "dataset/refused", "{mode:?}: {refused:?}");
        assert!(refused.message.contains("espace de stockage"), "{mode:?}: {refused:?}");
        assert_eq!(seen(harness, "n").await, before, "{mode:?}");
    }
    // Lines that take the place of others take no more room than these.
    assert_eq!(write(harness, WriteMode::Replace, &ones(&more)).await.unwrap(), 100);
    limit(-1).await;
    assert_eq!(write(harness, WriteMode::Append, &ones(&there)).await.unwrap(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_this_holds_on_postgresql() {
    let server = Server::start();
    extensions(&Harness::on_postgres(&server).await).await;
    let server = Server::start();
    uniqueness(&Harness::on_postgres(&server).await).await;
    let server = Server::start();
    room(&Harness::on_postgres(&server).await).await;
    let server = Server::start();
    cancellation(&Harness::on_postgres(&server).await).await;
}

/// A run that is cancelled drops its commit wherever it is.
#[tokio::test]
async fn a_commit_that_is_dropped_wrote_everything_or_nothing() {
    cancellation(&Harness::new().await).await;
}

async fn cancellation(harness: &Harness) {
    make(harness, json!({})).await;
    let (mut whole, mut before) = (0, 0);
    for polls in 0..200 {
        let mut writer = writer(harness, WriteMode::Append).await;
        let names: Vec<String> = (0..3).map(|n| format!("{polls:03}-{n}")).collect();
        let lines: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), polls)).collect();
        writer.add(&rows(&lines)).await.unwrap();
        let mut commit = Box::pin(writer.commit());
        let mut is_done = false;
        for _ in 0..polls {
            if futures::poll!(&mut commit).is_ready() {
                is_done = true;
                break;
            }
            // Whatever it waits for is on its way by then, so that each try gets further than the one before.
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        drop(commit);
        harness.run().await;
        let now = seen(harness, "n").await.len();
        assert!(now == before || now == before + 3, "{now} lines, {before} before {polls} polls");
        whole += u32::from(now > before);
        before = now;
        if is_done {
            assert!(whole > 0 && polls > 1);
            return;
        }
    }
    panic!("a commit takes more than 200 steps");
}
