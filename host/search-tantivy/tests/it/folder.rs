//! What is on disk, and what a crash leaves there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use halle_model::{Column, ColumnKind};
use halle_search::engine::LinesRequest;
use halle_search::{IndexId, IndexSpec, Query, SearchEngine, SearchError};
use halle_search_tantivy::{Config, TantivyEngine};

fn open(dir: &Path) -> TantivyEngine {
    TantivyEngine::open(dir, Config::default()).unwrap()
}

async fn build(engine: &TantivyEngine, name: &str, rows: usize) {
    let spec = IndexSpec { columns: vec![Column::new("text", ColumnKind::Text)], editable: false };
    let texts: StringArray = (0..rows).map(|row| Some(format!("ligne {row}"))).collect();
    let batch = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let mut builder = engine.create(&IndexId(name.to_owned()), spec).await.unwrap();
    builder.add(batch).await.unwrap();
    builder.finish().await.unwrap();
}

/// Files and folders below `dir`, at any depth.
fn entries(dir: &Path) -> usize {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| 1 + if path.is_dir() { entries(&path) } else { 0 })
        .sum()
}

fn index_dir(dir: &Path) -> std::path::PathBuf {
    let dirs = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    dirs.into_iter().find(|path| path.is_dir()).unwrap()
}

#[tokio::test]
async fn an_index_outlives_the_process_and_leftovers_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    build(&engine, "kept", 2_000).await;
    drop(engine);
    let before = entries(dir.path());

    // What a crash leaves: a part that no manifest names, a manifest not yet in place, an index never finished.
    let index = index_dir(dir.path());
    fs::create_dir_all(index.join("part-000000000099/words")).unwrap();
    fs::write(index.join("part-000000000099/columns"), b"half").unwrap();
    fs::write(index.join("manifest.next"), b"{").unwrap();
    fs::create_dir_all(dir.path().join("iunfinished/part-000000000001")).unwrap();

    let engine = open(dir.path());
    assert_eq!(entries(dir.path()), before);
    assert_eq!(engine.list().await.unwrap(), [IndexId("kept".to_owned())]);
    assert_eq!(engine.open(&IndexId("kept".to_owned())).await.unwrap().rows(), 2_000);
}

#[tokio::test]
async fn replacing_and_removing_leave_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let empty = entries(dir.path());
    build(&engine, "a", 10).await;
    let one = entries(dir.path());
    build(&engine, "a", 20).await;
    assert_eq!(entries(dir.path()), one, "the old version is gone");
    let reader = engine.open(&IndexId("a".to_owned())).await.unwrap();
    engine.remove(&IndexId("a".to_owned())).await.unwrap();
    drop(reader);
    assert_eq!(entries(dir.path()), empty);
}

#[tokio::test]
async fn a_folder_serves_one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let refused = TantivyEngine::open(dir.path(), Config::default()).unwrap_err();
    assert!(refused.to_string().contains("another process"), "{refused}");
    drop(engine);
    open(dir.path());
}

#[tokio::test]
async fn a_damaged_part_is_refused_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    build(&engine, "a", 10).await;
    drop(engine);
    let part = index_dir(&index_dir(dir.path()));
    let columns = part.join("columns");
    let bytes = fs::read(&columns).unwrap();
    fs::write(&columns, &bytes[..bytes.len() - 10]).unwrap();
    let refused = open(dir.path()).open(&IndexId("a".to_owned())).await.err().unwrap();
    assert!(refused.to_string().contains("columns` is damaged"), "{refused}");
}

#[tokio::test]
async fn a_question_without_time_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { question_ms_max: 0, ..Config::default() };
    let engine = TantivyEngine::open(dir.path(), config).unwrap();
    build(&engine, "a", 10).await;
    let index = engine.open(&IndexId("a".to_owned())).await.unwrap();
    let request = LinesRequest {
        query: Query::All,
        sort: Vec::new(),
        select: Vec::new(),
        fields: Default::default(),
        skip: 0,
        size: 1,
        after: None,
        count: true,
        collapse: None,
        highlight: Vec::new(),
    };
    let stopped = index.lines(request).await.unwrap_err();
    assert!(matches!(stopped, SearchError::TooLong), "{stopped}");
}

fn edited(ids: &[&str], from: i64) -> RecordBatch {
    let lines: Int64Array = (from..).take(ids.len()).map(Some).collect();
    let ids: StringArray = ids.iter().map(|id| Some(*id)).collect();
    RecordBatch::try_from_iter([
        ("_id", Arc::new(ids.clone()) as ArrayRef),
        ("_i", Arc::new(lines) as ArrayRef),
        ("text", Arc::new(ids) as ArrayRef),
    ])
    .unwrap()
}

async fn editable(engine: &TantivyEngine, ids: &[&str]) -> IndexId {
    let columns = [("_id", ColumnKind::Text), ("_i", ColumnKind::Integer), ("text", ColumnKind::Text)];
    let columns = columns.iter().map(|(key, kind)| Column::new(*key, *kind)).collect();
    let id = IndexId("edited".to_owned());
    let mut builder = engine.create(&id, IndexSpec { columns, editable: true }).await.unwrap();
    builder.add(edited(ids, 1)).await.unwrap();
    builder.finish().await.unwrap();
    id
}

async fn change(engine: &TantivyEngine, id: &IndexId, removed: &[&str], added: Option<RecordBatch>) {
    let removed = removed.iter().map(|id| (*id).to_owned()).collect();
    engine.open(id).await.unwrap().apply(removed, added).await.unwrap();
}

/// Which of these lines there are.
async fn found<'i>(engine: &TantivyEngine, id: &IndexId, ids: &[&'i str]) -> Vec<&'i str> {
    let index = engine.open(id).await.unwrap();
    let mut found = Vec::new();
    for line in ids {
        if index.line(line).await.unwrap().is_some() {
            found.push(*line);
        }
    }
    found
}

#[tokio::test]
async fn changes_outlive_the_process_once_they_are_persisted() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let id = editable(&engine, &["a", "b", "c"]).await;
    change(&engine, &id, &["a"], Some(edited(&["d"], 4))).await;
    engine.open(&id).await.unwrap().persist().await.unwrap();
    assert_eq!(found(&engine, &id, &["a", "b", "c", "d"]).await, ["b", "c", "d"]);
    // These are lost, all of them: the files of lines that were persisted and removed since are still there.
    change(&engine, &id, &["b", "c"], Some(edited(&["e"], 5))).await;
    change(&engine, &id, &["d"], Some(edited(&["f"], 6))).await;
    assert_eq!(found(&engine, &id, &["b", "c", "d", "e", "f"]).await, ["e", "f"]);
    drop(engine);

    let engine = open(dir.path());
    assert_eq!(found(&engine, &id, &["a", "b", "c", "d", "e", "f"]).await, ["b", "c", "d"]);
    change(&engine, &id, &["b", "c", "d"], None).await;
    engine.open(&id).await.unwrap().persist().await.unwrap();
    drop(engine);
    let engine = open(dir.path());
    assert_eq!(engine.open(&id).await.unwrap().rows(), 0);
}

#[tokio::test]
async fn what_is_persisted_again_and_again_leaves_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let id = editable(&engine, &["a"]).await;
    let one = entries(dir.path());
    for number in 2..40 {
        change(&engine, &id, &["a"], Some(edited(&["a"], number))).await;
        if number % 3 == 0 {
            engine.open(&id).await.unwrap().persist().await.unwrap();
            // Nobody has the version before: its files are gone.
            assert_eq!(entries(dir.path()), one, "change {number}");
        }
    }
    let large: Vec<String> = (0..6_000).map(|number| format!("line {number}")).collect();
    let large: Vec<&str> = large.iter().map(String::as_str).collect();
    change(&engine, &id, &["a"], Some(edited(&large, 100))).await;
    change(&engine, &id, &large[1..], None).await;
    engine.open(&id).await.unwrap().persist().await.unwrap();
    assert_eq!(found(&engine, &id, &["a", large[0], large[1], large[5_999]]).await, [large[0]]);
    engine.remove(&id).await.unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "only the lock is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_go_on_while_others_are_persisted() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let id = editable(&engine, &["first"]).await;
    let names: Vec<String> = (0..200).map(|number| format!("n{number}")).collect();
    let persisting = tokio::spawn({
        let (engine, id) = (engine.clone(), id.clone());
        async move {
            for _ in 0..20 {
                engine.open(&id).await.unwrap().persist().await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    for (number, name) in (2..).zip(&names) {
        let gone = if number % 5 == 0 { vec![names[number as usize - 3].as_str()] } else { Vec::new() };
        change(&engine, &id, &gone, Some(edited(&[name], number))).await;
    }
    persisting.await.unwrap();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let before = found(&engine, &id, &all).await;
    assert_eq!(before.len(), 200 - 40);
    engine.open(&id).await.unwrap().persist().await.unwrap();
    drop(engine);
    assert_eq!(found(&open(dir.path()), &id, &all).await, before);
}

#[tokio::test]
async fn what_the_manifest_names_is_not_written_a_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let engine = open(dir.path());
    let id = editable(&engine, &["a", "b", "c"]).await;
    change(&engine, &id, &["a"], None).await;
    engine.open(&id).await.unwrap().persist().await.unwrap();
    drop(engine);
    let deleted = |dir: &Path| {
        let names = fs::read_dir(index_dir(&index_dir(dir))).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).find(|name| name.starts_with("deleted-")).unwrap()
    };
    let before = deleted(dir.path());

    let engine = open(dir.path());
    change(&engine, &id, &["b"], None).await;
    engine.open(&id).await.unwrap().persist().await.unwrap();
    assert_ne!(deleted(dir.path()), before);
    assert_eq!(found(&engine, &id, &["a", "b", "c"]).await, ["c"]);
}
