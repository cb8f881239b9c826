//! The suite of the port.

use halle_search::conformance;
use halle_search_tantivy::{Config, TantivyEngine};

/// An engine whose parts are as small as batches, so that every question meets several.
fn engine() -> (tempfile::TempDir, TantivyEngine) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { part_rows_max: 1_200, ..Config::default() };
    let engine = TantivyEngine::open(dir.path(), config).unwrap();
    (dir, engine)
}

macro_rules! suites {
    ($($suite:ident),+) => {
        $(
            #[tokio::test]
            async fn $suite() {
                let (_dir, engine) = engine();
                conformance::$suite(&engine).await;
            }
        )+
    };
}

suites!(pages, text, output, groups, life, edits, random, unions);
