//! Indexes that earlier versions wrote.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use halle_model::{Column, ColumnKind};
use halle_search::ast::TextView;
use halle_search::engine::{Index, LineFields, LinesRequest, UnionMember};
use halle_search::{IndexId, IndexSpec, Query, SearchEngine};
use halle_search_tantivy::{Config, TantivyEngine};

/// An index of format 1, of these lines: stems and words of a column are two fields of tantivy.
const LINES: [&str; 8] = [
    "La bibliothèque municipale",
    "des bibliothèques de Lyon",
    "une pêche",
    "un péché",
    "été à Lyon",
    "la voie lactée",
    "mairie de Lyon",
    "mairies Lyon",
];

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An engine in whose folder the old index is.
fn engine() -> (tempfile::TempDir, TantivyEngine) {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1"), dir.path());
    let engine = TantivyEngine::open(dir.path(), Config::default()).unwrap();
    (dir, engine)
}

async fn build(engine: &TantivyEngine, name: &str) {
    let spec = IndexSpec { columns: vec![Column::new("text", ColumnKind::Text)], editable: false };
    let texts = Arc::new(StringArray::from_iter_values(LINES)) as ArrayRef;
    let mut builder = engine.create(&IndexId(name.to_owned()), spec).await.unwrap();
    builder.add(RecordBatch::try_from_iter([("text", texts)]).unwrap()).await.unwrap();
    builder.finish().await.unwrap();
}

async fn lines(index: &dyn Index, query: Query) -> Vec<String> {
    let request = LinesRequest {
        query,
        sort: Vec::new(),
        select: vec!["text".to_owned()],
        fields: LineFields::default(),
        skip: 0,
        size: 100,
        after: None,
        count: true,
        collapse: None,
        highlight: Vec::new(),
    };
    let page = index.lines(request).await.unwrap();
    page.lines.iter().map(|line| String::from_utf8(line.to_vec()).unwrap()).collect()
}

fn questions() -> Vec<Query> {
    let columns = vec!["text".to_owned()];
    let mut all = Vec::new();
    for view in [TextView::Stemmed, TextView::Standard] {
        for word in
            ["bibliothèque", "bibliotheques", "pêche", "peche", "lacté", "lactee", "Lyon", "la", "mair"]
        {
            all.push(Query::Word { columns: columns.clone(), word: word.to_owned(), view });
        }
        for (words, slop) in [("mairie de Lyon", 0), ("mairies Lyon", 0), ("mairie Lyon", 1)] {
            all.push(Query::Phrase { columns: columns.clone(), words: words.to_owned(), slop, view });
        }
    }
    all.push(Query::WordPrefix { columns: columns.clone(), prefix: "la biblio".to_owned() });
    all.push(Query::FuzzyWord { columns, word: "lactées".to_owned(), distance: 1 });
    all
}

#[tokio::test]
async fn an_index_of_an_earlier_version_answers_as_one_of_today() {
    let (_dir, engine) = engine();
    build(&engine, "new").await;
    let old = engine.open(&IndexId("old".to_owned())).await.unwrap();
    let new = engine.open(&IndexId("new".to_owned())).await.unwrap();
    let member = |index: &str| UnionMember {
        index: IndexId(index.to_owned()),
        name: index.to_owned(),
        columns: vec!["text".to_owned()],
        filter: Query::All,
    };
    let both = engine.open_union(new.spec().clone(), vec![member("old"), member("new")]).await.unwrap();
    for query in questions() {
        let (mut found, mut expected) =
            (lines(&*old, query.clone()).await, lines(&*new, query.clone()).await);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query:?}");
        let mut twice: Vec<String> = expected.iter().flat_map(|line| [line.clone(), line.clone()]).collect();
        twice.sort_unstable();
        let mut of_union = lines(&*both, query.clone()).await;
        of_union.sort_unstable();
        assert_eq!(of_union, twice, "{query:?}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_known_is_refused_and_can_be_replaced() {
    let (dir, engine) = engine();
    drop(engine);
    let manifest = dir.path().join("iold/manifest.json");
    let text = fs::read_to_string(&manifest).unwrap().replace("\"format\":1", "\"format\":3");
    fs::write(&manifest, text).unwrap();
    let engine = TantivyEngine::open(dir.path(), Config::default()).unwrap();
    let refused = engine.open(&IndexId("old".to_owned())).await.err().unwrap();
    assert!(refused.to_string().contains("format 3, wanted 1 to 2"), "{refused}");
    build(&engine, "old").await;
    assert_eq!(engine.open(&IndexId("old".to_owned())).await.unwrap().rows(), 8);
}

#[tokio::test]
async fn damaged_stems_are_refused() {
    let (dir, engine) = engine();
    build(&engine, "new").await;
    drop(engine);
    let parts =
        fs::read_dir(dir.path().join("inew")).unwrap().map(|entry| entry.unwrap().path().join("stems"));
    let stems = parts.into_iter().find(|path| path.exists()).unwrap();
    let bytes = fs::read(&stems).unwrap();
    fs::write(&stems, &bytes[..bytes.len() / 2]).unwrap();
    let engine = TantivyEngine::open(dir.path(), Config::default()).unwrap();
    let refused = engine.open(&IndexId("new".to_owned())).await.err().unwrap();
    assert!(refused.to_string().contains("stems` is damaged; rebuild the index"), "{refused}");
}
