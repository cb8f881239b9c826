//! Limits on a guest: what is measured, and what is said when one is reached.
//!
//! Time in the guest is what its thread computes while its future is being polled: waiting in a host call does not count, nor
//! waiting for a processor, copying does. The epoch
//! interrupts guest code every tick, so that the meter is read even in an endless loop. Memory is the sum over all linear
//! memories and tables of the instance: wasmtime's own limiter looks at each alone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use halle_extensions::PluginError;
use halle_extensions::grants::Limits;
use wasmtime::{PoolConcurrencyLimitError, ResourceLimiter, Trap};

use crate::{priority, turns};

/// Core instances of one component.
pub const INSTANCES_MAX: usize = 64;
/// Tables of one component.
pub const TABLES_MAX: usize = 64;
/// Linear memories of one component.
pub const MEMORIES_MAX: usize = 16;
/// Elements of all tables of one component. Interpreters of JavaScript and Python have some ten thousand.
pub const TABLE_ELEMENTS_MAX: usize = 200_000;

/// Why the host stopped a guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// Too long in the guest.
    #[error("time in the guest")]
    Cpu,
    /// Too long in all.
    #[error("wall clock")]
    Wall,
    /// Too much memory.
    #[error("memory")]
    Memory,
    /// Too many host calls.
    #[error("host calls")]
    HostCalls,
    /// Too many resources alive.
    #[error("handles")]
    Handles,
    /// Too many bytes in one crossing.
    #[error("crossing")]
    Crossing,
    /// It answered what the contract does not allow.
    #[error("bad answer: {0}")]
    BadAnswer(String),
    /// Somebody asked, and the grace time is over.
    #[error("cancelled")]
    Cancelled,
}

impl Stop {
    /// What the platform is told, in French and English.
    pub fn into_error(self, limits: &Limits) -> PluginError {
        let stopped = |code: &'static str, fr: String, en: String| PluginError::Stopped {
            code,
            message: format!("{fr} / {en}"),
        };
        match self {
            Self::Cpu => stopped(
                "plugin/cpu",
                format!("L'extension a calculé plus de {} ms : elle a été arrêtée.", limits.cpu_ms_max),
                format!("The plugin computed for more than {} ms and was stopped.", limits.cpu_ms_max),
            ),
            Self::Wall => stopped(
                "plugin/deadline",
                format!("L'extension n'a pas fini en {} ms : elle a été arrêtée.", limits.wall_ms_max),
                format!("The plugin did not end within {} ms and was stopped.", limits.wall_ms_max),
            ),
            Self::Memory => {
                let mib = limits.memory_bytes_max >> 20;
                stopped(
                    "plugin/memory",
                    format!("L'extension a demandé plus de {mib} Mio de mémoire : elle a été arrêtée."),
                    format!("The plugin asked for more than {mib} MiB of memory and was stopped."),
                )
            }
            Self::HostCalls => stopped(
                "plugin/host-calls",
                format!(
                    "L'extension a fait plus de {} appels à l'hôte : elle a été arrêtée.",
                    limits.host_calls_max
                ),
                format!("The plugin made more than {} host calls and was stopped.", limits.host_calls_max),
            ),
            Self::Handles => stopped(
                "plugin/handles",
                format!(
                    "L'extension a gardé plus de {} ressources ouvertes : elle a été arrêtée.",
                    limits.handles_max
                ),
                format!("The plugin kept more than {} resources open and was stopped.", limits.handles_max),
            ),
            Self::Crossing => {
                let kib = limits.crossing_bytes_max >> 10;
                stopped(
                    "plugin/output-too-large",
                    format!("L'extension a échangé plus de {kib} Kio en un appel : elle a été arrêtée."),
                    format!("The plugin exchanged more than {kib} KiB in one call and was stopped."),
                )
            }
            Self::BadAnswer(what) => stopped(
                "plugin/bad-answer",
                format!("La réponse de l'extension n'est pas conforme : {what}."),
                format!("The plugin's answer breaks the contract: {what}."),
            ),
            Self::Cancelled => PluginError::Cancelled,
        }
    }
}

/// A way to say "the answer breaks the contract" where wasmtime's errors are expected.
pub fn bad_answer(what: impl Into<String>) -> wasmtime::Error {
    Stop::BadAnswer(what.into()).into()
}

/// What a failed call of a guest means. `memory_refused` is whether the limiter ever said no: languages abort then.
pub fn explain(error: &wasmtime::Error, limits: &Limits, memory_refused: bool) -> PluginError {
    if let Some(stop) = error.downcast_ref::<Stop>() {
        return stop.clone().into_error(limits);
    }
    if let Some(problem) = error.downcast_ref::<halle_extensions::Problem>() {
        return PluginError::Reported(problem.clone());
    }
    if error.is::<PoolConcurrencyLimitError>() {
        return PluginError::Unavailable("all places for guests are taken: try again".to_owned());
    }
    let text = format!("{error:#}");
    // wasmtime keeps these two error types to itself; the crate's tests notice if a text changes.
    if text.contains("fuel allocated for hostcalls") {
        return Stop::Crossing.into_error(limits);
    }
    if text.contains("cannot allocate another handle") {
        return Stop::Handles.into_error(limits);
    }
    if memory_refused {
        return Stop::Memory.into_error(limits);
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => PluginError::Stopped {
            code: "plugin/stack",
            message: "L'extension s'appelle elle-même trop profondément : elle a été arrêtée. / The plugin recursed too deeply \
                      and was stopped."
                .to_owned(),
        },
        Some(trap) => trapped(&trap.to_string()),
        None => trapped(&text),
    }
}

fn trapped(what: &str) -> PluginError {
    let what: String = what.chars().take(500).collect();
    PluginError::Stopped {
        code: "plugin/trap",
        message: format!("L'extension a échoué ({what}). / The plugin crashed ({what})."),
    }
}

/// Measures the time a guest computes.
#[derive(Debug)]
pub struct Meter {
    origin: Instant,
    /// Nanoseconds that were computed in the polls that ended.
    polled_ns: AtomicU64,
    /// What [`Meter::thread_ns`] told when the present poll began, plus one; 0 outside of polls.
    poll_began: AtomicU64,
    /// When the present call began, in nanoseconds since `origin`.
    call_began: AtomicU64,
}

impl Meter {
    /// A meter at zero.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            polled_ns: AtomicU64::new(0),
            poll_began: AtomicU64::new(0),
            call_began: AtomicU64::new(0),
        })
    }

    /// Begins the next call.
    pub fn restart(&self) {
        self.polled_ns.store(0, Ordering::Relaxed);
        self.call_began.store(self.now_ns(), Ordering::Relaxed);
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Time that the calling thread computed so far, in nanoseconds; by the clock where the system does not tell.
    fn thread_ns(&self) -> u64 {
        priority::computed()
            .map_or_else(|| self.now_ns(), |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Time in the guest during this call, in nanoseconds. Within a poll, to be asked on its thread.
    pub fn cpu_ns(&self) -> u64 {
        let began = self.poll_began.load(Ordering::Relaxed);
        let present = if began == 0 { 0 } else { self.thread_ns().saturating_sub(began - 1) };
        self.polled_ns.load(Ordering::Relaxed) + present
    }

    /// Time in the guest during this call, in milliseconds.
    pub fn cpu_ms(&self) -> u64 {
        self.cpu_ns() / 1_000_000
    }

    /// Time since this call began, in nanoseconds.
    pub fn wall_ns(&self) -> u64 {
        self.now_ns().saturating_sub(self.call_began.load(Ordering::Relaxed))
    }

    /// Time since this call began, in milliseconds.
    pub fn wall_ms(&self) -> u64 {
        self.wall_ns() / 1_000_000
    }
}

/// A future whose polls are measured.
pub struct Metered<F> {
    future: Pin<Box<F>>,
    meter: Arc<Meter>,
}

impl<F> Metered<F> {
    /// Measures `future` with `meter`.
    pub fn new(future: F, meter: Arc<Meter>) -> Self {
        Self { future: Box::pin(future), meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let began = self.meter.thread_ns();
        self.meter.poll_began.store(began + 1, Ordering::Relaxed);
        let polled = turns::computing(|| self.future.as_mut().poll(context));
        self.meter.poll_began.store(0, Ordering::Relaxed);
        self.meter.polled_ns.fetch_add(self.meter.thread_ns().saturating_sub(began), Ordering::Relaxed);
        polled
    }
}

/// Runs a call of a guest, which was begun, under its limits on time, and its cancellation.
pub async fn within<T>(
    call: impl Future<Output = wasmtime::Result<T>>,
    meter: &Arc<Meter>,
    limits: &Limits,
    cancel: &tokio_util::sync::CancellationToken,
) -> wasmtime::Result<T> {
    let grace = async {
        cancel.cancelled().await;
        tokio::time::sleep(Duration::from_millis(limits.grace_ms)).await;
    };
    tokio::select! {
        biased;
        result = Metered::new(call, Arc::clone(meter)) => result,
        () = grace => Err(Stop::Cancelled.into()),
        () = tokio::time::sleep(Duration::from_millis(limits.wall_ms_max)) => Err(Stop::Wall.into()),
    }
}

/// Sums what the memories and tables of one store take.
#[derive(Debug)]
pub struct Limiter {
    bytes_max: usize,
    bytes: usize,
    elements: usize,
    /// Whether something was refused.
    pub refused: bool,
}

impl Limiter {
    /// Allows `bytes_max` bytes over all memories.
    pub fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX),
            bytes: 0,
            elements: 0,
            refused: false,
        }
    }
}

impl Limiter {
    /// Bytes of all memories now, which is the most they ever had: memories never shrink.
    pub fn memory_bytes(&self) -> u64 {
        self.bytes as u64
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let after = self.bytes.saturating_add(desired.saturating_sub(current));
        if after > self.bytes_max {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = after;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let after = self.elements.saturating_add(desired.saturating_sub(current));
        if after > TABLE_ELEMENTS_MAX {
            self.refused = true;
            return Ok(false);
        }
        self.elements = after;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_summed() {
        let mut limiter = Limiter::new(100);
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(limiter.memory_growing(0, 40, None).unwrap());
        assert!(!limiter.memory_growing(60, 61, None).unwrap());
        assert!(limiter.refused);
        assert_eq!(limiter.memory_bytes(), 100, "what was refused was not taken");
    }
}
