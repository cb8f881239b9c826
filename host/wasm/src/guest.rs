//! What belongs to one instance of a guest: its call, its budgets, its resources.

use std::future::Future;
use std::sync::Arc;

use halle_extensions::grants::{Grants, Limits};
use halle_extensions::host::Call;
use halle_extensions::{Field, PluginError, PluginResult};
use wasmtime::component::{Resource, ResourceTable};

use crate::bindings::shared::halle::base::types as wit;
use crate::columns;
use crate::convert;
use crate::interfaces::log::LogBudget;
use crate::limits::{Limiter, Meter, Stop};
use crate::redact::Redactor;

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
    /// Bytes of its blobs.
    pub blob_bytes: u64,
    /// Bytes of its state by key, once known.
    pub state_sizes: Option<std::collections::BTreeMap<String, u64>>,
    host_calls: u64,
}

impl Guest {
    /// Data of a new store. Refused when nobody consented to the plugin.
    pub fn new(call: Call, limits: Limits) -> PluginResult<Self> {
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
            blob_bytes: 0,
            state_sizes: None,
            host_calls: 0,
            call,
        })
    }

    /// Begins the next call of a session: budgets that are per call start again.
    pub fn restart(&mut self) {
        self.host_calls = 0;
    }

    /// Counts a host call. Every host function begins with it.
    pub fn enter(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls_max { Err(Stop::HostCalls.into()) } else { Ok(()) }
    }

    /// Waits for something, unless the run is cancelled first. Exclusive, because resources may not be shared by threads.
    pub async fn wait<T>(
        &mut self,
        work: impl Future<Output = Result<T, halle_extensions::Problem>>,
    ) -> Result<T, wit::Problem> {
        tokio::select! {
            biased;
            () = self.call.cancel.cancelled() => Err(cancelled()),
            result = work => result.map_err(|problem| self.problem(problem)),
        }
    }

    /// A problem of the platform as the guest sees it: without the values of secrets.
    pub fn problem(&self, problem: halle_extensions::Problem) -> wit::Problem {
        let mut problem = convert::problem_to_wit(problem);
        problem.message = self.redactor.text(&problem.message);
        problem.details = problem.details.map(|details| self.redactor.text(&details));
        problem
    }

    /// Gives the guest a resource.
    pub fn push<T: Send + 'static>(&mut self, resource: T) -> wasmtime::Result<Resource<T>> {
        self.table.push(resource).map_err(|_| Stop::Handles.into())
    }

    /// A batch as the guest sees it.
    pub fn batch_to_guest(
        &self,
        rows: &arrow::record_batch::RecordBatch,
        fields: &[Field],
    ) -> wasmtime::Result<wit::Batch> {
        columns::to_wit(rows, fields).map_err(wasmtime::Error::msg)
    }
}

/// What a host function that waits answers once the run is cancelled.
pub fn cancelled() -> wit::Problem {
    problem("cancelled", "Someone asked the run to stop.")
}

/// A problem made by the sandbox itself.
pub fn problem(code: &str, message: impl Into<String>) -> wit::Problem {
    convert::problem_to_wit(halle_extensions::Problem::new(code, message))
}

/// What a guest reported, as the platform knows it. A guest that was cancelled and says so was cancelled.
pub fn reported(guest: &Guest, problem: wit::Problem) -> PluginError {
    if problem.code == "cancelled" && guest.call.cancel.is_cancelled() {
        return PluginError::Cancelled;
    }
    let mut problem = convert::problem_from_wit(problem);
    problem.message = guest.redactor.text(&problem.message);
    if let Some(details) = &mut problem.details {
        guest.redactor.json(details);
    }
    PluginError::Reported(problem)
}
