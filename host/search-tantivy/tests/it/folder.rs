//! What is on disk, and what a crash leaves there.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
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
