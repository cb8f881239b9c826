//! Builds every adapter and every feature, and joins them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use halle_applications::{Applications, ApplicationsParts};
use halle_base::{Clock, Dice, SystemClock, SystemDice};
use halle_catalogs::{Catalogs, CatalogsParts};
use halle_datasets::enrich::{AllEnrichments, Enrichments, PluginEnrichments};
use halle_datasets::{Datasets, DatasetsConfig, DatasetsParts};
use halle_directory::{Directory, SigningKeys};
use halle_extensions::PluginHost;
use halle_extensions::grants::HostLimits;
use halle_extensions::installed::InstalledPlugins;
use halle_extensions::metering::{Ledger, Metering};
use halle_extensions::package::TrustedKey;
use halle_extensions::registry::{PackageStore, Registry};
use halle_extensions::services::Egress;
use halle_extensions::uses::PluginUsers;
use halle_extensions::vault::Vault;
use halle_http::realtime::Hub;
use halle_model::limits::LimitValues;
use halle_portals::{Portals, PortalsParts};
use halle_processings::{Processings, ProcessingsParts};
use halle_search::SearchEngine;
use halle_search_tantivy::TantivyEngine;
use halle_services::{RemoteServices, ServicesParts};
use halle_store::{Blobs, Store};
use halle_store_sql::{FolderBlobs, SqlStore};
use halle_transports::{EgressConfig, HttpEgress};
use halle_wasm::{Compiler, CompilerLimits, Readers, WasmConfig, WasmHost};

use crate::config::{DataArgs, ServeArgs};
use crate::keys;
use crate::painter::{MediaPainter, MediaPictures, PluginCharts};

/// Hidden command that compiles one component for another process of this program.
pub const COMPILE_COMMAND: &str = "compile-component";

/// Adapters that every command may need; no index is opened, so a server may run beside.
pub struct Base {
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub store: Arc<dyn Store>,
    pub blobs: Arc<dyn Blobs>,
    pub plugins: Arc<dyn PluginHost>,
    pub registry: Registry,
    /// What plugins use. Whoever ends the process flushes it.
    pub usage: Arc<Ledger>,
    /// Those for whom guests make room.
    pub readers: Readers,
}

/// Everything that serves.
pub struct App {
    pub base: Base,
    pub engine: Arc<dyn SearchEngine>,
    pub hub: Hub,
    pub directory: Directory,
    pub datasets: Datasets,
    pub applications: Applications,
    pub services: RemoteServices,
    pub processings: Processings,
    pub catalogs: Catalogs,
    pub portals: Portals,
    /// The one way out.
    pub egress: Arc<dyn Egress>,
}

impl Base {
    /// Opens the data folder, made if need be. Accounts have `defaults` for which nothing else is set.
    pub async fn open(args: &DataArgs, defaults: LimitValues) -> Result<Self> {
        let folder = &args.data_dir;
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let dice: Arc<dyn Dice> = Arc::new(SystemDice);
        let store = match &args.database_url {
            Some(url) => SqlStore::postgres(url).await.context("PostgreSQL cannot be used")?,
            None => {
                SqlStore::sqlite(&folder.join("halle.db")).await.context("the database cannot be opened")?
            }
        };
        let store: Arc<dyn Store> = Arc::new(store);
        let blobs: Arc<dyn Blobs> = Arc::new(FolderBlobs::new(&folder.join("blobs"))?);
        let packages = PackageStore::new(Arc::clone(&blobs));
        let usage = Ledger::new(Arc::clone(&store), Arc::clone(&clock)).with_default(defaults.plugin_seconds);
        let usage = Arc::new(usage);
        let metering = Arc::clone(&usage) as Arc<dyn Metering>;
        let readers = Readers::default();
        let plugins = sandbox(folder, Arc::new(packages.clone()), metering, &*dice, readers.clone())?;
        let plugins: Arc<dyn PluginHost> = Arc::new(plugins);
        let trusted_keys =
            args.trusted_keys.iter().filter(|key| !key.is_empty()).map(|key| TrustedKey::parse(key));
        let registry = Registry {
            store: Arc::clone(&store),
            packages,
            host: Arc::clone(&plugins),
            trusted_keys: trusted_keys
                .collect::<Result<Vec<TrustedKey>, _>>()
                .context("a trusted key is wrong")?,
            limits: HostLimits::default(),
            clock: Arc::clone(&clock),
            users: plugin_users(),
        };
        Ok(Self { clock, dice, store, blobs, plugins, registry, usage, readers })
    }
}

/// Who may use plugins, feature by feature.
fn plugin_users() -> Vec<Arc<dyn PluginUsers>> {
    vec![
        halle_processings::plugin_users(),
        halle_catalogs::plugin_users(),
        halle_applications::plugin_users(),
        halle_services::plugin_users(),
        halle_datasets::enrich::plugin_users(),
    ]
}

/// The sandbox; it compiles in processes of their own, and its guests make room for `readers`.
pub fn sandbox(
    folder: &Path,
    components: Arc<dyn halle_extensions::registry::ComponentSource>,
    metering: Arc<dyn Metering>,
    dice: &dyn Dice,
    readers: Readers,
) -> Result<WasmHost> {
    let mut config = WasmConfig::new(folder.join("compiled"));
    config.readers = readers;
    config.compiler = Compiler::Process {
        program: std::env::current_exe().context("this program does not know where it is")?,
        args: vec![COMPILE_COMMAND.to_owned()],
        limits: CompilerLimits::default(),
    };
    Ok(WasmHost::metered(config, components, metering, dice)?)
}

impl App {
    /// Builds everything over the data folder.
    pub async fn build(args: &ServeArgs) -> Result<Self> {
        let folder = &args.data.data_dir;
        let base = Base::open(&args.data, args.limits()).await?;
        let engine = TantivyEngine::open(&folder.join("indexes"), halle_search_tantivy::Config::default())?;
        let engine: Arc<dyn SearchEngine> = Arc::new(engine);
        let private_origins = args.data.allowed_private_origins.iter().filter(|origin| !origin.is_empty());
        let egress_config = EgressConfig {
            allowed_private_origins: private_origins.cloned().collect(),
            ..EgressConfig::default()
        };
        let egress: Arc<dyn Egress> = Arc::new(HttpEgress::new(egress_config)?);
        let vault = Arc::new(Vault::new(&keys::vault_key(folder, &*base.dice)?));
        let hub = Hub::new(Arc::clone(&base.clock));
        let directory = directory(args, &base).await?;
        let installed: Arc<dyn InstalledPlugins> = Arc::new(base.registry.clone());
        let services = remote_services(&base, &installed, &egress, &vault);
        let temp_dir = folder.join("tmp");
        std::fs::create_dir_all(&temp_dir)?;
        let datasets = datasets(args, &base, &engine, &installed, &services, &hub, &temp_dir)
            .with_pictures(Arc::new(MediaPictures(Arc::clone(&egress))))
            .with_egress(Arc::clone(&egress));
        let applications = applications(&base, &datasets, &installed);
        let processings = Processings::new(ProcessingsParts {
            store: Arc::clone(&base.store),
            clock: Arc::clone(&base.clock),
            dice: Arc::clone(&base.dice),
            datasets: datasets.clone(),
            plugins: Arc::clone(&base.plugins),
            installed: Arc::clone(&installed),
            egress: Arc::clone(&egress),
            vault: Arc::clone(&vault),
            hub: hub.clone(),
            temp_dir,
        });
        let catalogs = Catalogs::new(CatalogsParts {
            store: Arc::clone(&base.store),
            clock: Arc::clone(&base.clock),
            dice: Arc::clone(&base.dice),
            datasets: datasets.clone(),
            plugins: Arc::clone(&base.plugins),
            installed,
            egress: Arc::clone(&egress),
            vault,
            public_url: args.public_url().into(),
        });
        let portals = Portals::new(PortalsParts {
            datasets: datasets.clone(),
            charts: Arc::new(PluginCharts(applications.clone())),
            title: args.title.clone(),
        });
        Ok(Self {
            base,
            engine,
            hub,
            directory,
            datasets,
            applications,
            services,
            processings,
            catalogs,
            portals,
            egress,
        })
    }
}

fn remote_services(
    base: &Base,
    installed: &Arc<dyn InstalledPlugins>,
    egress: &Arc<dyn Egress>,
    vault: &Arc<Vault>,
) -> RemoteServices {
    RemoteServices::new(ServicesParts {
        store: Arc::clone(&base.store),
        clock: Arc::clone(&base.clock),
        dice: Arc::clone(&base.dice),
        plugins: Arc::clone(&base.plugins),
        installed: Arc::clone(installed),
        egress: Arc::clone(egress),
        vault: Arc::clone(vault),
    })
}

fn applications(base: &Base, datasets: &Datasets, installed: &Arc<dyn InstalledPlugins>) -> Applications {
    Applications::new(ApplicationsParts {
        store: Arc::clone(&base.store),
        clock: Arc::clone(&base.clock),
        dice: Arc::clone(&base.dice),
        datasets: datasets.clone(),
        plugins: Arc::clone(&base.plugins),
        installed: Arc::clone(installed),
        painter: Arc::new(MediaPainter),
    })
}

async fn directory(args: &ServeArgs, base: &Base) -> Result<Directory> {
    let path = args.data.data_dir.join("signing-keys.json");
    let keys = SigningKeys::open(&path, &*base.clock, Arc::clone(&base.dice)).await?;
    let (store, clock, dice) = (Arc::clone(&base.store), Arc::clone(&base.clock), Arc::clone(&base.dice));
    let directory = Directory::new(store, clock, dice, &args.public_url(), Arc::new(keys));
    if let (Some(email), Some(password)) = (&args.admin_email, &args.admin_password) {
        directory.ensure_admin(email, password).await.context("the first superadmin cannot be created")?;
    }
    Ok(directory)
}

fn datasets(
    args: &ServeArgs,
    base: &Base,
    engine: &Arc<dyn SearchEngine>,
    installed: &Arc<dyn InstalledPlugins>,
    services: &RemoteServices,
    hub: &Hub,
    temp_dir: &Path,
) -> Datasets {
    let plugins = PluginEnrichments::new(Arc::clone(&base.plugins), Arc::clone(installed));
    let sources: Vec<Arc<dyn Enrichments>> = vec![Arc::new(plugins), Arc::new(services.clone())];
    Datasets::new(DatasetsParts {
        store: Arc::clone(&base.store),
        blobs: Arc::clone(&base.blobs),
        engine: Arc::clone(engine),
        clock: Arc::clone(&base.clock),
        dice: Arc::clone(&base.dice),
        enrichments: Arc::new(AllEnrichments::new(sources)),
        hub: hub.clone(),
        config: DatasetsConfig {
            upload_bytes_max: args.upload_bytes_max,
            limits: args.limits(),
            services_key: args.services_key.clone(),
            ..DatasetsConfig::new(temp_dir)
        },
    })
}
