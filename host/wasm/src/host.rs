//! The sandbox: from an installed plugin and a call to a guest that runs under its limits.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use halle_base::Dice;
use halle_extensions::grants::{Grants, HostLimits, Limits};
use halle_extensions::host::{
    Admission, Call, Connector, DataRequest, Enriched, Enricher, NamedRows, Outcome, PluginHost, Prepared,
    RemoteCall, RemoteOperation, Rendered,
};
use halle_extensions::manifest::{Manifest, PluginKind};
use halle_extensions::metering::{Ended, Measure, Metering, Subject, Unmetered};
use halle_extensions::registry::{ComponentSource, Installed};
use halle_extensions::services::{HttpResponse, Services};
use halle_extensions::{Field, PluginError, PluginResult};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use wasmtime::{Engine, Store, UpdateDeadline};

use crate::admit::{self, Admitting, Lap, Linkers, Ready};
use crate::bindings::shared::halle::base::types as wit;
use crate::cache::Cache;
use crate::compiler::Compiler;
use crate::engine::{self, Ticker};
use crate::guest::{Guest, reported};
use crate::interfaces::pace::Paces;
use crate::limits::{explain, within};
use crate::turns::{Readers, Turns};
use crate::{kinds, limits, outside, priority};

/// Plugins that describe themselves at the same time, beside the guests at work.
const INSTALLED_AT_ONCE_MAX: usize = 4;

/// Linked plugins kept in memory.
const READY_MAX: u64 = 128;

/// Limits of `describe` at installation.
const DESCRIBE_CPU_MS: u64 = 1_000;
const DESCRIBE_WALL_MS: u64 = 5_000;
const DESCRIBE_MEMORY_BYTES: u64 = 128 << 20;

/// Code of a stop that is neither the guest's fault nor its caller's: a thread of the sandbox panicked.
pub const SANDBOX_FAILED: &str = "plugin/sandbox";

/// How the sandbox is set up.
#[derive(Debug, Clone)]
pub struct WasmConfig {
    /// Private folder of the compiled components and their key.
    pub cache_dir: PathBuf,
    /// Threads that run guests, besides those of the API.
    pub threads: usize,
    /// Guests of jobs (processings, connectors, enrichers) alive at once; as many again serve pages.
    pub concurrent_max: usize,
    /// Where components are compiled.
    pub compiler: Compiler,
    /// What the host allows, kind by kind.
    pub limits: HostLimits,
    /// Those for whom guests make room.
    pub readers: Readers,
}

impl WasmConfig {
    /// Two threads, sixteen guests, compiling in this process, nobody who reads.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            threads: 2,
            concurrent_max: 16,
            compiler: Compiler::InProcess,
            limits: HostLimits::default(),
            readers: Readers::default(),
        }
    }
}

/// Runs plugins with wasmtime.
#[derive(Clone)]
pub struct WasmHost {
    inner: Arc<Inner>,
}

/// What all calls share.
pub(crate) struct Inner {
    engine: Engine,
    linkers: Linkers,
    cache: Cache,
    components: Arc<dyn ComponentSource>,
    limits: HostLimits,
    /// Linked plugins, by digest of their package.
    ready: moka::future::Cache<String, Arc<Ready>>,
    /// Who keeps account.
    pub(crate) metering: Arc<dyn Metering>,
    /// Origins that want to be left alone for now.
    paces: Arc<Paces>,
    jobs: Arc<Semaphore>,
    /// Guests of jobs alive at once.
    jobs_max: usize,
    pages: Arc<Semaphore>,
    installs: Arc<Semaphore>,
    /// Where the platform works for guests; none where the sandbox was made outside of a runtime.
    platform: Option<Handle>,
    runtime: GuestThreads,
    /// Threads that run guests.
    pub(crate) threads: usize,
    _ticker: Ticker,
}

/// The threads that run guests.
struct GuestThreads(Option<tokio::runtime::Runtime>);

impl Drop for GuestThreads {
    fn drop(&mut self) {
        // The last owner may be a task, where waiting for threads is not allowed.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends a task when whoever waits for it goes away.
pub(crate) struct Task<T>(pub tokio::task::JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl WasmHost {
    /// Sets a sandbox up that keeps no account, for tools. `components` gives the component of an installed package.
    pub fn new(
        config: WasmConfig,
        components: Arc<dyn ComponentSource>,
        dice: &dyn Dice,
    ) -> PluginResult<Self> {
        Self::metered(config, components, Arc::new(Unmetered), dice)
    }

    /// The same, where `metering` keeps account of each call, and is asked before each.
    pub fn metered(
        config: WasmConfig,
        components: Arc<dyn ComponentSource>,
        metering: Arc<dyn Metering>,
        dice: &dyn Dice,
    ) -> PluginResult<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            PluginError::Unavailable(format!(
                "the sandbox cannot be set up in `{}`: {error}",
                config.cache_dir.display()
            ))
        };
        // Guests of jobs, guests of pages, and those that describe themselves while they are installed.
        let guests_max = config.concurrent_max.max(1).saturating_mul(2).saturating_add(INSTALLED_AT_ONCE_MAX);
        let engine = engine::running(guests_max).map_err(|error| failed(&error))?;
        let turns = Turns::new(config.readers);
        let joined = Arc::clone(&turns);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads.max(1))
            .thread_name("plugin")
            .on_thread_start(move || {
                priority::step_back();
                joined.join();
            })
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let inner = Inner {
            linkers: Linkers::new(&engine).map_err(|error| failed(&error))?,
            cache: Cache::open(&engine, &config.cache_dir, config.compiler.clone(), dice)
                .map_err(|error| failed(&error))?,
            _ticker: Ticker::start(&engine, turns).map_err(|error| failed(&error))?,
            ready: moka::future::Cache::new(READY_MAX),
            jobs: Arc::new(Semaphore::new(config.concurrent_max.max(1))),
            jobs_max: config.concurrent_max.max(1),
            pages: Arc::new(Semaphore::new(config.concurrent_max.max(1))),
            installs: Arc::new(Semaphore::new(INSTALLED_AT_ONCE_MAX)),
            platform: Handle::try_current().ok(),
            runtime: GuestThreads(Some(runtime)),
            threads: config.threads.max(1),
            limits: config.limits,
            metering,
            paces: Arc::default(),
            components,
            engine,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// The plugin, linked; compiled on the way if need be.
    pub async fn ready(&self, plugin: &Installed) -> PluginResult<Arc<Ready>> {
        let load = async {
            let source = self.components.component(&plugin.digest).await?;
            let component = self.cache.component(&source).await?;
            self.linkers.link(plugin.manifest.plugin.kind, &component).map(Arc::new)
        };
        let loaded = self.ready.try_get_with(plugin.digest.clone(), load).await;
        loaded.map_err(|error: Arc<PluginError>| (*error).clone())
    }

    /// Waits for a place among the guests of this kind.
    pub async fn place(&self, kind: PluginKind) -> PluginResult<OwnedSemaphorePermit> {
        let places = match kind {
            PluginKind::Visualisation | PluginKind::RemoteService => &self.pages,
            _ => &self.jobs,
        };
        taken(places).await
    }

    /// One more place for a job that has one: only while half of them are free, so that it keeps nobody waiting.
    pub fn spare_place(&self) -> Option<OwnedSemaphorePermit> {
        let is_quiet = self.jobs.available_permits() > self.jobs_max / 2;
        Arc::clone(&self.jobs).try_acquire_owned().ok().filter(|_| is_quiet)
    }

    /// A fresh store for a call.
    pub fn store(&self, mut call: Call, limits: Limits) -> PluginResult<Store<Guest>> {
        if let Some(platform) = &self.platform {
            call.services = outside::services(call.services, platform);
        }
        let guest = Guest::new(call, limits, Arc::clone(&self.metering), Arc::clone(&self.paces))?;
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_hostcall_fuel(usize::try_from(limits.crossing_bytes_max).unwrap_or(usize::MAX));
        store.set_max_component_handles(limits.handles_max as usize);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            let guest = store.data();
            if guest.meter.cpu_ms() > guest.limits.cpu_ms_max {
                return Err(limits::Stop::Cpu.into());
            }
            if guest.meter.wall_ms() > guest.limits.wall_ms_max {
                return Err(limits::Stop::Wall.into());
            }
            Ok(UpdateDeadline::Yield(1))
        });
        Ok(store)
    }

    /// Runs something on the threads of the guests; it ends early when the caller goes away.
    pub async fn on_guest_threads<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> PluginResult<T> {
        let gone = || PluginError::Unavailable("the sandbox is closing".to_owned());
        let runtime = self.runtime.0.as_ref().ok_or_else(gone)?;
        let mut task = Task(runtime.spawn(work));
        (&mut task.0).await.map_err(|error| if error.is_cancelled() { gone() } else { failed(&error) })
    }

    /// One call on a fresh instance, from instantiation to the answer.
    pub async fn once<T: Send + 'static>(
        &self,
        call: Call,
        limits: Limits,
        work: impl for<'a> FnOnce(
            &'a mut Store<Guest>,
            &'a Ready,
        ) -> BoxFuture<'a, wasmtime::Result<Result<T, wit::Problem>>>
        + Send
        + 'static,
    ) -> PluginResult<T> {
        let plugin = Arc::clone(&call.plugin);
        plugin.granted()?;
        self.metering.allow(&call.subject).await?;
        let ready = self.ready(&plugin).await?;
        let place = self.place(plugin.manifest.plugin.kind).await?;
        // Those who had the place before may have used up what was left.
        self.metering.allow(&call.subject).await?;
        let store = self.store(call, limits)?;
        self.on_guest_threads(async move {
            // What the guest took is given back before its place is.
            let _place = place;
            let mut store = store;
            let (meter, cancel) = (Arc::clone(&store.data().meter), store.data().call.cancel.clone());
            store.data_mut().begin();
            let result = within(work(&mut store, &ready), &meter, &limits, &cancel).await;
            finish(&mut store, result)
        })
        .await?
    }

    /// Compiles a component that is to be installed, looks at what it imports and exports, and lets it describe itself. What
    /// this takes is added to `measure`.
    async fn admit(
        &self,
        plugin: Installed,
        subject: Arc<Subject>,
        component: &[u8],
        measure: &mut Measure,
    ) -> PluginResult<Admission> {
        let (kind, allowed) = (plugin.manifest.plugin.kind, plugin.limits);
        let compiled = self.cache.measured(component, measure).await?;
        let admission = admit::inspect(&self.engine, kind, &compiled, allowed.memory_bytes_max)?;
        let ready = self.linkers.link(kind, &compiled)?;
        let limits = Limits {
            cpu_ms_max: allowed.cpu_ms_max.min(DESCRIBE_CPU_MS),
            wall_ms_max: allowed.wall_ms_max.min(DESCRIBE_WALL_MS),
            memory_bytes_max: allowed.memory_bytes_max.min(DESCRIBE_MEMORY_BYTES),
            ..allowed
        };
        let call = Call {
            subject,
            plugin: Arc::new(plugin),
            config: Value::Object(serde_json::Map::new()),
            secrets: Arc::new(Vec::new()),
            services: Services::none(),
            cancel: CancellationToken::new(),
        };
        let place = taken(&self.installs).await?;
        let store = self.store(call, limits)?;
        let described = async move {
            let _place = place;
            let mut store = store;
            let (meter, cancel) = (Arc::clone(&store.data().meter), store.data().call.cancel.clone());
            // Not begun, and so not recorded by itself: it is a part of the admission.
            meter.restart();
            let result =
                within(kinds::described::describe(&mut store, &ready), &meter, &limits, &cancel).await;
            let result = finish(&mut store, result.map(Ok));
            (result, meter.cpu_ns(), store.data().limiter.memory_bytes())
        };
        let lap = Lap::new(measure);
        let described = self.on_guest_threads(described).await;
        drop(lap);
        let (described, guest_ns, memory_bytes) = described?;
        measure.guest_ns += guest_ns;
        measure.memory_peak_bytes = measure.memory_peak_bytes.max(memory_bytes);
        described.map(|described| Admission { described, ..admission })
    }
}

async fn taken(places: &Arc<Semaphore>) -> PluginResult<OwnedSemaphorePermit> {
    let place = Arc::clone(places).acquire_owned().await;
    place.map_err(|error| PluginError::Unavailable(format!("the sandbox is closing: {error}")))
}

/// What the platform is told about a call that ended, in whatever way.
pub(crate) fn finish<T>(
    store: &mut Store<Guest>,
    result: wasmtime::Result<Result<T, wit::Problem>>,
) -> PluginResult<T> {
    let guest = store.data_mut();
    guest.close_log();
    let error = match result {
        Ok(Ok(answer)) => {
            guest.end(Ended::Answered);
            return Ok(answer);
        }
        Ok(Err(problem)) => reported(guest, problem),
        Err(error) => explain(&error, &guest.limits, guest.limiter.refused),
    };
    tracing::debug!(
        plugin.id = %guest.call.plugin.id,
        plugin.digest = %guest.call.plugin.digest,
        code = error.code(),
        cpu_ms = guest.meter.cpu_ms(),
        wall_ms = guest.meter.wall_ms(),
        "a call of a plugin gave nothing"
    );
    let was_cancelled = guest.call.cancel.is_cancelled();
    let error = match error {
        PluginError::Stopped { code: "plugin/trap", .. } if was_cancelled => PluginError::Cancelled,
        error => error,
    };
    guest.end(ending(&error));
    Err(error)
}

/// What the platform is told when a thread of the sandbox panicked: nobody's plugin is to blame.
pub(crate) fn failed(error: &tokio::task::JoinError) -> PluginError {
    tracing::error!(%error, "a task of the sandbox failed");
    PluginError::Stopped {
        code: SANDBOX_FAILED,
        message: "Le bac à sable a échoué : le journal du serveur dit pourquoi. / The sandbox failed: the log of the server \
                  tells why."
            .to_owned(),
    }
}

/// How a call ended that gave nothing.
fn ending(error: &PluginError) -> Ended {
    match error {
        PluginError::Reported(_) => Ended::Reported,
        PluginError::Cancelled => Ended::Cancelled,
        PluginError::Stopped { code: "plugin/trap" | "plugin/stack" | "plugin/bad-answer", .. }
        | PluginError::Unavailable(_)
        | PluginError::Temporary(_)
        | PluginError::OverQuota { .. } => Ended::Trapped,
        PluginError::Stopped { .. } => Ended::Stopped,
    }
}

/// The answer that a plugin of another kind gets.
pub(crate) fn wrong_kind<T>() -> wasmtime::Result<T> {
    Err(wasmtime::Error::msg("the plugin is of another kind than this call is for"))
}

#[async_trait]
impl PluginHost for WasmHost {
    async fn admit(&self, manifest: &Manifest, component: &[u8]) -> PluginResult<Admission> {
        admit::check_magic(component)?;
        let allowed = self.inner.limits.effective(manifest.plugin.kind, manifest.limits.as_ref());
        let plugin = Installed {
            id: manifest.plugin.id.clone(),
            digest: String::new(),
            manifest: manifest.clone(),
            // Whatever it tries while it describes itself is denied.
            grants: Some(Grants::default()),
            limits: allowed,
            signed_by: None,
        };
        let subject = Subject::admission(&plugin);
        let mut told = Admitting::new(&self.inner.metering, &subject);
        let admitted = self.inner.admit(plugin, subject, component, &mut told.measure).await;
        told.measure.ended = admitted.as_ref().map_or_else(ending, |_| Ended::Answered);
        admitted
    }

    async fn check_share(&self, subject: &Subject) -> PluginResult<()> {
        self.inner.metering.allow(subject).await
    }

    async fn enricher(&self, call: Call, input: &[Field]) -> PluginResult<Box<dyn Enricher>> {
        kinds::enricher::open(&self.inner, call, input).await
    }

    async fn run_processing(&self, call: Call, trigger: Value) -> PluginResult<Outcome> {
        kinds::processing::run(&self.inner, call, trigger).await
    }

    async fn prepare(&self, call: Call, draft: Value) -> PluginResult<Prepared> {
        if call.plugin.manifest.plugin.kind == PluginKind::CatalogConnector {
            kinds::catalog::prepare(&self.inner, call, draft).await
        } else {
            kinds::processing::prepare(&self.inner, call, draft).await
        }
    }

    fn connector(&self, call: Call) -> Arc<dyn Connector> {
        Arc::new(kinds::catalog::WasmConnector::new(&self.inner, call))
    }

    async fn visualisation_queries(&self, call: Call) -> PluginResult<Vec<DataRequest>> {
        kinds::visualisation::queries(&self.inner, call).await
    }

    async fn render(&self, call: Call, data: Vec<NamedRows>, context: Value) -> PluginResult<Rendered> {
        kinds::visualisation::render(&self.inner, call, data, context).await
    }

    async fn operations(&self, call: Call, document: Value) -> PluginResult<Vec<RemoteOperation>> {
        kinds::remote_service::operations(&self.inner, call, document).await
    }

    async fn build_requests(
        &self,
        call: Call,
        operation: &str,
        rows: arrow::record_batch::RecordBatch,
    ) -> PluginResult<Vec<RemoteCall>> {
        kinds::remote_service::build(&self.inner, call, operation, rows).await
    }

    async fn parse_responses(
        &self,
        call: Call,
        operation: &str,
        calls: Vec<RemoteCall>,
        responses: Vec<HttpResponse>,
    ) -> PluginResult<Enriched> {
        kinds::remote_service::parse(&self.inner, call, operation, calls, responses).await
    }
}
