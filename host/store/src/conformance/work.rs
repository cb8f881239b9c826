//! Units of work, alone and side by side.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Map, json};

use super::{at, document, given, job, jobs_of, queued};
use crate::{Document, Filter, Key, LineRecord, Store, StoreError, StoreResult};

/// Longest wait for something that must happen; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn the_engine_answers(store: &Arc<dyn Store>) -> StoreResult<()> {
    store.check().await
}

pub(super) async fn a_dropped_work_changes_nothing(store: &Arc<dyn Store>) -> StoreResult<()> {
    let kept = document("dropped", "kept", vec![Key::unique("slug", "kept")], json!(1));
    given(&**store, std::slice::from_ref(&kept)).await?;
    let mut work = store.begin().await?;
    work.documents().put(&document("dropped", "new", vec![Key::unique("slug", "new")], json!(1))).await?;
    work.documents().delete("dropped", "kept").await?;
    work.logs().append("journal/dropped", at(0), &json!({}), 10).await?;
    let line = LineRecord { id: "l".to_owned(), i: 0, body: Map::new(), deleted: false };
    work.lines().put("dropped", &[line]).await?;
    work.jobs().enqueue(&job("dropped", "dropped/1")).await?;
    assert!(work.documents().get("dropped", "new").await?.is_some(), "a work sees what it wrote");
    drop(work);

    let mut read = store.read().await?;
    let left = read.documents().list("dropped", &Filter::all(10)).await?.results;
    assert_eq!(left, [Document { revision: 1, ..kept }]);
    assert_eq!(read.documents().find("dropped", "slug", "new").await?, None);
    assert_eq!(read.logs().latest("journal/dropped", 10).await?, []);
    assert_eq!(read.lines().count("dropped").await?, 0);
    assert_eq!(read.jobs().with_key("dropped/1").await?, []);
    Ok(())
}

pub(super) async fn a_reader_sees_one_moment(store: &Arc<dyn Store>) -> StoreResult<()> {
    given(&**store, &[document("moment", "a", vec![], json!(1))]).await?;
    let mut read = store.read().await?;
    assert!(read.documents().get("moment", "a").await?.is_some());
    let mut work = store.begin().await?;
    work.documents().delete("moment", "a").await?;
    work.documents().put(&document("moment", "b", vec![], json!(1))).await?;
    work.commit().await?;
    assert!(read.documents().get("moment", "a").await?.is_some());
    assert_eq!(read.documents().get("moment", "b").await?, None);
    drop(read);
    assert_eq!(store.read().await?.documents().get("moment", "a").await?, None);
    Ok(())
}

pub(super) async fn readers_do_not_wait_for_a_writer(store: &Arc<dyn Store>) -> StoreResult<()> {
    given(&**store, &[document("waiting", "a", vec![], json!("before"))]).await?;
    let mut work = store.begin().await?;
    let changed = Document { revision: 1, ..document("waiting", "a", vec![], json!("after")) };
    work.documents().put(&changed).await?;
    for _ in 0..20 {
        let mut read = store.read().await?;
        let seen = read.documents().get("waiting", "a").await?.map(|document| document.body);
        assert_eq!(seen, Some(json!("before")));
    }
    work.commit().await?;
    let seen = store.read().await?.documents().get("waiting", "a").await?.map(|document| document.body);
    assert_eq!(seen, Some(json!("after")));
    Ok(())
}

pub(super) async fn the_version_tells_of_commits(store: &Arc<dyn Store>) -> StoreResult<()> {
    let Some(before) = store.version().await? else { return Ok(()) };
    // A commit of an earlier case may be noticed once more, by the other way; then nothing happens any longer.
    tokio::time::sleep(Duration::from_millis(2 * crate::FOREIGN_COMMITS_MILLIS_MAX)).await;
    let quiet = store.version().await?;
    tokio::time::sleep(Duration::from_millis(2 * crate::FOREIGN_COMMITS_MILLIS_MAX)).await;
    assert_eq!(store.version().await?, quiet, "reading is no commit (at first: {before})");
    given(&**store, &[document("version", "a", vec![], json!(1))]).await?;
    assert_ne!(store.version().await?, quiet, "a commit of this process shows at once");
    Ok(())
}

/// Adds one to a counter and appends a record, in one work; again when another writer came first.
async fn increment(store: &dyn Store) -> StoreResult<()> {
    loop {
        let mut work = store.begin().await?;
        let Some(mut counter) = work.documents().get("counter", "c").await? else {
            return Err(StoreError::engine("the counter is gone"));
        };
        counter.body = json!(counter.body.as_i64().unwrap_or(0) + 1);
        match work.documents().put(&counter).await {
            Ok(_) => {}
            Err(StoreError::Stale { .. }) => continue,
            Err(error) => return Err(error),
        }
        work.logs().append("journal/counter", at(0), &counter.body, 1_000).await?;
        return work.commit().await;
    }
}

pub(super) async fn writers_side_by_side_lose_nothing(store: &Arc<dyn Store>) -> StoreResult<()> {
    given(&**store, &[document("counter", "c", vec![], json!(0))]).await?;
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(store);
        writers.spawn(async move {
            for _ in 0..10 {
                increment(&*store).await?;
            }
            StoreResult::Ok(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done.map_err(StoreError::engine)??;
    }
    let mut read = store.read().await?;
    let counter = read.documents().get("counter", "c").await?;
    assert_eq!(counter.map(|counter| (counter.body, counter.revision)), Some((json!(80), 81)));
    let log = read.logs().after("journal/counter", 0, 1_000).await?;
    let told: Vec<_> = log.iter().map(|record| (record.seq, record.body.as_i64())).collect();
    assert_eq!(told, (1..=80).map(|n| (n, Some(n))).collect::<Vec<_>>());
    Ok(())
}

pub(super) async fn workers_side_by_side_never_share_a_key(store: &Arc<dyn Store>) -> StoreResult<()> {
    let jobs: Vec<_> = (0..60).map(|n| job("shared", &format!("shared/{}", n % 3))).collect();
    queued(&**store, &jobs).await?;
    let busy = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::<String>::new()));
    let mut workers = tokio::task::JoinSet::new();
    for worker in 0..6 {
        let (store, busy) = (Arc::clone(store), Arc::clone(&busy));
        workers.spawn(async move { drain(&*store, &format!("w{worker}"), &busy).await });
    }
    let mut done = 0;
    while let Some(drained) = workers.join_next().await {
        done += drained.map_err(StoreError::engine)??;
    }
    // A worker that found every key busy went home; the others did its share.
    assert_eq!(done, 60);
    Ok(())
}

/// Leases and completes jobs until none can be leased. Number of jobs.
async fn drain(
    store: &dyn Store,
    worker: &str,
    busy: &std::sync::Mutex<std::collections::BTreeSet<String>>,
) -> StoreResult<usize> {
    let lock = || busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut done = 0;
    loop {
        let mut work = store.begin().await?;
        let leased = work.jobs().lease(worker, &["shared"], at(0), SignedDuration::from_mins(5)).await?;
        work.commit().await?;
        let Some(job) = leased else { return Ok(done) };
        assert!(lock().insert(job.key.clone()), "{} runs twice at the same time", job.key);
        tokio::task::yield_now().await;
        lock().remove(&job.key);
        let mut work = store.begin().await?;
        assert!(work.jobs().complete(job.id, worker).await?);
        work.commit().await?;
        done += 1;
    }
}

pub(super) async fn a_commit_wakes_workers(store: &Arc<dyn Store>) -> StoreResult<()> {
    let mut woken = std::pin::pin!(store.jobs_changed().notified());
    woken.as_mut().enable();
    let mut work = store.begin().await?;
    work.jobs().enqueue(&job("wakes", "wakes/1")).await?;
    let early = futures::poll!(woken.as_mut());
    assert!(early.is_pending(), "nothing is ready before the commit");
    work.commit().await?;
    tokio::time::timeout(PATIENCE, woken).await.map_err(StoreError::engine)?;
    assert_eq!(jobs_of(&**store, "wakes/1").await?.len(), 1);
    Ok(())
}

pub(super) async fn an_abandoned_call_frees_the_writer(store: &Arc<dyn Store>) -> StoreResult<()> {
    for n in 0..10 {
        let store = Arc::clone(store);
        let task = tokio::spawn(async move { append_until_abandoned(&*store).await });
        // Abandoned wherever it is: while it begins, or in the middle of a statement.
        tokio::time::sleep(Duration::from_millis(n)).await;
        task.abort();
    }
    let next = async {
        let mut work = store.begin().await?;
        assert_eq!(work.logs().append("journal/abandoned", at(0), &json!({}), 10).await?, 1);
        work.commit().await
    };
    tokio::time::timeout(PATIENCE, next).await.map_err(StoreError::engine)?
}

async fn append_until_abandoned(store: &dyn Store) -> StoreResult<()> {
    let mut work = store.begin().await?;
    loop {
        work.logs().append("journal/abandoned", at(0), &json!({}), 10).await?;
    }
}
