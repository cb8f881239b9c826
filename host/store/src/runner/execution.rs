//! One execution of one job: the handler on a task of its own, and beside it a watch that keeps the lease.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use halle_base::Timestamp;
use jiff::SignedDuration;
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{
    HEARTBEAT_SECONDS, JobContext, JobError, JobHandler, LEASE_SECONDS, Runner, STOP_GRACE_SECONDS, backoff,
};
use crate::{Job, StoreResult};

/// Tries to write how a job ended, when the store fails.
const SETTLE_TRIES_MAX: u32 = 5;

/// How an execution ended.
#[derive(Debug)]
enum End {
    /// Done, or cancelled on request: the job is removed.
    Done,
    /// Another attempt may help.
    Retry(String),
    /// No attempt would help.
    GiveUp(String),
    /// The process stops: another worker may go on at once.
    Stopped,
    /// The lease is another worker's: nothing is ours to write.
    Lost,
}

/// Runs a leased job to its end and writes how it ended.
#[tracing::instrument(name = "job.execute", skip_all, fields(job.id = job.id, job.kind = %job.kind, job.key = %job.key))]
pub(super) async fn execute(runner: &Runner, job: Job, stop: &CancellationToken) {
    let Some(handler) = runner.handler(&job.kind) else {
        tracing::error!("leased a job that no handler does");
        return;
    };
    let attempts_max = handler.attempts_max();
    let end = if job.attempts > attempts_max {
        // Attempts count when they start: this job took its worker down with it every time.
        End::GiveUp(match &job.error {
            Some(error) => error.clone(),
            None => format!("its worker died {attempts_max} times while doing it"),
        })
    } else {
        Watch::start(runner, handler, &job, stop).until_end().await
    };
    match end {
        End::Retry(error) if job.attempts >= attempts_max => give_up(runner, handler, &job, &error).await,
        End::GiveUp(error) => give_up(runner, handler, &job, &error).await,
        end => settle(runner, &job, &end).await,
    }
}

/// A handler at work, and what is known about its lease.
struct Watch<'a> {
    runner: &'a Runner,
    job: &'a Job,
    stop: &'a CancellationToken,
    task: AbortOnDropHandle<Result<(), JobError>>,
    /// The handler's own token, a child of `stop`.
    cancel: CancellationToken,
    /// Bits of the last progress told; those of NaN before the first.
    progress: Arc<AtomicU64>,
    /// Whether somebody asked this job to stop.
    asked: bool,
    /// Whether another worker has the lease.
    lost: bool,
    /// Until when the lease is ours for sure.
    held_until: Timestamp,
    /// When the handler is dropped, once it must end.
    deadline: Option<Instant>,
}

impl<'a> Watch<'a> {
    fn start(
        runner: &'a Runner,
        handler: &Arc<dyn JobHandler>,
        job: &'a Job,
        stop: &'a CancellationToken,
    ) -> Self {
        let cancel = stop.child_token();
        if job.cancel_requested {
            // Asked of a worker that died; the handler still has to tell its entity.
            cancel.cancel();
        }
        let progress = Arc::new(AtomicU64::new(f64::NAN.to_bits()));
        let told = Arc::clone(&progress);
        let context = JobContext {
            job: job.clone(),
            cancel: cancel.clone(),
            progress: Arc::new(move |part| told.store(part.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed)),
        };
        let handler = Arc::clone(handler);
        Self {
            runner,
            job,
            stop,
            task: AbortOnDropHandle::new(tokio::spawn(async move { handler.run(context).await })),
            cancel,
            progress,
            asked: job.cancel_requested,
            lost: false,
            held_until: runner.clock.now() + SignedDuration::from_secs(LEASE_SECONDS),
            deadline: None,
        }
    }

    async fn until_end(mut self) -> End {
        let store = Arc::clone(&self.runner.store);
        let every = Duration::from_secs(HEARTBEAT_SECONDS);
        let mut beat = tokio::time::interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let deadline = self.deadline;
            tokio::select! {
                ended = &mut self.task => return self.end(ended),
                _ = beat.tick(), if !self.lost => self.heartbeat().await,
                () = store.jobs_changed().notified(), if !self.asked && !self.lost => self.look().await,
                () = self.stop.cancelled(), if deadline.is_none() => self.must_end(),
                () = at(deadline), if deadline.is_some() => {
                    self.task.abort();
                    // The aborted task answers at its next await; do not come here again meanwhile.
                    self.deadline = Some(Instant::now() + Duration::from_secs(STOP_GRACE_SECONDS));
                }
            }
        }
    }

    /// Prolongs the lease, writes progress, and sees whether the job must stop.
    async fn heartbeat(&mut self) {
        let until = self.runner.clock.now() + SignedDuration::from_secs(LEASE_SECONDS);
        let progress =
            Some(f64::from_bits(self.progress.load(Ordering::Relaxed))).filter(|part| !part.is_nan());
        match beat(self.runner, self.job.id, until, progress).await {
            Ok(Some(asked)) => {
                self.held_until = until;
                if asked {
                    self.asked();
                }
            }
            Ok(None) => self.lost(),
            Err(error) => {
                tracing::warn!(%error, "cannot prolong the lease of a job");
                if self.runner.clock.now() >= self.held_until {
                    self.lost();
                }
            }
        }
    }

    /// Sees at once a cancellation that was asked in this process.
    async fn look(&mut self) {
        let jobs = async { self.runner.store.read().await?.jobs().with_key(&self.job.key).await };
        // An engine that fails here fails at the heartbeat too, where it is dealt with.
        let asked =
            jobs.await.is_ok_and(|jobs| jobs.iter().any(|job| job.id == self.job.id && job.cancel_requested));
        if asked {
            self.asked();
        }
    }

    fn asked(&mut self) {
        self.asked = true;
        self.cancel.cancel();
    }

    fn lost(&mut self) {
        tracing::warn!("the lease of a running job was lost; cancelling it here");
        self.lost = true;
        self.cancel.cancel();
        self.must_end();
    }

    fn must_end(&mut self) {
        self.deadline = Some(Instant::now() + Duration::from_secs(STOP_GRACE_SECONDS));
    }

    fn end(&self, ended: Result<Result<(), JobError>, JoinError>) -> End {
        let stopping = self.stop.is_cancelled();
        match ended {
            _ if self.lost => End::Lost,
            Ok(Ok(())) => End::Done,
            Ok(Err(JobError::GiveUp(error))) => End::GiveUp(error),
            // Asked to stop: whatever the reason it gives, it is not tried again.
            Ok(Err(_)) | Err(_) if self.asked => End::Done,
            Ok(Err(_)) if stopping => End::Stopped,
            Ok(Err(JobError::Cancelled)) => End::Done,
            Ok(Err(JobError::Retry(error))) => End::Retry(error),
            Err(error) if error.is_panic() => End::Retry(panic_text(error)),
            Err(_) => End::Stopped,
        }
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn beat(
    runner: &Runner,
    id: i64,
    until: Timestamp,
    progress: Option<f64>,
) -> StoreResult<Option<bool>> {
    let mut work = runner.store.begin().await?;
    let asked = work.jobs().heartbeat(id, &runner.worker, until, progress).await?;
    work.commit().await?;
    Ok(asked)
}

/// Tells the handler, then marks the job as failed. In this order: a crash in between tells it again rather than never.
async fn give_up(runner: &Runner, handler: &Arc<dyn JobHandler>, job: &Job, error: &str) {
    let until = runner.clock.now() + SignedDuration::from_secs(LEASE_SECONDS);
    if let Ok(None) = beat(runner, job.id, until, None).await {
        tracing::warn!("the lease of a job was lost before it was given up; another worker will");
        return;
    }
    tracing::error!(error, attempts = job.attempts, "gave a job up");
    let told = {
        let (handler, job, error) = (Arc::clone(handler), job.clone(), error.to_owned());
        tokio::spawn(async move { handler.given_up(&job, &error).await })
    };
    if let Err(error) = told.await {
        tracing::error!(%error, "the handler of a job that was given up failed too");
    }
    settle(runner, job, &End::GiveUp(error.to_owned())).await;
}

/// Writes how the job ended. When the store keeps failing the lease ends, and the job runs again.
async fn settle(runner: &Runner, job: &Job, end: &End) {
    for tried in 1..=SETTLE_TRIES_MAX {
        match try_settle(runner, job, end).await {
            Ok(true) => return,
            Ok(false) => {
                tracing::warn!(?end, "a job ended after its lease was lost");
                return;
            }
            Err(error) => {
                tracing::warn!(%error, ?end, tried, "cannot write how a job ended");
                tokio::time::sleep(Duration::from_millis(200 << tried)).await;
            }
        }
    }
}

async fn try_settle(runner: &Runner, job: &Job, end: &End) -> StoreResult<bool> {
    let (worker, now) = (runner.worker.as_str(), runner.clock.now());
    let mut work = runner.store.begin().await?;
    let jobs = work.jobs();
    let ours = match end {
        End::Lost => return Ok(false),
        End::Done => jobs.complete(job.id, worker).await?,
        End::Stopped => jobs.release(job.id, worker, now).await?,
        End::GiveUp(error) => jobs.fail(job.id, worker, error, None).await?,
        End::Retry(error) => {
            let retry_at = now + backoff(job.attempts);
            tracing::warn!(error, attempts = job.attempts, %retry_at, "a job failed and will be tried again");
            jobs.fail(job.id, worker, error, Some(retry_at)).await?
        }
    };
    work.commit().await?;
    Ok(ours)
}

fn panic_text(error: JoinError) -> String {
    let payload = error.into_panic();
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("panicked: {text}")
}
