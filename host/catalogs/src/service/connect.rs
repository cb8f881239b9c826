//! Calling the connector of a catalogue.

use std::sync::{Arc, Mutex};

use halle_base::Clock;
use halle_extensions::PluginError;
use halle_extensions::host::{Call, Connector};
use halle_extensions::installed::usable;
use halle_extensions::instance::Keeper;
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::services::{LogLevel, RunLog, Services};
use halle_extensions::state::StoredState;
use halle_http::ApiResult;
use halle_store::{Store, StoreResult};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::Catalogs;
use crate::model::{Catalog, LOG_RECORDS_MAX};

impl Catalogs {
    /// The connector of a catalogue, ready to be called.
    pub(crate) async fn connector(
        &self,
        catalog: &Catalog,
        services: Services,
        cancel: CancellationToken,
    ) -> ApiResult<Arc<dyn Connector>> {
        Ok(self.plugins.connector(self.call(catalog, services, cancel).await?))
    }

    /// Everything a call of the catalogue's connector needs.
    pub(crate) async fn call(
        &self,
        catalog: &Catalog,
        services: Services,
        cancel: CancellationToken,
    ) -> ApiResult<Call> {
        let plugin = usable(&*self.installed, &catalog.plugin, PluginKind::CatalogConnector).await?;
        catalog.configured.check(&plugin.manifest)?;
        let owner = catalog.key();
        let keeper = Keeper { vault: &self.vault, dice: &*self.dice, owner: &owner };
        let opened = catalog.configured.open(keeper);
        let secrets = opened.map_err(|error| PluginError::Unavailable(error.to_string()))?;
        let state = StoredState {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            instance: owner.clone(),
        };
        let services =
            Services { egress: Some(Arc::clone(&self.egress)), state: Some(Arc::new(state)), ..services };
        let subject = Subject::new(&plugin, &catalog.owner, InstanceKind::Catalog, &catalog.id);
        Ok(Call { plugin, subject, config: catalog.configured.config.clone(), secrets, services, cancel })
    }

    /// Refuses what a person asks for now while the catalogue's account has no plugin seconds left: 429.
    pub(crate) async fn check_share(&self, catalog: &Catalog) -> ApiResult<()> {
        let Some(plugin) = self.installed.installed(&catalog.plugin).await? else { return Ok(()) };
        let subject = Subject::new(&plugin, &catalog.owner, InstanceKind::Catalog, &catalog.id);
        Ok(self.plugins.check_share(&subject).await?)
    }
}

/// The log of one import or publication: collected while the connector works, stored when it is done.
pub(crate) struct ExchangeLog {
    clock: Arc<dyn Clock>,
    records: Mutex<Vec<Value>>,
}

impl ExchangeLog {
    /// An empty log.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, records: Mutex::default() })
    }

    /// Appends a record.
    pub(crate) fn say(&self, kind: &str, message: &str) {
        let record = json!({ "type": kind, "msg": message, "date": self.clock.now() });
        let mut records = self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if records.len() < LOG_RECORDS_MAX as usize {
            records.push(record);
        }
    }

    /// Stores what was collected at the end of a stream.
    pub(crate) async fn store(&self, store: &dyn Store, stream: &str) -> StoreResult<()> {
        let records =
            std::mem::take(&mut *self.records.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let now = self.clock.now();
        let mut work = store.begin().await?;
        let records: Vec<_> = records.iter().map(|record| (now, record)).collect();
        work.logs().append_all(stream, &records, LOG_RECORDS_MAX).await?;
        work.commit().await
    }
}

impl RunLog for ExchangeLog {
    fn emit(&self, level: LogLevel, message: &str, _fields: &[(String, String)]) {
        let kind = match level {
            LogLevel::Debug => return,
            LogLevel::Info => "info",
            LogLevel::Warn => "warning",
            LogLevel::Error => "error",
        };
        self.say(kind, message);
    }

    fn task(&self, name: &str, _total: Option<u64>) {
        self.say("task", name);
    }

    fn advance(&self, _done: u64) {}
}
