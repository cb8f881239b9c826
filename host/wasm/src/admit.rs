//! Admission: whether a component is what its manifest says, before anything of it runs.

use std::sync::Arc;
use std::time::Instant;

use halle_extensions::host::{Admission, Described};
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{Measure, Metering, Subject};
use halle_extensions::{PluginError, PluginResult, Problem};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, InstancePre, Linker};

use crate::bindings::catalog::{CatalogConnector, CatalogConnectorPre};
use crate::bindings::enricher::{Enricher, EnricherPre};
use crate::bindings::processing::{Processing, ProcessingPre};
use crate::bindings::remote_service::{RemoteService, RemoteServicePre};
use crate::bindings::visualisation::{Visualisation, VisualisationPre};
use crate::guest::Guest;

/// First bytes of a component, and of a core module.
const COMPONENT_MAGIC: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
const MODULE_MAGIC: [u8; 8] = [0, b'a', b's', b'm', 1, 0, 0, 0];

/// Bytes of a page of linear memory.
const PAGE_BYTES: u64 = 64 << 10;

/// An admission under way, which is recorded when it ends: as cancelled, unless it is told otherwise.
pub struct Admitting {
    metering: Arc<dyn Metering>,
    subject: Arc<Subject>,
    /// What it took so far, and how it ended.
    pub measure: Measure,
}

impl Admitting {
    /// Begins.
    pub fn new(metering: &Arc<dyn Metering>, subject: &Arc<Subject>) -> Self {
        Self { metering: Arc::clone(metering), subject: Arc::clone(subject), measure: Measure::default() }
    }
}

impl Drop for Admitting {
    fn drop(&mut self) {
        self.metering.record(&self.subject, &self.measure);
    }
}

/// Adds the time since it began to what an admission took, when it ends and also when nobody waits for it any more.
pub struct Lap<'a> {
    began: Instant,
    measure: &'a mut Measure,
}

impl<'a> Lap<'a> {
    /// Begins.
    pub fn new(measure: &'a mut Measure) -> Self {
        Self { began: Instant::now(), measure }
    }
}

impl Drop for Lap<'_> {
    fn drop(&mut self) {
        let ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.measure.wall_ns = self.measure.wall_ns.saturating_add(ns);
    }
}

/// A component, linked and ready to be instantiated.
pub enum Ready {
    /// World `catalog-connector`.
    Catalog(CatalogConnectorPre<Guest>),
    /// World `processing`.
    Processing(ProcessingPre<Guest>),
    /// World `enricher`.
    Enricher(EnricherPre<Guest>),
    /// World `visualisation`.
    Visualisation(VisualisationPre<Guest>),
    /// World `remote-service`.
    RemoteService(RemoteServicePre<Guest>),
}

/// Interfaces that a kind may import, without version, and the one it must export.
fn world(kind: PluginKind) -> (&'static [&'static str], &'static str) {
    const TYPES: &str = "halle:base/types";
    match kind {
        PluginKind::CatalogConnector => (
            &[
                TYPES,
                "halle:host/log",
                "halle:host/progress",
                "halle:host/cancel",
                "halle:host/config",
                "halle:host/secrets",
                "halle:host/messages",
                "halle:host/http",
                "halle:host/blobs",
                "halle:host/state",
                "halle:host/source",
            ],
            "halle:catalog/connector",
        ),
        PluginKind::Processing => (
            &[
                TYPES,
                "halle:host/log",
                "halle:host/progress",
                "halle:host/cancel",
                "halle:host/config",
                "halle:host/secrets",
                "halle:host/messages",
                "halle:host/http",
                "halle:host/blobs",
                "halle:host/state",
                "halle:host/datasets",
            ],
            "halle:processing/job",
        ),
        PluginKind::Enricher => (
            &[TYPES, "halle:host/log", "halle:host/cancel", "halle:host/reference"],
            "halle:enricher/enrichment",
        ),
        PluginKind::Visualisation => (&[TYPES, "halle:host/log"], "halle:visualisation/view"),
        PluginKind::RemoteService => {
            (&[TYPES, "halle:host/log", "halle:host/messages"], "halle:remote-service/adapter")
        }
    }
}

/// One linker per world: each knows the imports of its world and nothing else.
pub struct Linkers {
    catalog: Linker<Guest>,
    processing: Linker<Guest>,
    enricher: Linker<Guest>,
    visualisation: Linker<Guest>,
    remote_service: Linker<Guest>,
}

impl Linkers {
    /// Links every world.
    pub fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let linker = || Linker::new(engine);
        let mut linkers = Self {
            catalog: linker(),
            processing: linker(),
            enricher: linker(),
            visualisation: linker(),
            remote_service: linker(),
        };
        CatalogConnector::add_to_linker::<_, HasSelf<_>>(&mut linkers.catalog, |guest| guest)?;
        Processing::add_to_linker::<_, HasSelf<_>>(&mut linkers.processing, |guest| guest)?;
        Enricher::add_to_linker::<_, HasSelf<_>>(&mut linkers.enricher, |guest| guest)?;
        Visualisation::add_to_linker::<_, HasSelf<_>>(&mut linkers.visualisation, |guest| guest)?;
        RemoteService::add_to_linker::<_, HasSelf<_>>(&mut linkers.remote_service, |guest| guest)?;
        Ok(linkers)
    }

    /// Links a component as a plugin of this kind, or says why it is none.
    pub fn link(&self, kind: PluginKind, component: &Component) -> PluginResult<Ready> {
        let linker = match kind {
            PluginKind::CatalogConnector => &self.catalog,
            PluginKind::Processing => &self.processing,
            PluginKind::Enricher => &self.enricher,
            PluginKind::Visualisation => &self.visualisation,
            PluginKind::RemoteService => &self.remote_service,
        };
        let pre = linker.instantiate_pre(component).map_err(|error| unfit(&error))?;
        ready(kind, pre).map_err(|error| unfit(&error))
    }
}

fn ready(kind: PluginKind, pre: InstancePre<Guest>) -> wasmtime::Result<Ready> {
    Ok(match kind {
        PluginKind::CatalogConnector => Ready::Catalog(CatalogConnectorPre::new(pre)?),
        PluginKind::Processing => Ready::Processing(ProcessingPre::new(pre)?),
        PluginKind::Enricher => Ready::Enricher(EnricherPre::new(pre)?),
        PluginKind::Visualisation => Ready::Visualisation(VisualisationPre::new(pre)?),
        PluginKind::RemoteService => Ready::RemoteService(RemoteServicePre::new(pre)?),
    })
}

/// A refusal at installation.
pub fn invalid(fr: &str, en: &str) -> PluginError {
    PluginError::Reported(Problem::new("plugin/invalid", format!("{fr} / {en}")))
}

fn unfit(error: &wasmtime::Error) -> PluginError {
    let error = format!("{error:#}");
    invalid(
        &format!("Le composant ne correspond pas au contrat de `wit/` : {error}."),
        &format!("The component does not fit the contract of `wit/`: {error}."),
    )
}

/// Refuses what is no component, before the compiler reads it.
pub fn check_magic(bytes: &[u8]) -> PluginResult<()> {
    if bytes.starts_with(&COMPONENT_MAGIC) {
        return Ok(());
    }
    if bytes.starts_with(&MODULE_MAGIC) {
        return Err(invalid(
            "C'est un module WebAssembly, pas un composant : construisez-le avec `halle plugin build`.",
            "This is a WebAssembly module, not a component: build it with `halle plugin build`.",
        ));
    }
    Err(invalid("Ce n'est pas un composant WebAssembly.", "This is no WebAssembly component."))
}

/// What a component imports, exports and needs; refused when it imports what its kind may not, or lacks its export.
pub fn inspect(
    engine: &Engine,
    kind: PluginKind,
    component: &Component,
    memory_bytes_max: u64,
) -> PluginResult<Admission> {
    let (allowed, export) = world(kind);
    let ty = component.component_type();
    let imports: Vec<String> = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
    let exports: Vec<String> = ty.exports(engine).map(|(name, _)| name.to_owned()).collect();
    if let Some(stranger) = imports.iter().find(|name| !allowed.contains(&interface(name))) {
        let list = allowed.join(", ");
        return Err(invalid(
            &format!(
                "Le composant importe `{stranger}`, que ce type d'extension ne peut pas utiliser. Permis : {list}."
            ),
            &format!(
                "The component imports `{stranger}`, which this kind of plugin may not use. Allowed: {list}."
            ),
        ));
    }
    if !exports.iter().any(|name| interface(name) == export) {
        return Err(invalid(
            &format!("Le composant n'exporte pas `{export}@1` : est-il du bon type ?"),
            &format!("The component does not export `{export}@1`: is it of the right kind?"),
        ));
    }
    let needs = component.resources_required();
    let initial_memory_bytes = needs.map_or(0, |needs| {
        // In pages, and of the largest: an upper bound for all of them.
        let each = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
        each.saturating_mul(u64::from(needs.num_memories))
    });
    if initial_memory_bytes > memory_bytes_max {
        let (asked, granted) = (initial_memory_bytes >> 20, memory_bytes_max >> 20);
        return Err(invalid(
            &format!("Le composant demande {asked} Mio de mémoire au départ ; {granted} Mio sont permis."),
            &format!("The component starts with {asked} MiB of memory; {granted} MiB are allowed."),
        ));
    }
    // Nothing of it has run yet: it cannot have described itself.
    Ok(Admission { imports, exports, initial_memory_bytes, described: Described::default() })
}

/// The name of an interface without its version, where the version is one we serve.
fn interface(name: &str) -> &str {
    match name.split_once('@') {
        Some((interface, version)) if version.starts_with("1.") => interface,
        _ => name,
    }
}
