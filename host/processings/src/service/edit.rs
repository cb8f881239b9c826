//! Creating, changing and deleting processings.

use std::collections::BTreeMap;
use std::sync::Arc;

use halle_base::{AccountKind, AccountRef};
use halle_extensions::Problem;
use halle_extensions::host::Call;
use halle_extensions::installed::{choosable, usable};
use halle_extensions::instance::{Configured, Keeper};
use halle_extensions::manifest::PluginKind;
use halle_extensions::metering::{InstanceKind, Subject};
use halle_extensions::registry::Installed;
use halle_extensions::services::Services;
use halle_http::auth::owner_of_new_by_admin;
use halle_http::{ApiError, ApiResult, shapes};
use halle_model::permission::PermissionEntry;
use halle_model::{Caller, schedule};
use halle_store::{EntityExt, Filter};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::Processings;
use crate::model::{Processing, RUNS_KEPT_MAX, Rule, Run, Slot};

/// A processing to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProcessing {
    /// Title.
    pub title: String,
    /// Plugin.
    pub plugin: String,
    /// Configuration, secrets included.
    #[serde(default)]
    pub config: Value,
    /// Datasets by slot.
    #[serde(default)]
    pub slots: BTreeMap<String, Slot>,
    /// Schedule.
    #[serde(default)]
    #[schema(value_type = Vec<shapes::ScheduleRule>)]
    pub scheduling: Vec<Rule>,
    /// Whether it may run.
    #[serde(default)]
    pub active: bool,
    /// Owner; the caller's active account when absent.
    #[schema(value_type = Option<shapes::Account>)]
    pub owner: Option<AccountRef>,
}

/// Attributes to change; absent ones stay.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProcessingPatch)]
pub(crate) struct Patch {
    /// Title.
    pub title: Option<String>,
    /// Configuration; a secret shown as a mask stays what it is.
    pub config: Option<Value>,
    /// Datasets by slot.
    pub slots: Option<BTreeMap<String, Slot>>,
    /// Schedule.
    #[schema(value_type = Option<Vec<shapes::ScheduleRule>>)]
    pub scheduling: Option<Vec<Rule>>,
    /// Whether it may run.
    pub active: Option<bool>,
    /// Explicit grants; only who administers the processing may change them.
    #[schema(value_type = Option<Vec<shapes::Permission>>)]
    pub permissions: Option<Vec<PermissionEntry>>,
}

impl Processings {
    /// Creates a processing. Its plugin checks the configuration, and may remark something; if it is active and scheduled, its
    /// first run waits.
    pub(crate) async fn create(
        &self,
        caller: &Caller,
        new: NewProcessing,
    ) -> ApiResult<(Processing, Vec<Problem>)> {
        let owner = owner_of_new_by_admin(caller, new.owner, "processings", "un traitement")?;
        choosable(&*self.installed, &new.plugin, PluginKind::Processing, &owner).await?;
        let now = self.clock.now();
        let mut processing = Processing {
            id: halle_base::new_id(&*self.dice),
            title: String::new(),
            plugin: new.plugin,
            configured: Configured::default(),
            slots: BTreeMap::new(),
            scheduling: Vec::new(),
            active: false,
            permissions: read_by_contributors(&owner),
            owner,
            created_at: now,
            updated_at: now,
        };
        let patch = Patch {
            title: Some(new.title),
            config: Some(new.config),
            slots: Some(new.slots),
            scheduling: Some(new.scheduling),
            active: Some(new.active),
            permissions: None,
        };
        // Nothing is stored yet: what the plugin uses is counted for no instance.
        let notes = self.apply(caller, (&mut processing, ""), patch).await?;
        let mut work = self.store.begin().await?;
        self.installed.hold(work.as_mut(), &processing.plugin).await?;
        work.insert(&processing, now).await?;
        self.schedule_next(&mut *work, &processing.id, now).await?;
        work.commit().await?;
        Ok((processing, notes))
    }

    /// Changes attributes. A run in progress goes on with what it began with. With what the plugin remarks.
    pub(crate) async fn patch(
        &self,
        caller: &Caller,
        id: &str,
        patch: Patch,
    ) -> ApiResult<(Processing, Vec<Problem>)> {
        let mut stored = self.permitted(caller, id, "writeProcessing").await?;
        if patch.permissions.is_some() {
            // Who may only write could otherwise make an administrator of themselves.
            self.permitted(caller, id, "setPermissions").await?;
        }
        let notes = self.apply(caller, (&mut stored.entity, id), patch).await?;
        let now = self.clock.now();
        stored.entity.updated_at = now;
        let mut work = self.store.begin().await?;
        work.save(&mut stored, now).await?;
        self.schedule_next(&mut *work, id, now).await?;
        work.commit().await?;
        Ok((stored.entity, notes))
    }

    /// Deletes a processing with its runs and their logs. The datasets it made stay.
    pub(crate) async fn delete(&self, caller: &Caller, id: &str) -> ApiResult<()> {
        let stored = self.permitted(caller, id, "delete").await?;
        let mut work = self.store.begin().await?;
        work.jobs().cancel(&stored.key()).await?;
        let runs = work.list::<Run>(&Filter::all(2 * RUNS_KEPT_MAX).with("processing", id)).await?;
        for run in runs.results {
            work.logs().clear(&run.log_stream()).await?;
            work.remove::<Run>(&run.id).await?;
        }
        work.remove::<Processing>(id).await?;
        work.commit().await?;
        Ok(())
    }

    /// `instance` is what the plugin's check of the configuration is counted for. Gives the plugin's remarks.
    async fn apply(
        &self,
        caller: &Caller,
        (processing, instance): (&mut Processing, &str),
        patch: Patch,
    ) -> ApiResult<Vec<Problem>> {
        let mut notes = Vec::new();
        let plugin = usable(&*self.installed, &processing.plugin, PluginKind::Processing).await?;
        if let Some(title) = patch.title {
            if title.trim().is_empty() {
                return Err(ApiError::bad_request("`title` est vide : donnez un titre au traitement."));
            }
            processing.title = title;
        }
        if let Some(slots) = patch.slots {
            self.check_slots(caller, &plugin, &slots).await?;
            processing.slots = slots;
        }
        if let Some(rules) = patch.scheduling {
            schedule::next(&rules, self.clock.now())
                .map_err(|error| ApiError::bad_request(format!("`scheduling` : {error}")))?;
            processing.scheduling = rules;
        }
        if let Some(permissions) = patch.permissions {
            processing.permissions = permissions;
        }
        if let Some(config) = patch.config {
            let key = processing.key();
            let keeper = Keeper { vault: &self.vault, dice: &*self.dice, owner: &key };
            processing.configured.update(&plugin.manifest, config, keeper)?;
            notes = self.prepare(&plugin, processing, instance).await?;
        }
        processing.active = patch.active.unwrap_or(processing.active);
        Ok(notes)
    }

    /// A slot must be one of the plugin's, and its dataset one that the caller may read, or write.
    async fn check_slots(
        &self,
        caller: &Caller,
        plugin: &Installed,
        slots: &BTreeMap<String, Slot>,
    ) -> ApiResult<()> {
        for (name, slot) in slots {
            let Some(table) = plugin.manifest.slots.get(name) else {
                let known: Vec<&str> = plugin.manifest.slots.keys().map(String::as_str).collect();
                let message = format!("`slots.{name}` : le plugin ne connaît que {}.", known.join(", "));
                return Err(ApiError::bad_request(message));
            };
            let operation = if table.direction == "write" { "writeData" } else { "readLines" };
            match &slot.dataset {
                Some(dataset) => {
                    let checked = self.datasets.permitted(caller, dataset, operation).await;
                    checked.map_err(|error| {
                        ApiError::bad_request(format!("`slots.{name}.dataset` : {error}"))
                    })?;
                }
                None if table.direction == "write" => {}
                None => {
                    let message = format!("`slots.{name}.dataset` manque : dites quel jeu de données lire.");
                    return Err(ApiError::bad_request(message));
                }
            }
        }
        Ok(())
    }

    /// Lets the plugin check and normalise the configuration.
    async fn prepare(
        &self,
        plugin: &Arc<Installed>,
        processing: &mut Processing,
        instance: &str,
    ) -> ApiResult<Vec<Problem>> {
        let key = processing.key();
        let keeper = Keeper { vault: &self.vault, dice: &*self.dice, owner: &key };
        let secrets = processing.configured.open(keeper).map_err(ApiError::internal)?;
        let services = Services { egress: Some(Arc::clone(&self.egress)), ..Services::none() };
        let config = processing.configured.config.clone();
        let cancel = CancellationToken::new();
        let subject = Subject::new(plugin, &processing.owner, InstanceKind::Processing, instance);
        let plugin = Arc::clone(plugin);
        let call = Call { plugin, subject, config: config.clone(), secrets, services, cancel };
        let prepared = self.plugins.prepare(call, config).await?;
        processing.configured.config = prepared.config;
        Ok(prepared.notes)
    }
}

/// Contributors of an organisation may see what runs for it (services reference §4.2); only admins change it.
fn read_by_contributors(owner: &AccountRef) -> Vec<PermissionEntry> {
    if owner.kind == AccountKind::User {
        return Vec::new();
    }
    vec![PermissionEntry {
        kind: Some(AccountKind::Organization),
        id: Some(owner.id.clone()),
        name: Some(owner.name.clone()),
        department: Some(owner.department.clone().unwrap_or_else(|| "-".to_owned())),
        roles: vec!["contrib".to_owned()],
        classes: vec!["list".to_owned(), "read".to_owned()],
        ..PermissionEntry::default()
    }]
}
