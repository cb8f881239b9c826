//! The queue: work that must happen, written with the change that needs it.

use async_trait::async_trait;
use halle_base::Timestamp;
use jiff::SignedDuration;
use serde_json::Value;

use crate::StoreResult;

/// Bytes of the payload of one job, as JSON.
pub const PAYLOAD_BYTES_MAX: usize = 4 << 10;

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waiting for its time, or for its key to be free.
    Ready,
    /// Leased by a worker.
    Running,
    /// Given up; kept for a person to look at.
    Failed,
}

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What to do: the name of a handler.
    pub kind: &'static str,
    /// Jobs with the same key never run at the same time; by convention `collection/id`.
    pub key: String,
    /// Identifiers only: a job reads what is true when it runs. At most [`PAYLOAD_BYTES_MAX`].
    pub payload: Value,
    /// Earliest start.
    pub run_at: Timestamp,
    /// Whether an identical ready job (same kind and key) makes this one superfluous.
    pub deduplicate: bool,
    /// What would let it start earlier, for [`JobRepository::wake`].
    pub waits_for: Option<String>,
}

impl NewJob {
    /// A job to run as soon as its key is free, deduplicated.
    pub fn now(kind: &'static str, key: impl Into<String>, payload: Value, now: Timestamp) -> Self {
        Self { kind, key: key.into(), payload, run_at: now, deduplicate: true, waits_for: None }
    }
}

/// A job in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Number, in order of enqueueing.
    pub id: i64,
    /// Name of its handler.
    pub kind: String,
    /// Mutual exclusion.
    pub key: String,
    /// Identifiers it needs.
    pub payload: Value,
    /// How it stands.
    pub state: JobState,
    /// Leases so far, this one included.
    pub attempts: i32,
    /// Earliest start.
    pub run_at: Timestamp,
    /// Progress from 0 to 1, if the handler reports it.
    pub progress: Option<f64>,
    /// Whether somebody asked it to stop.
    pub cancel_requested: bool,
    /// Why it failed last.
    pub error: Option<String>,
    /// What would let it start earlier, as it was enqueued.
    pub waits_for: Option<String>,
}

/// The queue, seen from inside a unit of work.
#[async_trait]
pub trait JobRepository: Send {
    /// Enqueues a job. Returns its number, or that of the ready job that makes it superfluous, which then starts no
    /// later than this one would have. A failed job of the same kind and key is forgotten: this is its new chance.
    async fn enqueue(&mut self, job: &NewJob) -> StoreResult<i64>;

    /// Takes the oldest due job of one of `kinds` whose key is free, until `now + lease`. A running job whose lease has
    /// ended counts as due: its worker died. Until it is leased again or settled, it still holds its key.
    async fn lease(
        &mut self,
        worker: &str,
        kinds: &[&'static str],
        now: Timestamp,
        lease: SignedDuration,
    ) -> StoreResult<Option<Job>>;

    /// Prolongs a lease and reports progress. `None` if the lease was lost; else whether cancellation was asked.
    async fn heartbeat(
        &mut self,
        id: i64,
        worker: &str,
        until: Timestamp,
        progress: Option<f64>,
    ) -> StoreResult<Option<bool>>;

    /// Removes a job that is done. Only the worker that holds the lease may.
    async fn complete(&mut self, id: i64, worker: &str) -> StoreResult<bool>;

    /// Puts a job back: at `retry_at`, or as failed when that is `None`.
    async fn fail(
        &mut self,
        id: i64,
        worker: &str,
        error: &str,
        retry_at: Option<Timestamp>,
    ) -> StoreResult<bool>;

    /// Gives a lease back because its worker stops: the job is due at `run_at`, and the attempt does not count. Only the
    /// worker that holds the lease may.
    async fn release(&mut self, id: i64, worker: &str, run_at: Timestamp) -> StoreResult<bool>;

    /// Asks every job with this key to stop: ready ones are removed, running ones see it at their next heartbeat.
    /// Number of jobs concerned.
    async fn cancel(&mut self, key: &str) -> StoreResult<u64>;

    /// Lets ready jobs that wait for something start at `at`, if they would later. Number of jobs.
    async fn wake(&mut self, waits_for: &str, at: Timestamp) -> StoreResult<u64>;

    /// What ready jobs wait for, each once, in order and after `after`; `limit` at most.
    async fn awaited(&mut self, after: &str, limit: u32) -> StoreResult<Vec<String>>;

    /// Jobs with this key, oldest first.
    async fn with_key(&mut self, key: &str) -> StoreResult<Vec<Job>>;

    /// Jobs of this kind, however they stand, oldest first.
    async fn of_kind(&mut self, kind: &'static str) -> StoreResult<Vec<Job>>;

    /// When the next ready job of one of `kinds` is due.
    async fn next_due(&mut self, kinds: &[&'static str]) -> StoreResult<Option<Timestamp>>;
}
