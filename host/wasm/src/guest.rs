//! What belongs to one instance of a guest: its call, its budgets, its resources.

use std::future::Future;
use std::sync::Arc;

use halle_extensions::grants::{Grants, Limits};
use halle_extensions::host::Call;
use halle_extensions::metering::{Ended, Measure, Metering};
use halle_extensions::{Field, PluginError, PluginResult, Problem};
use tokio_util::sync::CancellationToken;
use wasmtime::component::{Resource, ResourceTable};

use crate::bindings::shared::halle::base::types as wit;
use crate::columns;
use crate::convert;
use crate::interfaces::log::LogBudget;
use crate::interfaces::pace::Paces;
use crate::interfaces::room::Room;
use crate::limits::{Limiter, Meter, Stop};
use crate::redact::Redactor;
use crate::weigh::Weigh;

/// Bytes of all blobs of one call.
pub const BLOB_BYTES_MAX: u64 = 20 << 30;

/// Data of a store.
pub struct Guest {
    /// The call it serves.
    pub call: Call,
    /// Its grants.
    pub grants: Grants,
    /// Its limits.
    pub limits: Limits,
    /// Time it computed.
    pub meter: Arc<Meter>,
    /// Memory it took.
    pub limiter: Limiter,
    /// Resources it holds.
    pub table: ResourceTable,
    /// Removes the values of its secrets from what it or anybody sees.
    pub redactor: Redactor,
    /// What it logged.
    pub log: LogBudget,
    /// Tasks of progress it began.
    pub tasks: u32,
    /// Room for its blobs.
    pub room: Room,
    /// Bytes of its state by key, once known.
    pub state_sizes: Option<std::collections::BTreeMap<String, u64>>,
    /// When its requests may go.
    pub paces: Arc<Paces>,
    metering: Arc<dyn Metering>,
    /// What the present call used so far, but for times and memory.
    measure: Measure,
    /// Whether a call is under way, which is then recorded however it ends.
    is_running: bool,
}

impl Guest {
    /// Data of a new store. Refused when nobody consented to the plugin.
    pub fn new(
        call: Call,
        limits: Limits,
        metering: Arc<dyn Metering>,
        paces: Arc<Paces>,
    ) -> PluginResult<Self> {
        let grants = call.plugin.granted()?.clone();
        let granted = call.secrets.iter().filter(|(name, _)| grants.secrets.contains(name));
        let redactor = Redactor::new(granted.map(|(_, secret)| secret.reveal().as_str()));
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles_max as usize);
        Ok(Self {
            limiter: Limiter::new(limits.memory_bytes_max),
            meter: Meter::new(),
            log: LogBudget::new(limits.log_records_max),
            grants,
            limits,
            table,
            redactor,
            tasks: 0,
            room: Room::new(BLOB_BYTES_MAX),
            state_sizes: None,
            paces,
            metering,
            measure: Measure::default(),
            is_running: false,
            call,
        })
    }

    /// Begins a call, the first one or the next of a session: budgets that are per call start again.
    pub fn begin(&mut self) {
        self.measure = Measure::default();
        self.is_running = true;
        self.meter.restart();
    }

    /// Ends the call: what it used is recorded. Nothing when none is under way.
    pub fn end(&mut self, ended: Ended) {
        if !std::mem::take(&mut self.is_running) {
            return;
        }
        let measure = Measure {
            ended,
            wall_ns: self.meter.wall_ns(),
            guest_ns: self.meter.cpu_ns(),
            memory_peak_bytes: self.limiter.memory_bytes(),
            ..self.measure
        };
        self.metering.record(&self.call.subject, &measure);
    }

    /// Counts a host call. Every host function begins with it.
    pub fn enter(&mut self) -> wasmtime::Result<()> {
        self.measure.host_calls += 1;
        if self.measure.host_calls > self.limits.host_calls_max {
            Err(Stop::HostCalls.into())
        } else {
            Ok(())
        }
    }

    /// Counts bytes that go to the guest.
    pub fn gave(&mut self, bytes: u64) {
        self.measure.bytes_in += bytes;
    }

    /// Counts bytes that come from the guest.
    pub fn took(&mut self, bytes: u64) {
        self.measure.bytes_out += bytes;
    }

    /// Counts bodies of its requests: what was sent, and what was received.
    pub fn exchanged(&mut self, sent_bytes: u64, received_bytes: u64) {
        self.measure.http_bytes_out += sent_bytes;
        self.measure.http_bytes_in += received_bytes;
    }

    /// Waits for something, unless the run is cancelled first. Exclusive, because resources may not be shared by threads.
    pub async fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, wit::Problem> {
        unless_cancelled(&self.call.cancel, work).await.map_err(|problem| self.problem(problem))
    }

    /// A problem of the platform as the guest sees it: without the values of secrets.
    pub fn problem(&self, problem: Problem) -> wit::Problem {
        convert::problem_to_wit(self.redactor.problem(problem))
    }

    /// Gives the guest a resource.
    pub fn push<T: Send + 'static>(&mut self, resource: T) -> wasmtime::Result<Resource<T>> {
        self.table.push(resource).map_err(|_| Stop::Handles.into())
    }

    /// A batch as the guest sees it.
    pub fn batch_to_guest(
        &mut self,
        rows: &arrow::record_batch::RecordBatch,
        fields: &[Field],
    ) -> wasmtime::Result<wit::Batch> {
        let batch = columns::to_wit(rows, fields).map_err(wasmtime::Error::msg)?;
        self.gave(batch.weight());
        Ok(batch)
    }
}

/// A call that nobody waits for any more ends with its store.
impl Drop for Guest {
    fn drop(&mut self) {
        self.end(Ended::Cancelled);
    }
}

/// Waits for something, unless the run is cancelled first: then a host function that waits answers `cancelled`.
pub async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Problem> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Problem::new("cancelled", "Someone asked the run to stop.")),
        result = work => result,
    }
}

/// A problem made by the sandbox itself.
pub fn problem(code: &str, message: impl Into<String>) -> wit::Problem {
    convert::problem_to_wit(Problem::new(code, message))
}

/// What a guest reported, as the platform knows it. A guest that was cancelled and says so was cancelled.
pub fn reported(guest: &Guest, problem: wit::Problem) -> PluginError {
    if problem.code == "cancelled" && guest.call.cancel.is_cancelled() {
        return PluginError::Cancelled;
    }
    PluginError::Reported(guest.redactor.problem(convert::problem_from_wit(problem)))
}
