//! The queue, as a worker and as those who enqueue see it.

use std::time::Duration;

use halle_base::{AccountRef, Timestamp};
use jiff::SignedDuration;
use serde_json::json;

use super::{at, job, jobs_of, queued};
use crate::jobs::PAYLOAD_BYTES_MAX;
use crate::{Job, JobState, NewJob, Store, StoreResult, limits};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Leases one job for a minute.
async fn lease(
    store: &dyn Store,
    worker: &str,
    kind: &'static str,
    now: Timestamp,
) -> StoreResult<Option<Job>> {
    let mut work = store.begin().await?;
    let job = work.jobs().lease(worker, &[kind], now, MINUTE).await?;
    work.commit().await?;
    Ok(job)
}

async fn leased_id(
    store: &dyn Store,
    worker: &str,
    kind: &'static str,
    now: Timestamp,
) -> StoreResult<Option<i64>> {
    Ok(lease(store, worker, kind, now).await?.map(|job| job.id))
}

async fn complete(store: &dyn Store, id: i64, worker: &str) -> StoreResult<bool> {
    let mut work = store.begin().await?;
    let done = work.jobs().complete(id, worker).await?;
    work.commit().await?;
    Ok(done)
}

async fn fail(store: &dyn Store, id: i64, worker: &str, retry_at: Option<Timestamp>) -> StoreResult<bool> {
    let mut work = store.begin().await?;
    let done = work.jobs().fail(id, worker, "no luck", retry_at).await?;
    work.commit().await?;
    Ok(done)
}

pub(super) async fn the_oldest_due_job_is_leased_first(store: &dyn Store) -> StoreResult<()> {
    let late = NewJob { run_at: at(50), payload: json!({ "id": "x" }), ..job("oldest", "k/late") };
    let ids = queued(store, &[late, job("oldest", "k/first"), job("oldest", "k/second")]).await?;
    assert_eq!(store.read().await?.jobs().next_due(&["oldest"]).await?, Some(at(0)));
    assert_eq!(leased_id(store, "w", "oldest", at(10)).await?, Some(ids[1]));
    assert_eq!(leased_id(store, "w", "oldest", at(10)).await?, Some(ids[2]));
    assert_eq!(leased_id(store, "w", "oldest", at(10)).await?, None, "the third is not due");
    assert_eq!(store.read().await?.jobs().next_due(&["oldest"]).await?, Some(at(50)));

    let leased = lease(store, "w", "oldest", at(50)).await?;
    let expected = Job {
        id: ids[0],
        kind: "oldest".to_owned(),
        key: "k/late".to_owned(),
        payload: json!({ "id": "x" }),
        state: JobState::Running,
        attempts: 1,
        run_at: at(50),
        progress: None,
        cancel_requested: false,
        error: None,
        waits_for: None,
    };
    assert_eq!(leased, Some(expected));
    assert_eq!(store.read().await?.jobs().next_due(&["oldest"]).await?, None);
    Ok(())
}

pub(super) async fn only_kinds_that_are_asked_for(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("kind-a", "kinds/1"), job("kind-b", "kinds/2")]).await?;
    let mut work = store.begin().await?;
    let jobs = work.jobs();
    assert_eq!(jobs.lease("w", &[], at(0), MINUTE).await?, None);
    let both = jobs.lease("w", &["kind-b", "kind-c"], at(0), MINUTE).await?;
    assert_eq!(both.map(|job| job.id), Some(ids[1]));
    assert_eq!(jobs.lease("w", &["kind-b", "kind-c"], at(0), MINUTE).await?, None);
    assert_eq!(jobs.next_due(&[]).await?, None);
    work.commit().await
}

pub(super) async fn a_key_runs_one_job_at_a_time(store: &dyn Store) -> StoreResult<()> {
    let jobs = [job("exclusive", "d/1"), job("exclusive-2", "d/1"), job("exclusive", "d/2")];
    let ids = queued(store, &jobs).await?;
    assert_eq!(leased_id(store, "w1", "exclusive", at(1)).await?, Some(ids[0]));
    assert_eq!(leased_id(store, "w2", "exclusive-2", at(1)).await?, None, "another kind, the same key");
    assert_eq!(leased_id(store, "w2", "exclusive", at(1)).await?, Some(ids[2]), "another key");
    assert!(complete(store, ids[0], "w1").await?);
    assert_eq!(leased_id(store, "w2", "exclusive-2", at(1)).await?, Some(ids[1]));
    Ok(())
}

pub(super) async fn an_expired_lease_is_due_again(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("expires", "expires/1")]).await?;
    assert_eq!(leased_id(store, "w1", "expires", at(0)).await?, Some(ids[0]));
    assert_eq!(leased_id(store, "w2", "expires", at(59)).await?, None);

    let mut work = store.begin().await?;
    assert_eq!(work.jobs().heartbeat(ids[0], "w1", at(120), None).await?, Some(false));
    work.commit().await?;
    assert_eq!(leased_id(store, "w2", "expires", at(61)).await?, None, "the lease was prolonged");

    let again = lease(store, "w2", "expires", at(120)).await?;
    assert_eq!(again.map(|job| (job.id, job.attempts)), Some((ids[0], 2)));
    let mut work = store.begin().await?;
    assert_eq!(work.jobs().heartbeat(ids[0], "w1", at(999), None).await?, None, "the first worker lost it");
    assert_eq!(work.jobs().heartbeat(ids[0], "w2", at(999), None).await?, Some(false));
    work.commit().await
}

pub(super) async fn an_expired_job_still_holds_its_key(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("holds", "holds/1"), job("holds-2", "holds/1")]).await?;
    assert_eq!(leased_id(store, "w1", "holds", at(0)).await?, Some(ids[0]));
    assert_eq!(
        leased_id(store, "w2", "holds-2", at(500)).await?,
        None,
        "the first worker may be slow rather than dead"
    );
    assert_eq!(leased_id(store, "w2", "holds", at(500)).await?, Some(ids[0]));
    assert!(complete(store, ids[0], "w2").await?);
    assert_eq!(leased_id(store, "w2", "holds-2", at(500)).await?, Some(ids[1]));
    Ok(())
}

pub(super) async fn only_the_holder_of_the_lease_settles(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("holder", "holder/1")]).await?;
    assert!(!complete(store, ids[0], "w1").await?, "nobody has leased it");
    assert_eq!(leased_id(store, "w1", "holder", at(0)).await?, Some(ids[0]));
    assert!(!complete(store, ids[0], "w2").await?);
    assert!(!fail(store, ids[0], "w2", None).await?);
    let mut work = store.begin().await?;
    assert!(!work.jobs().release(ids[0], "w2", at(0)).await?);
    drop(work);
    assert!(complete(store, ids[0], "w1").await?);
    assert!(!complete(store, ids[0], "w1").await?, "it is gone");
    assert_eq!(jobs_of(store, "holder/1").await?, []);
    Ok(())
}

pub(super) async fn identical_ready_jobs_are_one(store: &dyn Store) -> StoreResult<()> {
    let wanted = NewJob { deduplicate: true, ..job("dedup", "dedup/1") };
    let other_key = NewJob { key: "dedup/2".to_owned(), ..wanted.clone() };
    let ids = queued(store, &[wanted.clone(), wanted.clone(), other_key, job("dedup", "dedup/1")]).await?;
    assert_eq!(ids[0], ids[1]);
    assert!(ids[2] != ids[0] && ids[3] != ids[0], "another key, or no deduplication: {ids:?}");

    let mut work = store.begin().await?;
    work.jobs().cancel("dedup/1").await?;
    work.commit().await?;
    let first = queued(store, std::slice::from_ref(&wanted)).await?[0];
    assert_eq!(leased_id(store, "w", "dedup", at(0)).await?, Some(ids[2]));
    assert_eq!(leased_id(store, "w", "dedup", at(0)).await?, Some(first));
    let second = queued(store, &[wanted]).await?[0];
    assert_ne!(first, second, "a running job may have read what was true before");
    Ok(())
}

pub(super) async fn a_deduplicated_job_starts_as_early_as_asked(store: &dyn Store) -> StoreResult<()> {
    let later = NewJob { deduplicate: true, run_at: at(600), ..job("earlier", "earlier/1") };
    let sooner = NewJob { run_at: at(5), ..later.clone() };
    let ids = queued(store, &[later.clone(), sooner, later]).await?;
    assert_eq!((ids[0], ids[0]), (ids[1], ids[2]));
    assert_eq!(jobs_of(store, "earlier/1").await?[0].run_at, at(5));
    Ok(())
}

pub(super) async fn what_waits_for_something_is_woken(store: &dyn Store) -> StoreResult<()> {
    let waiting = |key: &str, seconds: i64, what: &str| {
        let waits_for = Some(what.to_owned());
        NewJob { run_at: at(seconds), waits_for, deduplicate: true, ..job("waits", key) }
    };
    let unnamed = NewJob { waits_for: None, ..waiting("waits/2", 600, "") };
    let late = NewJob { run_at: at(700), ..waiting("waits/2", 600, "sun") };
    let jobs = [
        waiting("waits/1", 600, "sun"),
        unnamed,
        late,
        waiting("waits/3", 600, "rain"),
        waiting("waits/4", 3, "sun"),
    ];
    queued(store, &jobs).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.jobs().awaited("", 9).await?, ["rain", "sun"], "each once");
    assert_eq!(work.jobs().awaited("rain", 9).await?, ["sun"]);
    assert_eq!(work.jobs().awaited("", 1).await?, ["rain"]);
    assert_eq!(work.jobs().wake("sun", at(5)).await?, 2);
    assert_eq!(work.jobs().wake("sun", at(1)).await?, 1, "a second time, only what was not woken");
    work.commit().await?;
    let mut times = Vec::new();
    for key in ["waits/1", "waits/2", "waits/3", "waits/4"] {
        times.push(jobs_of(store, key).await?[0].run_at);
    }
    assert_eq!(times, [at(5), at(5), at(600), at(1)]);
    let mut work = store.begin().await?;
    for key in ["waits/1", "waits/2", "waits/3", "waits/4"] {
        work.jobs().cancel(key).await?;
    }
    work.commit().await
}

pub(super) async fn what_is_put_off_while_a_first_limit_is_set_is_woken(
    store: &dyn Store,
) -> StoreResult<()> {
    let account = AccountRef::organization("rain", "Rain");
    let mut first = store.begin().await?;
    limits::put_off(first.as_mut(), job("waits", "waits/5"), &account, at(600), at(0)).await?;
    let put_off = async {
        // Time for who sets the limit to come first, if nothing made them wait.
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.commit().await
    };
    let set_limit = async {
        let mut second = store.begin().await?;
        limits::claim(second.as_mut(), &account).await?;
        limits::wake(second.as_mut(), &account, at(0)).await?;
        second.commit().await
    };
    let (put_off, set_limit) = tokio::join!(put_off, set_limit);
    put_off.and(set_limit)?;
    assert_eq!(jobs_of(store, "waits/5").await?[0].run_at, at(limits::RETRY_SECONDS));
    let mut work = store.begin().await?;
    assert_eq!(limits::put_off_until(work.as_mut(), "waits", "waits/5", at(0)).await?, None, "it was woken");
    limits::put_off(work.as_mut(), job("waits", "waits/6"), &account, at(600), at(0)).await?;
    let until = limits::put_off_until(work.as_mut(), "waits", "waits/6", at(0)).await?;
    assert_eq!(until, Some(at(600)));
    assert_eq!(limits::put_off_until(work.as_mut(), "waits", "waits/6", at(600)).await?, None, "it is due");
    work.jobs().cancel("waits/6").await?;
    work.jobs().cancel("waits/5").await?;
    work.commit().await
}

pub(super) async fn failed_jobs_stay_until_their_next_chance(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("fails", "fails/1")]).await?;
    assert_eq!(leased_id(store, "w", "fails", at(0)).await?, Some(ids[0]));
    assert!(fail(store, ids[0], "w", Some(at(30))).await?);
    assert_eq!(leased_id(store, "w", "fails", at(29)).await?, None, "not before its time");
    let again = lease(store, "w", "fails", at(30)).await?;
    assert_eq!(again.map(|job| (job.attempts, job.error)), Some((2, Some("no luck".to_owned()))));
    assert!(fail(store, ids[0], "w", None).await?);

    assert_eq!(leased_id(store, "w", "fails", at(9_999)).await?, None);
    let kept = jobs_of(store, "fails/1").await?;
    assert_eq!(kept.iter().map(|job| (job.id, job.state)).collect::<Vec<_>>(), [(ids[0], JobState::Failed)]);
    assert_eq!(kept[0].error.as_deref(), Some("no luck"));

    let next = queued(store, &[job("fails", "fails/1")]).await?[0];
    assert_eq!(jobs_of(store, "fails/1").await?.iter().map(|job| job.id).collect::<Vec<_>>(), [next]);
    assert_eq!(
        leased_id(store, "w", "fails", at(0)).await?,
        Some(next),
        "a failed job does not hold its key"
    );
    Ok(())
}

pub(super) async fn a_released_job_keeps_its_attempts(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("released", "released/1")]).await?;
    for _ in 0..3 {
        let leased = lease(store, "w", "released", at(0)).await?;
        assert_eq!(leased.map(|job| job.attempts), Some(1));
        let mut work = store.begin().await?;
        assert!(work.jobs().release(ids[0], "w", at(0)).await?);
        work.commit().await?;
    }
    assert_eq!(jobs_of(store, "released/1").await?[0].state, JobState::Ready);
    Ok(())
}

pub(super) async fn cancel_removes_ready_and_tells_running_jobs(store: &dyn Store) -> StoreResult<()> {
    let jobs = [job("cancel", "cancel/1"), job("cancel-2", "cancel/1"), job("cancel", "cancel/2")];
    let ids = queued(store, &jobs).await?;
    assert_eq!(leased_id(store, "w", "cancel", at(0)).await?, Some(ids[0]));
    let mut work = store.begin().await?;
    assert_eq!(work.jobs().cancel("cancel/1").await?, 2);
    assert_eq!(work.jobs().cancel("cancel/none").await?, 0);
    work.commit().await?;

    let left = jobs_of(store, "cancel/1").await?;
    assert_eq!(left.iter().map(|job| (job.id, job.cancel_requested)).collect::<Vec<_>>(), [(ids[0], true)]);
    assert_eq!(jobs_of(store, "cancel/2").await?.len(), 1, "another key is untouched");
    let mut work = store.begin().await?;
    assert_eq!(work.jobs().heartbeat(ids[0], "w", at(90), None).await?, Some(true));
    Ok(())
}

pub(super) async fn progress_is_kept(store: &dyn Store) -> StoreResult<()> {
    let ids = queued(store, &[job("progress", "progress/1")]).await?;
    assert_eq!(leased_id(store, "w", "progress", at(0)).await?, Some(ids[0]));
    for (told, seen) in [(None, None), (Some(0.25), Some(0.25)), (None, Some(0.25))] {
        let mut work = store.begin().await?;
        work.jobs().heartbeat(ids[0], "w", at(60), told).await?;
        work.commit().await?;
        assert_eq!(jobs_of(store, "progress/1").await?[0].progress, seen);
    }
    Ok(())
}

pub(super) async fn a_large_payload_is_refused(store: &dyn Store) -> StoreResult<()> {
    let large = NewJob { payload: json!("x".repeat(PAYLOAD_BYTES_MAX)), ..job("large", "large/1") };
    let refused = queued(store, &[large]).await;
    assert!(
        refused.as_ref().is_err_and(|error| error.to_string().contains("identifiers only")),
        "{refused:?}"
    );
    assert_eq!(jobs_of(store, "large/1").await?, []);
    Ok(())
}
