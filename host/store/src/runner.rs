//! Runs jobs: leases them one by one, keeps the lease, retries with back-off, stops when asked.

use std::sync::Arc;

use async_trait::async_trait;
use halle_base::Clock;
use tokio_util::sync::CancellationToken;

use crate::{Job, Store};

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
    /// Cancelled when somebody asked to stop, when the lease was lost, or when the process stops.
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
