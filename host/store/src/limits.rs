//! How the limits of an account are stored: under its key, departments having none of their own. And how work waits for more:
//! a job that its account's plugin seconds do not allow is put off until the next day, or until somebody raises the limit.

use halle_base::{AccountRef, Timestamp};
use halle_model::limits::Limits;
use jiff::SignedDuration;

use crate::{Entity, EntityExt, NewJob, StoreResult, UnitOfWork};

/// How long after a change of a limit work waits before it tries again, in seconds: a refusal may be remembered for a moment.
pub const RETRY_SECONDS: i64 = 2;

/// How long after a change a refusal may have been decided by what was before, in seconds.
const SETTLING_SECONDS: i64 = 10;

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
    // Whoever changes the limit at this moment wakes what waits before or after this work, not between.
    unit.documents().hold(Limits::COLLECTION, &key).await?;
    let changed_at = unit.load::<Limits>(&key).await?.map(|limits| limits.last_update);
    let settling = changed_at.is_some_and(|at| now.duration_since(at).as_secs() < SETTLING_SECONDS);
    let run_at = if settling { soon(now).min(until) } else { until };
    unit.jobs().enqueue(&NewJob { run_at, waits_for: Some(waits_for(&key)), ..job }).await?;
    Ok(run_at)
}

/// Lets the work start that was put off because the account had used up its plugin seconds: the limit is raised. Number of
/// jobs.
pub async fn wake(unit: &mut dyn UnitOfWork, account: &AccountRef, now: Timestamp) -> StoreResult<u64> {
    unit.jobs().wake(&waits_for(&root_key(account)), soon(now)).await
}

fn root_key(account: &AccountRef) -> String {
    AccountRef { department: None, ..account.clone() }.key()
}

fn waits_for(key: &str) -> String {
    format!("plugin_seconds/{key}")
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(RETRY_SECONDS)).unwrap_or(Timestamp::MAX)
}
