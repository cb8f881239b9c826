//! The runner over a real queue.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use halle_base::{ManualClock, Timestamp};
use jiff::SignedDuration;
use tokio::sync::{Barrier, Notify};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{at, job, jobs_of, queued};
use crate::runner::{JobContext, JobError, JobHandler, LEASE_SECONDS, Runner};
use crate::{Job, JobState, Store, StoreError, StoreResult};

/// Longest wait for something that must happen; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

type Act = Box<dyn Fn(JobContext) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// A handler that does what a test says, and remembers what it was told.
struct Actor {
    kinds: &'static [&'static str],
    act: Act,
    /// Attempts of each run, in order.
    runs: Mutex<Vec<i32>>,
    given_up: Mutex<Vec<String>>,
}

impl Actor {
    fn new<F>(
        kinds: &'static [&'static str],
        act: impl Fn(JobContext) -> F + Send + Sync + 'static,
    ) -> Arc<Self>
    where
        F: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let act: Act = Box::new(move |context| act(context).boxed());
        Arc::new(Self { kinds, act, runs: Mutex::default(), given_up: Mutex::default() })
    }

    fn runs(&self) -> Vec<i32> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn given_up(&self) -> Vec<String> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl JobHandler for Actor {
    fn kinds(&self) -> &'static [&'static str] {
        self.kinds
    }

    async fn run(&self, context: JobContext) -> Result<(), JobError> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(context.job.attempts);
        (self.act)(context).await
    }

    async fn given_up(&self, job: &Job, error: &str) {
        let told = format!("{}: {error}", job.key);
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    }

    fn attempts_max(&self) -> i32 {
        3
    }
}

/// A runner with one handler, and the clock it goes by.
fn runner(store: &Arc<dyn Store>, actor: &Arc<Actor>) -> (Runner, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(at(0)));
    let runner = Runner {
        store: Arc::clone(store),
        clock: Arc::<ManualClock>::clone(&clock),
        handlers: vec![Arc::<Actor>::clone(actor)],
        worker: format!("worker-{}", actor.kinds[0]),
        concurrency: 2,
    };
    (runner, clock)
}

/// A runner at work on a task of its own.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(runner: Runner) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(runner.run(stop.clone())), stop }
    }

    async fn stop(self) -> StoreResult<()> {
        self.stop.cancel();
        within(self.task).await?.map_err(StoreError::engine)
    }
}

async fn within<T>(future: impl Future<Output = T>) -> StoreResult<T> {
    tokio::time::timeout(PATIENCE, future).await.map_err(StoreError::engine)
}

/// Waits until the jobs of `key` are as expected.
async fn until(store: &dyn Store, key: &str, expected: impl Fn(&[Job]) -> bool) -> StoreResult<()> {
    within(async {
        loop {
            if expected(&jobs_of(store, key).await?) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await?
}

pub(super) async fn a_job_that_succeeds_leaves_the_queue(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-ok"], |_| async { Ok(()) });
    let (runner, _clock) = runner(store, &actor);
    queued(&**store, &[job("run-ok", "run-ok/1"), job("run-ok", "run-ok/1"), job("run-ok", "run-ok/2")])
        .await?;
    assert_eq!(runner.run_ready().await, 3);
    assert_eq!(runner.run_ready().await, 0);
    assert_eq!(actor.runs(), [1, 1, 1]);
    assert_eq!(jobs_of(&**store, "run-ok/1").await?, []);
    Ok(())
}

pub(super) async fn a_failure_is_tried_again_later_then_given_up(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-retry"], |_| async { Err(JobError::retry("portal is down")) });
    let (runner, clock) = runner(store, &actor);
    queued(&**store, &[job("run-retry", "run-retry/1")]).await?;
    assert_eq!(runner.run_ready().await, 1);
    let waiting = jobs_of(&**store, "run-retry/1").await?;
    assert_eq!((waiting[0].state, waiting[0].run_at), (JobState::Ready, at(1)));
    assert_eq!(waiting[0].error.as_deref(), Some("portal is down"));

    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(runner.run_ready().await, 1);
    assert_eq!(jobs_of(&**store, "run-retry/1").await?[0].run_at, at(3), "the wait doubles");
    assert_eq!(actor.given_up(), [""; 0]);
    clock.advance(SignedDuration::from_secs(2));
    assert_eq!(runner.run_ready().await, 1);
    assert_eq!(actor.given_up(), ["run-retry/1: portal is down"]);
    assert_eq!(jobs_of(&**store, "run-retry/1").await?[0].state, JobState::Failed);
    clock.advance(SignedDuration::from_hours(1));
    assert_eq!(runner.run_ready().await, 0);
    assert_eq!(actor.runs(), [1, 2, 3]);
    Ok(())
}

pub(super) async fn giving_up_is_told_at_once(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-give-up"], |_| async { Err(JobError::give_up("line 3: no number")) });
    let (runner, _clock) = runner(store, &actor);
    queued(&**store, &[job("run-give-up", "run-give-up/1")]).await?;
    assert_eq!(runner.run_ready().await, 1);
    assert_eq!(actor.given_up(), ["run-give-up/1: line 3: no number"]);
    let failed = jobs_of(&**store, "run-give-up/1").await?;
    assert_eq!((failed[0].state, failed[0].error.as_deref()), (JobState::Failed, Some("line 3: no number")));
    Ok(())
}

pub(super) async fn a_panic_counts_as_a_failure(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-panic"], |context| async move {
        assert!(context.job.attempts > 1, "index out of bounds");
        Ok(())
    });
    let (runner, clock) = runner(store, &actor);
    queued(&**store, &[job("run-panic", "run-panic/1")]).await?;
    assert_eq!(runner.run_ready().await, 1);
    let error = jobs_of(&**store, "run-panic/1").await?[0].error.clone();
    assert_eq!(error.as_deref(), Some("panicked: index out of bounds"));
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(runner.run_ready().await, 1);
    assert_eq!(jobs_of(&**store, "run-panic/1").await?, []);
    Ok(())
}

pub(super) async fn a_job_that_kills_its_workers_is_given_up(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-killer"], |_| async { Ok(()) });
    let (runner, clock) = runner(store, &actor);
    queued(&**store, &[job("run-killer", "run-killer/1")]).await?;
    for _ in 0..3 {
        let mut work = store.begin().await?;
        let now = halle_base::Clock::now(&*clock);
        let leased = work.jobs().lease("dies", &["run-killer"], now, SignedDuration::from_secs(1)).await?;
        assert!(leased.is_some());
        work.commit().await?;
        clock.advance(SignedDuration::from_secs(2));
    }
    assert_eq!(runner.run_ready().await, 1);
    assert_eq!(actor.runs(), [0; 0], "it is not tried a fourth time");
    assert_eq!(actor.given_up(), ["run-killer/1: its worker died 3 times while doing it"]);
    assert_eq!(jobs_of(&**store, "run-killer/1").await?[0].state, JobState::Failed);
    Ok(())
}

pub(super) async fn a_cancelled_job_stops(store: &Arc<dyn Store>) -> StoreResult<()> {
    let actor = Actor::new(&["run-cancel"], |context| async move {
        (context.progress)(0.5);
        context.cancel.cancelled().await;
        Err(JobError::Cancelled)
    });
    let (runner, _clock) = runner(store, &actor);
    let running = Running::start(runner);
    queued(&**store, &[job("run-cancel", "run-cancel/1")]).await?;
    until(&**store, "run-cancel/1", |jobs| jobs[0].progress == Some(0.5)).await?;
    let mut work = store.begin().await?;
    assert_eq!(work.jobs().cancel("run-cancel/1").await?, 1);
    work.commit().await?;
    until(&**store, "run-cancel/1", <[Job]>::is_empty).await?;
    assert_eq!((actor.runs(), actor.given_up()), (vec![1], vec![]));
    running.stop().await
}

pub(super) async fn a_lost_lease_stops_the_handler(store: &Arc<dyn Store>) -> StoreResult<()> {
    let (started, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let actor = Actor::new(&["run-lost"], {
        let (started, stopped) = (Arc::clone(&started), Arc::clone(&stopped));
        move |context: JobContext| {
            let (started, stopped) = (Arc::clone(&started), Arc::clone(&stopped));
            async move {
                started.notify_one();
                context.cancel.cancelled().await;
                stopped.notify_one();
                Ok(())
            }
        }
    });
    let (runner, _clock) = runner(store, &actor);
    queued(&**store, &[job("run-lost", "run-lost/1")]).await?;
    let running = Running::start(runner);
    within(started.notified()).await?;

    let mut work = store.begin().await?;
    let later: Timestamp = at(LEASE_SECONDS * 100);
    let taken = work.jobs().lease("another", &["run-lost"], later, SignedDuration::from_hours(1)).await?;
    assert!(taken.is_some());
    work.commit().await?;
    within(stopped.notified()).await?;
    running.stop().await?;
    let left = jobs_of(&**store, "run-lost/1").await?;
    assert_eq!(
        left.iter().map(|job| job.state).collect::<Vec<_>>(),
        [JobState::Running],
        "it is the other's"
    );
    Ok(())
}

pub(super) async fn a_stopping_process_gives_its_leases_back(store: &Arc<dyn Store>) -> StoreResult<()> {
    let started = Arc::new(Notify::new());
    let actor = Actor::new(&["run-stop"], {
        let started = Arc::clone(&started);
        move |context: JobContext| {
            started.notify_one();
            async move {
                context.cancel.cancelled().await;
                Err(JobError::Cancelled)
            }
        }
    });
    let (runner, _clock) = runner(store, &actor);
    queued(&**store, &[job("run-stop", "run-stop/1")]).await?;
    let running = Running::start(runner);
    within(started.notified()).await?;
    running.stop().await?;
    let left = jobs_of(&**store, "run-stop/1").await?;
    assert_eq!(
        left.iter().map(|job| (job.state, job.attempts)).collect::<Vec<_>>(),
        [(JobState::Ready, 0)],
        "the next process starts it at once, and the attempt does not count"
    );
    assert_eq!(actor.given_up(), [""; 0]);
    Ok(())
}

pub(super) async fn jobs_of_different_keys_run_side_by_side(store: &Arc<dyn Store>) -> StoreResult<()> {
    // Nobody passes a barrier of two alone: the jobs end only if both run at the same time.
    let barrier = Arc::new(Barrier::new(2));
    let actor = Actor::new(&["run-two"], {
        let barrier = Arc::clone(&barrier);
        move |_| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                Ok(())
            }
        }
    });
    let (runner, _clock) = runner(store, &actor);
    let running = Running::start(runner);
    queued(&**store, &[job("run-two", "run-two/1"), job("run-two", "run-two/2")]).await?;
    until(&**store, "run-two/1", <[Job]>::is_empty).await?;
    until(&**store, "run-two/2", <[Job]>::is_empty).await?;
    running.stop().await
}
