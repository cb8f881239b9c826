//! SQLite.

use std::sync::Arc;

use halle_base::ManualClock;
use halle_store::{LineRecord, Store, conformance};
use halle_store_sql::SqlStore;
use serde_json::Map;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_conforms() {
    let store: Arc<dyn Store> = Arc::new(SqlStore::sqlite_temporary().await.unwrap());
    conformance::documents(&*store).await;
    conformance::lists(&*store).await;
    conformance::logs(&*store).await;
    conformance::lines(&*store).await;
    conformance::revisions(&*store).await;
    conformance::usage(&*store).await;
    conformance::jobs(&*store).await;
    conformance::units_of_work(store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runner_works_on_sqlite() {
    conformance::runner(Arc::new(SqlStore::sqlite_temporary().await.unwrap())).await;
}

#[tokio::test]
async fn a_database_is_opened_again_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("halle.sqlite");
    for expected in 1..=3 {
        let store = SqlStore::sqlite(&path).await.unwrap();
        store.check().await.unwrap();
        let mut work = store.begin().await.unwrap();
        let seq = work.logs().append("journal/d", halle_base::Timestamp::UNIX_EPOCH, &true.into(), 9).await;
        work.commit().await.unwrap();
        assert_eq!(seq.unwrap(), expected);
        store.close().await;
    }
}

#[tokio::test]
async fn lines_are_numbered_by_the_clock_and_never_go_back_with_it() {
    let clock = Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let store = SqlStore::sqlite_temporary().await.unwrap().with_clock(Arc::<ManualClock>::clone(&clock));
    let line = LineRecord { id: "a".to_owned(), i: 0, body: Map::new(), deleted: false };
    let mut work = store.begin().await.unwrap();
    let mut numbers = vec![work.lines().put("d", std::slice::from_ref(&line)).await.unwrap()];
    for advance in [0, -3_600, 7_200] {
        clock.advance(jiff::SignedDuration::from_secs(advance));
        numbers.push(work.lines().put("d", std::slice::from_ref(&line)).await.unwrap());
    }
    let start = 1_767_225_600_000_000;
    assert_eq!(numbers, [start, start + 1, start + 2, start + 3_600_000_000]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halle.sqlite");
    std::fs::write(&path, "certainly not a database, but long enough to look at".repeat(40)).unwrap();
    let error = SqlStore::sqlite(&path).await.unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn commits_of_another_process_are_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("halle.sqlite");
    // Two stores share nothing but the file, as two processes do.
    let (server, command_line) =
        (SqlStore::sqlite(&path).await.unwrap(), SqlStore::sqlite(&path).await.unwrap());
    let before = server.version().await.unwrap();
    let mut work = command_line.begin().await.unwrap();
    work.logs().append("journal/d", halle_base::Timestamp::UNIX_EPOCH, &true.into(), 9).await.unwrap();
    work.commit().await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(halle_store::FOREIGN_COMMITS_MILLIS_MAX)).await;
    assert_ne!(server.version().await.unwrap(), before);
    server.close().await;
    command_line.close().await;
}
