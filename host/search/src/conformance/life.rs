//! Creation, replacement, removal.

use futures::TryStreamExt as _;
use halle_model::ColumnKind;

use super::table::{Table, numbers};
use crate::engine::{ScanRequest, SearchEngine, SearchError};
use crate::{IndexId, Query};

fn id(name: &str) -> IndexId {
    IndexId(name.to_owned())
}

async fn exists(engine: &dyn SearchEngine, name: &str) -> bool {
    let listed = engine.list().await.expect("list").contains(&id(name));
    let opened = match engine.open(&id(name)).await {
        Ok(_) => true,
        Err(SearchError::NoIndex(_)) => false,
        Err(error) => panic!("{error}"),
    };
    assert_eq!(listed, opened, "{name}");
    opened
}

pub(super) async fn an_index_appears_when_it_is_whole(engine: &dyn SearchEngine) {
    let table = Table::of_texts(&["a", "b"]);
    let mut builder = engine.create(&id("life/new é"), table.spec()).await.expect("create");
    for batch in table.batches(1) {
        builder.add(batch).await.expect("add");
    }
    assert!(!exists(engine, "life/new é").await);
    builder.finish().await.expect("finish");
    assert!(exists(engine, "life/new é").await);
}

pub(super) async fn an_index_is_replaced_at_once(engine: &dyn SearchEngine) {
    let before = super::build(engine, "life-replaced", &Table::of_texts(&["a", "b"])).await;
    let table = Table::new(&[("other", ColumnKind::Integer)]).row(vec![1.into()]);
    let mut builder = engine.create(&id("life-replaced"), table.spec()).await.expect("create");
    builder.add(table.batches(9).remove(0)).await.expect("add");
    assert_eq!(engine.open(&id("life-replaced")).await.expect("open").rows(), 2, "not before it is whole");
    builder.finish().await.expect("finish");
    let after = engine.open(&id("life-replaced")).await.expect("open");
    assert_eq!((after.rows(), after.spec().columns[0].key.as_str()), (1, "other"));
    assert_eq!(numbers(&*before, Query::All).await, [1, 2], "who reads the old version goes on");
}

pub(super) async fn a_dropped_builder_leaves_nothing(engine: &dyn SearchEngine) {
    let table = Table::of_texts(&["a", "b", "c"]);
    for name in ["life-dropped", "life-kept"] {
        if name == "life-kept" {
            super::build(engine, name, &table).await;
        }
        let mut builder = engine.create(&id(name), table.spec()).await.expect("create");
        for batch in table.batches(1) {
            builder.add(batch).await.expect("add");
        }
        drop(builder);
    }
    assert!(!exists(engine, "life-dropped").await);
    assert_eq!(engine.open(&id("life-kept")).await.expect("open").rows(), 3);
}

pub(super) async fn removal_spares_readers(engine: &dyn SearchEngine) {
    let words: Vec<String> = (0..5_000).map(|number| format!("mot {number}")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let index = super::build(engine, "life-removed", &Table::of_texts(&words)).await;
    let scan =
        ScanRequest { query: Query::All, sort: Vec::new(), select: vec!["text".to_owned()], limit: None };
    let mut batches = index.scan(scan).await.expect("scan");
    let first = batches.try_next().await.expect("a batch").expect("a first batch");
    engine.remove(&id("life-removed")).await.expect("remove");
    assert!(!exists(engine, "life-removed").await);
    let mut rows = first.num_rows();
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 5_000);
    assert_eq!(index.rows(), 5_000);
    engine.remove(&id("life-removed")).await.expect("removing twice is no error");

    let again = super::build(engine, "life-removed", &Table::of_texts(&["neuf"])).await;
    assert_eq!(again.rows(), 1);
}

pub(super) async fn an_index_may_be_empty(engine: &dyn SearchEngine) {
    let index = super::build(engine, "life-empty", &Table::of_texts(&[])).await;
    assert_eq!(numbers(&*index, Query::All).await, Vec::<i64>::new());
    assert_eq!(index.bbox(Query::All).await.expect("bbox"), None);
    assert_eq!(index.summary().await.expect("summary").columns[0].cardinality, 0);
}
