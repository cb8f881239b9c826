//! How the limits of an account are stored: under its key, departments having none of their own. And how work waits for more:
//! a job that its account's plugin seconds do not allow is put off until the next day, or until somebody raises the limit.

use halle_base::{AccountRef, Timestamp};
use halle_model::limits::Limits;
use jiff::SignedDuration;

use crate::{Entity, EntityExt, Job, JobState, NewJob, StoreResult, UnitOfWork};

/// How long after a change of a limit work waits before it tries again, in seconds: a refusal may be remembered for a moment.
pub const RETRY_SECONDS: i64 = 2;

/// How long after a change a refusal may have been decided by what was before, in seconds.
const SETTLING_SECONDS: i64 = 10;

/// Begins the names by which jobs wait for plugin seconds; the key of the account follows.
const PREFIX: &str = "plugin_seconds/";

impl Entity for Limits {
    const COLLECTION: &'static str = "limits";

    fn id(&self) -> &str {
        &self.key
    }

    fn owner(&self) -> Option<&AccountRef> {
        Some(&self.account)
    }

    fn title(&self) -> &str {
        &self.account.name
    }
}

/// Enqueues a job whose account has used up its plugin seconds, to start at `until`, or soon after the limit is raised.
/// When it starts: before `until` when the limit has just been changed, and the refusal may have come before.
pub async fn put_off(
    unit: &mut dyn UnitOfWork,
    job: NewJob,
    account: &AccountRef,
    until: Timestamp,
    now: Timestamp,
) -> StoreResult<Timestamp> {
    let key = root_key(account);
    claim(unit, account).await?;
    let changed_at = unit.load::<Limits>(&key).await?.map(|limits| limits.last_update);
    let settling = changed_at.is_some_and(|at| now.duration_since(at).as_secs() < SETTLING_SECONDS);
    let run_at = if settling { soon(now).min(until) } else { until };
    unit.jobs().enqueue(&NewJob { run_at, waits_for: Some(waits_for(&key)), ..job }).await?;
    Ok(run_at)
}

/// Until when the job of this kind and key waits for plugin seconds; `None` when there is none, or when it is about to start.
pub async fn put_off_until(
    unit: &mut dyn UnitOfWork,
    kind: &str,
    key: &str,
    now: Timestamp,
) -> StoreResult<Option<Timestamp>> {
    let is_put_off = |job: &Job| {
        let waits = job.waits_for.as_deref().is_some_and(|name| name.starts_with(PREFIX));
        waits && job.kind == kind && job.state == JobState::Ready && job.run_at > soon(now)
    };
    let jobs = unit.jobs().with_key(key).await?;
    Ok(jobs.into_iter().find(is_put_off).map(|job| job.run_at))
}

/// Makes whoever puts off work of this account, or changes its limit, wait until this work ends: a limit is raised before or after
/// a job is put off, never between. A lock of the stored limit would not do: where none was ever set there is no row to lock, and
/// the first limit would wake what is there without the job that is put off at the same instant, which would then wait until
/// tomorrow.
pub async fn claim(unit: &mut dyn UnitOfWork, account: &AccountRef) -> StoreResult<()> {
    unit.documents().claim(Limits::COLLECTION, &root_key(account)).await
}

/// Keys of accounts whose work waits for plugin seconds, in order and after `after`; `limit` at most.
pub async fn waiting(unit: &mut dyn UnitOfWork, after: &str, limit: u32) -> StoreResult<Vec<String>> {
    let awaited = unit.jobs().awaited(&waits_for(after), limit).await?;
    Ok(awaited.iter().filter_map(|name| name.strip_prefix(PREFIX)).map(str::to_owned).collect())
}

/// The same as [`wake`], for the account of this key.
pub async fn wake_key(unit: &mut dyn UnitOfWork, key: &str, now: Timestamp) -> StoreResult<u64> {
    unit.jobs().wake(&waits_for(key), soon(now)).await
}

/// Lets the work start that was put off because the account had used up its plugin seconds: the limit is raised. Number of
/// jobs.
pub async fn wake(unit: &mut dyn UnitOfWork, account: &AccountRef, now: Timestamp) -> StoreResult<u64> {
    wake_key(unit, &root_key(account), now).await
}

fn root_key(account: &AccountRef) -> String {
    AccountRef { department: None, ..account.clone() }.key()
}

fn waits_for(key: &str) -> String {
    format!("{PREFIX}{key}")
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(RETRY_SECONDS)).unwrap_or(Timestamp::MAX)
}
