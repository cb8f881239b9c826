//! Runs jobs: leases them one by one, keeps the lease, retries with back-off, stops when asked.
//!
//! **Invariant:** a job is settled (done, put back, failed) only by the worker that holds its lease; one whose lease was
//! lost is cancelled and forgotten, because another worker has it.
//!
//! **Invariant:** a handler that panics, hangs at the end of the process or takes the process down with it does not stop
//! the queue: leases end, attempts are counted when they start, and the last one gives the job up.

mod execution;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use halle_base::Clock;
use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{Job, Store, StoreResult};

/// How long a lease lasts when it is not prolonged: how long a job waits after its worker was killed.
pub const LEASE_SECONDS: i64 = 30;

/// Between two heartbeats, in seconds: how late a cancellation from another process is seen, and progress is told.
pub const HEARTBEAT_SECONDS: u64 = 2;

/// How long a handler may go on after the process was asked to stop, or its lease was lost, before it is dropped.
pub const STOP_GRACE_SECONDS: u64 = 10;

/// Wait before the second attempt, in seconds; doubled for each further one.
pub const BACKOFF_SECONDS_MIN: i64 = 1;

/// Longest wait between two attempts, in seconds.
pub const BACKOFF_SECONDS_MAX: i64 = 600;

/// Between two looks at the queue while it holds work, for what other processes did.
const POLL_BUSY: Duration = Duration::from_secs(1);

/// Between two looks at an empty queue.
const POLL_IDLE: Duration = Duration::from_secs(5);

/// How a job ended, when not well.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Try again later.
    #[error("{0}")]
    Retry(String),
    /// Trying again would not help.
    #[error("{0}")]
    GiveUp(String),
    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl JobError {
    /// An error that time may cure.
    pub fn retry(error: impl std::fmt::Display) -> Self {
        Self::Retry(error.to_string())
    }

    /// An error that time will not cure.
    pub fn give_up(error: impl std::fmt::Display) -> Self {
        Self::GiveUp(error.to_string())
    }
}

impl From<crate::StoreError> for JobError {
    fn from(error: crate::StoreError) -> Self {
        Self::retry(error)
    }
}

/// What a running job may use of its runner.
#[derive(Clone)]
pub struct JobContext {
    /// The job itself.
    pub job: Job,
    /// Cancelled when somebody asked to stop, when the lease was lost, or when the process stops. From the start, if
    /// somebody asked a worker that died: the handler then only tells its entity.
    pub cancel: CancellationToken,
    /// Told from 0 to 1; written at most once per heartbeat.
    pub progress: Arc<dyn Fn(f64) + Send + Sync>,
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").field("job", &self.job).finish_non_exhaustive()
    }
}

/// Does one kind of job. Any job may run twice: handlers are idempotent.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// Kinds of jobs it does.
    fn kinds(&self) -> &'static [&'static str];

    /// Does the job.
    async fn run(&self, context: JobContext) -> Result<(), JobError>;

    /// Called once when the runner has given the job up, so that the entity it was for can say so.
    async fn given_up(&self, job: &Job, error: &str);

    /// Attempts before giving up on [`JobError::Retry`].
    fn attempts_max(&self) -> i32 {
        5
    }
}

/// The runner of one process.
pub struct Runner {
    /// The queue.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Handlers of every feature.
    pub handlers: Vec<Arc<dyn JobHandler>>,
    /// Name of this worker, unique among living processes.
    pub worker: String,
    /// Jobs at a time.
    pub concurrency: usize,
}

impl Runner {
    /// Runs jobs until `cancel`; then gives handlers [`STOP_GRACE_SECONDS`] to return and their leases back.
    pub async fn run(self, cancel: CancellationToken) {
        let runner = Arc::new(self);
        let store = Arc::clone(&runner.store);
        let mut running = JoinSet::new();
        while !cancel.is_cancelled() {
            // Listening before looking: what is enqueued in between is not missed.
            let mut changed = std::pin::pin!(store.jobs_changed().notified());
            changed.as_mut().enable();
            runner.fill(&mut running, &cancel).await;
            let pause = if running.is_empty() { runner.pause().await } else { POLL_BUSY };
            tokio::select! {
                () = cancel.cancelled() => {}
                Some(_) = running.join_next() => {}
                () = changed, if running.len() < runner.concurrency => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Runs everything that is due, one after the other, until nothing is; jobs that they enqueue too. Number of
    /// executions. For tests and commands that must see the queue empty.
    pub async fn run_ready(&self) -> usize {
        let never = CancellationToken::new();
        let mut executions = 0;
        loop {
            match self.lease().await {
                Ok(Some(job)) => execution::execute(self, job, &never).await,
                Ok(None) => return executions,
                Err(error) => {
                    tracing::error!(%error, worker = %self.worker, "cannot lease a job");
                    return executions;
                }
            }
            executions += 1;
        }
    }

    /// Leases and starts jobs until every place is taken or nothing is due.
    async fn fill(self: &Arc<Self>, running: &mut JoinSet<()>, stop: &CancellationToken) {
        while running.len() < self.concurrency && !stop.is_cancelled() {
            match self.lease().await {
                Ok(Some(job)) => {
                    let (runner, stop) = (Arc::clone(self), stop.clone());
                    running.spawn(async move { execution::execute(&runner, job, &stop).await });
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, worker = %self.worker, "cannot lease a job");
                    return;
                }
            }
        }
    }

    async fn lease(&self) -> StoreResult<Option<Job>> {
        let lease = SignedDuration::from_secs(LEASE_SECONDS);
        let mut work = self.store.begin().await?;
        let job = work.jobs().lease(&self.worker, &self.kinds(), self.clock.now(), lease).await?;
        work.commit().await?;
        Ok(job)
    }

    /// How long to sleep when nothing runs here: until the next job is due, but never without a look for long.
    async fn pause(&self) -> Duration {
        let next = async { self.store.read().await?.jobs().next_due(&self.kinds()).await };
        match next.await {
            Ok(Some(at)) => {
                let wait = Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default();
                // Due but not leased: its key is busy elsewhere, or another worker has just taken it.
                if wait.is_zero() { POLL_BUSY } else { wait.min(POLL_BUSY) }
            }
            Ok(None) => POLL_IDLE,
            Err(_) => POLL_BUSY,
        }
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.handlers.iter().flat_map(|handler| handler.kinds().iter().copied()).collect()
    }

    fn handler(&self, kind: &str) -> Option<&Arc<dyn JobHandler>> {
        self.handlers.iter().find(|handler| handler.kinds().contains(&kind))
    }
}

/// Wait before the next attempt, after `attempts` of them.
fn backoff(attempts: i32) -> SignedDuration {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    SignedDuration::from_secs((BACKOFF_SECONDS_MIN << doublings).min(BACKOFF_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_ten_minutes() {
        let waits: Vec<i64> =
            [1, 2, 3, 4, 10, 11, 1_000].map(|attempts| backoff(attempts).as_secs()).to_vec();
        assert_eq!(waits, [1, 2, 4, 8, 512, 600, 600]);
    }
}
